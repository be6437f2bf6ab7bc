import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import {
  detailsOf,
  emptyQueue,
  numbers,
  record,
  settled,
  sql,
  statusCounts,
  vouchers,
} from '../support/deliveries.ts';
import { startHubProcess } from '../support/hub-process.ts';
import { startLoad } from '../support/load.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { startReceiver } from '../support/receiver.ts';
import { assertIntact, duplicates } from '../support/verdict.ts';
import { subscribe } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

/** The pass line: what a killed process held is delivered again within this. */
const redeliveredMs = 60_000;

test('a hub killed twice while it delivers the same event delivers it after all, under the same id', async t => {
  const databaseUrl = await createTestDatabase();
  await using receiver = await startReceiver();
  receiver.answer(() => (receiver.requests.length <= 2 ? undefined : 200));
  const waits: number[] = [];
  const first = await startHubProcess(databaseUrl);
  const { id } = await subscribe(first.hub, {
    webhookUrl: receiver.url,
    retry: { maxRetries: 0, baseDelayMs: 1_000 },
  });
  await record(first.hub, vouchers('settlement', ['held']));
  await receiver.gotEvents(1);
  await first.kill();
  let killedAt = performance.now();
  const second = await startHubProcess(databaseUrl);
  await receiver.gotEvents(2, redeliveredMs);
  waits.push(performance.now() - killedAt);
  await second.kill();
  killedAt = performance.now();
  await using third = await startHubProcess(databaseUrl);
  await receiver.gotEvents(3, redeliveredMs);
  waits.push(performance.now() - killedAt);
  const [sync] = await settled(third.hub, id);
  assert.equal(sync?.status, 'SUCCESS');
  assert.equal(sync?.retryCount, 0);
  assert.deepEqual(
    sync?.attempts.map(({ errorCode }) => errorCode),
    ['LEASE_EXPIRED', 'LEASE_EXPIRED', null],
  );
  assert.equal(new Set(receiver.events().map(({ sync_id }) => sync_id)).size, 1);
  assert.equal(new Set(receiver.requests.map(({ headers }) => headers['webhook-id'])).size, 1);
  t.diagnostic(`redelivered ${waits.map(ms => `${(ms / 1_000).toFixed(1)} s`).join(' and ')} after the kill`);
});

test('what was committed but never queued, because the process died in between, is delivered within 30 s', async t => {
  const databaseUrl = await createTestDatabase();
  await using receiver = await startReceiver();
  // A process that only takes vouchers: its wake-ups go into the queue, and nobody takes them out.
  const api = await startHubProcess(databaseUrl, { HUB_ROLES: 'api' });
  const { id } = await subscribe(api.hub, { webhookUrl: receiver.url });
  await record(api.hub, vouchers('settlement', numbers(20)));
  await api.kill();
  // As if it had died before the wake-ups: none of them is left.
  await emptyQueue(databaseUrl);
  await using worker = await startHubProcess(databaseUrl, { HUB_ROLES: 'worker,scheduler' });
  const startedAt = performance.now();
  await receiver.gotEvents(20);
  t.diagnostic(`delivered ${((performance.now() - startedAt) / 1_000).toFixed(1)} s after the worker was up`);
  assert.ok(worker.isUp());
  const rows = await until('the log says so', async () => {
    const found = await sql<{ status: string }>(
      databaseUrl,
      'select status from fin_data_sync_logs where subscription_id = $1',
      [id],
    );
    return found.every(({ status }) => status === 'success') && found;
  });
  assert.equal(rows.length, 20);
  assert.equal(receiver.requests.length, 20);
});

test('a hub killed under load and started again loses nothing; duplicates are only what was under way', async t => {
  const databaseUrl = await createTestDatabase();
  await using receiver = await startReceiver();
  receiver.answer(() => pause(20 + Math.random() * 80, 200));
  let current = await startHubProcess(databaseUrl);
  // Whichever runs at the end.
  await using _last = { [Symbol.asyncDispose]: () => current.kill() };
  await subscribe(current.hub, { webhookUrl: receiver.url, maxInFlight: 16 });
  await using load = startLoad(() => current.hub.ask, { everyMs: 200 });
  const kills = 3;
  for (const _ of numbers(kills)) {
    const before = receiver.requests.length;
    await until('deliveries flow', () => receiver.requests.length > before + 100, redeliveredMs);
    await current.kill();
    current = await startHubProcess(databaseUrl);
  }
  await load.stop();
  await until(
    'nothing is unfinished',
    async () => {
      const { pending = 0, processing = 0, retrying = 0 } = await statusCounts(databaseUrl);
      return pending + processing + retrying === 0;
    },
    redeliveredMs,
  );
  assertIntact(load.acknowledged, receiver.events());
  const again = duplicates(receiver.events());
  // At each kill: the requests under way, and as many outcomes that were not yet written.
  assert.ok(again.size <= kills * 32, `${again.size} duplicates`);
  assert.equal((await statusCounts(databaseUrl)).failed, undefined);
  assert.ok(current.isUp(), current.log());
  t.diagnostic(
    `${load.acknowledged.size} acknowledged, ${receiver.requests.length} requests, ${again.size} events more than once, refusals ${JSON.stringify([...load.refusals])}`,
  );
});

test('the queue emptied under load loses nothing and is filled again by itself', async t => {
  const databaseUrl = await createTestDatabase();
  await using receiver = await startReceiver();
  receiver.answer(() => pause(10 + Math.random() * 30, 200));
  await using hub = await startHubProcess(databaseUrl);
  const { id } = await subscribe(hub.hub, { webhookUrl: receiver.url });
  await using load = startLoad(() => hub.hub.ask);
  for (const _ of numbers(5)) {
    const before = receiver.requests.length;
    await until('deliveries flow', () => receiver.requests.length > before + 100);
    const names = await emptyQueue(databaseUrl);
    assert.ok(names.length >= 2, `tables ${names}`);
  }
  await load.stop();
  const stoppedAt = performance.now();
  await until(
    'everything acknowledged is delivered',
    () => receiver.events().length >= load.acknowledged.size,
  );
  t.diagnostic(
    `${load.acknowledged.size} events; the last came ${((performance.now() - stoppedAt) / 1_000).toFixed(1)} s after the load ended`,
  );
  assertIntact(load.acknowledged, receiver.events());
  assert.equal(duplicates(receiver.events()).size, 0);
  // And the shard still takes its wake-ups from the queue: an event after a quiet time comes at once.
  await pause(limitsOfQuietMs);
  const before = receiver.requests.length;
  const startedAt = performance.now();
  await record(hub.hub, vouchers('settlement', ['after']));
  await until('it came', () => receiver.requests.length > before);
  t.diagnostic(`an event after that took ${(performance.now() - startedAt).toFixed(0)} ms`);
  assert.ok(hub.isUp());
  await until('the log says so', async () =>
    (await detailsOf(hub.hub, id)).every(({ status }) => status === 'SUCCESS'),
  );
});

/** Longer than a drain stays on its empty shard. */
const limitsOfQuietMs = 3_000;
