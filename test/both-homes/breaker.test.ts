import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { limits } from '../../src/core/limits.ts';
import {
  detailsOf,
  numbers,
  record,
  setState,
  settled,
  sql,
  stateOf,
  theSync,
  vouchers,
} from '../support/deliveries.ts';
import { startTestHub, type TestHub } from '../support/hub.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';
import { subscribe } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

// Registered before the hub's database registers its own removal: the hub goes first.
after(() => hub[Symbol.asyncDispose]());
const hub: TestHub = await startTestHub();

const retry = { maxRetries: 1, baseDelayMs: 50, maxDelayMs: 100, jitter: 0 };

let shards = 0;

/** A shard whose target goes down: its receiver is gone, its subscription SUSPENDED, `lost` events FAILED. */
async function downSubscription(
  settings: Record<string, unknown> = {},
): Promise<{ id: string; system: string; port: number }> {
  const system = `breaker-${++shards}`;
  const receiver = await startReceiver();
  const { id } = await subscribe(hub, {
    name: system,
    sourceSystems: [system],
    webhookUrl: receiver.url,
    retry,
    ...settings,
  });
  await record(hub, vouchers(system, ['before']));
  await receiver.gotEvents(1);
  await settled(hub, id);
  await receiver[Symbol.asyncDispose]();
  await record(hub, vouchers(system, ['failing']));
  await until('the subscription is suspended', async () => (await stateOf(hub, id)) === 'SUSPENDED');
  return { id, system, port: receiver.port };
}

function idsOf(receiver: Receiver): string[] {
  return receiver
    .events()
    .map(({ voucher }) => voucher.source_id)
    .sort();
}

