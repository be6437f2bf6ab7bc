import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { inspect } from 'node:util';
import { createLogger } from '../../src/core/logger.ts';
import { runCli, temporaryFolder } from '../support/cli.ts';
import { acknowledgeAll, TestConsumer } from '../support/consumer.ts';
import { numbers, record, vouchers } from '../support/deliveries.ts';
import { startTestHub, type TestHub, testEnvironment } from '../support/hub.ts';
import { startHubProcess } from '../support/hub-process.ts';
import { createEmptyDatabase, createTestDatabase } from '../support/postgres.ts';
import { startReceiver } from '../support/receiver.ts';
import {
  makeCertificates,
  startRedis,
  startRedisCluster,
  startSentinel,
  withoutRedis,
} from '../support/redis.ts';
import { subscribe } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

const password = 'hunter2/@%';
const encoded = encodeURIComponent(password);

/** What a pair of hubs is asked by. */
type Node = Pick<TestHub, 'url' | 'data'>;

/** Every hub of these tests: without a scheduler no reconciler helps out, so what arrives came by Redis. */
const recorder = { HUB_ROLES: 'api' };
const worker = { HUB_ROLES: 'api,worker' };

/** Events recorded on one hub reach a webhook and a consumer of the other hub of the same installation. */
async function assertDelivers(first: Node, second: Node): Promise<void> {
  await using receiver = await startReceiver();
  await subscribe(first, { webhookUrl: receiver.url });
  await record(first, vouchers('webhook', [1, 2, 3]));
  await receiver.gotEvents(3);
  const { id } = await subscribe(first, { name: 'attached' });
  using consumer = new TestConsumer(second.url, { subscriptionId: id, onEvent: acknowledgeAll });
  await record(first, vouchers('socket', ['warm']));
  await until('the consumer is attached', () => consumer.got.length === 1);
  const waits: number[] = [];
  for (const n of numbers(4)) {
    const startedAt = performance.now();
    await record(first, vouchers('socket', [n]));
    await until('the consumer has the event of the other hub', () => consumer.got.length === 2 + n);
    waits.push(performance.now() - startedAt);
  }
  // By itself it looks every five seconds. The quickest counts, as the machine may be busy during one.
  assert.ok(Math.min(...waits) < 2_500, `${waits} ms: it looked for itself rather than was told`);
}

/** The same with two hubs in this process. */
async function assertHome(url: string): Promise<void> {
  const databaseUrl = await createTestDatabase();
  await using first = await startTestHub({ databaseUrl, env: { ...recorder, REDIS_URL: url } });
  await using second = await startTestHub({ databaseUrl, env: { ...worker, REDIS_URL: url } });
  await assertDelivers(first, second);
}

/** What a hub says that does not start on a Redis; it never holds the password. */
async function refusal(url: string): Promise<string> {
  const error = await startTestHub({ env: { REDIS_URL: url } }).then(
    async hub => {
      await hub[Symbol.asyncDispose]();
      throw new Error('It started.');
    },
    (error: Error) => error,
  );
  const all = inspect(error, { depth: 20, showHidden: true });
  assert.ok(!all.includes('hunter2'), all);
  assert.equal(error.name, 'HubError', all);
  return error.message;
}

