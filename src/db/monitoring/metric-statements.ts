import type { Pool, PoolClient } from 'pg';
import { latencyBucketSql } from '../../core/latency.ts';
import { dueAtOf } from '../delivery/parking-statements.ts';
import { openStatusOf } from '../delivery/sync-rows.ts';
import {
  codeSql,
  countedEventSeconds,
  eventLatencySql,
  joinEvent,
  latencySql,
  useIndexes,
} from './rollup-statements.ts';

/** Which subscriptions: these, or (null) all of them. */
export type MetricScope = readonly string[] | null;

/** A window of metrics, up to now. */
export interface MetricWindow {
  readonly minutes: number;
  /** Minutes between two points of the timeline; 60 at least where it starts at an hour. */
  readonly stepMinutes: number;
  readonly timeZone: string;
  /** Holds what its first instant is rounded down to: cells by the minute are not kept for longer windows. */
  readonly startsAt: 'minute' | 'hour';
}

/** Delivered or FAILED syncs of one point of the timeline. */
export interface PointCount {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly measured: number;
  /** Of the measured ones together, from recorded to delivered, and from the event to delivered. */
  readonly latencySeconds: number;
  readonly eventLatencySeconds: number;
}

/** Holds what the tables say of a window; the lists are to be added up, none is complete by itself. */
export interface WindowFigures {
  readonly from: Date;
  readonly to: Date;
  readonly points: readonly PointCount[];
  readonly latencies: readonly { bucket: number; count: number }[];
  readonly failures: readonly { errorCode: string; count: number; lastHour: number }[];
}

/** Instants are PostgreSQL's text, but for the two in milliseconds since 1970. */
interface Bounds {
  from: string;
  fromMs: number;
  toMs: number;
  /**
   * The first whole hour (UTC) not before `from`, the first day that is counted from then on, and the minute an hour
   * before now.
   */
  hour: string;
  day: string;
  lastHour: string;
  after: string;
}

/**
 * SQL: the cells that a window from $2 is made of: minutes up to a whole hour ($3), hours up to a whole day ($4), then
 * days.
 */
const wholeCells = (table: string) => `unnest($1::bigint[]) s (id) cross join lateral (
  select * from ${table} where minutes = 1 and subscription_id = s.id and starts_at >= $2 and starts_at < $3 union all
  select * from ${table} where minutes = 60 and subscription_id = s.id and starts_at >= $3 and starts_at < $4 union all
  select * from ${table} where minutes = 1440 and subscription_id = s.id and starts_at >= $4) c`;

/** SQL: the point of the timeline that an instant belongs to: steps ($step) in a time zone ($zone), from its midnights. */
const pointOf = (instant: string, step: string, zone: string) =>
  `(extract(epoch from date_bin(${step}::int * interval '1 minute', ${instant} at time zone ${zone}::text, timestamp '2001-01-01') at time zone ${zone}::text) * 1000)::float8`;

/**
 * Reads a window: whole cells of the rollups, and what they have not counted yet from the log itself, all as of one
 * instant. In a transaction of its own.
 */
export async function readWindow(
  client: PoolClient,
  scope: MetricScope,
  window: MetricWindow,
): Promise<WindowFigures> {
  await client.query('set transaction isolation level repeatable read read only');
  await client.query(useIndexes);
  const bounds = await readBounds(client, window);
  const cells = scope ?? ['0'];
  const latencies = await client.query<WindowFigures['latencies'][number]>(
    `select l.bucket, sum(l.count)::float8 as count from ${wholeCells('sync_rollups')}, unnest(c.buckets, c.counts) l (bucket, count) group by 1`,
    [cells, bounds.from, bounds.hour, bounds.day],
  );
  const failures = await client.query<WindowFigures['failures'][number]>(
    `select error_code as "errorCode", sum(failed)::float8 as count, 0 as "lastHour" from ${wholeCells('failure_rollups')} group by 1
     union all
     select error_code, 0, sum(failed)::float8 from failure_rollups where minutes = 1 and subscription_id = any($1) and starts_at >= $5 group by 1`,
    [cells, bounds.from, bounds.hour, bounds.day, bounds.lastHour],
  );
  const points = await client.query<PointCount>(pointsSql, [
    cells,
    bounds.from,
    // Finer than whole cells where the steps are: minutes alone, or hours alone.
    window.startsAt === 'minute' ? 'infinity' : bounds.hour,
    window.stepMinutes < 1_440 ? 'infinity' : bounds.day,
    window.stepMinutes,
    window.timeZone,
  ]);
  const tail = await readTail(client, scope, bounds, window);
  return {
    from: new Date(bounds.fromMs),
    to: new Date(bounds.toMs),
    points: [...points.rows, ...tail.points],
    latencies: [...latencies.rows, ...tail.latencies],
    failures: [...failures.rows, ...tail.failures],
  };
}

