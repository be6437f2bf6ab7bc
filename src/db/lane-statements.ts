import type { Pool } from 'pg';
import type { SubscriptionState, SyncMode } from '../core/model.ts';

/** A lane: what a drain needs to know of its subscription. */
export interface LaneRow {
  readonly id: string;
  readonly state: SubscriptionState;
  readonly webhookUrl: string | null;
  readonly batchSize: number;
  readonly maxInFlight: number;
  readonly rateLimitPerSecond: number | null;
  readonly timeoutMs: number;
  readonly maxRetries: number;
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
  readonly jitter: number;
  /** Sealed. */
  readonly secret: string;
  /** Sealed; null: no rotation under way. */
  readonly nextSecret: string | null;
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
  readonly sourceSystem: string;
  /** ISO 8601, UTC, milliseconds. */
  readonly occurredAt: string;
  /** The event's business data: JSON text to the letter. */
  readonly dataJson: string;
  /** The frozen voucher: JSON text to the letter. */
  readonly voucherJson: string;
}

/** A claimed row by what names and fences it. */
type Claim = Pick<ClaimedSync, 'id' | 'token'>;

/** The lane of a subscription; undefined: deleted or never there. */
export async function readLane(pool: Pool, id: string): Promise<LaneRow | undefined> {
  const { rows } = await pool.query<LaneRow>({
    name: 'lane-read',
    text: `select id::text, state, webhook_url as "webhookUrl", batch_size as "batchSize", max_in_flight as "maxInFlight",
             rate_limit_per_second as "rateLimitPerSecond", timeout_ms as "timeoutMs", max_retries as "maxRetries",
             base_delay_ms as "baseDelayMs", max_delay_ms as "maxDelayMs", jitter, secret, next_secret as "nextSecret",
             coalesce(next_secret_at <= now(), false) as rotated
           from data_subscriptions where id = $1 and deleted_at is null`,
    values: [id],
  });
  return rows[0];
}

/**
 * Claims due syncs of a lane, the longest due first, and never one that has an earlier unfinished one for the
 * same source record. The lease runs by the database's clock; `token` fences: only its holder may write results.
 * It must be another at each claim: who lost a row and claims it again must not take the first one's late result.
 *
 * `offset 0` keeps the look at earlier ones a look into the index, one a row. As a join, and with statistics from
 * when the table was small, it became a loop over the whole backlog for each row of the backlog.
 *
 * The commit does not wait for the disk: a claim lost in a crash of the database is a sync that is due again.
 * @param limit 1 or more
 * @param leaseMs milliseconds
 * @param states lanes in other states give nothing: a pause holds from the moment that it is committed
 */
export async function claimDue(
  pool: Pool,
  claim: {
    subscriptionId: string;
    token: string;
    limit: number;
    leaseMs: number;
    states: readonly SubscriptionState[];
  },
): Promise<ClaimedSync[]> {
  const { rows } = await pool.query<ClaimedSync>({
    name: 'lane-claim',
    text: `with due as materialized (
             select l.id from fin_data_sync_logs l
             where l.subscription_id = $1 and l.status in ('pending', 'retrying') and l.next_attempt_at <= now()
               and not exists (
                 select 1 from fin_data_sync_logs e
                 where e.subscription_id = l.subscription_id and e.voucher_id = l.voucher_id
                   and e.status in ('pending', 'processing', 'retrying') and e.id < l.id offset 0)
               and exists (select 1 from data_subscriptions s where s.id = $1 and s.state = any($5) and s.deleted_at is null)
             order by l.next_attempt_at, l.id
             limit $3 for update of l skip locked),
           claimed as (
             update fin_data_sync_logs l
             set status = 'processing', claim_token = $2, lease_until = now() + $4 * interval '1 millisecond', transport = 'webhook',
                 sync_started_at = coalesce(l.sync_started_at, now()), sync_completed_at = null
             from due where l.id = due.id
             returning l.id, l.claim_token, l.event_id, l.voucher_id, l.event_type, l.mode, l.retry_count),
           relaxed as materialized (select set_config('synchronous_commit', 'off', true))
           select c.id::text, c.claim_token::text as token, c.event_id::text as "eventId", c.voucher_id::text as "voucherId", c.event_type as "eventType", c.mode,
             c.retry_count as "retryCount", e.source_system as "sourceSystem", 
             to_char(e.occurred_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "occurredAt",
             e.data::text as "dataJson", e.voucher::text as "voucherJson"
           from claimed c join fin_voucher_events e on e.id = c.event_id cross join relaxed order by c.id`,
    values: [claim.subscriptionId, claim.token, claim.limit, claim.leaseMs, claim.states],
  });
  return rows;
}

