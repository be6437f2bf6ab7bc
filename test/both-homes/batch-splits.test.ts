import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import {
  numbers,
  record,
  setState,
  settled,
  stateOf,
  subscriptionMaker,
  vouchers,
} from '../support/deliveries.ts';
import { startTestHub, type TestHub } from '../support/hub.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';

// Registered before the hub's database registers its own removal: the hub goes first.
after(() => hub[Symbol.asyncDispose]());
const hub: TestHub = await startTestHub();
const makeSubscription = subscriptionMaker(hub);
const retry = { maxRetries: 2, baseDelayMs: 50, maxDelayMs: 100, jitter: 0 };

/** A shard whose events wait until all are recorded, so that they fill batches. */
async function batchSubscription(
  receiver: Receiver,
  ids: readonly (string | number)[],
  settings: Record<string, unknown> = {},
  over: Record<string, unknown> = {},
): Promise<{ id: string; system: string }> {
  const made = await makeSubscription(receiver.url, { retry, batchSize: 50, maxInFlight: 1, ...settings });
  await setState(hub, made.id, 'pause');
  await record(hub, vouchers(made.system, ids, over));
  await setState(hub, made.id, 'resume');
  return made;
}

/** Fifty events, the one in the middle of which is bad. */
const oneBad = [...numbers(25), 'bad', ...numbers(49).slice(25)];

describe('batches that are refused as a whole', { concurrency: 4 }, () => {
  for (const status of [400, 422, 500])
    test(`one event that is always answered ${status} is found by splitting: 49 SUCCESS, 1 FAILED, in few requests`, async t => {
      await using receiver = await startReceiver();
      receiver.answer(({ rawBody }) => (rawBody.includes('-bad"') ? status : 200));
      const { id } = await batchSubscription(receiver, oneBad);
      const syncs = await settled(hub, id, 60_000);
      const failed = syncs.filter(sync => sync.status !== 'SUCCESS');
      assert.deepEqual(
        failed.map(sync => [sync.status, sync.errorCode, sync.event.voucher.sourceId.endsWith('-bad')]),
        [['FAILED', `HTTP_${status}`, true]],
      );
      assert.equal(syncs.length, 50);
      assert.equal(await stateOf(hub, id), 'ACTIVE');
      // Halving fifty takes some twelve requests; a 500 is tried again twice beside.
      assert.ok(
        receiver.requests.length <= (status === 500 ? 18 : 14),
        `${receiver.requests.length} requests`,
      );
      t.diagnostic(`${receiver.requests.length} requests`);
      // Each request that an event was in is an attempt of it.
      const sent = receiver.events().filter(({ voucher }) => voucher.source_id.endsWith('-bad')).length;
      assert.equal(failed[0]?.attempts.length, sent);
    });

  test('413 for a batch makes it smaller until it fits; the size that fits is remembered, and only one that is too large alone FAILED', async () => {
    await using receiver = await startReceiver();
    receiver.answer(({ rawBody }) => (rawBody.length > 60_000 ? 413 : 200));
    const settings = { batchMaxBytes: 10_000_000 };
    const data = { businessData: { blob: 'x'.repeat(10_000) } };
    const { id, system } = await batchSubscription(receiver, numbers(50), settings, data);
    assert.ok((await settled(hub, id, 60_000)).every(sync => sync.status === 'SUCCESS'));
    const first = receiver.requests.length;
    assert.ok(first <= 40, `${first} requests`);
    await setState(hub, id, 'pause');
    await record(hub, vouchers(system, numbers(50), { ...data, sourceModule: 'again' }));
    await record(hub, vouchers(system, ['huge'], { businessData: { blob: 'x'.repeat(100_000) } }));
    await setState(hub, id, 'resume');
    const syncs = await settled(hub, id, 60_000);
    assert.deepEqual(
      syncs.filter(sync => sync.status !== 'SUCCESS').map(sync => [sync.status, sync.errorCode]),
      [['FAILED', 'HTTP_413']],
    );
    const tooLarge = receiver.requests.slice(first).filter(({ rawBody }) => rawBody.length > 60_000);
    assert.ok(tooLarge.length <= 1, `${tooLarge.length} of the later requests did not fit`);
  });

  test('a batch keeps to batchMaxBytes, and an event that is larger goes alone', async () => {
    await using receiver = await startReceiver();
    const settings = { batchMaxBytes: 20_000 };
    const { id, system } = await batchSubscription(receiver, numbers(30), settings, {
      businessData: { blob: 'x'.repeat(3_000) },
    });
    await record(hub, vouchers(system, ['large'], { businessData: { blob: '汉'.repeat(10_000) } }));
    assert.ok((await settled(hub, id, 60_000)).every(sync => sync.status === 'SUCCESS'));
    for (const { rawBody, body } of receiver.requests)
      assert.ok(
        rawBody.length <= 20_000 || body.items?.length === 1,
        `${body.items?.length}: ${rawBody.length}`,
      );
    assert.ok(receiver.requests.some(({ body }) => (body.items?.length ?? 0) >= 4));
  });

  test('batchMaxBytes holds for what a payloadQuery makes of the events', async () => {
    await using receiver = await startReceiver();
    const settings = { batchMaxBytes: 20_000, payloadQuery: '{ data again: data }' };
    const { id } = await batchSubscription(receiver, numbers(20), settings, {
      businessData: { blob: 'x'.repeat(3_000) },
    });
    assert.ok((await settled(hub, id, 60_000)).every(sync => sync.status === 'SUCCESS'));
    assert.ok(receiver.requests.every(({ rawBody }) => rawBody.length <= 20_000));
  });

  test('while a batch is split, a pause keeps what is left, and resuming delivers it', async () => {
    await using receiver = await startReceiver();
    receiver.answer(async ({ body }) => {
      await new Promise(resolve => setTimeout(resolve, 300));
      return (body.items?.length ?? 0) > 2 ? 413 : 200;
    });
    const { id } = await batchSubscription(receiver, numbers(20));
    await receiver.gotEvents(20);
    await setState(hub, id, 'pause');
    receiver.answer(() => 200);
    await setState(hub, id, 'resume');
    const syncs = await settled(hub, id, 60_000);
    assert.ok(
      syncs.every(
        sync =>
          sync.status === 'SUCCESS' && sync.attempts.every(({ errorCode }) => errorCode !== 'LEASE_EXPIRED'),
      ),
    );
  });

  test('a nightly batch is split like any other', async () => {
    await using receiver = await startReceiver();
    receiver.answer(({ rawBody }) => (rawBody.includes('-bad"') ? 422 : 200));
    const { id } = await batchSubscription(receiver, oneBad, { mode: 'BATCH', batchCron: '* * * * *' });
    const syncs = await settled(hub, id, 100_000);
    assert.equal(syncs.filter(sync => sync.status === 'SUCCESS').length, 49);
    assert.ok(receiver.requests.length <= 14, `${receiver.requests.length} requests`);
  });
});
