import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dropPostgresVariables } from '../../src/config/config.ts';
import { startTestHub } from '../support/hub.ts';
import { connectSql } from '../support/sql.ts';
import { recordVouchers, voucherInput } from '../support/vouchers.ts';

const odd = {
  datestyle: "'SQL, DMY'",
  intervalstyle: "'sql_standard'",
  timezone: "'America/St_Johns'",
  bytea_output: "'escape'",
  extra_float_digits: '-4',
  standard_conforming_strings: 'off',
  default_transaction_isolation: "'serializable'",
};

test('a database with other forms of dates, times and texts is read and written as any', async () => {
  await using first = await startTestHub();
  await using sql = await connectSql(first.databaseUrl);
  const [found] = await sql.rows<{ name: string }>('select current_database() as name');
  for (const [name, value] of Object.entries(odd))
    await sql.rows(`alter database "${found?.name}" set ${name} = ${value}`);
  await using hub = await startTestHub({ databaseUrl: first.databaseUrl });
  const over = { sourceId: 'd1', voucherDate: '2025-03-04', occurredAt: '2025-03-04T05:06:07.000Z' };
  await recordVouchers(hub, [voucherInput(over)]);
  // Where a version is known, what is recorded is compared with what is read.
  await recordVouchers(hub, [voucherInput(over)]);
  const { vouchers } = await hub.data<{ vouchers: { edges: { node: Record<string, unknown> }[] } }>(
    '{ vouchers { edges { node { voucherDate voucherNo events { occurredAt recordedAt } updatedAt } } } }',
  );
  const [edge, ...others] = vouchers.edges;
  assert.equal(others.length, 0);
  await hub.data('{ syncMetrics { total averageLatencySeconds timeline { at } } }');
  assert.equal(edge?.node.voucherDate, '2025-03-04');
  assert.match(
    JSON.stringify(edge?.node),
    /"voucherNo":"V20250304-\d+","events":\[\{"occurredAt":"2025-03-04T05:06:07.000Z"/,
  );
});

test('what a shell sets for PostgreSQL’s clients does not reach the embedded database', () => {
  const env: NodeJS.ProcessEnv = {
    PGSSLMODE: 'require',
    PGOPTIONS: '-c datestyle=SQL',
    PGUSER: 'x',
    HUB_PORT: '1',
  };
  dropPostgresVariables(env);
  assert.deepEqual(env, { HUB_PORT: '1' });
  const external = { PGSSLMODE: 'require', DATABASE_URL: 'postgres://db.example/hub' };
  dropPostgresVariables(external);
  assert.deepEqual(external, { PGSSLMODE: 'require', DATABASE_URL: 'postgres://db.example/hub' });
});
