import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { pino } from 'pino';
import { HubError } from '../../src/core/errors.ts';
import { direct, inspectRoute } from '../../src/db/connections.ts';
import { runCli } from '../support/cli.ts';
import { acknowledgeAll, TestConsumer } from '../support/consumer.ts';
import { numbers, record, settled, vouchers } from '../support/deliveries.ts';
import { startTestHub, testEnvironment } from '../support/hub.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { pgBouncer, startPgBouncer, without } from '../support/postgres-server.ts';
import { startReceiver } from '../support/receiver.ts';
import { connectSql } from '../support/sql.ts';
import { recordVouchers, subscribe } from '../support/vouchers.ts';

describe('behind PgBouncer in transaction mode', { skip: without(pgBouncer) }, async () => {
  const databaseUrl = await createTestDatabase();
  const pooler = await startPgBouncer(databaseUrl);
  after(() => pooler[Symbol.asyncDispose]());

  test('the hub sees the pooler, and that it keeps no prepared statement', async () => {
    assert.deepEqual(await inspectRoute(databaseUrl), direct);
    assert.deepEqual(await inspectRoute(pooler.url), { pooled: true, keepsNames: false });
  });

  test('without an address past it and without Redis the hub says what to set', async () => {
    const error = await startTestHub({ databaseUrl: pooler.url, env: { REDIS_URL: '' } }).then(
      hub => hub[Symbol.asyncDispose](),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof HubError, String(error));
    assert.equal(error.code, 'UNAVAILABLE');
    assert.match(error.message, /PgBouncer.*LISTEN.*DATABASE_DIRECT_URL.*REDIS_URL/);
  });

  test('many at once are recorded, delivered by webhook and by push, and nothing is lost or said twice', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'warn' }, { write: line => void lines.push(line) });
    const env = { DATABASE_DIRECT_URL: databaseUrl };
    await using hub = await startTestHub({ databaseUrl: pooler.url, env, overrides: { log } });
    await using receiver = await startReceiver();
    const webhook = await subscribe(hub, { name: 'webhook', webhookUrl: receiver.url });
    const push = await subscribe(hub, { name: 'push', webhookUrl: null });
    using consumer = new TestConsumer(hub.url, { subscriptionId: push.id, onEvent: acknowledgeAll });
    // Twenty connections of the hub's on three of PostgreSQL's: each statement may run on another one.
    const calls = numbers(30).map(n => recordVouchers(hub, vouchers(`source-${n}`, numbers(5))));
    const items = (await Promise.all(calls)).flat();
    assert.deepEqual(new Set(items.map(({ result }) => result?.outcome)), new Set(['CREATED']));
    for (const id of [webhook.id, push.id]) {
      const syncs = await settled(hub, id);
      assert.equal(syncs.length, 150);
      assert.deepEqual(new Set(syncs.map(({ status }) => status)), new Set(['SUCCESS']));
    }
    assert.equal(new Set(consumer.got.map(({ syncId }) => syncId)).size, 150);
    assert.equal(receiver.requests.length, 150);
    const faults = lines.filter(line => /prepared|statement .* (exist|not)/i.test(line));
    assert.deepEqual(faults, []);
    // A pooler takes no time-outs from its clients: the role's hold, and the hub says which are not set.
    assert.match(lines.join(''), /alter role \\"hub\\" set lock_timeout = '10000ms'/);
    await record(hub, vouchers('later', ['1']));
  });

  test('the doctor names the time-outs that the role lacks', async () => {
    const { stdout } = await runCli(['doctor'], {
      ...testEnvironment(pooler.url),
      HUB_URL: 'http://127.0.0.1:9',
    });
    assert.match(
      stdout,
      /is a pooler, and its role has no time-outs[\s\S]*alter role "hub" set lock_timeout = '10000ms'/,
    );
  });

  test('no prepared statement is left on a connection that others use', async () => {
    await using sql = await connectSql(pooler.url);
    assert.equal(await sql.count('select count(*) from pg_prepared_statements'), 0);
  });
});
