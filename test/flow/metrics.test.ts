import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { systemClock } from '../../src/core/clock.ts';
import { createLogger } from '../../src/core/logger.ts';
import { Database } from '../../src/db/database.ts';
import { readMeters } from '../../src/db/monitoring/meter-statements.ts';
import { makePartitions } from '../../src/db/monitoring/partitions.ts';
import { type Metrics, readMetrics, windowOf } from '../../src/monitoring/metrics/metrics.ts';
import { Rollups } from '../../src/monitoring/metrics/rollups.ts';
import { subscriptionMeterNames } from '../../src/monitoring/metrics/subscription-meters.ts';
import { makeKey } from '../support/access.ts';
import { startTestHub, type TestHub } from '../support/hub.ts';
import { propertySeed } from '../support/seed.ts';
import { socketClient } from '../support/sockets.ts';
import { connectSql } from '../support/sql.ts';
import { recordVouchers, subscribe, voucherInput } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

after(() => hub[Symbol.asyncDispose]());
// Neither workers nor schedulers: the tests write what is over, and count it, by themselves.
const hub: TestHub = await startTestHub({ env: { HUB_ROLES: 'api' } });
const log = createLogger({ level: 'silent', pretty: false });
const db = await Database.connect({ url: hub.databaseUrl, poolSize: 6, log });
after(() => db[Symbol.asyncDispose]());
const sql = await connectSql(hub.databaseUrl);
after(() => sql[Symbol.asyncDispose]());
const rollups = new Rollups({ db, clock: systemClock, timeZone: 'Asia/Shanghai' });
/** Other databases of the server have transactions too, which a turn may have to wait for. */
const countAll = () => until('everything is counted', () => rollups.rollUp());

const day = 86_400;
await db.transaction(async client => {
  for (let month = 0; month <= 13; month += 1)
    await makePartitions(client, new Date(Date.now() - month * 30 * day * 1_000));
});
const system = 'tax';
const one = (await subscribe(hub, { name: 'one', targetSystem: system, eventTypes: ['none.*'] })).id;
const two = (await subscribe(hub, { name: 'two', targetSystem: 'bank', eventTypes: ['none.*'] })).id;

/** A finished sync, by how long ago it ended and how long it took (seconds). */
interface Over {
  subscription: string;
  status: 'success' | 'failed' | 'cancelled';
  mode: string;
  code: string | null;
  ago: number;
  took: number;
}

let lastId = 1_000_000;

async function finish(rows: readonly Over[]): Promise<void> {
  const first = lastId + 1;
  lastId += rows.length;
  await sql.rows(
    `insert into fin_done_syncs (id, event_id, voucher_id, subscription_id, event_type, source_system, mode, status, retry_count, attempt_count,
       error_code, created_at, sync_started_at, sync_completed_at)
     select $1::bigint + r.n - 1, r.n, r.n, r.subscription, 'none', 'test', r.mode, r.status, 0, 1, r.code, t.at - r.took * interval '1 second', t.at, t.at
     from unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::float8[], $7::float8[]) with ordinality r (subscription, status, mode, code, ago, took, n)
     cross join lateral (select now() - r.ago * interval '1 second' as at) t`,
    [
      first,
      rows.map(row => row.subscription),
      rows.map(row => row.status),
      rows.map(row => row.mode),
      rows.map(row => row.code),
      rows.map(row => row.ago),
      rows.map(row => row.took),
    ],
  );
}

const seconds = (max: number) => fc.integer({ min: 0, max: max * 1_000 }).map(ms => ms / 1_000);

const over: fc.Arbitrary<Over> = fc.record({
  subscription: fc.constantFrom(one, two),
  status: fc.constantFrom('success', 'success', 'success', 'failed', 'cancelled'),
  mode: fc.constantFrom('realtime', 'realtime', 'batch', 'compensation'),
  code: fc.constantFrom(null, 'HTTP_500', 'HTTP_400', 'ECONNREFUSED'),
  // As many of the last minutes as of the last hours, days and months.
  ago: fc.oneof(...[60, 3_600, day, 30 * day, 380 * day].map(seconds)),
  took: fc.oneof(...[0.01, 1, 60, 100_000].map(seconds)),
});

