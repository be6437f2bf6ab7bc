import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { startHubProcess } from '../support/hub-process.ts';
import { numbers, record, statusCounts, vouchers } from '../support/lanes.ts';
import { startLoad } from '../support/load.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { startReceiver } from '../support/receiver.ts';
import { assertIntact, duplicates } from '../support/verdict.ts';
import { subscribe } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

const program = (() => {
  try {
    return execFileSync('which', ['redis-server']).toString().trim();
  } catch {
    return null;
  }
})();

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise<void>(resolve => server.close(() => resolve()));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** A Redis of this test's own, without persistence: what it forgets must not matter. */
async function startRedis() {
  const port = await freePort();
  const folder = mkdtempSync(path.join(tmpdir(), 'hub-redis-'));
  let running: ChildProcess | undefined;
  const url = `redis://127.0.0.1:${port}`;
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => 50, maxRetriesPerRequest: null });
  client.on('error', () => {});
  const start = async () => {
    running = spawn(
      program ?? '',
      [
        '--port',
        String(port),
        '--bind',
        '127.0.0.1',
        '--save',
        '',
        '--appendonly',
        'no',
        '--maxmemory-policy',
        'noeviction',
      ],
      {
        cwd: folder,
        stdio: 'ignore',
      },
    );
    await until('Redis answers', () =>
      client.ping().then(
        () => true,
        () => false,
      ),
    );
  };
  const kill = async () => {
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const exit = once(running, 'exit');
    running.kill('SIGKILL');
    await exit;
  };
  await start();
  return {
    url,
    client,
    start,
    kill,
    async [Symbol.asyncDispose]() {
      client.disconnect();
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

describe('Redis as the home of the queue', {
  skip: program === null ? 'redis-server is not installed' : false,
}, () => {
  test('FLUSHALL under load loses nothing, and the queue is filled again by itself', {
    timeout: 120_000,
  }, async t => {
    await using redis = await startRedis();
    const databaseUrl = await createTestDatabase();
    await using receiver = await startReceiver();
    receiver.answer(() => pause(10 + Math.random() * 30, 200));
    await using hub = await startHubProcess(databaseUrl, { REDIS_URL: redis.url });
    await subscribe(hub.hub, { webhookUrl: receiver.url });
    await using load = startLoad(() => hub.hub.ask, { everyMs: 100 });
    for (const _ of numbers(5)) {
      const before = receiver.requests.length;
      await until('deliveries flow', () => receiver.requests.length > before + 100, 30_000);
      await redis.client.flushall();
    }
    await load.stop();
    await until(
      'everything acknowledged is delivered',
      () => receiver.events().length >= load.acknowledged.size,
      30_000,
    );
    assertIntact(load.acknowledged, receiver.events());
    assert.equal(duplicates(receiver.events()).size, 0);
    await pause(3_000);
    const startedAt = performance.now();
    const before = receiver.requests.length;
    await record(hub.hub, vouchers('settlement', ['after']));
    await until('an event after a quiet time comes', () => receiver.requests.length > before, 30_000);
    t.diagnostic(
      `${load.acknowledged.size} events; one after the flushes took ${(performance.now() - startedAt).toFixed(0)} ms`,
    );
    assert.ok(hub.isUp(), hub.log());
  });

  test('Redis killed under load: vouchers are taken and delivered without it, and with it again', {
    timeout: 180_000,
  }, async t => {
    await using redis = await startRedis();
    const databaseUrl = await createTestDatabase();
    await using receiver = await startReceiver();
    receiver.answer(() => pause(10 + Math.random() * 30, 200));
    await using hub = await startHubProcess(databaseUrl, { REDIS_URL: redis.url });
    await subscribe(hub.hub, { webhookUrl: receiver.url });
    await using load = startLoad(() => hub.hub.ask, { everyMs: 100 });
    for (const _ of numbers(2)) {
      const before = receiver.requests.length;
      await until('deliveries flow', () => receiver.requests.length > before + 100, 30_000);
      await redis.kill();
      const then = receiver.requests.length;
      await until('deliveries flow without Redis', () => receiver.requests.length > then + 300, 30_000);
      await redis.start();
    }
    await load.stop();
    const unfinished = async () => {
      const { pending = 0, processing = 0, retrying = 0 } = await statusCounts(databaseUrl);
      return pending + processing + retrying === 0;
    };
    await until('nothing is unfinished', unfinished, 60_000);
    assert.deepEqual([...load.refusals], [], 'recording does not need Redis');
    assertIntact(load.acknowledged, receiver.events());
    assert.equal(duplicates(receiver.events()).size, 0);
    // A quiet lane must be woken through the Redis that came back.
    await pause(4_000);
    const startedAt = performance.now();
    const before = receiver.requests.length;
    await record(hub.hub, vouchers('settlement', ['after']));
    await until('an event after a quiet time comes', () => receiver.requests.length > before, 30_000);
    const tookMs = performance.now() - startedAt;
    t.diagnostic(`${load.acknowledged.size} events; one after Redis was back took ${tookMs.toFixed(0)} ms`);
    assert.ok(tookMs < 10_000, `${tookMs} ms`);
    assert.ok(hub.isUp(), hub.log());
  });
});
