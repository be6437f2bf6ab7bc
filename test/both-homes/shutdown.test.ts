import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { limits } from '../../src/core/limits.ts';
import { numbers, record, settled, sql, statusCounts, vouchers } from '../support/deliveries.ts';
import { startTestHub } from '../support/hub.ts';
import { startLoad } from '../support/load.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { startReceiver } from '../support/receiver.ts';
import { assertIntact, duplicates } from '../support/verdict.ts';
import { subscribe } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

test('hubs that stop and start under load deliver every event exactly once, and leave nothing PROCESSING', async t => {
  const databaseUrl = await createTestDatabase();
  await using receiver = await startReceiver();
  receiver.answer(() => pause(50 + Math.random() * 150, 200));
  let hub = await startTestHub({ databaseUrl });
  // Whichever runs at the end.
  await using _last = { [Symbol.asyncDispose]: () => hub[Symbol.asyncDispose]() };
  await subscribe(hub, { webhookUrl: receiver.url });
  await using load = startLoad(() => hub.ask, { workers: 6 });
  const stops: number[] = [];
  for (const _ of numbers(4)) {
    const before = receiver.requests.length;
    await until('deliveries flow', () => receiver.requests.length > before + 150);
    const startedAt = performance.now();
    await hub[Symbol.asyncDispose]();
    stops.push(performance.now() - startedAt);
    assert.equal((await statusCounts(databaseUrl)).processing, undefined, 'left PROCESSING');
    hub = await startTestHub({ databaseUrl });
  }
  await load.stop();
  await until(
    'everything is delivered',
    async () => (await statusCounts(databaseUrl)).success === load.acknowledged.size,
  );
  assertIntact(load.acknowledged, receiver.events());
  assert.equal(duplicates(receiver.events()).size, 0);
  // Whatever a stop waited for in vain, it would wait for that long.
  assert.ok(Math.max(...stops) < limits.stopMs, `stops took ${stops.map(ms => ms.toFixed(0)).join(', ')} ms`);
  t.diagnostic(
    `${load.acknowledged.size} events over 4 restarts; stops took ${stops.map(ms => ms.toFixed(0)).join(', ')} ms; refusals ${JSON.stringify([...load.refusals])}`,
  );
});

test('a stop waits no more than 30 s for an answer that does not come, and holds it against nobody', async t => {
  const databaseUrl = await createTestDatabase();
  await using receiver = await startReceiver();
  receiver.answer(() => (receiver.requests.length === 1 ? undefined : 200));
  const hub = await startTestHub({ databaseUrl });
  const { id } = await subscribe(hub, {
    webhookUrl: receiver.url,
    timeoutMs: 120_000,
    retry: { maxRetries: 0 },
  });
  await record(hub, vouchers('settlement', [1]));
  await receiver.gotEvents(1);
  const startedAt = performance.now();
  await hub[Symbol.asyncDispose]();
  const tookMs = performance.now() - startedAt;
  t.diagnostic(`the stop took ${tookMs.toFixed(0)} ms`);
  // The hub gives up at 25 s; the rest is room for a busy machine.
  assert.ok(tookMs < 60_000, `${tookMs} ms`);
  const [row] = await sql<{ state: string }>(
    databaseUrl,
    'select state from data_subscriptions where id = $1',
    [id],
  );
  assert.equal(row?.state, 'active', 'the target did nothing wrong');
  await using again = await startTestHub({ databaseUrl });
  await receiver.gotEvents(2);
  const [sync] = await settled(again, id);
  assert.equal(sync?.status, 'SUCCESS');
  assert.equal(sync?.retryCount, 0);
});

test('two hubs on one database share the work without duplicates, in order per record', async t => {
  const databaseUrl = await createTestDatabase();
  const receivers = await Promise.all(numbers(8).map(() => startReceiver()));
  await using _receivers = {
    [Symbol.asyncDispose]: async () =>
      void (await Promise.all(receivers.map(receiver => receiver[Symbol.asyncDispose]()))),
  };
  await using first = await startTestHub({ databaseUrl });
  await using second = await startTestHub({ databaseUrl });
  for (const [n, receiver] of receivers.entries()) {
    receiver.answer(() => pause(5 + Math.random() * 30, 200));
    await subscribe(first, { name: `two-${n}`, webhookUrl: receiver.url, sourceSystems: [`two-${n % 4}`] });
  }
  await using running = new AsyncDisposableStack();
  const loads = numbers(4).map(n =>
    running.use(
      startLoad(() => (n % 2 === 0 ? first : second).ask, {
        sourceSystem: `two-${n}`,
        workers: 2,
        versions: 30,
      }),
    ),
  );
  await until('all is recorded', () => loads.every(load => load.acknowledged.size === 300));
  await until('all is delivered', async () => (await statusCounts(databaseUrl)).success === 2_400);
  for (const [n, receiver] of receivers.entries()) {
    assert.equal(receiver.requests.length, 300, 'each event comes once');
    assertIntact(loads[n % 4]?.acknowledged ?? new Set(), receiver.events());
  }
  t.diagnostic(`refusals ${JSON.stringify(loads.flatMap(load => [...load.refusals]))}`);
});
