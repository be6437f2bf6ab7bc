import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestHub } from '../support/hub.ts';
import { connectSql } from '../support/sql.ts';
import { recordVouchers, voucherInput } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

test('a hub that is stopped while a call is under way answers it, and has stopped soon after', async () => {
  const hub = await startTestHub();
  await using sql = await connectSql(hub.databaseUrl);
  await sql.rows('begin');
  // Who only reads goes on: folding looks at the table just after a start. Other tests wait in databases of their own.
  await sql.rows('lock table fin_business_vouchers in exclusive mode');
  const waiting = `select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  const call = recordVouchers(hub, [voucherInput()]);
  await until('the call waits for the table', async () => (await sql.count(waiting)) > 0);
  const startedAt = performance.now();
  const stopped = hub[Symbol.asyncDispose]();
  await until('it takes no more', async () =>
    fetch(`${hub.url}/healthz`).then(
      answer => !answer.ok,
      () => true,
    ),
  );
  await sql.rows('commit');
  assert.equal((await call)[0]?.result?.outcome, 'CREATED');
  await stopped;
  const took = performance.now() - startedAt;
  assert.ok(took < 28_000, `the stop took ${took} ms`);
});