/** Prolongs the lease of what is still held; gives back the ids that are. */
export async function renewLeases(pool: Pool, claims: readonly Claim[], leaseMs: number): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>({
    name: 'lane-renew',
    text: `update fin_data_sync_logs l set lease_until = now() + $3 * interval '1 millisecond'
           from unnest($1::bigint[], $2::uuid[]) h (id, token) where l.id = h.id and l.claim_token = h.token returning l.id::text`,
    values: [claims.map(claim => claim.id), claims.map(claim => claim.token), leaseMs],
  });
  return rows.map(row => row.id);
}

/** Gives back what was claimed and not sent: due at once, nothing used up. */
export async function releaseClaims(pool: Pool, claims: readonly Claim[]): Promise<void> {
  await pool.query(
    `update fin_data_sync_logs l
     set status = case when attempt_count > 0 then 'retrying' else 'pending' end, claim_token = null, lease_until = null,
         sync_started_at = case when attempt_count > 0 then sync_started_at end
     from unnest($1::bigint[], $2::uuid[]) h (id, token) where l.id = h.id and l.claim_token = h.token`,
    [claims.map(claim => claim.id), claims.map(claim => claim.token)],
  );
}

/**
 * When the next sync of a lane is due, in milliseconds from now by the database's clock; null: none waits. What has
 * been due for more than a second does not count: claims pass it over, as an earlier one of its record holds it back.
 */
export async function nextDueInMs(pool: Pool, subscriptionId: string): Promise<number | null> {
  const { rows } = await pool.query<{ ms: number | null }>({
    name: 'lane-next-due',
    text: `select (extract(epoch from min(next_attempt_at) - now()) * 1000)::float8 as ms from fin_data_sync_logs
           where subscription_id = $1 and status in ('pending', 'retrying') and next_attempt_at > now() - interval '1 second'`,
    values: [subscriptionId],
  });
  return rows[0]?.ms ?? null;
}

/**
 * Makes due again what a process held whose lease ran out. An attempt is logged, for nobody knows whether the
 * request was sent; no retry is used up, or a crash of the hub would cost the event.
 * @returns the lanes concerned
 */
export async function reclaimExpired(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ subscription_id: string }>(
    `with expired as (
       select id from fin_data_sync_logs where status = 'processing' and lease_until < now()
       order by lease_until limit 5000 for update skip locked),
     freed as (
       update fin_data_sync_logs l
       set status = 'retrying', next_attempt_at = now(), attempt_count = l.attempt_count + 1, claim_token = null, lease_until = null,
           error_code = 'LEASE_EXPIRED', error_message = 'The hub process that held it stopped before it told an outcome.'
       from expired where l.id = expired.id
       returning l.id, l.subscription_id, l.attempt_count, l.transport, l.error_code, l.error_message),
     logged as (
       insert into fin_data_sync_attempts (sync_id, number, transport, started_at, duration_ms, error_code, error_message)
       select id, attempt_count, coalesce(transport, 'webhook'), now(), 0, error_code, error_message from freed)
     select distinct subscription_id::text from freed`,
  );
  return rows.map(row => row.subscription_id);
}

/**
 * Cancels what deleted subscriptions still have waiting: the deletion cancels what waits then, and this what was
 * under way then and was given back or is to be tried again.
 */
export async function cancelOfDeleted(pool: Pool): Promise<void> {
  await pool.query(
    `update fin_data_sync_logs l set status = 'cancelled', sync_completed_at = now(), next_attempt_at = null
     from data_subscriptions s
     where s.deleted_at is not null and l.subscription_id = s.id and l.status in ('pending', 'retrying')`,
  );
}

/** The active webhook lanes that have something due: one index probe a lane, however long the backlog. */
export async function lanesWithWork(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    `select s.id::text from data_subscriptions s
     where s.state = 'active' and s.deleted_at is null and s.webhook_url is not null
       and exists (select 1 from fin_data_sync_logs l where l.subscription_id = s.id and l.status in ('pending', 'retrying')
                   and l.next_attempt_at <= now())`,
  );
  return rows.map(row => row.id);
}
