import type { Pool } from 'pg';
import { partOf } from './lane-statements.ts';
import { isParked } from './parking-statements.ts';

/** What ended within a window; of one subscription, or (null) of all. */
export interface OutcomeCounts {
  readonly subscriptionId: string | null;
  readonly succeeded: number;
  readonly failed: number;
  /** Of what is delivered as it comes: a BATCH event waits for its hour on purpose. Null: nothing was. */
  readonly latencySeconds: number | null;
}

/** What was delivered and what FAILED, of subscriptions that are not deleted and of all together. */
export async function outcomeCounts(pool: Pool, from: Date, to: Date): Promise<OutcomeCounts[]> {
  const { rows } = await pool.query<OutcomeCounts>(
    // Counted first, and joined then: with no statistics of a new table the planner would count a subscription at a time.
    `with counts as materialized (
       select subscription_id as id, count(*) filter (where status = 'success') as succeeded,
         count(*) filter (where status = 'failed') as failed,
         count(*) filter (where status = 'success' and mode <> 'batch') as timed,
         sum(extract(epoch from sync_completed_at - created_at)::float8) filter (where status = 'success' and mode <> 'batch') as seconds
       from fin_done_syncs where sync_completed_at > $1 and sync_completed_at <= $2 group by 1)
     select c.id::text as "subscriptionId", sum(c.succeeded)::int as succeeded, sum(c.failed)::int as failed,
       sum(c.seconds) / nullif(sum(c.timed), 0)::float8 as "latencySeconds"
     from counts c join data_subscriptions s on s.id = c.id and s.deleted_at is null
     group by grouping sets ((c.id), ())`,
    [from, to],
  );
  return rows;
}

/** How many FAILED with one code. */
export interface FailureCount {
  readonly subscriptionId: string;
  readonly errorCode: string;
  /** True: the consumer refused the data for good. A hub of the version before did not write it down: any end over a socket. */
  readonly refused: boolean;
  readonly count: number;
}

/** What FAILED within a window, by subscription and code. */
export async function failureCounts(pool: Pool, from: Date, to: Date): Promise<FailureCount[]> {
  const { rows } = await pool.query<FailureCount>(
    `select d.subscription_id::text as "subscriptionId", coalesce(d.error_code, 'UNKNOWN') as "errorCode",
       coalesce(d.refused, d.transport = 'websocket', false) as refused, count(*)::int as count
     from fin_done_syncs d join data_subscriptions s on s.id = d.subscription_id and s.deleted_at is null
     where d.sync_completed_at > $1 and d.sync_completed_at <= $2 and d.status = 'failed'
     group by 1, 2, 3`,
    [from, to],
  );
  return rows;
}

/** What stands in a subscription's lane. */
export interface OpenCounts {
  readonly subscriptionId: string;
  readonly backlog: number;
  readonly retrying: number;
}

/**
 * What waits in each lane, counted up to `most` (a million of them need not be counted to be too many). A BATCH event
 * waits for its hour on purpose, and then for its turn: it counts once it is an hour late.
 */
export async function openCounts(pool: Pool, at: Date, most: number): Promise<OpenCounts[]> {
  const { rows } = await pool.query<OpenCounts>(
    `select s.id::text as "subscriptionId", o.backlog, o.retrying
     from data_subscriptions s cross join lateral (
       select count(*)::int as backlog, (count(*) filter (where w.attempt_count > 0))::int as retrying from (
         (select o.attempt_count from fin_open_syncs o
          where o.subscription_id = s.id and ${partOf.prompt} and o.next_attempt_at <= $1::timestamptz + interval '10 minutes'
          limit $2)
         union all
         (select o.attempt_count from fin_open_syncs o
          where o.subscription_id = s.id and ${partOf.batch} and o.next_attempt_at <= $1::timestamptz + interval '10 minutes'
            and (o.attempt_count > 0 or o.next_attempt_at <= $1::timestamptz - interval '1 hour')
          limit $2)
         union all
         (select o.attempt_count from fin_open_syncs o
          where o.subscription_id = s.id and ${isParked('o')} and (${partOf.prompt} or o.attempt_count > 0 or o.parked_due_at <= $1::timestamptz - interval '1 hour')
          limit $2)
         limit $2) w) o
     where s.deleted_at is null and o.backlog > 0`,
    [at, most],
  );
  return rows;
}

/**
 * How many of the newest syncs that ended FAILED without a success between them, counted up to `most`.
 * @param from what ended before counts as forgotten: it bounds the months that are looked into
 */
export async function failuresInRow(
  pool: Pool,
  most: number,
  from: Date,
): Promise<{ subscriptionId: string; count: number }[]> {
  const { rows } = await pool.query<{ subscriptionId: string; count: number }>(
    `select s.id::text as "subscriptionId", run.count
     from data_subscriptions s
     cross join lateral (
       select status from fin_done_syncs where subscription_id = s.id and status <> 'cancelled' and sync_completed_at > $2
       order by id desc limit 1) newest
     cross join lateral (
       select count(*)::int as count from (
         select bool_and(status = 'failed') over (order by id desc) as unbroken from (
           select id, status from fin_done_syncs where subscription_id = s.id and status <> 'cancelled' and sync_completed_at > $2
           order by id desc limit $1) l) r
       where r.unbroken) run
     where s.deleted_at is null and newest.status = 'failed'`,
    [most, from],
  );
  return rows;
}

/** A subscription as rules and messages know it. */
export interface KnownSubscription {
  readonly id: string;
  readonly name: string;
  readonly targetSystem: string;
  readonly suspended: boolean;
  /** Paused by a 410 from its target. */
  readonly gone: boolean;
}

/** All subscriptions that are not deleted. */
export async function knownSubscriptions(pool: Pool): Promise<KnownSubscription[]> {
  const { rows } = await pool.query<KnownSubscription>(
    `select id::text, name, target_system as "targetSystem", state = 'suspended' as suspended,
       state = 'paused' and paused_by_consumer as gone
     from data_subscriptions where deleted_at is null`,
  );
  return rows;
}

/** What subscriptions are called, deleted ones too. */
export async function namesOfSubscriptions(
  pool: Pool,
  ids: readonly string[],
): Promise<{ id: string; name: string; targetSystem: string }[]> {
  const { rows } = await pool.query<{ id: string; name: string; targetSystem: string }>(
    'select id::text, name, target_system as "targetSystem" from data_subscriptions where id = any($1)',
    [ids],
  );
  return rows;
}
