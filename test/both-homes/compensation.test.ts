import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import {
  cancelSyncs,
  detailsOf,
  numbers,
  record,
  retrySyncs,
  setState,
  settled,
  unsubscribe,
  vouchers,
} from '../support/deliveries.ts';
import { startTestHub, type TestHub } from '../support/hub.ts';
import { startReceiver } from '../support/receiver.ts';
import { subscribe } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

// Registered before the hub's database registers its own removal: the hub goes first.
after(() => hub[Symbol.asyncDispose]());
const hub: TestHub = await startTestHub();

const retry = { maxRetries: 1, baseDelayMs: 30, maxDelayMs: 100, jitter: 0 };

let shards = 0;

async function makeSubscription(
  webhookUrl: string,
  settings: Record<string, unknown> = {},
): Promise<{ id: string; system: string }> {
  const system = `compensation-${++shards}`;
  const { id } = await subscribe(hub, {
    name: system,
    sourceSystems: [system],
    webhookUrl,
    retry,
    ...settings,
  });
  return { id, system };
}

async function resync(subscriptionId: string, filter: Record<string, unknown>): Promise<number> {
  const { resync: count } = await hub.data<{ resync: number }>(
    'mutation ($id: ID!, $filter: VoucherFilter!) { resync(subscriptionId: $id, filter: $filter) }',
    { id: subscriptionId, filter },
  );
  return count;
}

