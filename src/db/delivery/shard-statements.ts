import { type CustomTypesConfig, type Pool, types } from 'pg';
import type { HubCode } from '../../core/delivery-codes.ts';
import { limits } from '../../core/limits.ts';
import type { SubscriptionState, SyncMode, TransportKind } from '../../core/model.ts';
import { shardNamesOf } from '../../core/shard-key.ts';
import { inShard, shardsInUse } from './sync-rows.ts';

/** A shard: what a drain needs to know of its subscription. */
export interface DeliverySettingsRow {
  readonly id: string;
  readonly state: SubscriptionState;
  readonly webhookUrl: string | null;
  readonly batchSize: number;
  readonly batchMaxBytes: number;
  readonly maxInFlight: number;
  /** Shards in use. */
  readonly shards: number;
  readonly rateLimitPerSecond: number | null;
  /** Milliseconds since the last hold ended, below 0 while it lasts; null: none. */
  readonly heldSinceMs: number | null;
  /** Another with each hold. */
  readonly holdMark: string | null;
  /** Requests a second right after the hold; null: not known. */
  readonly pacePerSecond: number | null;
  readonly timeoutMs: number;
  readonly ackTimeoutMs: number;
  /** True while a consumer is attached: its events go over the socket first. */
  readonly attached: boolean;
  readonly maxRetries: number;
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
  readonly jitter: number;
  readonly payloadQuery: string | null;
  /** Sealed. */
  readonly secret: string;
  /** Sealed; null: no rotation under way. */
  readonly nextSecret: string | null;
  /** True while what had failed is being queued again: nothing is claimed meanwhile. */
  readonly isRequeueing: boolean;
  /** True once a rotation's overlap is over by the database's clock: `nextSecret` alone is in force. */
  readonly rotated: boolean;
}

/** A sync that this process holds, with its event. */
export interface ClaimedSync {
  readonly id: string;
  /** Fences: only who holds the row under it may write its result. */
  readonly token: string;
  readonly eventId: string;
  readonly voucherId: string;
  readonly eventType: string;
  readonly mode: SyncMode;
  readonly retryCount: number;
  readonly attemptCount: number;
  readonly failedPushes: number;
  readonly closedSockets: number;
  readonly sourceSystem: string;
  /** Of the mutation that recorded it; null: tracing was off. */
  readonly traceparent: string | null;
  /** Milliseconds since 1970, whole; as `recordedAtMs`. */
  readonly occurredAtMs: number;
  readonly recordedAtMs: number;
  /** The event's business data: JSON text to the letter. */
  readonly dataJson: string;
  /** The frozen voucher: JSON text to the letter. */
  readonly voucherJson: string;
}

/** A claimed row by what names and fences it. */
type Claim = Pick<ClaimedSync, 'id' | 'token'>;

/** Reads the settings that delivery goes by; undefined: deleted or never there. */
export async function readDeliverySettings(pool: Pool, id: string): Promise<DeliverySettingsRow | undefined> {
  const { rows } = await pool.query<DeliverySettingsRow>({
    name: 'shard-read',
    text: `select id::text, state, webhook_url as "webhookUrl", batch_size as "batchSize", batch_max_bytes as "batchMaxBytes", max_in_flight as "maxInFlight", ${shardsInUse} as shards,
             (extract(epoch from now() - held_until) * 1000)::float8 as "heldSinceMs", held_until::text as "holdMark", pace_per_second as "pacePerSecond",
             rate_limit_per_second as "rateLimitPerSecond", timeout_ms as "timeoutMs", ack_timeout_ms as "ackTimeoutMs",
             exists (select 1 from attachments a where a.subscription_id = $1 and a.lease_until > now()) as attached, max_retries as "maxRetries",
             base_delay_ms as "baseDelayMs", max_delay_ms as "maxDelayMs", jitter, payload_query as "payloadQuery", secret, next_secret as "nextSecret",
             coalesce(next_secret_at <= now(), false) as rotated, requeue_before is not null as "isRequeueing"
           from data_subscriptions where id = $1 and deleted_at is null`,
    values: [id],
  });
  return rows[0];
}

