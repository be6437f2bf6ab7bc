import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Pool } from 'pg';
import { systemClock } from '../../src/core/clock.ts';
import { createLogger } from '../../src/core/logger.ts';
import { Database } from '../../src/db/database.ts';
import { makePartitions } from '../../src/db/monitoring/partitions.ts';
import { Retention } from '../../src/monitoring/audit/retention.ts';
import { createTestDatabase } from '../support/postgres.ts';

const log = createLogger({ level: 'silent', pretty: false });
const url = await createTestDatabase();
const db = await Database.connect({ url, poolSize: 4, log });
const sql = new Pool({ connectionString: url });
sql.on('error', () => {});
after(async () => {
  await db[Symbol.asyncDispose]();
  await sql.end();
});

const clock = { ...systemClock, at: 0, now: () => clock.at };
const retention = new Retention({ db, clock, log }, 75);
const thisMonth = new Date(Date.UTC(new Date().getUTCFullYear(), new Date().getUTCMonth()));

/** The first instant of a month so many months from now. */
function month(n: number): Date {
  return new Date(Date.UTC(thisMonth.getUTCFullYear(), thisMonth.getUTCMonth() + n));
}

async function insertDone(id: number, status: string, at: Date): Promise<void> {
  await sql.query(
    `insert into fin_done_syncs (id, event_id, voucher_id, subscription_id, event_type, source_system, mode, status, retry_count, attempt_count, created_at, sync_completed_at)
     values ($1, $1, $1, 1, 'e', 's', 'realtime', $2, 0, 1, $3, $3)`,
    [id, status, at],
  );
  await insertAttempt(id, at);
}

async function insertAttempt(id: number, at: Date): Promise<void> {
  await sql.query(
    `insert into fin_data_sync_attempts (sync_id, number, transport, started_at, duration_ms, logged_at) values ($1, 1, 'webhook', $2, 1, $2)`,
    [id, at],
  );
}

async function idsIn(table: string, column: string): Promise<number[]> {
  const { rows } = await sql.query<{ id: number }>(
    `select ${column}::int as id from ${table} where ${column} < 10000 order by 1`,
  );
  return rows.map(row => row.id);
}

test('over fourteen months each month is made ahead and dropped whole once it is old, and what is not over stays', async () => {
  await sql.query(
    `insert into fin_open_syncs (id, event_id, voucher_id, subscription_id, event_type, source_system, mode) values (5, 5, 5, 1, 'e', 's', 'realtime')`,
  );
  for (let n = -14; n <= 0; n += 1) {
    clock.at = month(n).getTime() + 3_600_000;
    await retention.run();
    const id = 1_000 + n * 10;
    const at = new Date(month(n).getTime() + 5 * 24 * 3_600_000);
    await insertDone(id, 'success', at);
    await insertDone(id + 1, 'cancelled', at);
    await insertDone(id + 2, 'failed', at);
    if (n === -14) await insertAttempt(5, at);
  }
  // 75 days before the first of a month is in the third month before it, whichever it is: that one is still there.
  const kept = [-3, -2, -1, 0].flatMap(n => [1_000 + n * 10, 1_001 + n * 10]);
  const failed = Array.from({ length: 15 }, (_, n) => 1_002 + (n - 14) * 10);
  const sorted = [...kept, ...failed].sort((a, b) => a - b);
  assert.deepEqual(await idsIn('fin_data_sync_logs', 'id'), [5, ...sorted]);
  assert.deepEqual(await idsIn('fin_data_sync_attempts', 'sync_id'), [5, ...sorted]);
});

test('attempts that were kept for a failed sync go when it is over', async () => {
  await sql.query(`update fin_done_syncs set status = 'cancelled', sync_completed_at = now() where id = 862`);
  const before = await idsIn('fin_kept_attempts', 'sync_id');
  assert.ok(before.includes(862));
  await retention.run();
  assert.deepEqual(
    await idsIn('fin_kept_attempts', 'sync_id'),
    before.filter(id => id !== 862),
  );
  assert.ok((await idsIn('fin_over_syncs', 'id')).includes(862), 'the sync itself has its days before it');
});

test('a clock that is years ahead drops nothing that the database holds to be young', async () => {
  clock.at = Date.now();
  await retention.run();
  const before = await idsIn('fin_data_sync_logs', 'id');
  clock.at = month(120).getTime();
  assert.deepEqual((await retention.run()).dropped, []);
  assert.deepEqual(await idsIn('fin_data_sync_logs', 'id'), before);
});

test('however many run at once, a month is made and dropped once, and none fails', async () => {
  await db.transaction(client => makePartitions(client, month(-30)));
  clock.at = Date.now();
  const others = Array.from({ length: 3 }, () => new Retention({ db, clock, log }, 75));
  const runs = await Promise.all([retention, ...others].map(one => one.run()));
  const dropped = runs.flatMap(run => run.dropped);
  assert.equal(new Set(dropped).size, dropped.length);
  assert.equal(dropped.length, 2 * 5);
});

test('a month that is being read is left for a later run, and outcomes are not held up meanwhile', async () => {
  await db.transaction(client => makePartitions(client, month(-30)));
  const reader = await sql.connect();
  try {
    await reader.query(
      'begin; select count(*) from fin_over_syncs; select count(*) from fin_data_sync_attempts',
    );
    const outcome = (n: number) => insertDone(20_000 + n, 'success', thisMonth);
    const run = retention.run();
    for (let n = 0; n < 20; n += 1) await outcome(n);
    assert.deepEqual((await run).dropped, []);
    await reader.query('commit');
  } finally {
    reader.release();
  }
  assert.equal((await retention.run()).dropped.length, 2 * 5);
});

test('the statements that deliveries rest on look into the partitions that they need alone', async () => {
  const plan = async (text: string, values: unknown[]) =>
    JSON.stringify((await sql.query(`explain (format json) ${text}`, values)).rows);
  const failed = await plan('select 1 from fin_done_syncs where id = any($1) and status = any($2)', [
    [1, 2],
    ['failed'],
  ]);
  assert.match(failed, /fin_failed_syncs/);
  assert.doesNotMatch(failed, /fin_over_syncs_/);
});
