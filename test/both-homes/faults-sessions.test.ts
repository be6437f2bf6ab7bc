import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { numbers, statusCounts } from '../support/deliveries.ts';
import { startTestHub } from '../support/hub.ts';
import { startLoad } from '../support/load.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { startPostgresProxy } from '../support/postgres-proxy.ts';
import { startReceiver } from '../support/receiver.ts';
import { connectSql } from '../support/sql.ts';
import { assertIntact } from '../support/verdict.ts';
import { subscribe } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

const databaseUrl = await createTestDatabase();
const proxy = await startPostgresProxy(databaseUrl);
const hub = await startTestHub({ databaseUrl: proxy.url, env: { HUB_DATABASE_TIMEOUT: '4' } });
const receiver = await startReceiver();
after(async () => {
  await hub[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
  await proxy[Symbol.asyncDispose]();
});
await subscribe(hub, { webhookUrl: receiver.url });

/** Runs `fault` under load, some times, and waits each time until deliveries flow again. */
async function underLoad(sourceSystem: string, times: number, fault: () => Promise<void>): Promise<number[]> {
  const recoveries: number[] = [];
  await using load = startLoad(() => hub.ask, { sourceSystem, everyMs: 20 });
  for (const _ of numbers(times)) {
    const before = receiver.requests.length;
    await until('deliveries flow', () => receiver.requests.length > before + 50);
    await fault();
    const at = performance.now();
    const then = receiver.requests.length;
    await until('deliveries flow again', () => receiver.requests.length > then + 50);
    recoveries.push(Math.round(performance.now() - at));
  }
  await load.stop();
  const isOver = async () => {
    const { pending = 0, processing = 0, retrying = 0 } = await statusCounts(databaseUrl);
    return pending + processing + retrying === 0;
  };
  await until('nothing is unfinished', isOver);
  const mine = receiver.events().filter(({ voucher }) => voucher.source_system === sourceSystem);
  assertIntact(load.acknowledged, mine);
  assert.deepEqual(
    [...load.refusals.keys()].filter(code => code !== 'UNAVAILABLE'),
    [],
  );
  assert.equal((await statusCounts(databaseUrl)).failed, undefined);
  return recoveries;
}

test('all sessions are terminated, again and again: no false OK, and nothing is lost', async t => {
  await using sql = await connectSql(databaseUrl);
  const recoveries = await underLoad('terminated', 5, async () => {
    await sql.rows(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    );
  });
  t.diagnostic(`flowing again after ${recoveries.join(', ')} ms`);
});

test('the connections go silent, as when a machine vanishes: the hub goes on by new ones', async t => {
  const recoveries = await underLoad('silent', 1, async () => proxy.silence());
  t.diagnostic(`flowing again after ${recoveries.join(', ')} ms`);
});

test('while a table is locked and all connections wait for it, a call is answered UNAVAILABLE and may be sent again', async () => {
  await using sql = await connectSql(databaseUrl);
  await sql.rows('begin');
  await sql.rows('lock table fin_business_vouchers in access exclusive mode');
  const asked = numbers(40).map(() => hub.ask('{ vouchers(first: 1) { totalCount } }'));
  const answers = await Promise.all(asked);
  await sql.rows('rollback');
  assert.deepEqual(
    new Set(answers.map(({ errors }) => errors?.[0]?.extensions.code)),
    new Set(['UNAVAILABLE']),
  );
  assert.equal((await hub.ask('{ vouchers(first: 1) { totalCount } }')).errors, undefined);
});
