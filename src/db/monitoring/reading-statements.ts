import type { Pool } from 'pg';
import { isParked } from '../delivery/parking-statements.ts';
import { partOf } from '../delivery/shard-statements.ts';
import { countedEventSeconds, eventLatencySql, joinEvent, latencySql } from './rollup-statements.ts';
import { unattachedSince } from './standing-statements.ts';

/** SQL: an instant in milliseconds since 1970. */
function ms(instant: string): string {
  return `(extract(epoch from ${instant}) * 1000)::float8`;
}

/** Holds what ended within a window; of one subscription, or (null) of all. */
export interface OutcomeCounts {
  readonly subscriptionId: string | null;
  readonly succeeded: number;
  readonly failed: number;
}

/** Gives what was delivered and what FAILED, of subscriptions that are not deleted and of all together. */
export async function outcomeCounts(pool: Pool, from: Date, to: Date): Promise<OutcomeCounts[]> {
  const { rows } = await pool.query<OutcomeCounts>(
    // Counted first, and joined then: with no statistics of a new table the planner would count a subscription at a time.
    `with counts as materialized (
       select subscription_id as id, count(*) filter (where status = 'success') as succeeded,
         count(*) filter (where status = 'failed') as failed
       from fin_done_syncs where sync_completed_at > $1 and sync_completed_at <= $2 group by 1)
     select c.id::text as "subscriptionId", sum(c.succeeded)::int as succeeded, sum(c.failed)::int as failed
     from counts c join data_subscriptions s on s.id = c.id and s.deleted_at is null
     group by grouping sets ((c.id), ())`,
    [from, to],
  );
  return rows;
}

/** Says how long deliveries took, added up. BATCH events do not count: they wait for their hour on purpose. */
export interface LatencySums {
  readonly subscriptionId: string;
  readonly measured: number;
  /** From the event to the end. */
  readonly seconds: number;
  /** From recording to the end: a part of `seconds`. */
  readonly recordedSeconds: number;
}

/**
 * Says how long what ended within a window took, of subscriptions that are not deleted: whole minutes of the rollups, and what
 * these have not counted yet. The window may so begin within a minute before `from`.
 */
export async function latencySums(pool: Pool, from: Date, to: Date): Promise<LatencySums[]> {
  const { rows } = await pool.query<LatencySums>(
    `select s.id::text as "subscriptionId", sum(l.measured)::float8 as measured, sum(l.seconds)::float8 as seconds,
       sum(l.recorded)::float8 as "recordedSeconds"
     from data_subscriptions s
     join (
       select r.subscription_id, r.measured, ${countedEventSeconds('r')} as seconds, r.latency_seconds as recorded
       from data_subscriptions i join sync_rollups r on r.minutes = 1 and r.subscription_id = i.id
         and r.starts_at >= date_trunc('minute', $1::timestamptz) and r.starts_at <= $2
       union all
       select d.subscription_id, 1, ${eventLatencySql}, ${latencySql}
       from fin_done_syncs d ${joinEvent}
       where d.done_no > (select counted_to from rollup_progress) and d.status = 'success' and d.mode <> 'batch'
         and d.sync_completed_at > $1 and d.sync_completed_at <= $2) l on l.subscription_id = s.id
     where s.deleted_at is null
     group by s.id having sum(l.measured) > 0`,
    [from, to],
  );
  return rows;
}

/** Says how many FAILED with one code. */
export interface FailureCount {
  readonly subscriptionId: string;
  readonly errorCode: string;
  /** True: the consumer refused the data for good. A hub of the version before did not write it down: any end over a socket. */
  readonly refused: boolean;
  readonly count: number;
}

/** Gives what FAILED within a window, by subscription and code. */
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

/** Holds what waits for a subscription. */
export interface OpenCounts {
  readonly subscriptionId: string;
  readonly backlog: number;
  readonly retrying: number;
  /** Of the backlog, BATCH events whose hour is over. */
  readonly batch: number;
  /** Holds what those that are retried failed with most; null: none is retried. */
  readonly errorCode: string | null;
}

/**
 * Gives what waits in each shard, counted up to `most` (a million of them need not be counted to be too many). A BATCH event
 * waits for its hour on purpose, and then for its turn: it counts once it is an hour late.
 */
