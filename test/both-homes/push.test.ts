import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { acknowledgeAll, type Delivered, TestConsumer } from '../support/consumer.ts';
import {
  detailsOf,
  numbers,
  record,
  settled,
  stateOf,
  statusCounts,
  theSync,
  vouchers,
} from '../support/deliveries.ts';
import { startTestHub, type TestHub } from '../support/hub.ts';
import { startReceiver } from '../support/receiver.ts';
import { subscribe } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

after(() => hub[Symbol.asyncDispose]());
const hub: TestHub = await startTestHub();

describe('the push to attached consumers', { concurrency: true }, () => {
  /** A subscription to one source system of its own. */
  async function makeSubscription(system: string, over: Record<string, unknown> = {}): Promise<string> {
    const { id } = await subscribe(hub, { name: system, sourceSystems: [system], webhookUrl: null, ...over });
    return id;
  }

  const connected = async (id: string): Promise<boolean> =>
    (
      await hub.data<{ dataSubscription: { connected: boolean } }>(
        'query ($id: ID!) { dataSubscription(id: $id) { connected } }',
        { id },
      )
    ).dataSubscription.connected;

  test('an attached consumer gets each event, and what it acknowledges is SUCCESS by WEBSOCKET', async () => {
    const id = await makeSubscription('plain');
    using consumer = new TestConsumer(hub.url, { subscriptionId: id, onEvent: acknowledgeAll });
    await until('it is attached', () => connected(id));
    await record(hub, vouchers('plain', numbers(50)));
    const syncs = await until('all are over', async () => {
      const all = await settled(hub, id);
      return all.length === 50 && all;
    });
    assert.ok(syncs.every(({ status, attempts }) => status === 'SUCCESS' && attempts.length === 1));
    assert.equal(new Set(consumer.got.map(({ syncId }) => syncId)).size, 50);
    assert.equal(consumer.got.length, 50);
    const [first] = consumer.got;
    assert.equal(first?.attempt, 1);
    assert.equal(first.mode, 'REALTIME');
    assert.deepEqual(first.event.data, { invoice_no: 'INV-1' });
    assert.equal(first.event.voucher.amount, '100.00');
    assert.equal(first.event.voucher.status, 'APPROVED');
    consumer.kill();
    await until('it is not attached any more', async () => !(await connected(id)));
  });

  test('events recorded before it attached are delivered when it attaches', async () => {
    const id = await makeSubscription('early');
    await record(hub, vouchers('early', numbers(5)));
    using consumer = new TestConsumer(hub.url, { subscriptionId: id, onEvent: acknowledgeAll });
    await settled(hub, id);
    assert.equal(consumer.got.length, 5);
  });

  test('an event is what it was in its version, though the voucher has a newer one', async () => {
    const id = await makeSubscription('frozen');
    await record(hub, vouchers('frozen', ['x'], { amount: '1.00' }));
    await record(hub, vouchers('frozen', ['x'], { amount: '2.00' }));
    using consumer = new TestConsumer(hub.url, { subscriptionId: id, onEvent: acknowledgeAll });
    await settled(hub, id);
    assert.deepEqual(
      consumer.got.map(({ event }) => [event.voucher.sourceVersion, event.voucher.amount]),
      [
        [1, '1.00'],
        [2, '2.00'],
      ],
    );
  });

  test('never more than prefetch are unacknowledged', async () => {
    const id = await makeSubscription('window');
    await record(hub, vouchers('window', numbers(40)));
    let most = 0;
    const open = new Set<string>();
    const onEvent = ({ syncId }: Delivered, consumer: TestConsumer) => {
      open.add(syncId);
      most = Math.max(most, open.size);
      setTimeout(() => {
        open.delete(syncId);
        void consumer.acknowledge([syncId]);
      }, 20);
    };
    using consumer = new TestConsumer(hub.url, { subscriptionId: id, prefetch: 7, onEvent });
    await until('all came', () => consumer.got.length >= 40);
    await settled(hub, id);
    assert.equal(consumer.got.length, 40);
    assert.ok(most <= 7, `${most} at once`);
    assert.ok(most >= 5, `only ${most} at once`);
  });

  test('what is not acknowledged in time is tried again, and goes to the webhook after two pushes', async () => {
    await using receiver = await startReceiver();
    const retry = { maxRetries: 3, baseDelayMs: 50 };
    const id = await makeSubscription('mute', { webhookUrl: receiver.url, ackTimeoutMs: 200, retry });
    using consumer = new TestConsumer(hub.url, { subscriptionId: id, onEvent: () => {} });
    await until('it is attached', () => connected(id));
    await record(hub, vouchers('mute', ['x']));
    const [sync] = await settled(hub, id);
    assert.equal(sync?.status, 'SUCCESS');
    assert.deepEqual(
      sync.attempts.map(({ errorCode }) => errorCode),
      ['ACK_TIMEOUT', 'ACK_TIMEOUT', null],
    );
    assert.equal(receiver.requests.length, 1);
    assert.deepEqual(
      consumer.got.map(({ attempt }) => attempt),
      [1, 2],
    );
  });

  test('without a webhook it is pushed until its retries are used up, and FAILED then', async () => {
    const id = await makeSubscription('deaf', {
      ackTimeoutMs: 150,
      retry: { maxRetries: 3, baseDelayMs: 20 },
    });
    using consumer = new TestConsumer(hub.url, { subscriptionId: id, onEvent: () => {} });
    await record(hub, vouchers('deaf', ['x']));
    const [sync] = await settled(hub, id);
    assert.equal(sync?.status, 'FAILED');
    assert.equal(sync.errorCode, 'ACK_TIMEOUT');
    assert.equal(consumer.got.length, 4);
  });

  test('a rejected event is tried again where it is retryable, and FAILED with the code it gave where not', async () => {
    const id = await makeSubscription('reject', { retry: { maxRetries: 3, baseDelayMs: 20 } });
    const onEvent = ({ syncId, attempt, event }: Delivered, consumer: TestConsumer) => {
      const final = event.voucher.sourceId === 'reject-bad';
      if (final || attempt < 3) void consumer.reject(syncId, final ? 'NO_SUCH_TAX_ID' : 'LOCKED', !final);
      else void consumer.acknowledge([syncId]);
    };
    using consumer = new TestConsumer(hub.url, { subscriptionId: id, onEvent });
    await record(hub, vouchers('reject', ['good', 'bad']));
    const syncs = await settled(hub, id);
    const [good, bad] = ['good', 'bad'].map(name =>
      syncs.find(({ event }) => event.voucher.sourceId === `reject-${name}`),
    );
    assert.equal(good?.status, 'SUCCESS');
    assert.deepEqual(
      good.attempts.map(({ errorCode }) => errorCode),
      ['LOCKED', 'LOCKED', null],
    );
    assert.equal(bad?.status, 'FAILED');
    assert.equal(bad.errorCode, 'NO_SUCH_TAX_ID');
    assert.equal(bad.attempts.length, 1);
    assert.equal(consumer.got.length, 4);
  });

  test('a socket that closes gives back at once what was unacknowledged, and no retry is used up', async () => {
    const id = await makeSubscription('killed');
    await record(hub, vouchers('killed', numbers(10)));
    using first = new TestConsumer(hub.url, { subscriptionId: id, onEvent: () => {} });
    await until('all are there', () => first.got.length === 10);
    first.kill();
    using second = new TestConsumer(hub.url, { subscriptionId: id, onEvent: acknowledgeAll });
    const syncs = await settled(hub, id);
    assert.equal(second.got.length, 10);
    for (const sync of syncs) {
      assert.equal(sync.status, 'SUCCESS');
      assert.equal(sync.retryCount, 0);
      assert.deepEqual(
        sync.attempts.map(({ errorCode }) => errorCode),
        ['SOCKET_CLOSED', null],
      );
    }
  });

  test('an event that kills its consumer ten times in a row is FAILED', async () => {
    const id = await makeSubscription('deadly');
    await record(hub, vouchers('deadly', ['x']));
    for (let n = 0; n < 10; n += 1) {
      using consumer = new TestConsumer(hub.url, {
        subscriptionId: id,
        onEvent: (_delivered, self) => self.kill(),
      });
      await until('it came', () => consumer.got.length === 1);
    }
    const sync = await theSync(hub, id, ({ status }) => status === 'FAILED');
    assert.equal(sync.errorCode, 'SOCKET_CLOSED');
    assert.equal(sync.attempts.length, 10);
    assert.equal(sync.retryCount, 0);
  });

  test('consumers of one subscription share it, and each event goes to one of them', async () => {
    const id = await makeSubscription('shared');
    using first = new TestConsumer(hub.url, { subscriptionId: id, prefetch: 10, onEvent: acknowledgeAll });
    using second = new TestConsumer(hub.url, { subscriptionId: id, prefetch: 10, onEvent: acknowledgeAll });
    await until('both are attached', () => connected(id));
    await record(hub, vouchers('shared', numbers(200)));
    await until('all came', () => first.got.length + second.got.length >= 200);
    await settled(hub, id);
    const ids = [...first.got, ...second.got].map(({ syncId }) => syncId);
    assert.equal(ids.length, 200);
    assert.equal(new Set(ids).size, 200);
    assert.ok(
      first.got.length > 20 && second.got.length > 20,
      `${first.got.length} and ${second.got.length}`,
    );
  });

  test('versions of a record come in order, one only after the one before is acknowledged', async () => {
    const id = await makeSubscription('ordered');
    const open = new Set<string>();
    const together: string[] = [];
    const onEvent = ({ syncId, event }: Delivered, consumer: TestConsumer) => {
      const { sourceId } = event.voucher;
      if (open.has(sourceId)) together.push(sourceId);
      open.add(sourceId);
      setTimeout(() => {
        open.delete(sourceId);
        void consumer.acknowledge([syncId]);
      }, Math.random() * 10);
    };
    using consumer = new TestConsumer(hub.url, { subscriptionId: id, onEvent });
    for (const version of numbers(8))
      await record(hub, vouchers('ordered', numbers(5), { amount: `${version + 1}.00` }));
    await until('all came', () => consumer.got.length >= 40);
    await settled(hub, id);
    assert.deepEqual(together, []);
    for (const n of numbers(5)) {
      const versions = consumer.got
        .filter(({ event }) => event.voucher.sourceId === `ordered-${n}`)
        .map(({ event }) => event.sourceVersion);
      assert.deepEqual(versions, [1, 2, 3, 4, 5, 6, 7, 8]);
    }
  });

  test('an acknowledgement counts once, and only what waits for this key', async () => {
    const id = await makeSubscription('twice');
    const other = await hub.data<{ createApiKey: { secret: string } }>(
      'mutation { createApiKey(name: "other", role: ADMIN) { secret } }',
    );
    using consumer = new TestConsumer(hub.url, { subscriptionId: id, onEvent: () => {} });
    await record(hub, vouchers('twice', ['x']));
    await until('it came', () => consumer.got.length === 1);
    const syncId = consumer.got[0]?.syncId ?? '';
    const ask = 'mutation ($ids: [ID!]!) { acknowledge(syncIds: $ids) }';
    const foreign = await hub.data(ask, { ids: [syncId] }, other.createApiKey.secret);
    assert.deepEqual(foreign, { acknowledge: 0 });
    assert.equal(await consumer.acknowledge([syncId, syncId, '999999']), 1);
    assert.equal(await consumer.acknowledge([syncId]), 0);
    await assert.rejects(
      () => consumer.reject(syncId, 'LATE', true),
      (errors: { extensions: { code: string } }[]) => errors[0]?.extensions.code === 'NOT_FOUND',
    );
    assert.equal((await settled(hub, id))[0]?.status, 'SUCCESS');
  });

  test('a late acknowledgement of an event that was given to another is harmless, and says so', async () => {
    await using receiver = await startReceiver();
    const { promise: acknowledged, resolve: answer } = Promise.withResolvers<number>();
    receiver.answer(() => acknowledged);
    const retry = { maxRetries: 3, baseDelayMs: 20 };
    const id = await makeSubscription('late', { webhookUrl: receiver.url, ackTimeoutMs: 150, retry });
    using slow = new TestConsumer(hub.url, { subscriptionId: id, onEvent: () => {} });
    await until('it is attached', () => connected(id));
    await record(hub, vouchers('late', ['x']));
    await until('the webhook has it', () => receiver.requests.length === 1);
    assert.equal(slow.got.length, 2);
    assert.equal(await slow.acknowledge([slow.got[0]?.syncId ?? '']), 0);
    assert.equal((await detailsOf(hub, id))[0]?.status, 'PROCESSING');
    answer(200);
    const [sync] = await settled(hub, id);
    assert.equal(sync?.status, 'SUCCESS');
    assert.equal(sync.attempts.length, 3);
  });

  test('an acknowledgement may come over HTTP with the same key', async () => {
    const id = await makeSubscription('http');
    using consumer = new TestConsumer(hub.url, { subscriptionId: id, onEvent: () => {} });
    await record(hub, vouchers('http', ['x']));
    await until('it came', () => consumer.got.length === 1);
    const ids = consumer.got.map(({ syncId }) => syncId);
    assert.deepEqual(await hub.data('mutation ($ids: [ID!]!) { acknowledge(syncIds: $ids) }', { ids }), {
      acknowledge: 1,
    });
    assert.equal((await settled(hub, id))[0]?.status, 'SUCCESS');
  });

  test('a pause holds for an attached consumer, and resuming delivers', async () => {
    const id = await makeSubscription('paused');
    using consumer = new TestConsumer(hub.url, { subscriptionId: id, onEvent: acknowledgeAll });
    await until('it is attached', () => connected(id));
    await hub.data('mutation ($id: ID!) { pauseDataSubscription(id: $id) { state } }', { id });
    await record(hub, vouchers('paused', ['x']));
    await record(hub, vouchers('paused', ['y']));
    assert.equal(consumer.got.length, 0);
    await hub.data('mutation ($id: ID!) { resumeDataSubscription(id: $id) { state } }', { id });
    await settled(hub, id);
    assert.equal(consumer.got.length, 2);
  });

  test("a consumer that attaches while its webhook is down gets what was kept, and the breaker stays the webhook's", async () => {
    const gone = await startReceiver();
    await gone[Symbol.asyncDispose]();
    const retry = { maxRetries: 0, baseDelayMs: 10 };
    const id = await makeSubscription('down', { webhookUrl: gone.url, retry });
    await record(hub, vouchers('down', ['failing']));
    await until('it is suspended', async () => (await stateOf(hub, id)) === 'SUSPENDED');
    await record(hub, vouchers('down', numbers(5)));
    using consumer = new TestConsumer(hub.url, { subscriptionId: id, onEvent: acknowledgeAll });
    await until('all that waited came', () => consumer.got.length >= 5);
    assert.equal(await stateOf(hub, id), 'SUSPENDED');
    // Resuming by hand tries again what had FAILED because of the connection: it goes over the socket now.
    await hub.data('mutation ($id: ID!) { resumeDataSubscription(id: $id) { state } }', { id });
    await until('the one that had failed came', () =>
      consumer.got.some(({ event }) => event.voucher.sourceId === 'down-failing'),
    );
    const syncs = await settled(hub, id);
    assert.ok(syncs.every(({ status }) => status === 'SUCCESS'));
  });

  test('deleting the subscription ends the stream', async () => {
    const id = await makeSubscription('deleted');
    using consumer = new TestConsumer(hub.url, { subscriptionId: id, onEvent: acknowledgeAll });
    await until('it is attached', () => connected(id));
    await hub.data('mutation ($id: ID!) { deleteDataSubscription(id: $id) }', { id });
    await until('the stream has ended', () => consumer.ended !== undefined);
    assert.equal(consumer.ended, null);
  });

  test('another system may not attach, and a prefetch beyond its range is refused', async () => {
    const id = await makeSubscription('foreign');
    const other = await hub.data<{ createApiKey: { secret: string } }>(
      'mutation { createApiKey(name: "foreign", role: SUBSCRIBER, system: "elsewhere") { secret } }',
    );
    const key = other.createApiKey.secret;
    using foreign = new TestConsumer(hub.url, { subscriptionId: id, key, onEvent: acknowledgeAll });
    using greedy = new TestConsumer(hub.url, { subscriptionId: id, prefetch: 501, onEvent: acknowledgeAll });
    await until('both are refused', () => foreign.ended !== undefined && greedy.ended !== undefined);
    assert.match(JSON.stringify(foreign.ended), /NOT_FOUND/);
    assert.match(JSON.stringify(greedy.ended), /prefetch: 1 to 500/);
  });
});

