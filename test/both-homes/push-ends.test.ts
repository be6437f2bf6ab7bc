import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { acknowledgeAll, type Delivered, TestConsumer } from '../support/consumer.ts';
import {
  detailsOf,
  numbers,
  over,
  record,
  settled,
  theSync,
  unsubscribe,
  vouchers,
} from '../support/deliveries.ts';
import { type GraphqlAnswer, startTestHub, type TestHub } from '../support/hub.ts';
import { startReceiver } from '../support/receiver.ts';
import { subscribe } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

after(() => hub[Symbol.asyncDispose]());
// No scheduler: nothing here may wait for the reconciler to find it.
const hub: TestHub = await startTestHub({ env: { HUB_ROLES: 'api,worker' } });

/** A subscription to one source system of its own. */
async function makeSubscription(system: string, over: Record<string, unknown> = {}): Promise<string> {
  const { id } = await subscribe(hub, { name: system, sourceSystems: [system], webhookUrl: null, ...over });
  return id;
}

async function connected(id: string): Promise<boolean> {
  const { dataSubscription: found } = await hub.data<{ dataSubscription: { connected: boolean } }>(
    'query ($id: ID!) { dataSubscription(id: $id) { connected } }',
    { id },
  );
  return found.connected;
}

/** A consumer that does nothing with its events, once `count` are there. */
async function holding(subscriptionId: string, count: number): Promise<TestConsumer> {
  const consumer = new TestConsumer(hub.url, { subscriptionId, onEvent: () => {} });
  await until('all are there', () => consumer.got.length === count);
  return consumer;
}

function reject(syncId: string | undefined, code: string, retryable: boolean): Promise<GraphqlAnswer> {
  return hub.ask(
    `mutation ($syncId: ID!, $code: String!, $retryable: Boolean!) {
       reject(syncId: $syncId, code: $code, message: "no", retryable: $retryable) { status errorCode retryCount } }`,
    { syncId, code, retryable },
  );
}

