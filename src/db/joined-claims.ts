import type { Pool } from 'pg';
import { type ClaimedSync, type ClaimRequest, claimedColumns, mayTake, partOf } from './lane-statements.ts';
import { isHead } from './sync-rows.ts';

/** What several lanes ask for alike; each for all records of its subscription. */
export type JoinedClaim = Pick<ClaimRequest, 'part' | 'limit' | 'leaseMs' | 'states' | 'transport'>;

/** One lane of several. */
export type ClaimingLane = Pick<ClaimRequest, 'subscriptionId' | 'token' | 'attachmentId'>;

/**
 * `claimDue` for several lanes in one statement; the limit is each one's.
 * @returns what was claimed, of all lanes, each one's in its order; `token` says whose
 */
export async function claimDueOfMany(
  pool: Pool,
  claim: JoinedClaim,
  lanes: readonly ClaimingLane[],
): Promise<ClaimedSync[]> {
  const { limit, part, transport } = claim;
  const { rows } = await pool.query<ClaimedSync>({
    name: `lanes-claim-${transport}-${part}-${limit}`,
    text: `with due as materialized (
             select d.id, a.token, a.attachment_id
             from unnest($1::bigint[], $2::uuid[], $3::uuid[]) a (subscription_id, token, attachment_id)
             join data_subscriptions s on s.id = a.subscription_id and s.state = any($5) and s.deleted_at is null
             cross join lateral (
               select o.id from fin_open_syncs o
               where ${mayTake(transport, 's.id')} and o.subscription_id = a.subscription_id and ${partOf[part]} and o.next_attempt_at <= now() and o.claim_token is null and ${isHead}
               order by o.next_attempt_at, o.id
               limit ${limit} for update of o skip locked) d),
           claimed as (
             update fin_open_syncs o
             set claim_token = due.token, transport = $6, sync_started_at = coalesce(o.sync_started_at, now())
             from due where o.id = due.id
             returning o.id, o.event_id, o.voucher_id, o.subscription_id, o.event_type, o.mode, o.retry_count, o.attempt_count, o.failed_pushes, o.closed_sockets, o.traceparent,
               due.token, due.attachment_id),
           held as (
             insert into lane_claims (token, subscription_id, attachment_id, lease_until, sync_ids)
             select token, subscription_id, attachment_id, now() + $4 * interval '1 millisecond', array_agg(id)
             from claimed group by token, subscription_id, attachment_id),
           relaxed as materialized (select set_config('synchronous_commit', 'off', true))
           select c.token::text as token, ${claimedColumns('c', 'e')}
           from claimed c join fin_voucher_events e on e.id = c.event_id cross join relaxed order by c.id`,
    values: [
      lanes.map(lane => lane.subscriptionId),
      lanes.map(lane => lane.token),
      lanes.map(lane => lane.attachmentId),
      claim.leaseMs,
      claim.states,
      transport,
    ],
  });
  return rows;
}
