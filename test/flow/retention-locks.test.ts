import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { systemClock } from '../../src/core/clock.ts';
import { createLogger } from '../../src/core/logger.ts';
import { Database } from '../../src/db/database.ts';
import { hubLocks } from '../../src/db/lock-numbers.ts';
import { dropPartition, expiredPartitions, makePartitions } from '../../src/db/monitoring/partitions.ts';
import { Retention } from '../../src/monitoring/audit/retention.ts';
import { numbers, record, vouchers } from '../support/deliveries.ts';
import { startTestHub } from '../support/hub.ts';
import { connectSql, type Sql } from '../support/sql.ts';
import { subscribe } from '../support/vouchers.ts';

const log = createLogger({ level: 'silent', pretty: false });
const longAgo = new Date(Date.UTC(new Date().getUTCFullYear() - 1, new Date().getUTCMonth()));

/** Who waits for the lock that each recording takes. BullMQ has advisory locks of its own in this database. */
const waitingForRouting = `select count(*) from pg_locks where locktype = 'advisory' and not granted and objid = ${hubLocks.routing}
  and database = (select oid from pg_database where datname = current_database())`;

/** Fills an old month with attempts. */
async function fillOldMonth(db: Database, sql: Sql, attempts: number): Promise<void> {
  await db.transaction(client => makePartitions(client, longAgo));
  await sql.rows(
    `insert into fin_data_sync_attempts (sync_id, number, transport, started_at, duration_ms, logged_at)
     select n, 1, 'webhook', $1, 1, $1 from generate_series(1, $2) n`,
    [new Date(longAgo.getTime() + 1_000), attempts],
  );
}

test('vouchers are recorded and subscriptions changed while the transaction that drops a month is open', async () => {
  await using hub = await startTestHub();
  await using sql = await connectSql(hub.databaseUrl);
  await using db = await Database.connect({ url: hub.databaseUrl, poolSize: 4, log });
  await subscribe(hub, {});
  await fillOldMonth(db, sql, 100);
  const [old] = await db.transaction(client => expiredPartitions(client, new Date(), 75));
  assert.ok(old);
  await db.transaction(async client => {
    await dropPartition(client, old, 250);
    await record(hub, vouchers('beside', numbers(50)));
    await record(hub, vouchers('beside', numbers(50), { sourceVersion: 2 }));
    await subscribe(hub, { name: 'beside' });
    assert.equal(await sql.count('select count(*) from fin_voucher_events'), 100);
    assert.equal(await sql.count(waitingForRouting), 0);
  });
});

test('no recording waits for an advisory lock while retention drops a month of a million attempts', async t => {
  await using hub = await startTestHub({ env: { HUB_ROLES: 'api' } });
  await using sql = await connectSql(hub.databaseUrl);
  await using db = await Database.connect({ url: hub.databaseUrl, poolSize: 4, log });
  await subscribe(hub, {});
  await fillOldMonth(db, sql, 1_000_000);
  const retention = new Retention({ db, clock: systemClock, log }, 75);
  const over = new AbortController();
  const run = retention.run().finally(() => {
    over.abort();
  });
  let waited = 0;
  let slowestMs = 0;
  let recorded = 0;
  const watch = (async () => {
    while (!over.signal.aborted) {
      waited += await sql.count(waitingForRouting);
      await pause(5);
    }
  })();
  while (!over.signal.aborted) {
    const startedAt = performance.now();
    await record(hub, vouchers('beside', [recorded]));
    slowestMs = Math.max(slowestMs, performance.now() - startedAt);
    recorded += 1;
  }
  await watch;
  const { dropped } = await run;
  assert.ok(dropped.length > 0);
  assert.ok(recorded > 0);
  assert.equal(waited, 0);
  t.diagnostic(`${recorded} recordings beside the drop, the slowest took ${Math.round(slowestMs)} ms`);
});