/** What happens to a history: syncs end, are counted, old counts are forgotten, and failed ones are tried again or given up. */
const step = fc.oneof(
  { weight: 4, arbitrary: fc.array(over, { maxLength: 40 }).map(rows => ({ kind: 'end' as const, rows })) },
  { weight: 2, arbitrary: fc.constantFrom({ kind: 'count' as const }, { kind: 'forget' as const }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('retry' as const, 'cancel' as const),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
);

async function failedIds(share: number): Promise<string[]> {
  const rows = await sql.rows<{ id: string }>('select id::text from fin_failed_syncs order by id');
  return rows.slice(0, Math.round(rows.length * share)).map(({ id }) => id);
}

/** Tries FAILED syncs again, or gives them up. */
async function compensate(mutation: string, ids: readonly string[]): Promise<void> {
  for (let at = 0; at < ids.length; at += 100)
    await hub.data(`mutation ($ids: [ID!]) { ${mutation}(filter: { ids: $ids }) }`, {
      ids: ids.slice(at, at + 100),
    });
}

/** The same figures by SQL on the raw tables. */
async function raw(metrics: Metrics, subscriptions: readonly string[] | null) {
  const where = `sync_completed_at >= $1 and ($2::bigint[] is null or subscription_id = any($2))`;
  const values = [metrics.from, subscriptions];
  const took = 'extract(epoch from sync_completed_at - created_at)::float8';
  const measured = `filter (where status = 'success' and mode <> 'batch')`;
  const [sums] = await sql.rows<Record<string, number | null>>(
    `select (count(*) filter (where status = 'success'))::int as succeeded, (count(*) filter (where status = 'failed'))::int as failed,
       avg(${took}) ${measured} as average,
       percentile_disc(0.5) within group (order by ${took}) ${measured} as p50,
       percentile_disc(0.95) within group (order by ${took}) ${measured} as p95,
       percentile_disc(0.99) within group (order by ${took}) ${measured} as p99
     from fin_data_sync_logs where ${where}`,
    values,
  );
  const lastHour = await sql.count(
    `select count(*) from fin_data_sync_logs where status = 'failed' and ($2::bigint[] is null or subscription_id = any($2))
       and sync_completed_at >= date_trunc('minute', $1::timestamptz - interval '1 hour')`,
    [metrics.to, subscriptions],
  );
  const codes = await sql.rows<{ errorCode: string; count: number }>(
    `select coalesce(error_code, 'UNKNOWN') as "errorCode", count(*)::int as count from fin_data_sync_logs
     where status = 'failed' and ${where} group by 1 order by 2 desc, coalesce(error_code, 'UNKNOWN') collate "C"`,
    values,
  );
  const points = await sql.rows<{ succeeded: number; failed: number }>(
    `select (count(*) filter (where status = 'success'))::int as succeeded, (count(*) filter (where status = 'failed'))::int as failed
     from (select *, width_bucket(sync_completed_at, $3::timestamptz[]) as point from fin_data_sync_logs where status in ('success', 'failed') and ${where}) l
     group by point order by point`,
    [...values, metrics.timeline.map(({ at }) => at)],
  );
  return { sums: sums ?? {}, lastHour, codes, points };
}

function close(found: number | null, true_: number | null | undefined, share: number, what: string): void {
  if (found === null || true_ == null) return assert.equal(found, true_ ?? null, what);
  // A latency of a millisecond and less is answered as one.
  const expected = Math.max(true_, share > 0.01 ? 0.001 : 0);
  assert.ok(Math.abs(found - expected) <= expected * share + 1e-9, `${what}: ${found} for ${true_}`);
}

async function compare(minutes: number, subscriptions: readonly string[] | null): Promise<void> {
  const metrics = await readMetrics(db, subscriptions, windowOf(minutes, 'Asia/Shanghai'));
  const { sums, lastHour, codes, points } = await raw(metrics, subscriptions);
  const what = `${minutes} minutes of ${subscriptions ?? 'all'}`;
  assert.equal(metrics.succeeded, sums.succeeded, what);
  assert.equal(metrics.failed, sums.failed, what);
  assert.equal(metrics.failuresLastHour, lastHour, what);
  assert.deepEqual(metrics.failuresByErrorCode, codes, what);
  close(metrics.averageLatencySeconds, sums.average, 1e-6, `average of ${what}`);
  close(metrics.p50LatencySeconds, sums.p50, 0.05, `p50 of ${what}`);
  close(metrics.p95LatencySeconds, sums.p95, 0.05, `p95 of ${what}`);
  close(metrics.p99LatencySeconds, sums.p99, 0.05, `p99 of ${what}`);
  assert.deepEqual(
    metrics.timeline.map(({ succeeded, failed }) => ({ succeeded, failed })),
    points,
    `timeline of ${what}`,
  );
  assert.ok(metrics.timeline.length <= 122, what);
}

test('without anything over there is no rate, no latency and no point', async () => {
  const { syncMetrics } = await hub.data<{ syncMetrics: Record<string, unknown> }>(
    `{ syncMetrics { total successRate averageLatencySeconds p50LatencySeconds p99LatencySeconds failuresLastHour backlog oldestPendingSeconds
       retrying failuresByErrorCode { errorCode } timeline { at } lag { seconds amounts { currency } isComplete } } }`,
  );
  assert.deepEqual(syncMetrics, {
    total: 0,
    successRate: null,
    averageLatencySeconds: null,
    p50LatencySeconds: null,
    p99LatencySeconds: null,
    failuresLastHour: 0,
    backlog: 0,
    oldestPendingSeconds: null,
    retrying: 0,
    failuresByErrorCode: [],
    timeline: [],
    lag: { seconds: 0, amounts: [], isComplete: true },
  });
});

test('whatever ended, was counted, tried again or given up in whatever order, metrics are what SQL on the raw tables says', async () => {
  const property = fc.asyncProperty(
    fc.array(step, { minLength: 3, maxLength: 10 }),
    fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 200, max: 525_600 })),
    async (steps, minutes) => {
      for (const next of steps) {
        if (next.kind === 'end') await finish(next.rows);
        else if (next.kind === 'count') await countAll();
        else if (next.kind === 'forget') await rollups.forget();
        else await compensate(`${next.kind}Syncs`, await failedIds(next.share));
      }
      for (const subscriptions of [null, [one], [one, two]]) await compare(minutes, subscriptions);
      await compare(525_600, null);
    },
  );
  await fc.assert(property, { numRuns: 12, seed: propertySeed('metrics'), endOnFailure: true });
});