test('a consumer attached to one hub gets at once what is recorded on another, and may acknowledge there', async t => {
  await using first = await startTestHub();
  await using second = await startTestHub({ databaseUrl: first.databaseUrl });
  const { id } = await subscribe(first, { webhookUrl: null });
  const onEvent = ({ syncId, event }: Delivered, consumer: TestConsumer) => {
    if (Number(event.voucher.sourceId.split('-')[1]) % 2 === 0) void consumer.acknowledge([syncId]);
    else void second.data('mutation ($ids: [ID!]!) { acknowledge(syncIds: $ids) }', { ids: [syncId] });
  };
  using consumer = new TestConsumer(first.url, { subscriptionId: id, prefetch: 5, onEvent });
  await until('it is attached', async () => (await detailsOf(second, id)).length === 0);
  const waits: number[] = [];
  for (const n of numbers(40)) {
    const startedAt = performance.now();
    await record(second, vouchers('settlement', [n]));
    await until('it came', () => consumer.got.length === n + 1);
    waits.push(performance.now() - startedAt);
  }
  waits.sort((a, b) => a - b);
  t.diagnostic(`from the call on one hub to the consumer on the other: median ${waits[20]?.toFixed(0)} ms`);
  const syncs = await settled(first, id);
  assert.equal(syncs.length, 40);
  assert.ok(syncs.every(({ status, attempts }) => status === 'SUCCESS' && attempts.length === 1));
  assert.deepEqual(await statusCounts(first.databaseUrl), { success: 40 });
});