describe('compensation by hand', { concurrency: 4 }, () => {
  test('retrySyncs sends again what FAILED, with all retries before it, and nothing else', async () => {
    await using receiver = await startReceiver();
    receiver.answer(({ body }) => (Number(body.voucher.source_id.split('-').at(-1)) < 3 ? 503 : 200));
    const { id, system } = await makeSubscription(receiver.url);
    await record(hub, vouchers(system, numbers(6)));
    const before = await settled(hub, id);
    assert.deepEqual(
      before.map(({ status }) => status),
      ['FAILED', 'FAILED', 'FAILED', 'SUCCESS', 'SUCCESS', 'SUCCESS'],
    );
    const sent = receiver.requests.length;
    assert.equal(await retrySyncs(hub, { subscriptionId: id, errorCodes: ['HTTP_400'] }), 0);
    receiver.answer(() => (receiver.requests.length === sent + 1 ? 503 : 200));
    assert.equal(await retrySyncs(hub, { subscriptionId: id, errorCodes: ['HTTP_503'] }), 3);
    const syncs = await settled(hub, id);
    assert.ok(syncs.every(({ status, errorCode }) => status === 'SUCCESS' && errorCode === null));
    assert.deepEqual(syncs.map(({ attempts }) => attempts.length).slice(3), [1, 1, 1]);
    assert.equal(syncs.filter(({ retryCount }) => retryCount === 1).length, 1, 'the retry was there again');
    assert.equal(await retrySyncs(hub, { subscriptionId: id }), 0, 'there is nothing left to try again');
  });

  test('retrySyncs takes no syncs that are a success', async () => {
    const answer = await hub.ask('mutation { retrySyncs(filter: { statuses: [SUCCESS] }) }');
    assert.equal(answer.errors?.[0]?.extensions.code, 'BAD_USER_INPUT');
    assert.equal(answer.errors?.[0]?.extensions.field, 'statuses');
  });

  test('cancelSyncs gives up what waits and what FAILED; it is not sent, and can be brought back by its id', async () => {
    await using receiver = await startReceiver();
    const { id, system } = await makeSubscription(receiver.url);
    receiver.answer(() => 422);
    await record(hub, vouchers(system, ['failed']));
    await settled(hub, id);
    receiver.answer(() => 200);
    await setState(hub, id, 'pause');
    await record(hub, vouchers(system, numbers(4)));
    assert.equal(await cancelSyncs(hub, { subscriptionId: id }), 5);
    await setState(hub, id, 'resume');
    await record(hub, vouchers(system, ['after']));
    await receiver.gotEvents(2);
    const syncs = await settled(hub, id);
    assert.deepEqual(
      syncs.map(({ status }) => status),
      [...numbers(5).map(() => 'CANCELLED'), 'SUCCESS'],
    );
    assert.equal(await retrySyncs(hub, { ids: [syncs[1]?.id] }), 1);
    await receiver.gotEvents(3);
    assert.equal((await settled(hub, id))[1]?.status, 'SUCCESS');
    assert.equal(receiver.requests.length, 3);
  });

  test('cancelling an earlier version that waits for its retry lets the later one go', async () => {
    await using receiver = await startReceiver();
    receiver.answer(({ body }) => (body.voucher.source_version > 1 ? 200 : 500));
    // A Retry-After would hold the whole shard.
    const retry = { maxRetries: 5, baseDelayMs: 600_000, maxDelayMs: 600_000, jitter: 0 };
    const { id, system } = await makeSubscription(receiver.url, { retry });
    await record(hub, vouchers(system, ['x']));
    await receiver.gotEvents(1);
    await record(hub, vouchers(system, ['x'], { amount: '2.00' }));
    const [first] = await detailsOf(hub, id);
    const cancelled = async () => (await cancelSyncs(hub, { ids: [first?.id] })) === 1;
    await until('its attempt is over and it is cancelled', cancelled);
    const syncs = await settled(hub, id);
    assert.deepEqual(
      syncs.map(({ status }) => status),
      ['CANCELLED', 'SUCCESS'],
    );
  });

  test('resync sends the current version of each voucher once more, marked as compensation', async () => {
    await using receiver = await startReceiver();
    const { id, system } = await makeSubscription(receiver.url);
    await record(hub, vouchers(system, numbers(5)));
    await record(hub, vouchers(system, [0, 1], { amount: '2.00' }));
    await settled(hub, id);
    assert.equal(await resync(id, { sourceSystem: system }), 5);
    await settled(hub, id);
    const again = receiver.events().filter(({ mode }) => mode === 'compensation');
    assert.equal(receiver.requests.length, 12);
    assert.deepEqual(
      again.map(({ voucher }) => voucher.source_version).sort((a, b) => a - b),
      [1, 1, 1, 2, 2],
    );
    assert.equal(
      new Set(receiver.events().map(({ sync_id }) => sync_id)).size,
      12,
      'a resync is a sync of its own',
    );
    assert.equal(await resync(id, { sourceSystem: system, sourceIds: [`${system}-3`] }), 1);
    assert.equal(await resync(id, { sourceSystem: 'another' }), 0);
  });

  test('resync adds nothing for what is on its way already', async () => {
    await using receiver = await startReceiver();
    const { id, system } = await makeSubscription(receiver.url);
    await setState(hub, id, 'pause');
    await record(hub, vouchers(system, numbers(3)));
    assert.equal(await resync(id, { sourceSystem: system }), 0);
    await setState(hub, id, 'resume');
    assert.equal((await settled(hub, id)).length, 3);
  });

  test('nothing of a deleted subscription is sent again', async () => {
    await using receiver = await startReceiver();
    receiver.answer(() => 422);
    const { id, system } = await makeSubscription(receiver.url);
    await record(hub, vouchers(system, numbers(3)));
    await settled(hub, id);
    await unsubscribe(hub, id);
    assert.equal(await retrySyncs(hub, { subscriptionId: id }), 0);
    assert.equal(receiver.requests.length, 3);
  });

  test('BATCH events are due at the next 02:00 in Shanghai; retrySyncs with their ids sends them now', async () => {
    await using receiver = await startReceiver();
    const { id, system } = await makeSubscription(receiver.url);
    const recordedAt = Date.now();
    await record(hub, vouchers(system, numbers(3), { eventType: 'supplier_changed' }));
    await record(hub, vouchers(system, ['now']));
    await receiver.gotEvents(1);
    const waiting = (await detailsOf(hub, id)).filter(({ mode }) => mode === 'BATCH');
    assert.equal(waiting.length, 3);
    for (const { status, nextAttemptAt, attempts } of waiting) {
      assert.equal(status, 'PENDING');
      assert.equal(attempts.length, 0);
      // 02:00 in Shanghai is 18:00 UTC all the year round.
      const due = new Date(nextAttemptAt ?? '');
      assert.equal(due.toISOString().slice(11), '18:00:00.000Z');
      assert.ok(due.getTime() > recordedAt && due.getTime() <= recordedAt + 24 * 3_600_000 + 1_000);
    }
    assert.equal(receiver.requests.length, 1);
    assert.equal(await retrySyncs(hub, { ids: waiting.slice(0, 2).map(sync => sync.id) }), 2);
    await receiver.gotEvents(3);
    assert.deepEqual(
      receiver
        .events()
        .slice(1)
        .map(({ mode }) => mode),
      ['batch', 'batch'],
    );
    await until('the log says so', async () =>
      (await detailsOf(hub, id)).every(({ status }) => status !== 'PROCESSING'),
    );
    assert.deepEqual((await detailsOf(hub, id)).map(({ status }) => status).sort(), [
      'PENDING',
      'SUCCESS',
      'SUCCESS',
      'SUCCESS',
    ]);
  });
});
