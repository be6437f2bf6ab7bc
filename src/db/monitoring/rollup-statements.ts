import type { Pool, PoolClient } from 'pg';
import { latencyBucketSql } from '../../core/latency.ts';
import { limits } from '../../core/limits.ts';

/** Finished syncs up to a number that may be counted once every transaction before `xid` is over. */
export interface RollupPoint {
  readonly doneNo: string;
  readonly xid: string;
}

/** SQL: how long a sync `d` took, from recorded to delivered. */
export const latencySql = 'greatest(extract(epoch from d.sync_completed_at - d.created_at), 0)::float8';

/** SQL: the event `e` of a sync `d`, for `eventLatencySql`. */
export const joinEvent = 'left join fin_voucher_events e on e.id = d.event_id';

/**
 * SQL: how long a sync `d` took from its event `e` (`occurredAt`) to delivered; never less than from recorded. What was
 * recorded long after it happened (an import, a correction of an earlier period) was nothing that anybody waited for,
 * and what is sent once more had been delivered: both count from their recording. So no backdated event raises an alarm.
 */
export const eventLatencySql = `greatest(extract(epoch from d.sync_completed_at - case
  when d.mode <> 'compensation' and e.occurred_at >= d.created_at - interval '${limits.lateEntryMs} milliseconds'
  then least(e.occurred_at, d.created_at) else d.created_at end), 0)::float8`;

/** SQL: the seconds from the events that a cell counted; cells that a hub of the version before wrote have none of them. */
export function countedEventSeconds(cell: string): string {
  return `greatest(${cell}.event_latency_seconds, ${cell}.latency_seconds)`;
}

/** SQL: the code of a FAILED sync or of one that was reopened. */
export const codeSql = `coalesce(error_code, 'UNKNOWN')`;

/**
 * Tells where the finished syncs end now. Numbers are given in no order of commits; but who writes a finished sync has its
 * transaction's number before it takes one (it took the open sync out first), so once all transactions that there are
 * by now are over, nothing below comes any more. The order of the two questions matters.
 */
export async function readRollupPoint(pool: Pool): Promise<RollupPoint> {
  const numbers = await pool.query<{ doneNo: string }>(
    'select case when is_called then last_value else 0 end::text as "doneNo" from fin_done_syncs_done_no',
  );
  const xids = await pool.query<{ xid: string }>(
    'select pg_snapshot_xmax(pg_current_snapshot())::text as xid',
  );
  return { doneNo: numbers.rows[0]?.doneNo ?? '0', xid: xids.rows[0]?.xid ?? '0' };
}

/**
 * SQL: the cells, of all levels, of the subscription and of all together, that a minute's rows go into. A day is whole
 * hours, in whatever time zone, so that hours and days can be put together.
 */
const cellsOf = (rows: string) => `${rows} r
  cross join lateral (values (1::smallint, r.minute), (60::smallint, date_trunc('hour', r.minute, 'UTC')), (1440::smallint, date_trunc('day', date_trunc('hour', r.minute, 'UTC'), $3))) level (minutes, starts_at)
  cross join lateral (values (r.subscription_id), (0)) scope (id)`;

/** SQL: the arrays of two cells added up. */
const addedUp = `(select coalesce(array_agg(bucket order by bucket), '{}'), coalesce(array_agg(count order by bucket), '{}') from (
  select bucket, sum(count)::bigint as count from (
    select * from unnest(c.buckets, c.counts) one (bucket, count) union all
    select * from unnest(excluded.buckets, excluded.counts) two (bucket, count)) b
  group by bucket) b)`;

