import assert from 'node:assert/strict';
import { test } from 'node:test';
import { record, settled, stateOf, vouchers } from '../support/deliveries.ts';
import { startTestHub } from '../support/hub.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { startReceiver } from '../support/receiver.ts';
import { startRedis, withoutRedis } from '../support/redis.ts';
import { subscribe } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

interface Readyz {
  status: string;
  checks: Record<string, boolean>;
  optional: Record<string, boolean>;
}

test('with the roles apart and Redis away webhooks go out, a suspended shard is probed, and every role stays ready', {
  skip: withoutRedis,
}, async t => {
  await using redis = await startRedis();
  const databaseUrl = await createTestDatabase();
  await using receiver = await startReceiver();
  const start = (role: string) =>
    startTestHub({ databaseUrl, env: { HUB_ROLES: role, REDIS_URL: redis.url } });
  await using api = await start('api');
  await using worker = await start('worker');
  await using scheduler = await start('scheduler');
  const { id } = await subscribe(api, { webhookUrl: receiver.url });
  await record(api, vouchers('before', [1]));
  await receiver.gotEvents(1);
  await settled(api, id);
  await redis.kill();

  const readyz = async ({ url }: { url: string }) => {
    const response = await fetch(`${url}/readyz`);
    const body: Readyz = JSON.parse(await response.text());
    return { status: response.status, ...body.checks, queue: body.optional.queue };
  };
  for (const hub of [api, worker, scheduler])
    assert.deepEqual(
      await until('it knows that the queue is away', async () => {
        const said = await readyz(hub);
        return said.queue === false ? said : false;
      }),
      { status: 200, database: true, running: true, queue: false },
    );

  const waits: number[] = [];
  for (let n = 0; n < 3; n += 1) {
    const startedAt = performance.now();
    await record(api, vouchers('away', [n]));
    await receiver.gotEvents(2 + n);
    waits.push(performance.now() - startedAt);
  }
  t.diagnostic(`from recording to delivery without Redis: ${waits.map(Math.round).join(', ')} ms`);

  // A target that went away while Redis was: its shard is suspended, and probed until it is back.
  const { id: down } = await subscribe(api, {
    name: 'down',
    webhookUrl: 'http://127.0.0.1:9/hook',
    sourceSystems: ['down'],
    retry: { maxRetries: 0, baseDelayMs: 10, maxDelayMs: 10, jitter: 0 },
  });
  await record(api, vouchers('down', [1]));
  await until('its shard is suspended', async () => (await stateOf(api, down)) === 'SUSPENDED');
  await api.data(
    'mutation ($id: ID!, $url: String) { updateDataSubscription(id: $id, input: { webhookUrl: $url }) { id } }',
    {
      id: down,
      url: receiver.url,
    },
  );
  await until('its shard is active again', async () => (await stateOf(api, down)) === 'ACTIVE');
  await settled(api, down);

  await redis.start();
  await until('the queue is back', async () => (await readyz(worker)).queue === true);
  await record(api, vouchers('after', [1]));
  await settled(api, id);
});