test('a sync that a long transaction has ended is counted once it is there, and none is counted twice', async () => {
  // A subscription that no other test has: others' syncs leave the window while this waits.
  const id = '900000';
  const read = () => readMetrics(db, [id], windowOf(60, 'UTC'));
  const before = await read();
  await using slow = await connectSql(hub.databaseUrl);
  await slow.rows('begin');
  await slow.rows(
    `insert into fin_done_syncs (id, event_id, voucher_id, subscription_id, event_type, source_system, mode, status, retry_count, attempt_count, created_at, sync_completed_at)
     values (1, 1, 1, $1, 'none', 'test', 'realtime', 'success', 0, 1, now(), now())`,
    [id],
  );
  await finish([{ subscription: id, status: 'success', mode: 'realtime', code: null, ago: 0, took: 1 }]);
  assert.equal(await rollups.rollUp(), false);
  const meanwhile = await read();
  assert.equal(meanwhile.succeeded, before.succeeded + 1);
  await slow.rows('commit');
  await Promise.all([countAll(), countAll()]);
  const afterwards = await read();
  assert.equal(afterwards.succeeded, before.succeeded + 2);
  await compare(60, null);
});

test("the contract's own queries for analysts say the same of a day in which everything that began is over", async () => {
  const text = await readFile(new URL('../support/analyst.sql', import.meta.url), 'utf8');
  await sql.rows('truncate fin_done_syncs, fin_open_syncs, sync_rollups, failure_rollups, reopened_failures');
  await finish(
    Array.from({ length: 300 }, (_, n) => ({
      subscription: one,
      status: n % 10 === 0 ? 'failed' : 'success',
      mode: 'realtime',
      code: n % 10 !== 0 ? null : n % 20 === 0 ? 'HTTP_500' : 'HTTP_400',
      ago: n * 250,
      took: 2,
    })),
  );
  await countAll();
  const [rate, , codes] = text.split(';');
  const metrics = await readMetrics(db, null, windowOf(1_440, 'Asia/Shanghai'));
  assert.equal(metrics.successRate, await sql.count(rate ?? ''));
  const byCode = await sql.rows<{ error_code: string; count: string }>(codes ?? '');
  assert.deepEqual(
    new Map(metrics.failuresByErrorCode.map(({ errorCode, count }) => [errorCode, count])),
    new Map(byCode.map(row => [row.error_code, Number(row.count)])),
  );
});

test('what is not over counts as backlog; the money that consumers do not know yet is told by currency, exactly', async () => {
  const { id } = await subscribe(hub, {
    name: 'waits',
    targetSystem: 'erp',
    eventTypes: ['invoice_recorded'],
  });
  await recordVouchers(hub, [
    voucherInput({ sourceId: 'M-1', amount: '0.1' }),
    voucherInput({ sourceId: 'M-2', amount: '12345678901234567890.02' }),
    voucherInput({ sourceId: 'M-3', amount: '7.00', currency: 'USD' }),
  ]);
  // The same record again: it waits twice, and its money is that of today.
  await recordVouchers(hub, [
    voucherInput({ sourceId: 'M-3', amount: '8.00', currency: 'USD', businessData: { changed: true } }),
  ]);
  const query = `query ($id: ID) { syncMetrics(windowMinutes: 1, subscriptionId: $id) { backlog retrying oldestPendingSeconds lag { seconds isComplete amounts { currency amount } } } }`;
  interface Open {
    syncMetrics: {
      backlog: number;
      oldestPendingSeconds: number;
      lag: { seconds: number; amounts: object[] };
    };
  }
  const { syncMetrics } = await hub.data<Open>(query, { id });
  assert.equal(syncMetrics.backlog, 4);
  assert.ok(syncMetrics.oldestPendingSeconds > 0 && syncMetrics.lag.seconds > 0);
  assert.deepEqual(syncMetrics.lag.amounts, [
    { currency: 'CNY', amount: '12345678901234567890.12' },
    { currency: 'USD', amount: '8.00' },
  ]);
  const none = await hub.data<Open>(query, { id: two });
  assert.deepEqual([none.syncMetrics.backlog, none.syncMetrics.lag.amounts], [0, []]);
});

