import { createLogger } from '../src/core/logger.ts';
import { Database } from '../src/db/database.ts';
import { readMetrics, windowOf } from '../src/monitoring/metrics/metrics.ts';
import { BenchHub } from './bench-hub.ts';
import { median, monotonicMs } from './support.ts';

const hours = 365 * 24;

/** Cells of an hour: what a busy subscription's look like, 24 different latencies in each. */
const fillSql = `
  insert into sync_rollups
  select 60, s, date_trunc('hour', now(), 'UTC') - h * interval '1 hour', 10000, 10000, 1200,
    (select array_agg(b) from generate_series(20, 43) b)::smallint[], (select array_agg(100 + b) from generate_series(20, 43) b)
  from generate_series($1::bigint, $2::bigint) s, generate_series(0, ${hours - 1}) h`;

/** Days of the same, and all together; and failures of three codes in each cell of all together. */
const restSql = [
  `insert into sync_rollups
   select 1440, subscription_id, date_trunc('day', starts_at, 'UTC'), sum(succeeded), sum(measured), sum(latency_seconds), min(buckets), min(counts)
   from sync_rollups where minutes = 60 and subscription_id < 20 group by 1, 2, 3`,
  `insert into failure_rollups
   select minutes, subscription_id, starts_at, code, 3 from sync_rollups, unnest(array['HTTP_500', 'HTTP_400', 'ECONNREFUSED']) code
   where subscription_id < 20`,
];

/** Says how long a year's metrics take, beside so many rows of rollups. */
export async function metrics(
  wanted: number,
): Promise<{ rows: number; windows: { what: string; wanted: string; p50: number; max: number }[] }> {
  await using hub = await BenchHub.start();
  const last = Math.ceil(wanted / hours) - 1;
  for (let first = 0; first <= last; first += 20)
    await hub.db.query(fillSql, [first, Math.min(first + 19, last)]);
  for (const text of restSql) await hub.db.query(text);
  await hub.db.query('vacuum (analyze) sync_rollups, failure_rollups');
  const log = createLogger({ level: 'warn', pretty: false });
  await using db = await Database.connect({ url: hub.databaseUrl, poolSize: 4, log });
  const year = windowOf(365 * 24 * 60, 'Asia/Shanghai');
  const windows = [];
  for (const [what, wanted, scope] of [
    ['all subscriptions', '< 50 ms', null],
    ['one subscription', '< 50 ms', ['7']],
    ['ten subscriptions', 'printed', Array.from({ length: 10 }, (_, n) => String(n + 1))],
  ] as const) {
    const times: number[] = [];
    for (let turn = 0; turn < 25; turn += 1) {
      const startedAt = monotonicMs();
      await readMetrics(db, scope, year);
      // The first ones read from the disk, and open connections.
      if (turn >= 4) times.push(monotonicMs() - startedAt);
    }
    windows.push({ what, wanted, p50: median(times), max: Math.max(...times) });
  }
  return { rows: (last + 1) * hours, windows };
}