describe('how pushes end', { concurrency: true }, () => {
  test('deleting a subscription ends the stream at once; what was held or waited is CANCELLED, what was acknowledged SUCCESS', async () => {
    const id = await makeSubscription('deleted', { ackTimeoutMs: 3_600_000 });
    await record(hub, vouchers('deleted', numbers(10)));
    const held: string[] = [];
    const onEvent = (delivered: Delivered, self: TestConsumer) => {
      if (delivered.event.voucher.sourceId === 'deleted-0') acknowledgeAll(delivered, self);
      else held.push(delivered.syncId);
    };
    using consumer = new TestConsumer(hub.url, { subscriptionId: id, prefetch: 4, onEvent });
    await until('its window is full', () => held.length === 4);
    await theSync(hub, id, ({ status }) => status === 'SUCCESS');
    await unsubscribe(hub, id);
    await until('the stream has ended', () => consumer.ended !== undefined);
    assert.equal(consumer.ended, null);
    const syncs = await settled(hub, id);
    const of = (status: string) => syncs.filter(sync => sync.status === status);
    assert.deepEqual([of('SUCCESS').length, of('CANCELLED').length], [1, 9]);
    for (const sync of of('CANCELLED')) {
      const codes = sync.attempts.map(({ errorCode }) => errorCode);
      assert.deepEqual(codes, held.includes(sync.id) ? ['SUBSCRIPTION_DELETED'] : [], sync.id);
      assert.equal(sync.retryCount, 0);
    }
    assert.equal(await consumer.acknowledge(held), 0);
  });

  test('reject answers with what came of it: RETRYING with the code it gave, or FAILED', async () => {
    const id = await makeSubscription('rejected', { retry: { maxRetries: 3, baseDelayMs: 60_000 } });
    await record(hub, vouchers('rejected', ['later', 'never']));
    using consumer = await holding(id, 2);
    const [later, never] = ['later', 'never'].map(
      name => consumer.got.find(({ event }) => event.voucher.sourceId === `rejected-${name}`)?.syncId,
    );
    assert.deepEqual((await reject(later, 'LOCKED', true)).data, {
      reject: { status: 'RETRYING', errorCode: 'LOCKED', retryCount: 1 },
    });
    assert.deepEqual((await reject(never, 'NO_SUCH_TAX_ID', false)).data, {
      reject: { status: 'FAILED', errorCode: 'NO_SUCH_TAX_ID', retryCount: 0 },
    });
  });

  test('of two verdicts on one delivery that are sent without waiting the first stands, and the second counts for nothing', async () => {
    const id = await makeSubscription('verdicts', {
      ackTimeoutMs: 60_000,
      retry: { maxRetries: 3, baseDelayMs: 60_000 },
    });
    const count = 60;
    await record(hub, vouchers('verdicts', numbers(count)));
    using consumer = await holding(id, count);
    const acknowledge = (syncId: string) => consumer.acknowledge([syncId]);
    const refuse = (retryable: boolean) => (syncId: string) =>
      consumer.reject(syncId, 'NO', retryable).then(
        () => 1,
        ([error]: { extensions: { code: string } }[]) => (error?.extensions.code === 'NOT_FOUND' ? 0 : -1),
      );
    const [fail, again] = [refuse(false), refuse(true)];
    const ends = { acknowledge: 'SUCCESS', fail: 'FAILED', again: 'RETRYING' };
    const verdicts = { acknowledge, fail, again };
    const pairs = [
      ['acknowledge', 'acknowledge'],
      ['acknowledge', 'fail'],
      ['acknowledge', 'again'],
      ['fail', 'acknowledge'],
      ['again', 'acknowledge'],
      ['again', 'fail'],
    ] as const;
    const statuses = new Map<string, string>();
    for (const [at, { syncId }] of consumer.got.entries()) {
      const [one, other] = pairs[at % pairs.length] ?? assert.fail();
      // Which of them is the first, the hub says: operations of a socket run side by side.
      const answers = await Promise.all([verdicts[one](syncId), verdicts[other](syncId)]);
      assert.deepEqual(
        answers.toSorted((a, b) => a - b),
        [0, 1],
        `${one}, ${other}`,
      );
      statuses.set(syncId, ends[answers[0] === 1 ? one : other]);
    }
    await until('all is written', async () =>
      (await detailsOf(hub, id)).every(({ status }) => status !== 'PROCESSING'),
    );
    for (const sync of await detailsOf(hub, id)) {
      assert.equal(sync.status, statuses.get(sync.id));
      assert.equal(sync.attempts.length, 1);
    }
  });

  test('a verdict that comes right behind the end of its socket does not undo the one before it', async () => {
    const id = await makeSubscription('ended', { ackTimeoutMs: 60_000 });
    const ask =
      'mutation ($id: ID!) { reject(syncId: $id, code: "NO", message: "no", retryable: false) { status } }';
    for (const n of numbers(10)) {
      await record(hub, vouchers('ended', [`${n}`]));
      using consumer = await holding(id, 1);
      const syncId = consumer.got[0]?.syncId ?? '';
      assert.equal(await consumer.acknowledge([syncId]), 1);
      consumer.kill();
      const { errors } = await hub.ask(ask, { id: syncId });
      assert.equal(errors?.[0]?.extensions.code, 'NOT_FOUND');
    }
    for (const { status } of await settled(hub, id)) assert.equal(status, 'SUCCESS');
  });

  test('of what is pushed to a consumer that dies again and again only the event that kills it is FAILED', async t => {
    const id = await makeSubscription('deadly', { ackTimeoutMs: 60_000 });
    const others = numbers(40);
    await record(hub, vouchers('deadly', [...others, 'poison']));
    const companies: number[] = [];
    const isOver = async () => (await detailsOf(hub, id)).every(({ status }) => over.includes(status));
    for (let n = 0; n < 40 && !(await isOver()); n += 1) {
      // It takes its time for each event, and dies of one.
      using consumer = new TestConsumer(hub.url, {
        subscriptionId: id,
        onEvent: (delivered, self) => {
          if (delivered.event.voucher.sourceId === 'deadly-poison') self.kill();
          else setTimeout(() => acknowledgeAll(delivered, self), 100);
        },
      });
      await until(
        'it has died, or all is over',
        async () => consumer.ended !== undefined || (await isOver()),
      );
      companies.push(consumer.got.length);
    }
    const syncs = await settled(hub, id);
    const failed = syncs.filter(({ status }) => status === 'FAILED');
    assert.deepEqual(
      failed.map(({ event, errorCode, attempts }) => [event.voucher.sourceId, errorCode, attempts.length]),
      [['deadly-poison', 'SOCKET_CLOSED', 10]],
      `pushed to each consumer: ${companies.join(', ')}`,
    );
    assert.equal(syncs.filter(({ status }) => status === 'SUCCESS').length, others.length);
    t.diagnostic(`pushed to each consumer: ${companies.join(', ')}`);
  });

  test("a reject's code may not be one of the hub's own", async () => {
    const id = await makeSubscription('own-codes');
    await record(hub, vouchers('own-codes', ['x']));
    using consumer = await holding(id, 1);
    const [{ syncId } = { syncId: '' }] = consumer.got;
    const taken = ['SOCKET_CLOSED', 'ACK_TIMEOUT', 'LEASE_EXPIRED', 'PAYLOAD_QUERY_INVALID', 'HTTP_422'];
    for (const code of [
      ...taken,
      'TARGET_NOT_ALLOWED',
      'SUBSCRIPTION_DELETED',
      'ETIMEDOUT',
      'a b',
      '',
      'x'.repeat(65),
    ]) {
      const { errors } = await reject(syncId, code, true);
      assert.deepEqual(
        [errors?.[0]?.extensions.code, errors?.[0]?.extensions.field],
        ['BAD_USER_INPUT', 'code'],
        code,
      );
    }
    assert.match(
      (await reject(syncId, 'HTTP_422', true)).errors?.[0]?.message ?? '',
      /one of the hub's own codes/,
    );
    assert.equal((await detailsOf(hub, id))[0]?.status, 'PROCESSING');
    assert.equal((await reject(syncId, 'http_422', false)).errors, undefined);
  });

  test('when its consumer leaves, what is left goes to the webhook without waiting for the reconciler', async t => {
    await using receiver = await startReceiver();
    const id = await makeSubscription('leaves', { webhookUrl: receiver.url });
    using consumer = new TestConsumer(hub.url, { subscriptionId: id, onEvent: () => {} });
    await until('it is attached', () => connected(id));
    await record(hub, vouchers('leaves', numbers(5)));
    await until('it has all', () => consumer.got.length === 5);
    assert.equal(receiver.requests.length, 0);
    const leftAt = performance.now();
    consumer.kill();
    await receiver.gotEvents(5);
    t.diagnostic(`from leaving to the webhook: ${(performance.now() - leftAt).toFixed(0)} ms`);
    await settled(hub, id);
  });

  test('an event that leaves the socket after two pushes is at the webhook without waiting for the reconciler', async () => {
    await using receiver = await startReceiver();
    const retry = { maxRetries: 5, baseDelayMs: 20 };
    const id = await makeSubscription('handed', { webhookUrl: receiver.url, ackTimeoutMs: 100, retry });
    using _consumer = new TestConsumer(hub.url, { subscriptionId: id, onEvent: () => {} });
    await until('it is attached', () => connected(id));
    await record(hub, vouchers('handed', numbers(3)));
    const syncs = await settled(hub, id);
    for (const { status, attempts } of syncs) {
      assert.equal(status, 'SUCCESS');
      assert.deepEqual(
        attempts.map(({ errorCode }) => errorCode),
        ['ACK_TIMEOUT', 'ACK_TIMEOUT', null],
      );
    }
  });
});
