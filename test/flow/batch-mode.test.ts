import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { acknowledgeAll, TestConsumer } from '../support/consumer.ts';
import {
  detailsOf,
  numbers,
  record,
  type SyncDetail,
  setState,
  settled,
  sql,
  vouchers,
} from '../support/deliveries.ts';
import { startTestHub } from '../support/hub.ts';
import { startReceiver } from '../support/receiver.ts';
import { subscribe } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

// Registered before the hub's database registers its own removal: the hub goes first.
after(() => hub[Symbol.asyncDispose]());
let hub = await startTestHub();

let shards = 0;

async function makeSubscription(
  webhookUrl: string | null,
  settings: Record<string, unknown> = {},
): Promise<{ id: string; system: string }> {
  const system = `batch-mode-${++shards}`;
  const { id } = await subscribe(hub, { name: system, sourceSystems: [system], webhookUrl, ...settings });
  return { id, system };
}

const nightly = { eventType: 'supplier_changed' };

/** Lets the night come for what waits in a shard. */
async function nightFalls(id: string): Promise<void> {
  await sql(hub.databaseUrl, 'update fin_open_syncs set next_attempt_at = now() where subscription_id = $1', [
    id,
  ]);
}

async function update(id: string, input: Record<string, unknown>): Promise<string | undefined> {
  const answer = await hub.ask(
    'mutation ($id: ID!, $input: UpdateDataSubscriptionInput!) { updateDataSubscription(id: $id, input: $input) { batchCron } }',
    { id, input },
  );
  return answer.errors?.[0]?.extensions.field;
}

/** When the attempts of the nightly batch were begun, the first first. Milliseconds. */
function begun(syncs: readonly SyncDetail[]): number[] {
  return syncs
    .filter(({ mode }) => mode === 'BATCH')
    .map(({ attempts }) => Date.parse(attempts[0]?.startedAt ?? ''))
    .sort((a, b) => a - b);
}

/** Sees to it that any hundred and first is at least a second later, but for what lies between sending and noting. */
function assertPaced(times: readonly number[]): void {
  for (const [n, at] of times.entries()) {
    const hundredBefore = times[n - 100];
    if (hundredBefore !== undefined) assert.ok(at - hundredBefore > 700, `${n}: ${at - hundredBefore} ms`);
  }
}

describe('batch mode', { concurrency: 4 }, () => {
  test('the night’s events go a hundred a request and a second apart; what is recorded meanwhile goes first', async () => {
    await using receiver = await startReceiver();
    const { id, system } = await makeSubscription(receiver.url, { batchSize: 100 });
    await record(hub, vouchers(system, numbers(230), nightly));
    await nightFalls(id);
    await record(hub, vouchers(system, ['wakes it']));
    const sizes = (mode: string) =>
      receiver.requests
        .map(({ body }) => body.items?.filter(item => item.mode === mode).length ?? 0)
        .filter(size => size > 0);
    await until('the first hundred is there', () => sizes('batch').length === 1);
    await record(hub, vouchers(system, ['urgent']));
    const syncs = await settled(hub, id);
    assert.deepEqual(sizes('batch'), [100, 100, 30]);
    assertPaced(begun(syncs));
    const order = receiver.requests.map(({ body }) => body.items?.[0]?.mode);
    assert.ok(order.lastIndexOf('realtime') < order.lastIndexOf('batch'), order.join());
  });

  test('with a batchSize of 1 each event has its request, a hundred a second at most', async () => {
    await using receiver = await startReceiver();
    const { id, system } = await makeSubscription(receiver.url);
    await record(hub, vouchers(system, numbers(130), nightly));
    await nightFalls(id);
    await record(hub, vouchers(system, ['wakes it']));
    const syncs = await settled(hub, id);
    assert.equal(receiver.requests.length, 131);
    assert.ok(receiver.requests.every(({ body }) => body.items === undefined));
    assertPaced(begun(syncs));
  });

  test('over a socket a night has the same pace, and half of the window is left to what is not of it', async () => {
    const paced = await makeSubscription(null);
    await record(hub, vouchers(paced.system, numbers(130), nightly));
    await nightFalls(paced.id);
    const many = { subscriptionId: paced.id, prefetch: 400 };
    using taker = new TestConsumer(hub.url, { ...many, onEvent: acknowledgeAll });
    assertPaced(begun(await settled(hub, paced.id)));
    assert.equal(taker.got.length, 130);

    const held = await makeSubscription(null);
    await record(hub, vouchers(held.system, numbers(20), nightly));
    await nightFalls(held.id);
    const few = { subscriptionId: held.id, prefetch: 10 };
    using holder = new TestConsumer(hub.url, { ...few, onEvent: () => {} });
    await until('half of the window is the night’s', () => holder.got.length === 5);
    await record(hub, vouchers(held.system, ['a', 'b', 'c', 'd', 'e']));
    await until('the other half is the day’s', () => holder.got.length === 10);
    assert.deepEqual(
      holder.got.map(({ mode }) => mode),
      [...numbers(5).map(() => 'BATCH'), ...numbers(5).map(() => 'REALTIME')],
    );
  });

  test('each subscription has its own cron; a change dates anew what waits, and another mode lets it go', async () => {
    await using receiver = await startReceiver();
    const { id, system } = await makeSubscription(receiver.url, { mode: 'BATCH', batchCron: '30 12 1 1 *' });
    await record(hub, vouchers(system, numbers(3)));
    const dueAt = async () => [
      ...new Set((await detailsOf(hub, id)).map(sync => sync.nextAttemptAt?.slice(5))),
    ];
    assert.deepEqual(await dueAt(), ['01-01T04:30:00.000Z']);
    assert.equal(await update(id, { batchCron: 'every night' }), 'batchCron');
    assert.equal(await update(id, { batchCron: '0 0 31 2 *' }), 'batchCron');
    assert.equal(await update(id, { batchCron: '15 8 29 2 *' }), undefined);
    assert.deepEqual(await dueAt(), ['02-29T00:15:00.000Z']);
    assert.equal(await update(id, { batchCron: null }), undefined);
    assert.match(String(await dueAt()), /^\d\d-\d\dT18:00:00\.000Z$/);
    assert.equal(await update(id, { mode: 'REALTIME' }), undefined);
    const syncs = await settled(hub, id);
    assert.deepEqual(
      syncs.map(({ status, mode }) => `${status} ${mode}`),
      numbers(3).map(() => 'SUCCESS BATCH'),
    );
  });

  test('a shard that is suspended at night is probed with an event of the batch', async () => {
    await using receiver = await startReceiver();
    const { id, system } = await makeSubscription(receiver.url);
    await record(hub, vouchers(system, numbers(2), nightly));
    await sql(
      hub.databaseUrl,
      `update data_subscriptions set state = 'suspended', probe_at = now() where id = $1`,
      [id],
    );
    await nightFalls(id);
    const syncs = await settled(hub, id);
    assert.ok(syncs.every(({ status }) => status === 'SUCCESS'));
  });
});

test('what fell due while the hub was down goes out at its start', async () => {
  await using receiver = await startReceiver();
  const { id, system } = await makeSubscription(receiver.url, { batchSize: 10 });
  await record(hub, vouchers(system, numbers(5), nightly));
  await setState(hub, id, 'pause');
  await setState(hub, id, 'resume');
  await hub[Symbol.asyncDispose]();
  assert.equal(receiver.requests.length, 0);
  await nightFalls(id);
  hub = await startTestHub({ databaseUrl: hub.databaseUrl });
  await settled(hub, id);
  assert.deepEqual(
    receiver.requests.map(({ body }) => body.items?.length),
    [5],
  );
});
