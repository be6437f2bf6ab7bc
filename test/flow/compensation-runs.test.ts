import assert from 'node:assert/strict';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { after, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { createLogger } from '../../src/core/logger.ts';
import { Database } from '../../src/db/database.ts';
import { Compensation } from '../../src/delivery/compensation/compensation.ts';
import {
  cancelSyncs,
  detailsOf,
  numbers,
  record,
  retrySyncs,
  setState,
  settled,
  vouchers,
} from '../support/deliveries.ts';
import { startTestHub } from '../support/hub.ts';
import { startReceiver } from '../support/receiver.ts';
import { connectSql } from '../support/sql.ts';
import { subscribe } from '../support/vouchers.ts';

const hub = await startTestHub();
const sql = await connectSql(hub.databaseUrl);
const log = createLogger({ level: 'silent', pretty: false });
const db = await Database.connect({ url: hub.databaseUrl, poolSize: 4, log });
after(async () => {
  await db[Symbol.asyncDispose]();
  await sql[Symbol.asyncDispose]();
  await hub[Symbol.asyncDispose]();
});

/** Compensation as the scheduler runs it; what it wakes the hub's own reconciler finds. */
const compensation = new Compensation({
  db,
  log,
  drains: { wake: () => {} },
  changes: { isWatched: false, note: () => {} },
});

interface Run {
  id: string;
  kind: string;
  state: string;
  total: number;
  lookedAt: number;
  count: number;
}

async function runs(first: number, key?: string): Promise<Run[]> {
  const { compensationRuns } = await hub.data<{ compensationRuns: Run[] }>(
    'query ($first: Int) { compensationRuns(first: $first) { id kind state total lookedAt count startedAt completedAt } }',
    { first },
    key,
  );
  return compensationRuns;
}

/** A paused shard with syncs that FAILED: what is queued again of them stays where it is. */
async function pausedSubscription(name: string, failed: number): Promise<string> {
  const { id } = await subscribe(hub, { name, eventTypes: ['*'], webhookUrl: 'http://127.0.0.1:9' });
  await setState(hub, id, 'pause');
  await sql.rows(
    `insert into fin_done_syncs (id, event_id, voucher_id, subscription_id, event_type, source_system, mode, status, retry_count,
       attempt_count, error_code, created_at, sync_completed_at)
     select nextval(pg_get_serial_sequence('fin_open_syncs', 'id')), n, n, $1, 'invoice_recorded', 'many', 'realtime', 'failed', 3, 4,
       'HTTP_422', now(), now() from generate_series(1, $2) n`,
    [id, failed],
  );
  return id;
}

test('200,000 syncs are queued again and cancelled part by part: seen on the way, no long transaction, no held-up process', async t => {
  const many = 200_000;
  const id = await pausedSubscription('many', many);
  const lag = monitorEventLoopDelay({ resolution: 5 });
  lag.enable();
  let [longestMs, between] = [0, 0];
  const watch = async (work: Promise<number>) => {
    const answered = new AbortController();
    const count = work.finally(() => answered.abort());
    while (!answered.signal.aborted) {
      const ms = await sql.count(
        `select coalesce(max(extract(epoch from clock_timestamp() - xact_start)) * 1000, 0) from pg_stat_activity
         where application_name = 'voucher-hub' and datname = current_database()`,
      );
      longestMs = Math.max(longestMs, ms);
      const [run] = await runs(1);
      await pause(20);
      if (run?.state === 'RUNNING' && run.lookedAt > 0 && run.lookedAt < run.total) between += 1;
    }
    return count;
  };
  const startedAt = performance.now();
  assert.equal(await watch(retrySyncs(hub, { subscriptionId: id })), many);
  const requeuedMs = performance.now() - startedAt;
  assert.equal(await watch(cancelSyncs(hub, { subscriptionId: id })), many);
  lag.disable();
  const ms = Math.round(performance.now() - startedAt);
  t.diagnostic(
    `queued again in ${Math.round(requeuedMs)} ms, all ${ms} ms; longest transaction ${Math.round(longestMs)} ms; ` +
      `event loop p99 ${Math.round(lag.percentile(99) / 1e6)} ms, most ${Math.round(lag.max / 1e6)} ms`,
  );
  assert.ok(between > 0, 'a run was seen on its way');
  // Each is a part of the whole, however slow the machine is.
  assert.ok(longestMs < requeuedMs / 2, `a transaction took ${longestMs} of ${requeuedMs} ms`);
  assert.ok(lag.max / 1e6 < ms / 4, `the event loop stood still for ${lag.max / 1e6} of ${ms} ms`);
  assert.deepEqual(
    (await runs(2)).map(({ kind, state, total, lookedAt, count }) => ({
      kind,
      state,
      total,
      lookedAt,
      count,
    })),
    [
      { kind: 'CANCEL', state: 'DONE', total: many, lookedAt: many, count: many },
      { kind: 'RETRY', state: 'DONE', total: many, lookedAt: many, count: many },
    ],
  );
});

test('a run whose process has died is gone on with from where it was', async () => {
  const id = await pausedSubscription('died', 20);
  const [half] = await sql.rows<{ id: string }>(
    'select id::text from fin_done_syncs where subscription_id = $1 order by id offset 9 limit 1',
    [id],
  );
  const walk = {
    action: 'retry',
    criteria: { subscriptionId: id },
    statuses: ['failed'],
    targetSystem: null,
  };
  const position = { table: 0, subscriptionId: id, voucherId: '0', id: half?.id };
  await sql.rows(
    `insert into compensation_runs (kind, criteria, position, total, looked_at, count, holder, lease_until)
     values ('retry', $1, $2, 20, 10, 10, gen_random_uuid(), now())`,
    [JSON.stringify({ walk }), JSON.stringify(position)],
  );
  await compensation.resumeRuns();
  const [run] = await runs(1);
  assert.equal(run?.state, 'DONE');
  assert.equal(run.count, 20);
  assert.equal(run.lookedAt, 20);
  assert.equal(await sql.count('select count(*) from fin_open_syncs where subscription_id = $1', [id]), 10);
});

test('the newest runs are those with the highest numbers', async () => {
  await sql.rows(
    `insert into compensation_runs (kind, state, criteria, position, total, looked_at, count, holder, lease_until, completed_at)
     select 'retry', 'done', '{}', '{}', 0, 0, 0, gen_random_uuid(), now(), now() from generate_series(1, 11)`,
  );
  const [newest] = await sql.rows<{ max: number }>('select max(id)::int from compensation_runs');
  const last = newest?.max ?? 0;
  assert.ok(last >= 11);
  assert.deepEqual(
    (await runs(11)).map(({ id }) => Number(id)),
    Array.from({ length: 11 }, (_, n) => last - n),
  );
});

test('a subscriber sees the runs of its own system alone', async () => {
  const { createApiKey } = await hub.data<{ createApiKey: { secret: string } }>(
    'mutation { createApiKey(name: "own", role: SUBSCRIBER, system: "own") { secret } }',
  );
  assert.deepEqual(await runs(10, createApiKey.secret), []);
  await hub.data('mutation { retrySyncs(filter: {}) }', {}, createApiKey.secret);
  assert.equal((await runs(10, createApiKey.secret)).length, 1);
});

test('what FAILED because of the connection is tried again once its target has answered since; three times, then a person must', async () => {
  await using receiver = await startReceiver();
  const { id } = await subscribe(hub, {
    name: 'hourly',
    sourceSystems: ['hourly'],
    webhookUrl: receiver.url,
  });
  await record(hub, vouchers('hourly', numbers(3)));
  const [byConnection, byData, tooNew] = await settled(hub, id);
  const fail = (sync: string | undefined, connection: boolean, at: string) =>
    sql.rows(
      `update fin_done_syncs set status = 'failed', failed_by_connection = $2, sync_completed_at = ${at}, error_code = 'ETIMEDOUT' where id = $1`,
      [sync, connection],
    );
  const before = `now() - interval '1 hour'`;
  await sql.rows('update data_subscriptions set last_success_at = now() where id = $1', [id]);
  await fail(byData?.id, false, before);
  await fail(tooNew?.id, true, `now() + interval '1 hour'`);
  for (let round = 1; round <= 4; round += 1) {
    await fail(byConnection?.id, true, before);
    assert.equal(await compensation.compensateFailed(), round <= 3 ? 1 : 0, `round ${round}`);
    if (round <= 3) await retried(id, byConnection?.id);
  }
  assert.equal(receiver.requests.length, 6);
  assert.equal(await retrySyncs(hub, { ids: [byConnection?.id] }), 1);
  await retried(id, byConnection?.id);
  await fail(byConnection?.id, true, before);
  assert.equal(await compensation.compensateFailed(), 1, 'a person has tried it: it counts anew');
  const kept = (await detailsOf(hub, id)).filter(sync => sync.id === byConnection?.id);
  assert.deepEqual(
    kept.map(({ mode }) => mode),
    ['REALTIME'],
  );
});

/** Waits until a sync is a success; the hub itself is told that there is work. */
async function retried(shard: string, sync: string | undefined): Promise<void> {
  await hub.data(
    'mutation ($id: ID!) { updateDataSubscription(id: $id, input: { maxInFlight: 32 }) { id } }',
    { id: shard },
  );
  for (;;) {
    const found = (await detailsOf(hub, shard)).find(({ id }) => id === sync);
    if (found?.status === 'SUCCESS') return;
  }
}