export async function openCounts(pool: Pool, at: Date, most: number): Promise<OpenCounts[]> {
  const { rows } = await pool.query<OpenCounts>(
    `select s.id::text as "subscriptionId", o.backlog, o.retrying, o.batch, o.code as "errorCode"
     from data_subscriptions s cross join lateral (
       select count(*)::int as backlog, (count(*) filter (where w.attempt_count > 0))::int as retrying,
         (count(*) filter (where w.mode = 'batch'))::int as batch,
         mode() within group (order by w.error_code) filter (where w.attempt_count > 0) as code from (
         (select o.attempt_count, o.mode, o.error_code from fin_open_syncs o
          where o.subscription_id = s.id and ${partOf.prompt} and o.next_attempt_at <= $1::timestamptz + interval '10 minutes'
          limit $2)
         union all
         (select o.attempt_count, o.mode, o.error_code from fin_open_syncs o
          where o.subscription_id = s.id and ${partOf.batch} and o.next_attempt_at <= $1::timestamptz + interval '10 minutes'
            and (o.attempt_count > 0 or o.next_attempt_at <= $1::timestamptz - interval '1 hour')
          limit $2)
         union all
         (select o.attempt_count, o.mode, o.error_code from fin_open_syncs o
          where o.subscription_id = s.id and ${isParked('o')} and (${partOf.prompt} or o.attempt_count > 0 or o.parked_due_at <= $1::timestamptz - interval '1 hour')
          limit $2)
         limit $2) w) o
     where s.deleted_at is null and o.backlog > 0`,
    [at, most],
  );
  return rows;
}

/**
 * Says how many of the newest syncs that ended FAILED without a success between them, counted up to `most`.
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
  readonly paused: boolean;
  readonly suspended: boolean;
  /** Paused by a 410 from its target. */
  readonly gone: boolean;
  /** Milliseconds since 1970 as all times here; null: it has been in this state since before that was noted. */
  readonly stateSince: number | null;
  readonly hasWebhook: boolean;
  /** Since when no consumer is attached, or since it was made; null: one is. */
  readonly unattachedSince: number | null;
}

/** All subscriptions that are not deleted. */
export async function knownSubscriptions(pool: Pool): Promise<KnownSubscription[]> {
  const { rows } = await pool.query<KnownSubscription>(
    `select s.id::text, s.name, s.target_system as "targetSystem", s.state = 'paused' as paused, s.state = 'suspended' as suspended,
       s.state = 'paused' and s.paused_by_consumer as gone, ${ms('s.state_since')} as "stateSince",
       s.webhook_url is not null as "hasWebhook", ${ms(unattachedSince)} as "unattachedSince"
     from data_subscriptions s where s.deleted_at is null`,
  );
  return rows;
}

/** Holds what a subscription is called, and whether it has a webhook. */
export interface NamedSubscription {
  readonly id: string;
  readonly name: string;
  readonly targetSystem: string;
  readonly hasWebhook: boolean;
}

/** Gives what subscriptions are called, deleted ones too. */
export async function namesOfSubscriptions(pool: Pool, ids: readonly string[]): Promise<NamedSubscription[]> {
  const { rows } = await pool.query<NamedSubscription>(
    `select id::text, name, target_system as "targetSystem", webhook_url is not null as "hasWebhook"
     from data_subscriptions where id = any($1)`,
    [ids],
  );
  return rows;
}

/** A FAILED sync, by the voucher that people know it by. */
export interface FailedVoucher {
  /** The sync's. */
  readonly id: string;
  readonly subscriptionId: string;
  readonly errorCode: string;
  readonly refused: boolean;
  readonly sourceId: string;
  readonly voucherNo: string;
}

/**
 * The vouchers of what FAILED last, the newest first.
 * @param options.from what FAILED before is left out @param options.most of each subscription
 */
export async function failedVouchers(
  pool: Pool,
  subscriptionIds: readonly string[],
  { from, most }: { from: Date; most: number },
): Promise<FailedVoucher[]> {
  const { rows } = await pool.query<FailedVoucher>(
    `select f.id::text, f.subscription_id::text as "subscriptionId", coalesce(f.error_code, 'UNKNOWN') as "errorCode",
       coalesce(f.refused, f.transport = 'websocket', false) as refused, v.source_id as "sourceId", v.voucher_no as "voucherNo"
     from unnest($1::bigint[]) s (id) cross join lateral (
       select d.id, d.subscription_id, d.voucher_id, d.error_code, d.transport, d.refused from fin_failed_syncs d
       where d.subscription_id = s.id and d.sync_completed_at > $2 order by d.id desc limit $3) f
     join fin_business_vouchers v on v.id = f.voucher_id order by f.id desc`,
    [subscriptionIds, from, most],
  );
  return rows;
}
