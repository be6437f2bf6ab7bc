import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { limits } from '../../src/core/limits.ts';
import { acknowledgeAll, TestConsumer } from '../support/consumer.ts';
import {
  detailsOf,
  numbers,
  record,
  setState,
  settled,
  sql,
  stateOf,
  subscriptionMaker,
  vouchers,
} from '../support/deliveries.ts';
import { startTestHub, type TestHub } from '../support/hub.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { type Answer, startReceiver } from '../support/receiver.ts';
import { until } from '../support/wait.ts';

// Two nodes: what one learns of a target, the other keeps to.
const databaseUrl = await createTestDatabase();
const hub: TestHub = await startTestHub({ databaseUrl });
const other: TestHub = await startTestHub({ databaseUrl });
after(async () => {
  await other[Symbol.asyncDispose]();
  await hub[Symbol.asyncDispose]();
});
const makeSubscription = subscriptionMaker(hub);
const retry = { maxRetries: 2, baseDelayMs: 50, maxDelayMs: 100, jitter: 0 };

/** Takes `count` requests in each window of time, and answers the others with a status and headers. */
function limited(
  count: number,
  windowMs: number,
  status: number,
  headers: Record<string, string>,
): { answer: Answer; refused: () => number } {
  let from = Number.NEGATIVE_INFINITY;
  let taken = 0;
  let refused = 0;
  const answer: Answer = ({ at }, response) => {
    if (at - from >= windowMs) [from, taken] = [at, 0];
    taken += 1;
    if (taken <= count) return 200;
    refused += 1;
    response.writeHead(status, headers).end();
    return undefined;
  };
  return { answer, refused: () => refused };
}

