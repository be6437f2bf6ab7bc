import type { Pool } from 'pg';
import { type ClaimedSync, claimedColumns, claimedTypes, hasDue } from './shard-statements.ts';

/** Notes that a consumer is attached, for as long as its lease is renewed. */
export async function insertAttachment(
  pool: Pool,
  attachment: { id: string; subscriptionId: string; keyId: string },
  leaseMs: number,
): Promise<void> {
  await pool.query({
    name: 'attachment-insert',
    text: `insert into attachments (id, subscription_id, key_id, lease_until) values ($1, $2, $3, now() + $4 * interval '1 millisecond')`,
    values: [attachment.id, attachment.subscriptionId, attachment.keyId, leaseMs],
  });
}

/** Notes that consumers are attached no more. */
export async function deleteAttachments(pool: Pool, ids: readonly string[]): Promise<void> {
  await pool.query({
    name: 'attachment-delete',
    text: 'delete from attachments where id = any($1::uuid[])',
    values: [ids],
  });
}

/** Renews the leases of attachments, makes again those that are gone, and drops what nobody renewed. */
export async function renewAttachments(
  pool: Pool,
  attachments: readonly { id: string; subscriptionId: string; keyId: string }[],
  leaseMs: number,
): Promise<void> {
  await pool.query({
    name: 'attachment-renew',
    text: `with stale as (delete from attachments where lease_until < now() - interval '1 minute')
           insert into attachments (id, subscription_id, key_id, lease_until)
           select id, subscription_id, key_id, now() + $4 * interval '1 millisecond'
           from unnest($1::uuid[], $2::bigint[], $3::bigint[]) a (id, subscription_id, key_id)
           on conflict (id) do update set lease_until = excluded.lease_until`,
    values: [
      attachments.map(a => a.id),
      attachments.map(a => a.subscriptionId),
      attachments.map(a => a.keyId),
      leaseMs,
    ],
  });
}

/** Gives those of some subscriptions that a consumer is attached to, on any node. */
export async function attachedAmong(pool: Pool, subscriptionIds: readonly string[]): Promise<Set<string>> {
  const { rows } = await pool.query<{ id: string }>(
    'select distinct subscription_id::text as id from attachments where subscription_id = any($1) and lease_until > now()',
    [subscriptionIds],
  );
  return new Set(rows.map(row => row.id));
}

/** Gives those of some shards that have something due: one index probe a shard. */
export async function dueAmong(pool: Pool, subscriptionIds: readonly string[]): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>({
    name: 'attachment-due',
    text: `select i.id::text from unnest($1::bigint[]) i (id) where ${hasDue('i.id')}`,
    values: [subscriptionIds],
  });
  return rows.map(row => row.id);
}

/** A sync that was pushed and waits for its acknowledgement, wherever its consumer is attached. */
export interface PushedSync extends ClaimedSync {
  readonly subscriptionId: string;
}

/** Gives those of some syncs that an attachment of this key holds, on any node. */
export async function pushedSyncs(
  pool: Pool,
  keyId: string,
  syncIds: readonly string[],
): Promise<PushedSync[]> {
  const { rows } = await pool.query<PushedSync>({
    types: claimedTypes,
    name: 'attachment-pushed',
    text: `select o.claim_token::text as token, o.subscription_id::text as "subscriptionId", ${claimedColumns('o', 'e')}
           from fin_open_syncs o
           join lane_claims c on c.token = o.claim_token
           join attachments a on a.id = c.attachment_id and a.key_id = $1
           join fin_voucher_events e on e.id = o.event_id
           where o.id = any($2::bigint[])`,
    values: [keyId, syncIds],
  });
  return rows;
}
