import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestHub } from '../support/hub.ts';
import { connectSql } from '../support/sql.ts';
import { recordVouchers, subscribe, voucherInput } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

test('the planner hears of a backlog that grows at once, without autovacuum', async () => {
  await using hub = await startTestHub();
  await using sql = await connectSql(hub.databaseUrl);
  await sql.rows('alter table fin_open_syncs set (autovacuum_enabled = false)');
  const known = () =>
    sql.count(`select greatest(reltuples, 0) from pg_class where oid = 'fin_open_syncs'::regclass`);
  const { id } = await subscribe(hub, {});
  await hub.data(`mutation ($id: ID!) { pauseDataSubscription(id: $id) { state } }`, { id });
  const record = (from: number, count: number) =>
    recordVouchers(
      hub,
      Array.from({ length: count }, (_, n) => voucherInput({ sourceId: `INV-${from + n}` })),
    );
  await record(0, 900);
  await sql.rows('analyze fin_open_syncs');
  assert.equal(await known(), 900);
  for (let from = 900; from < 4_900; from += 1_000) await record(from, 1_000);
  await until('it knows of all', async () => (await known()) === 4_900);
});
