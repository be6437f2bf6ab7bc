import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Consumer, type HubEvent } from '../../clients/typescript/src/index.ts';
import { startBalancer } from '../support/balancer.ts';
import { statusCounts } from '../support/deliveries.ts';
import { adminKey, askerOf } from '../support/hub.ts';
import { type HubProcess, startHubProcess } from '../support/hub-process.ts';
import { startLoad } from '../support/load.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { startReceiver } from '../support/receiver.ts';
import { startRedis, withoutRedis } from '../support/redis.ts';
import { assertIntact, duplicates } from '../support/verdict.ts';
import { subscribe } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

/** The status of a hub's health check; null: nobody listens any more. */
async function statusOf(url: string): Promise<number | null> {
  const answer = await fetch(url).catch(() => null);
  await answer?.body?.cancel();
  return answer?.status ?? null;
}

/** Stops a process as an orchestrator does, and sees to it that its readiness goes first. */
async function stopAsOrchestrated(hub: HubProcess): Promise<number> {
  const startedAt = performance.now();
  const ended = hub.stop();
  const seen: (number | null)[] = [];
  while (seen.at(-1) !== null && !seen.includes(503)) seen.push(await statusOf(`${hub.url}/readyz`));
  assert.ok(seen.includes(503), `readiness went by ${seen.join(', ')}`);
  assert.equal(await statusOf(`${hub.url}/healthz`), 200, 'it still lives');
  assert.equal(await ended, 0, hub.log());
  return performance.now() - startedAt;
}

test('a rolling restart of three processes under load loses nothing and delivers nothing twice', {
  skip: withoutRedis,
}, async t => {
  await using redis = await startRedis();
  const databaseUrl = await createTestDatabase();
  const start = (roles: string) =>
    startHubProcess(databaseUrl, { HUB_ROLES: roles, REDIS_URL: redis.url, HUB_DRAIN_DELAY_MS: '500' });
  const roles = ['api,worker', 'api,worker', 'scheduler'];
  const hubs = await Promise.all(roles.map(start));
  await using _hubs = {
    [Symbol.asyncDispose]: async () => void (await Promise.all(hubs.map(hub => hub.kill()))),
  };
  await using balancer = await startBalancer(() => hubs.slice(0, 2).map(hub => hub.url));
  const ask = askerOf(balancer.url);

  await using receiver = await startReceiver();
  receiver.answer(() => pause(5 + Math.random() * 40, 200));
  const [first] = hubs;
  assert.ok(first);
  await subscribe(first.hub, { name: 'hook', webhookUrl: receiver.url, shards: 2 });
  const { id } = await subscribe(first.hub, { name: 'socket' });
  const handled: HubEvent[] = [];
  const handle = async (event: HubEvent) => {
    handled.push(event);
    await pause(Math.random() * 10);
  };
  const reconnect = { baseMs: 20, maxMs: 200 };
  await using consumer = new Consumer({
    url: balancer.url,
    key: adminKey,
    subscriptionId: id,
    handle,
    reconnect,
  });
  consumer.run().catch(() => {});
  await using load = startLoad(() => ask, { workers: 3, everyMs: 20 });

  const stops: number[] = [];
  for (const [n, role] of roles.entries()) {
    const [before, handledBefore] = [receiver.requests.length, handled.length];
    await until(
      'deliveries flow both ways',
      () => receiver.requests.length > before + 100 && handled.length > handledBefore + 100,
    );
    const old = hubs[n];
    assert.ok(old);
    stops.push(await stopAsOrchestrated(old));
    hubs[n] = await start(role);
  }
  await load.stop();
  await until(
    'everything is delivered',
    async () => (await statusCounts(databaseUrl)).success === load.acknowledged.size * 2,
  );
  assertIntact(load.acknowledged, receiver.events());
  assertIntact(load.acknowledged, handled);
  assert.deepEqual([...duplicates(receiver.events())], [], 'twice at the webhook');
  assert.deepEqual([...duplicates(handled)], [], 'twice at the consumer');
  assert.ok(Math.max(...stops) < 30_000, `stops took ${stops} ms`);
  t.diagnostic(
    `${load.acknowledged.size} events to each; stops took ${stops.map(ms => ms.toFixed(0)).join(', ')} ms; refusals ${JSON.stringify([...load.refusals])}`,
  );
});