describe('the breaker', { concurrency: 6 }, () => {
  test('while the target is down everything is kept; a probe finds it back, and all is delivered, what FAILED too', async () => {
    const { id, system, port } = await downSubscription();
    await record(hub, vouchers(system, numbers(50)));
    await pause(1_000);
    const kept = await detailsOf(hub, id);
    assert.equal(
      kept.filter(({ status, attempts }) => status === 'PENDING' && attempts.length === 0).length,
      50,
    );
    await using back = await startReceiver(port);
    await until(
      'the subscription is active',
      async () => (await stateOf(hub, id)) === 'ACTIVE',
      limits.probeFirstMs * 8,
    );
    const syncs = await settled(hub, id);
    assert.equal(syncs.length, 52);
    assert.ok(syncs.every(({ status }) => status === 'SUCCESS'));
    assert.deepEqual(idsOf(back), ['failing', ...numbers(50)].map(n => `${system}-${n}`).sort());
  });

  test('what FAILED because of the connection is delivered after a probe, though nothing else waits', async () => {
    const { id, system, port } = await downSubscription();
    await using back = await startReceiver(port);
    await back.gotEvents(1, limits.probeFirstMs * 8);
    await settled(hub, id);
    assert.deepEqual(idsOf(back), [`${system}-failing`]);
    // The probe's outcome is written before the shard is resumed.
    await until('the subscription is active', async () => (await stateOf(hub, id)) === 'ACTIVE');
  });

  test('what waits for the nightly batch does not keep the shard from being probed', async () => {
    const { id, system, port } = await downSubscription();
    await record(hub, vouchers(system, ['nightly'], { eventType: 'supplier_changed' }));
    await using back = await startReceiver(port);
    await back.gotEvents(1, limits.probeFirstMs * 8);
    await until('the subscription is active', async () => (await stateOf(hub, id)) === 'ACTIVE');
    assert.deepEqual(idsOf(back), [`${system}-failing`]);
    const nightly = (await detailsOf(hub, id)).find(({ mode }) => mode === 'BATCH');
    assert.equal(nightly?.status, 'PENDING');
    assert.equal(nightly.attempts.length, 0);
  });

  test('probes that fail use up no retry and come ever more rarely', async () => {
    const { id, system } = await downSubscription();
    await record(hub, vouchers(system, ['waiting']));
    const probed = await until(
      'two probes have failed',
      async () => {
        const syncs = await detailsOf(hub, id);
        const attempts = syncs.reduce((sum, sync) => sum + sync.attempts.length, 0);
        // A sync and its attempts are read one after the other: not while a probe is under way.
        return attempts >= 5 && syncs.every(({ status }) => status !== 'PROCESSING') && syncs;
      },
      limits.probeFirstMs * 12,
    );
    assert.equal(await stateOf(hub, id), 'SUSPENDED');
    const waiting = probed.find(({ event }) => event.voucher.sourceId.endsWith('-waiting'));
    assert.ok(waiting);
    assert.equal(waiting.retryCount, 0);
    assert.ok(['PENDING', 'RETRYING'].includes(waiting.status));
    const [row] = await sql<{ ms: number }>(
      hub.databaseUrl,
      'select extract(epoch from probe_at - now())::float8 * 1000 as ms from data_subscriptions where id = $1',
      [id],
    );
    // It was due in twice the first time when it was set.
    assert.ok((row?.ms ?? 0) > limits.probeFirstMs, `the next probe is due in ${row?.ms} ms`);
  });

  test('a person may resume by hand, and what FAILED because of the connection is tried again', async () => {
    const { id, system, port } = await downSubscription();
    await record(hub, vouchers(system, numbers(3)));
    await using back = await startReceiver(port);
    await setState(hub, id, 'resume');
    await back.gotEvents(4);
    assert.ok((await settled(hub, id)).every(({ status }) => status === 'SUCCESS'));
    assert.deepEqual(idsOf(back), ['failing', 0, 1, 2].map(n => `${system}-${n}`).sort());
  });

  test('resumed by hand while the target is still down, it is suspended again and loses nothing', async () => {
    const { id, system, port } = await downSubscription();
    await record(hub, vouchers(system, numbers(3)));
    await setState(hub, id, 'resume');
    await until('it is suspended again', async () => (await stateOf(hub, id)) === 'SUSPENDED');
    await using back = await startReceiver(port);
    await setState(hub, id, 'resume');
    await settled(hub, id);
    assert.deepEqual(idsOf(back), ['failing', 0, 1, 2].map(n => `${system}-${n}`).sort());
  });

  for (const status of [408, 425, 429, 500, 503])
    test(`a probe answered ${status} finds the target still away: the shard stays suspended and what waits uses up no retry`, async () => {
      const { id, system, port } = await downSubscription();
      await record(hub, vouchers(system, numbers(30)));
      await using back = await startReceiver(port);
      back.answer(() => status);
      await until('it was probed twice', () => back.requests.length >= 2, limits.probeFirstMs * 12);
      await until('the probe is written', async () =>
        (await detailsOf(hub, id)).some(({ errorCode }) => errorCode === `HTTP_${status}`),
      );
      assert.equal(await stateOf(hub, id), 'SUSPENDED');
      assert.ok(back.requests.length <= 4, `${back.requests.length} requests`);
      const waiting = (await detailsOf(hub, id)).filter(
        ({ event }) => !/failing|before/.test(event.voucher.sourceId),
      );
      assert.ok(waiting.every(({ retryCount }) => retryCount === 0));
      back.answer(() => 200);
      await until('it is resumed', async () => (await stateOf(hub, id)) === 'ACTIVE', limits.probeMaxMs * 2);
      assert.ok((await settled(hub, id)).every(sync => sync.status === 'SUCCESS'));
    });

  test('a probe that is refused finds the target back', async () => {
    const { id, port } = await downSubscription();
    await using back = await startReceiver(port);
    back.answer(() => 422);
    await until('it is resumed', async () => (await stateOf(hub, id)) === 'ACTIVE', limits.probeFirstMs * 8);
    assert.equal((await settled(hub, id)).at(-1)?.errorCode, 'HTTP_422');
  });

  test('a probe answered 410 pauses the subscription', async () => {
    const { id, port } = await downSubscription();
    await using back = await startReceiver(port);
    back.answer(() => 410);
    await until(
      'the subscription is paused',
      async () => (await stateOf(hub, id)) === 'PAUSED',
      limits.probeFirstMs * 8,
    );
    assert.equal(back.requests.length, 1);
  });

  test('a paused subscription is not suspended by what was under way, and is not probed', async () => {
    const system = `breaker-${++shards}`;
    await using receiver = await startReceiver();
    receiver.answer((_request, response) => void setTimeout(() => response.socket?.destroy(), 500));
    const { id } = await subscribe(hub, {
      name: system,
      sourceSystems: [system],
      webhookUrl: receiver.url,
      retry: { ...retry, maxRetries: 0 },
    });
    await record(hub, vouchers(system, ['x']));
    await receiver.gotEvents(1);
    await setState(hub, id, 'pause');
    const sync = await theSync(hub, id, ({ status }) => status === 'FAILED');
    assert.match(sync.errorCode ?? '', /UND_ERR_SOCKET|ECONNRESET/);
    await pause(limits.probeFirstMs + limits.reconcileMs + 500);
    assert.equal(await stateOf(hub, id), 'PAUSED');
    assert.equal(receiver.requests.length, 1);
    receiver.answer(() => 200);
    await setState(hub, id, 'resume');
    await receiver.gotEvents(2);
    assert.equal((await settled(hub, id))[0]?.status, 'SUCCESS');
  });
});
