import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { numbers, record, statusCounts, vouchers } from '../support/deliveries.ts';
import { startHubProcess } from '../support/hub-process.ts';
import { startLoad } from '../support/load.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { startReceiver } from '../support/receiver.ts';
import { startRedis, withoutRedis } from '../support/redis.ts';
import { assertIntact, duplicates } from '../support/verdict.ts';
import { subscribe } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

describe('Redis as the home of the queue', {
  skip: withoutRedis,
}, () => {
  test('FLUSHALL under load loses nothing, and the queue is filled again by itself', async t => {
    await using redis = await startRedis();
    const databaseUrl = await createTestDatabase();
    await using receiver = await startReceiver();
    receiver.answer(() => pause(10 + Math.random() * 30, 200));
    await using hub = await startHubProcess(databaseUrl, { REDIS_URL: redis.url });
    await subscribe(hub.hub, { webhookUrl: receiver.url });
    await using load = startLoad(() => hub.hub.ask, { everyMs: 100 });
    for (const _ of numbers(5)) {
      const before = receiver.requests.length;
      await until('deliveries flow', () => receiver.requests.length > before + 100);
      await redis.client.flushall();
    }
    await load.stop();
    await until(
      'everything acknowledged is delivered',
      () => receiver.events().length >= load.acknowledged.size,
    );
    assertIntact(load.acknowledged, receiver.events());
    assert.equal(duplicates(receiver.events()).size, 0);
    await pause(3_000);
    const startedAt = performance.now();
    const before = receiver.requests.length;
    await record(hub.hub, vouchers('settlement', ['after']));
    await until('an event after a quiet time comes', () => receiver.requests.length > before);
    t.diagnostic(
      `${load.acknowledged.size} events; one after the flushes took ${(performance.now() - startedAt).toFixed(0)} ms`,
    );
    assert.ok(hub.isUp(), hub.log());
  });

  test('Redis killed under load: vouchers are taken and delivered without it, and with it again', async t => {
    await using redis = await startRedis();
    const databaseUrl = await createTestDatabase();
    await using receiver = await startReceiver();
    receiver.answer(() => pause(10 + Math.random() * 30, 200));
    await using hub = await startHubProcess(databaseUrl, { REDIS_URL: redis.url });
    await subscribe(hub.hub, { webhookUrl: receiver.url });
    await using load = startLoad(() => hub.hub.ask, { everyMs: 100 });
    for (const _ of numbers(2)) {
      const before = receiver.requests.length;
      await until('deliveries flow', () => receiver.requests.length > before + 100);
      await redis.kill();
      const then = receiver.requests.length;
      await until('deliveries flow without Redis', () => receiver.requests.length > then + 300);
      await redis.start();
    }
    await load.stop();
    const unfinished = async () => {
      const { pending = 0, processing = 0, retrying = 0 } = await statusCounts(databaseUrl);
      return pending + processing + retrying === 0;
    };
    await until('nothing is unfinished', unfinished);
    assert.deepEqual([...load.refusals], [], 'recording does not need Redis');
    assertIntact(load.acknowledged, receiver.events());
    assert.equal(duplicates(receiver.events()).size, 0);
    // A quiet shard must be woken through the Redis that came back.
    await pause(4_000);
    const startedAt = performance.now();
    const before = receiver.requests.length;
    await record(hub.hub, vouchers('settlement', ['after']));
    await until('an event after a quiet time comes', () => receiver.requests.length > before);
    const tookMs = performance.now() - startedAt;
    t.diagnostic(`${load.acknowledged.size} events; one after Redis was back took ${tookMs.toFixed(0)} ms`);
    assert.ok(hub.isUp(), hub.log());
  });
});