async function readBounds(client: PoolClient, { minutes, startsAt }: MetricWindow): Promise<Bounds> {
  const { rows } = await client.query<Bounds>(
    `select w.from, (extract(epoch from w.from) * 1000)::float8 as "fromMs", (extract(epoch from now()) * 1000)::float8 as "toMs", h.hour, coalesce(
         (select min(starts_at) from sync_rollups where minutes = 1440 and subscription_id = 0 and starts_at >= h.hour),
         'infinity') as day,
       date_trunc('minute', now() - interval '1 hour') as "lastHour", counted_to::text as after
     from rollup_progress
     cross join lateral (select date_trunc($2, now() - $1::int * interval '1 minute', 'UTC') as from) w
     cross join lateral (select date_trunc('hour', w.from + interval '1 hour' - interval '1 microsecond', 'UTC') as hour) h`,
    [minutes, startsAt],
  );
  const bounds = rows[0];
  if (bounds === undefined) throw new Error('rollup_progress has no row.');
  return bounds;
}

const pointsSql = `
  select ${pointOf('starts_at', '$5', '$6')} as at, sum(succeeded)::float8 as succeeded, sum(failed)::float8 as failed,
    sum(measured)::float8 as measured, sum(latency_seconds) as "latencySeconds",
    sum(event_seconds) as "eventLatencySeconds"
  from (
    select starts_at, succeeded, 0 as failed, measured, latency_seconds, ${countedEventSeconds('c')} as event_seconds
    from ${wholeCells('sync_rollups')} union all
    select starts_at, 0, failed, 0, 0, 0 from ${wholeCells('failure_rollups')}) c
  group by 1`;

/** Gives what the rollups have not counted yet: finished since, and reopened since. */
async function readTail(
  client: PoolClient,
  scope: MetricScope,
  { from, lastHour, after }: Bounds,
  { stepMinutes, timeZone }: MetricWindow,
): Promise<Pick<WindowFigures, 'points' | 'latencies' | 'failures'>> {
  const { rows } = await client.query<TailRow>(
    `select ${pointOf('ended', '$4', '$5')} as at, code as "errorCode", ended >= $3 as "inWindow", ended >= $6 as "inLastHour", bucket, sum(n)::float8 as count, coalesce(sum(seconds), 0)::float8 as seconds,
       coalesce(sum(event_seconds), 0)::float8 as "eventSeconds"
     from (
       select d.sync_completed_at as ended, case when d.status = 'failed' then ${codeSql} end as code,
         case when d.status = 'success' and d.mode <> 'batch' then ${latencyBucketSql(latencySql)} end as bucket, 1 as n, ${latencySql} as seconds, ${eventLatencySql} as event_seconds
       from fin_done_syncs d ${joinEvent}
       where d.done_no > $1 and d.status in ('success', 'failed') and ($2::bigint[] is null or d.subscription_id = any($2)) and d.sync_completed_at >= least($3::timestamptz, $6)
       union all
       select sync_completed_at, ${codeSql}, null, -1, 0, 0 from reopened_failures
       where done_no <= $1 and ($2::bigint[] is null or subscription_id = any($2)) and sync_completed_at >= least($3::timestamptz, $6)) t
     group by 1, 2, 3, 4, 5`,
    [after, scope, from, stepMinutes, timeZone, lastHour],
  );
  const inWindow = rows.filter(row => row.inWindow);
  return {
    points: inWindow.map(({ at, errorCode, bucket, count, seconds, eventSeconds }) => ({
      at,
      succeeded: errorCode === null ? count : 0,
      failed: errorCode === null ? 0 : count,
      measured: bucket === null ? 0 : count,
      latencySeconds: bucket === null ? 0 : seconds,
      eventLatencySeconds: bucket === null ? 0 : eventSeconds,
    })),
    latencies: inWindow.flatMap(({ bucket, count }) => (bucket === null ? [] : [{ bucket, count }])),
    failures: rows.flatMap(({ errorCode, count, ...row }) =>
      errorCode === null
        ? []
        : [{ errorCode, count: row.inWindow ? count : 0, lastHour: row.inLastHour ? count : 0 }],
    ),
  };
}