describe('the homes of the queue on Redis', { skip: withoutRedis }, () => {
  test('redis:// with user, password and database: two hubs of one installation work together', async () => {
    const config = [`user hub on >${password} ~* &* +@all`, 'user default off'];
    await using redis = await startRedis({ config, client: { username: 'hub', password } });
    const account = `redis://hub:${encoded}@127.0.0.1:${redis.port}`;
    await assertHome(`${account}/3`);
    assert.ok(Number(await redis.client.call('dbsize')) === 0, 'database 0 is not touched');
    assert.match(await refusal(account.replace('hunter2', 'hunter21')), /does not answer: WRONGPASS/);
  });

  test('rediss://: certificates are verified, and events are delivered', async () => {
    const tls = makeCertificates(await temporaryFolder());
    await using redis = await startRedis({ tls, config: [`requirepass ${password}`], client: { password } });
    const url = `rediss://:${encoded}@127.0.0.1:${redis.port}`;
    assert.match(await refusal(url), /does not answer: .*certificate/);
    const databaseUrl = await createTestDatabase();
    const env = { REDIS_URL: url, NODE_EXTRA_CA_CERTS: tls.ca };
    await using first = await startHubProcess(databaseUrl, { ...env, ...recorder });
    await using second = await startHubProcess(databaseUrl, { ...env, ...worker });
    await assertDelivers({ url: first.url, ...first.hub }, { url: second.url, ...second.hub });
    assert.doesNotMatch(first.log() + second.log(), /hunter2/);
  });

  test('redis+sentinel://: the master is found though one Sentinel is away and none asks for a password', async () => {
    await using redis = await startRedis({ config: [`requirepass ${password}`], client: { password } });
    await using sentinel = await startSentinel(redis, password);
    const url = `redis+sentinel://:${encoded}@127.0.0.1:1,127.0.0.1:${sentinel.port}`;
    await assertHome(`${url}/mymaster`);
    assert.match(await refusal(`${url}/other`), /sentinel 127\.0\.0\.1:1 .*; .* No such master/);
    assert.match(
      await refusal('redis+sentinel://127.0.0.1:1/mymaster'),
      /connect to sentinel 127\.0\.0\.1:1/,
    );
  });

  test('redis+cluster://: events are delivered, and one master that may evict is enough to refuse', async () => {
    const account = { config: [`requirepass ${password}`], client: { password } };
    await using cluster = await startRedisCluster(account);
    const [first, second, third] = cluster.nodes;
    assert.ok(first && second && third);
    const url = `redis+cluster://:${encoded}@127.0.0.1:1,127.0.0.1:${first.port},127.0.0.1:${second.port}`;
    await assertHome(url);
    const sound = await runCli(['doctor'], {
      ...testEnvironment(await createTestDatabase()),
      REDIS_URL: url,
    });
    assert.equal(sound.stdout.match(/✓ queue +its maxmemory-policy is noeviction/g)?.length, 3, sound.stdout);
    assert.ok(!`${sound.stdout}${sound.stderr}`.includes('hunter2'));
    await third.client.config('SET', 'maxmemory-policy', 'allkeys-lfu');
    assert.match(await refusal(url), new RegExp(`127.0.0.1:${third.port} .* allkeys-lfu`));
  });

  test('a Redis that may evict is refused, with what to set', async () => {
    await using redis = await startRedis({ config: ['maxmemory-policy allkeys-lru'] });
    assert.match(await refusal(redis.url), /maxmemory-policy allkeys-lru: .* Set it to noeviction/);
    const doctor = await runCli(['doctor'], {
      ...testEnvironment(await createTestDatabase()),
      REDIS_URL: redis.url,
    });
    assert.match(doctor.stdout, /✗ queue +its maxmemory-policy is allkeys-lru/);
    await redis.client.config('SET', 'maxmemory-policy', 'noeviction');
    await using _hub = await startTestHub({ env: { REDIS_URL: redis.url } });
  });

  test('a Redis that does not say whether it may evict is taken with a warning', async t => {
    // ioredis says so too, for each connection.
    t.mock.method(console, 'warn', () => {});
    await using redis = await startRedis({ config: [`user hub on >${password} ~* &* +@all -info -config`] });
    const url = `redis://hub:${encoded}@127.0.0.1:${redis.port}`;
    const lines: string[] = [];
    const destination = { write: (line: string) => void lines.push(line) };
    const log = createLogger({ level: 'debug', pretty: false, destination });
    {
      await using _hub = await startTestHub({ env: { REDIS_URL: url }, overrides: { log } });
    }
    assert.match(lines.join(''), /maxmemory-policy can't be asked/);
    assert.ok(!lines.join('').includes('hunter2'));
    await assertHome(url);
  });

  test('two installations on one Redis do not take each other’s wake-ups', async () => {
    await using redis = await startRedis();
    await using mine = await startReceiver();
    const env = { REDIS_URL: redis.url };
    const databaseUrl = await createEmptyDatabase();
    await using first = await startTestHub({ databaseUrl, env: { ...env, ...recorder } });
    await using other = await startTestHub({
      databaseUrl: await createEmptyDatabase(),
      env: { ...env, ...worker },
    });
    const { id } = await subscribe(first, { webhookUrl: mine.url });
    assert.equal(
      (await subscribe(other, { webhookUrl: mine.url })).id,
      id,
      'their shards have the same name',
    );
    await record(first, vouchers('first', [1]));
    await pause(1_000);
    assert.equal(mine.requests.length, 0, 'the other installation’s worker has nothing to send');
    await using _late = await startTestHub({ databaseUrl, env: { ...env, ...worker } });
    await mine.gotEvents(1);
  });
});
