import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import {
  numbers,
  quick,
  record,
  setState,
  settled,
  sql,
  stateOf,
  subscriptionMaker,
  vouchers,
} from '../support/deliveries.ts';
import { startTestHub, type TestHub } from '../support/hub.ts';
import { startReceiver } from '../support/receiver.ts';

// Registered before the hub's database registers its own removal: the hub goes first.
after(() => hub[Symbol.asyncDispose]());
const hub: TestHub = await startTestHub();

const makeSubscription = subscriptionMaker(hub);

describe('the window', { concurrency: 3 }, () => {
  test('never more than maxInFlight requests are under way', async () => {
    await using receiver = await startReceiver();
    let underWay = 0;
    let most = 0;
    receiver.answer(async () => {
      most = Math.max(most, ++underWay);
      await pause(15);
      underWay -= 1;
      return 200;
    });
    const { id, system } = await makeSubscription(receiver.url, { maxInFlight: 5 });
    await record(hub, vouchers(system, numbers(200)));
    await settled(hub, id);
    assert.equal(most, 5, 'the window is used, and never exceeded');
    assert.equal(receiver.requests.length, 200);
  });

  test('a backlog is claimed by halves of what is claimed ahead, not anew at each answer', async () => {
    await using receiver = await startReceiver();
    receiver.answer(async ({ body }) => {
      // Out of step, so that outcomes come in one by one.
      await pause(20 + 10 * (Number(body.voucher.source_id.split('-').at(-1)) % 4));
      return 200;
    });
    const { id, system } = await makeSubscription(receiver.url, { maxInFlight: 4 });
    await setState(hub, id, 'pause');
    await record(hub, vouchers(system, numbers(144)));
    await setState(hub, id, 'resume');
    await settled(hub, id);
    const claims = await sql<{ held: number }>(
      hub.databaseUrl,
      `select cardinality(sync_ids) as held from lane_claims where subscription_id = ${id} order by held desc`,
    );
    // Eight windows at first, then four at once; a process that was kept from looking finds room for eight again.
    const sizes = claims.map(({ held }) => held);
    assert.equal(sizes[0], 32);
    assert.ok(
      sizes.every(held => held === 16 || held === 32),
      sizes.join(', '),
    );
    assert.equal(
      sizes.reduce((sum, held) => sum + held, 0),
      144,
    );
  });

  test('rateLimitPerSecond is held over every stretch of time', async () => {
    await using receiver = await startReceiver();
    const { id, system } = await makeSubscription(receiver.url, { rateLimitPerSecond: 40 });
    await record(hub, vouchers(system, numbers(120)));
    await settled(hub, id);
    const times = receiver.requests.map(({ at }) => at);
    for (const [first, from] of times.entries()) {
      for (let last = first + 1; last < times.length; last += 1) {
        const seconds = ((times[last] ?? 0) - from) / 1_000;
        // A burst of two, and 250 ms for the way of a request that was late (a connection is made on a busy machine).
        assert.ok(
          last - first + 1 <= 40 * (seconds + 0.25) + 3,
          `${last - first + 1} requests in ${seconds} s`,
        );
      }
    }
    const tookS = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1_000;
    // Three seconds where the machine has nothing else to do.
    assert.ok(tookS < 20, `the rate is used: 120 in ${tookS} s`);
  });

  test('an answer that does not come holds one slot; the others go on', async () => {
    await using receiver = await startReceiver();
    receiver.answer(({ body }) => (body.voucher.source_id.endsWith('-0') ? undefined : 200));
    const { id, system } = await makeSubscription(receiver.url, {
      maxInFlight: 2,
      timeoutMs: 20_000,
      retry: { ...quick, maxRetries: 0 },
    });
    await record(hub, vouchers(system, [0]));
    await receiver.gotEvents(1);
    const startedAt = performance.now();
    await record(hub, vouchers(system, numbers(101).slice(1)));
    await receiver.gotEvents(101);
    assert.ok(performance.now() - startedAt < 18_000);
    const late = await settled(hub, id);
    assert.equal(late[0]?.errorCode, 'ETIMEDOUT');
    assert.equal(
      await stateOf(hub, id),
      'ACTIVE',
      'one event that hangs the consumer suspends nothing: others succeeded meanwhile',
    );
  });

  test('retries come when they are due though an answer is awaited all the while', async () => {
    await using receiver = await startReceiver();
    receiver.answer(({ body }) => {
      if (body.voucher.source_id.endsWith('-slow')) return undefined;
      return receiver.requests.length < 5 ? 503 : 200;
    });
    const { system } = await makeSubscription(receiver.url, {
      timeoutMs: 20_000,
      retry: { maxRetries: 5, baseDelayMs: 100, maxDelayMs: 100, jitter: 0 },
    });
    await record(hub, vouchers(system, ['slow']));
    await receiver.gotEvents(1);
    const startedAt = performance.now();
    await record(hub, vouchers(system, ['failing']));
    await receiver.gotEvents(5);
    const tookMs = performance.now() - startedAt;
    assert.ok(tookMs < 18_000, `four attempts 100 ms apart took ${tookMs} ms`);
  });

  test('a shard goes on past the end of a turn while one answer is awaited', async () => {
    await using receiver = await startReceiver();
    receiver.answer(({ body }) => (body.voucher.source_id.endsWith('-slow') ? undefined : 200));
    const { system } = await makeSubscription(receiver.url, { timeoutMs: 60_000 });
    await record(hub, vouchers(system, ['slow']));
    const latencies: number[] = [];
    for (const n of numbers(72)) {
      const startedAt = performance.now();
      await record(hub, vouchers(system, [n]));
      await receiver.gotEvents(n + 2);
      latencies.push(performance.now() - startedAt);
      await pause(500);
    }
    assert.ok(
      Math.max(...latencies) < 20_000,
      `the slowest of ${latencies.length} took ${Math.max(...latencies)} ms`,
    );
  });
});