/** $1 what was counted, $2 up to where now, $3 whose days: delivered ones into their cells. */
const rollUpDelivered = `
  with delivered as (
    select d.subscription_id, date_trunc('minute', d.sync_completed_at) as minute,
      case when d.mode <> 'batch' then ${latencyBucketSql(latencySql)} end as bucket, count(*) as count, sum(${latencySql}) as seconds, sum(${eventLatencySql}) as event_seconds
    from fin_done_syncs d ${joinEvent} where d.done_no > $1 and d.done_no <= $2 and d.status = 'success' group by 1, 2, 3),
  spread as (
    select level.minutes, scope.id, level.starts_at, r.bucket, sum(r.count)::bigint as count, sum(r.seconds) as seconds,
      sum(r.event_seconds) as event_seconds
    from ${cellsOf('delivered')} group by 1, 2, 3, 4)
  insert into sync_rollups as c (minutes, subscription_id, starts_at, succeeded, measured, latency_seconds, event_latency_seconds, buckets, counts)
  select minutes, id, starts_at, sum(count)::bigint, coalesce(sum(count) filter (where bucket is not null), 0)::bigint,
    coalesce(sum(seconds) filter (where bucket is not null), 0),
    coalesce(sum(event_seconds) filter (where bucket is not null), 0),
    coalesce(array_agg(bucket order by bucket) filter (where bucket is not null), '{}'),
    coalesce(array_agg(count order by bucket) filter (where bucket is not null), '{}')
  from spread group by 1, 2, 3
  on conflict (minutes, subscription_id, starts_at) do update set succeeded = c.succeeded + excluded.succeeded,
    measured = c.measured + excluded.measured, latency_seconds = c.latency_seconds + excluded.latency_seconds,
    event_latency_seconds = c.event_latency_seconds + excluded.event_latency_seconds,
    (buckets, counts) = ${addedUp}`;

/**
 * The same for FAILED ones. One that was reopened before it was counted is not there any more; one that was counted
 * is taken off again. What was reopened beyond $2 waits for its turn.
 */
const rollUpFailed = `
  with reopened as (delete from reopened_failures where done_no <= $2 returning *),
  failed as (
    select subscription_id, date_trunc('minute', sync_completed_at) as minute, ${codeSql} as error_code, sum(n) as count from (
      select d.subscription_id, d.sync_completed_at, d.error_code, 1 as n from fin_done_syncs d
      where d.done_no > $1 and d.done_no <= $2 and d.status = 'failed'
      union all
      select subscription_id, sync_completed_at, error_code, -1 from reopened where done_no <= $1) f
    group by 1, 2, 3)
  insert into failure_rollups as c (minutes, subscription_id, starts_at, error_code, failed)
  select level.minutes, scope.id, level.starts_at, r.error_code, sum(r.count)::bigint from ${cellsOf('failed')} group by 1, 2, 3, 4
  on conflict (minutes, subscription_id, starts_at, error_code) do update set failed = c.failed + excluded.failed`;

/**
 * Counts the next finished syncs into the rollups, each exactly once, and takes off what was reopened since. In a
 * transaction of its own.
 * @param options.upTo a passed point's number
 * @param options.most numbers in one go
 * @param options.timeZone whose days they are counted by
 * @returns true: there is more up to the point; null: another process is at it
 */
export async function rollUpNext(
  client: PoolClient,
  { upTo, most, timeZone }: { upTo: string; most: number; timeZone: string },
): Promise<boolean | null> {
  const progress = await client.query<{ after: string; to: string }>(
    `select counted_to::text as after, greatest(counted_to, least(counted_to + $2, $1::bigint))::text as to
     from rollup_progress for update skip locked`,
    [upTo, most],
  );
  const range = progress.rows[0];
  if (range === undefined) return null;
  await client.query(useIndexes);
  if (range.after !== range.to) await client.query(rollUpDelivered, [range.after, range.to, timeZone]);
  // Its own snapshot may show more than the one before, but nothing else up to this number: it is passed.
  await client.query(rollUpFailed, [range.after, range.to, timeZone]);
  if (range.after !== range.to) await client.query('update rollup_progress set counted_to = $1', [range.to]);
  return BigInt(range.to) < BigInt(upTo);
}

/**
 * For a transaction that reads what is new by its number. What the planner knows of this month may be from when it
 * was empty: to read all of it would look as cheap as its index. And to compile such a statement takes longer than it does.
 */
export const useIndexes = 'set local enable_seqscan = off; set local jit = off';

/** Forgets cells that no window reaches any more; by subscription, so that each is found by its key. */
export async function forgetRollups(
  pool: Pool,
  keptMs: { readonly minutes: number; readonly hours: number },
): Promise<void> {
  for (const table of ['sync_rollups', 'failure_rollups']) {
    await pool.query(
      `delete from ${table} r using (select 0 as id union all select id from data_subscriptions) s,
         (values (1::smallint, $1::float8), (60::smallint, $2::float8), (1440::smallint, $2::float8)) level (minutes, kept_ms)
       where r.minutes = level.minutes and r.subscription_id = s.id and r.starts_at < now() - level.kept_ms * interval '1 millisecond'`,
      [keptMs.minutes, keptMs.hours],
    );
  }
}