/** A part of a subscription's source records. */
export interface Shard {
  /** 0 to `shards` - 1 */
  readonly index: number;
  readonly shards: number;
}
/** Of a shard's syncs those of a nightly batch, or all others: each part has an index of its own. */
export type DuePart = 'prompt' | 'batch';

/** SQL: what is in a part, to the letter of its index. */
export const partOf: Record<DuePart, string> = {
  prompt: "o.mode <> 'batch'",
  batch: "o.mode = 'batch'",
};

/** Failed pushes of an event after which it goes to the webhook, where there is one. */
export const pushesBeforeWebhook = 2;

/** SQL: which syncs `o` of a subscription `s` (whose id is also `id`) a transport may take: one of the two, whoever asks. */
export function mayTake(transport: TransportKind, id: string): string {
  if (transport === 'websocket') return `(o.failed_pushes < ${pushesBeforeWebhook} or s.webhook_url is null)`;
  return `(o.failed_pushes >= ${pushesBeforeWebhook}
    or not exists (select 1 from attachments a where a.subscription_id = ${id} and a.lease_until > now()))`;
}

/** JSON to the letter, as a statement with `claimedColumns` wants it. Bigints are texts by themselves. */
export const claimedTypes: CustomTypesConfig = {
  getTypeParser: (type, format) =>
    type === types.builtins.JSON ? String : types.getTypeParser(type, format),
};

/**
 * SQL: the fields of a ClaimedSync but its token, of a sync and its event by their aliases; read it with `claimedTypes`.
 * Times are numbers: to write them out by `to_char` was a seventh of a claim. Half a microsecond makes up for what the
 * double can't hold. Nothing is cast to text, which would copy it once more.
 */
export function claimedColumns(sync: string, event: string): string {
  const ms = (name: string) => `floor(date_part('epoch', ${event}.${name}) * 1000 + 0.0005)`;
  return `${sync}.id, ${sync}.event_id as "eventId", ${sync}.voucher_id as "voucherId", ${sync}.event_type as "eventType", ${sync}.mode,
    ${sync}.retry_count as "retryCount", ${sync}.attempt_count as "attemptCount", ${sync}.failed_pushes as "failedPushes", ${sync}.closed_sockets as "closedSockets", ${sync}.traceparent,
    ${event}.source_system as "sourceSystem", ${ms('occurred_at')} as "occurredAtMs", ${ms('recorded_at')} as "recordedAtMs",
    ${event}.data as "dataJson", ${event}.voucher as "voucherJson"`;
}

/** Prolongs the lease of claims; gives back the tokens of those that are still held. */
export async function renewLeases(
  pool: Pool,
  tokens: readonly string[],
  leaseMs: number,
): Promise<Set<string>> {
  const { rows } = await pool.query<{ token: string }>({
    name: 'shard-renew',
    text: `update lane_claims set lease_until = now() + $2 * interval '1 millisecond' where token = any($1::uuid[]) returning token::text`,
    values: [tokens, leaseMs],
  });
  return new Set(rows.map(row => row.token));
}

/** Gives back what was claimed and not sent: due at once, nothing used up. */
export async function releaseClaims(pool: Pool, claims: readonly Claim[]): Promise<void> {
  await pool.query(
    `update fin_open_syncs o
     set claim_token = null, sync_started_at = case when attempt_count > 0 then sync_started_at end
     from unnest($1::bigint[], $2::uuid[]) h (id, token) where o.id = h.id and o.claim_token = h.token`,
    [claims.map(claim => claim.id), claims.map(claim => claim.token)],
  );
}

/**
 * When the next sync of a shard that this transport may take is due, in milliseconds from now by the database's clock;
 * null: none within `limits.leaseMs`. What has been due for more than a second does not count: claims pass it over, as an earlier one of its record holds it back.
 */