interface TailRow {
  at: number;
  /** Null: delivered. */
  errorCode: string | null;
  /** The last hour may be longer than the window. */
  inWindow: boolean;
  inLastHour: boolean;
  /** Null: its latency does not count. */
  bucket: number | null;
  count: number;
  seconds: number;
  eventSeconds: number;
}

/** Holds what is not over. */
export interface OpenFigures {
  readonly backlog: number;
  readonly retrying: number;
  /** Null: nothing waits. */
  readonly oldestSeconds: number | null;
}

/** Counts what is not over, `most` at most. */
export async function readOpen(pool: Pool, scope: MetricScope, most: number): Promise<OpenFigures> {
  const { rows } = await pool.query<OpenFigures>(
    `select count(*)::int as backlog, (count(*) filter (where status = 'retrying'))::int as retrying,
       extract(epoch from now() - min(created_at))::float8 as "oldestSeconds"
     from (select ${openStatusOf('o')} as status, o.created_at from fin_open_syncs o where ${inScope} limit $2) o`,
    [scope, most],
  );
  return rows[0] ?? { backlog: 0, retrying: 0, oldestSeconds: null };
}

const inScope = '($1::bigint[] is null or o.subscription_id = any($1))';

/** SQL: the amounts of today of some records, by currency. */
const amountsOf = (records: string) =>
  `select v.currency, sum(v.amount)::text as amount from ${records} r join fin_business_vouchers v on v.id = r.voucher_id group by 1`;

const amountsJson = `coalesce((select json_agg(json_build_object('currency', currency, 'amount', amount) order by currency) from sums), '[]')`;

/** Holds what consumers do not know yet, in time and money. */
export interface Lag {
  /** Says how long the oldest has waited; 0: nothing waits. */
  readonly seconds: number;
  /** Each source record once for each subscription, with its amount of today; exact decimals. */
  readonly amounts: readonly { readonly currency: string; readonly amount: string }[];
  /** False: more waits than is added up. */
  readonly isComplete: boolean;
}

/** Holds what FAILED and waits for a person: consumers do not know it either. */
export interface FailedLag extends Omit<Lag, 'seconds'> {
  /** Syncs. */
  readonly count: number;
  /** Says how long the oldest has been FAILED; 0: none is. */
  readonly seconds: number;
}

/**
 * Says how far consumers are behind. BATCH events that wait for their hour do not count.
 * @param most waiting syncs whose amounts are added up
 */
export async function readLag(
  pool: Pool,
  scope: MetricScope,
  { most, oldestAmong }: { most: number; oldestAmong: number },
): Promise<Lag> {
  const { rows } = await pool.query<Lag>(
    `with waiting as materialized (
       select o.subscription_id, o.voucher_id, o.created_at from fin_open_syncs o
       where ${inScope} and (o.mode <> 'batch' or o.attempt_count > 0 or ${dueAtOf('o')} <= now()) limit $3),
     records as (select distinct subscription_id, voucher_id from (select * from waiting limit $2) w),
     sums as (${amountsOf('records')})
     select coalesce(extract(epoch from now() - min(created_at)), 0)::float8 as seconds, count(*) <= $2 as "isComplete",
       ${amountsJson} as amounts
     from waiting`,
    [scope, most, oldestAmong],
  );
  return rows[0] ?? { seconds: 0, amounts: [], isComplete: true };
}

/**
 * Gives what FAILED, in count and money.
 * @param most FAILED syncs whose amounts are added up, of those that are counted
 */
export async function readFailedLag(
  pool: Pool,
  scope: MetricScope,
  { most, oldestAmong }: { most: number; oldestAmong: number },
): Promise<FailedLag> {
  const { rows } = await pool.query<FailedLag>(
    `with failed as materialized (
       select o.subscription_id, o.voucher_id, o.sync_completed_at from fin_failed_syncs o where ${inScope} limit $3),
     records as (select distinct subscription_id, voucher_id from (select * from failed limit $2) f),
     sums as (${amountsOf('records')})
     select count(*)::int as count, coalesce(extract(epoch from now() - min(sync_completed_at)), 0)::float8 as seconds, count(*) <= $2 as "isComplete",
       ${amountsJson} as amounts
     from failed`,
    [scope, most, oldestAmong],
  );
  return rows[0] ?? { count: 0, seconds: 0, amounts: [], isComplete: true };
}