test('a consumer sees the figures of its own subscriptions, an analyst all of them, a publisher none', async () => {
  const key = (await makeKey(hub, 'SUBSCRIBER', system)).secret;
  const total = `{ syncMetrics(windowMinutes: 525600) { total } }`;
  const { syncMetrics } = await hub.data<{ syncMetrics: { total: number } }>(total, {}, key);
  assert.equal(syncMetrics.total, (await readMetrics(db, [one], windowOf(525_600, 'UTC'))).total);
  const other = await hub.ask(
    `query ($id: ID) { syncMetrics(subscriptionId: $id) { total } }`,
    { id: two },
    key,
  );
  assert.equal(other.errors?.[0]?.extensions.code, 'NOT_FOUND');
  const analyst = (await makeKey(hub, 'ANALYST')).secret;
  const all = await hub.data<{ syncMetrics: { total: number } }>(total, {}, analyst);
  assert.equal(all.syncMetrics.total, (await readMetrics(db, null, windowOf(525_600, 'UTC'))).total);
  const publisher = await hub.ask(total, {}, (await makeKey(hub, 'PUBLISHER', 'settlement')).secret);
  assert.equal(publisher.errors?.[0]?.extensions.code, 'FORBIDDEN');
  for (const windowMinutes of [0, 525_601]) {
    const refused = await hub.ask(`query ($w: Int) { syncMetrics(windowMinutes: $w) { total } }`, {
      w: windowMinutes,
    });
    assert.equal(refused.errors?.[0]?.extensions.code, 'BAD_USER_INPUT');
  }
});

test('syncMetricsChanged tells the figures at once and as they become, of what its watcher may see', async () => {
  await using client = socketClient(hub, (await makeKey(hub, 'SUBSCRIBER', system)).secret);
  const told: number[] = [];
  client.subscribe<{ syncMetricsChanged: { total: number } }>(
    { query: 'subscription { syncMetricsChanged(everySeconds: 1) { total } }' },
    {
      next: ({ data }) => data != null && told.push(data.syncMetricsChanged.total),
      error: () => {},
      complete: () => {},
    },
  );
  const first = await until('the first is told', () => told.length > 0 && told);
  const before = first[0] ?? 0;
  const ended = { status: 'success', mode: 'realtime', code: null, ago: 0, took: 1 } as const;
  await finish([
    { ...ended, subscription: one },
    { ...ended, subscription: two },
  ]);
  await until('the next is told', () => told.includes(before + 1));
  assert.ok(!told.includes(before + 2));
});

test('/metrics is open, and serves what the process counts and what its database says, with a bound on the series', async () => {
  const answer = await fetch(`${hub.url}/metrics`);
  assert.match(answer.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  const lines = (await answer.text()).split('\n');
  const value = (series: string) =>
    Number(
      lines
        .find(line => line.startsWith(`${series} `))
        ?.split(' ')
        .at(-1),
    );
  assert.equal(value('voucher_hub_database_up'), 1);
  assert.equal(value('voucher_hub_vouchers_recorded_total{outcome="created"}'), 3);
  assert.equal(value('voucher_hub_vouchers_recorded_total{outcome="updated"}'), 1);
  const waits = lines.find(line =>
    /^voucher_hub_subscription_backlog_syncs\{.*subscription="erp\/waits"/.test(line),
  );
  assert.equal(waits?.split(' ').at(-1), '4');
  assert.equal(lines.filter(line => line.startsWith('voucher_hub_subscription_state{')).length, 3 * 3);
  for (const name of subscriptionMeterNames)
    assert.ok(
      lines.some(line => line.startsWith(`# TYPE ${name} gauge`)),
      name,
    );
  assert.ok(lines.some(line => line.startsWith('process_cpu_seconds_total ')));
  const [first, ...rest] = await readMeters(db.pool, { shown: 1, most: 2 });
  assert.deepEqual([first?.id, rest.map(({ id }) => id)], [one, ['other']]);
  assert.deepEqual(
    [rest[0]?.states.active, rest[0]?.backlog],
    [2, 2],
    'no more are counted than is asked for',
  );
});