export async function nextDueInMs(
  pool: Pool,
  { subscriptionId, shard }: { subscriptionId: string; shard: Shard | null },
  transport: TransportKind,
): Promise<number | null> {
  const { rows } = await pool.query<{ ms: number | null }>({
    name: `shard-next-due-${transport}${shard === null ? '' : '-shard'}`,
    text: `select (extract(epoch from least(prompt.at, batch.at) - now()) * 1000)::float8 as ms
           from data_subscriptions s
           left join lateral (${nextDue('prompt', transport, shard)}) prompt on true
           left join lateral (${nextDue('batch', transport, shard)}) batch on true
           where s.id = $1`,
    values: shard === null ? [subscriptionId] : [subscriptionId, shard.index, shard.shards],
  });
  return rows[0]?.ms ?? null;
}

function nextDue(part: DuePart, transport: TransportKind, shard: Shard | null): string {
  return `select o.next_attempt_at as at from fin_open_syncs o
    where o.subscription_id = $1 and ${partOf[part]} and o.claim_token is null and ${mayTake(transport, '$1')}
      and o.next_attempt_at between now() - interval '1 second' and now() + interval '${limits.leaseMs} milliseconds'
      ${shard === null ? '' : `and ${inShard('$2::int', '$3::int')}`}
    order by o.next_attempt_at limit 1`;
}

/** Claims whose lease ran out that one statement takes back. */
const reclaimedAtOnce = 500;

/** Holds what `reclaimExpired` took back. */
export interface Reclaimed {
  readonly freed: { readonly id: string; readonly subscriptionId: string }[];
  /** True when there may be more claims that ran out. */
  readonly more: boolean;
}

/**
 * Takes back claims whose lease ran out: what they still hold is due again. An attempt is logged, for nobody knows
 * whether the request was sent; no retry is used up, or a crash of the hub would cost the event. A claim also ends
 * here when all it took was answered long ago: nobody renews it then, and there is nothing to free.
 * Most of them are such: where many events come one by one, each is a claim.
 */
export async function reclaimExpired(pool: Pool): Promise<Reclaimed> {
  const { rows } = await pool.query<Reclaimed>(
    `with expired as (
       delete from lane_claims where token in (
         select token from lane_claims where lease_until < now() order by lease_until limit ${reclaimedAtOnce} for update skip locked)
       returning token, sync_ids),
     lost as materialized (select token, unnest(sync_ids) as id from expired),
     freed as (
       update fin_open_syncs o
       set next_attempt_at = now(), attempt_count = o.attempt_count + 1, claim_token = null,
           error_code = '${'LEASE_EXPIRED' satisfies HubCode}', error_message = 'The hub process that held it stopped before it told an outcome.'
       from lost where o.id = lost.id and o.claim_token = lost.token
       returning o.id, o.subscription_id, o.attempt_count, o.transport, o.error_code, o.error_message),
     logged as (
       insert into fin_data_sync_attempts (sync_id, subscription_id, number, transport, started_at, duration_ms, error_code, error_message)
       select id, subscription_id, attempt_count, transport, now(), 0, error_code, error_message from freed)
     select (select count(*) from expired) = ${reclaimedAtOnce} as more,
       coalesce((select jsonb_agg(jsonb_build_object('id', id::text, 'subscriptionId', subscription_id::text)) from freed), '[]') as freed`,
  );
  return rows[0] ?? { freed: [], more: false };
}

/** SQL: whether a subscription has something due: a look into each part's index, however long the backlog. */
export function hasDue(subscriptionId: string): string {
  const parts = Object.values(partOf).map(
    part =>
      `exists (select 1 from fin_open_syncs o where o.subscription_id = ${subscriptionId} and ${part} and o.next_attempt_at <= now() and o.claim_token is null offset 0)`,
  );
  return `(${parts.join(' or ')})`;
}

/** Finds the shards of active webhook subscriptions that have something due: one index probe a subscription, however long the backlog. */
export async function shardsWithWork(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ id: string; shards: number }>(
    `select s.id::text, ${shardsInUse} as shards from data_subscriptions s
     where s.state = 'active' and s.deleted_at is null and s.webhook_url is not null
       and coalesce(s.held_until <= now() + interval '${limits.drainAwaitRetryMs} milliseconds', true)
       and ${hasDue('s.id')}`,
  );
  return rows.flatMap(row => shardNamesOf(row.id, row.shards));
}