describe('what a target says of itself', { concurrency: 8 }, () => {
  const kinds: [string, number, Record<string, string>, Record<string, unknown>][] = [
    ['429 with a date', 429, { 'retry-after': '1' }, {}],
    ['429 without a date', 429, {}, {}],
    ['503 with a date, four shards', 503, { 'retry-after': '1' }, { shards: 4 }],
    ['429 with a date, in batches', 429, { 'retry-after': '1' }, { batchSize: 2 }],
  ];
  for (const [name, status, headers, settings] of kinds)
    test(`a target that limits its pace gets all events, and none uses up a retry: ${name}`, async t => {
      await using receiver = await startReceiver();
      const { answer, refused } = limited(10, 1_000, status, headers);
      receiver.answer(answer);
      const { id, system } = await makeSubscription(receiver.url, { retry, ...settings });
      await record(hub, vouchers(system, numbers(60)));
      const syncs = await settled(hub, id, 90_000);
      const counts = Map.groupBy(syncs, sync => sync.status);
      assert.equal(counts.get('SUCCESS')?.length, 60, JSON.stringify([...counts.keys()]));
      if ('retry-after' in headers) assert.ok(syncs.every(({ retryCount }) => retryCount === 0));
      assert.equal(await stateOf(hub, id), 'ACTIVE');
      t.diagnostic(`${refused()} refused`);
    });

  test('items of a batch that are refused with 429 use up no retry while others are taken', async () => {
    await using receiver = await startReceiver();
    let from = Number.NEGATIVE_INFINITY;
    let taken = 0;
    receiver.answer(({ body, at }, response) => {
      if (at - from >= 500) [from, taken] = [at, 0];
      const results = (body.items ?? []).map(({ sync_id }) => {
        taken += 1;
        return { sync_id, code: taken <= 4 ? 0 : 429 };
      });
      response.writeHead(207).end(JSON.stringify({ results }));
      return undefined;
    });
    const { id, system } = await makeSubscription(receiver.url, { retry, batchSize: 10 });
    await record(hub, vouchers(system, numbers(20)));
    assert.ok((await settled(hub, id, 60_000)).every(sync => sync.status === 'SUCCESS'));
  });

  test('a shard that is held is asked by no node, shows until when, and goes on at once where a person resumes it', async () => {
    await using receiver = await startReceiver();
    receiver.answer((_request, response) => void response.writeHead(429, { 'retry-after': '600' }).end());
    const { id, system } = await makeSubscription(receiver.url, { retry, shards: 2, maxInFlight: 2 });
    await record(hub, vouchers(system, numbers(20)));
    await until('it was asked', () => receiver.requests.length > 0);
    await pause(1_000);
    const asked = receiver.requests.length;
    assert.ok(asked <= 4, `${asked} requests`);
    for (const node of [hub, other]) await record(node, vouchers(system, numbers(20)));
    await pause(limits.reconcileMs * 1.5);
    assert.equal(receiver.requests.length, asked);
    assert.ok(
      (await detailsOf(hub, id)).every(({ retryCount, status }) => retryCount === 0 && status !== 'FAILED'),
    );
    const { dataSubscription: held } = await hub.data<{
      dataSubscription: { state: string; heldUntil: string };
    }>('query ($id: ID!) { dataSubscription(id: $id) { state heldUntil } }', { id });
    assert.equal(held.state, 'ACTIVE');
    assert.ok(Date.parse(held.heldUntil) > Date.now() + 300_000);
    receiver.answer(() => 200);
    await setState(hub, id, 'resume');
    assert.ok((await settled(hub, id, 30_000)).every(sync => sync.status === 'SUCCESS'));
  });

  test('another webhookUrl is not held to what the one before asked for', async () => {
    await using receiver = await startReceiver();
    await using next = await startReceiver();
    receiver.answer(
      (_request, response) =>
        void response.writeHead(503, { 'retry-after': 'Fri, 01 Jan 2100 00:00:00 GMT' }).end(),
    );
    const { id, system } = await makeSubscription(receiver.url, { retry });
    await record(hub, vouchers(system, ['x']));
    await until('it is held', async () => (await detailsOf(hub, id))[0]?.errorCode === 'HTTP_503');
    await hub.data(
      'mutation ($id: ID!, $url: String!) { updateDataSubscription(id: $id, input: { webhookUrl: $url }) { id } }',
      { id, url: next.url },
    );
    await record(hub, vouchers(system, ['y']));
    await next.gotEvents(1);
  });

  test('a target that has taken nothing between its pauses for half an hour is suspended, and nothing FAILED', async () => {
    await using receiver = await startReceiver();
    receiver.answer((_request, response) => void response.writeHead(429, { 'retry-after': '1' }).end());
    const { id, system } = await makeSubscription(receiver.url, { retry });
    await record(hub, vouchers(system, numbers(5)));
    await until('it is held', () => receiver.requests.length >= 2);
    await sql(
      databaseUrl,
      `update data_subscriptions set held_since = now() - interval '31 minutes' where id = $1`,
      [id],
    );
    await until('it is suspended', async () => (await stateOf(hub, id)) === 'SUSPENDED', 30_000);
    assert.ok(
      (await detailsOf(hub, id)).every(({ retryCount, status }) => retryCount === 0 && status !== 'FAILED'),
    );
  });

  test('one event that is always answered 503 without a date stops no other, and is FAILED after its retries', async () => {
    await using receiver = await startReceiver();
    receiver.answer(({ body }) => (body.voucher.source_id.endsWith('-poison') ? 503 : 200));
    const { id, system } = await makeSubscription(receiver.url, { retry });
    await record(hub, vouchers(system, ['poison', ...numbers(30)]));
    const syncs = await settled(hub, id);
    const failed = syncs.filter(({ status }) => status === 'FAILED');
    assert.deepEqual(
      failed.map(({ errorCode, attempts }) => [errorCode, attempts.length]),
      [['HTTP_503', 3]],
    );
    assert.equal(await stateOf(hub, id), 'ACTIVE');
  });

  test('one event that is always answered 429 while others get through is FAILED in the end', async () => {
    await using receiver = await startReceiver();
    receiver.answer(({ body }) => (body.voucher.source_id.endsWith('-poison') ? 429 : 200));
    const { id, system } = await makeSubscription(receiver.url, { retry });
    await record(hub, vouchers(system, ['poison']));
    assert.equal((await settled(hub, id))[0]?.attempts.length, 3);
  });

  for (const status of [500, 503])
    test(`a target that answers everything with ${status} is suspended before the backlog's retries are used up; back again, it gets all`, async () => {
      await using receiver = await startReceiver();
      receiver.answer(() => status);
      const { id, system } = await makeSubscription(receiver.url, { maxInFlight: 4 });
      await record(hub, vouchers(system, numbers(100)));
      await until('it is suspended', async () => (await stateOf(hub, id)) === 'SUSPENDED', 20_000);
      await pause(limits.probeFirstMs + limits.reconcileMs);
      assert.ok(receiver.requests.length <= 30, `${receiver.requests.length} requests`);
      assert.ok((await detailsOf(hub, id)).every(sync => sync.status !== 'FAILED'));
      receiver.answer(() => 200);
      assert.ok((await settled(hub, id, limits.probeMaxMs * 2)).every(sync => sync.status === 'SUCCESS'));
    });

  test('an attached consumer that rejects everything for now is held, another one gets the events, and nothing FAILED', async () => {
    const { id, system } = await makeSubscription(null, { retry });
    let rejected = 0;
    using consumer = new TestConsumer(hub.url, {
      subscriptionId: id,
      prefetch: 20,
      onEvent: ({ syncId }, self) => {
        rejected += 1;
        void self.reject(syncId, 'LOCKED', true);
      },
    });
    await record(hub, vouchers(system, numbers(100)));
    await until('it has rejected some', () => rejected >= 10);
    await pause(3_000);
    assert.ok(rejected <= 60, `${rejected} rejected, consumer ${consumer.got.length}`);
    using good = new TestConsumer(other.url, { subscriptionId: id, prefetch: 20, onEvent: acknowledgeAll });
    const syncs = await settled(hub, id, 60_000);
    assert.ok(
      syncs.every(sync => sync.status === 'SUCCESS'),
      `good one got ${good.got.length}`,
    );
  });
});
