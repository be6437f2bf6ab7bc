import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { makeKey } from '../support/access.ts';
import { TestConsumer } from '../support/consumer.ts';
import {
  cancelSyncs,
  numbers,
  record,
  setState,
  settled,
  sql,
  unsubscribe,
  vouchers,
} from '../support/deliveries.ts';
import { startTestHub } from '../support/hub.ts';
import { startReceiver } from '../support/receiver.ts';
import { ask, openSocket } from '../support/sockets.ts';
import { subscribe } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';
import { isWatching, watch } from '../support/watcher.ts';

describe('syncLogChanged', () => {
  test('tells each step of a sync, and only those that the filter covers', async () => {
    await using hub = await startTestHub();
    await using receiver = await startReceiver();
    receiver.answer(({ body }) => (body.voucher.source_id === 'steps-bad' ? 422 : 200));
    const { id } = await subscribe(hub, { webhookUrl: receiver.url });
    await using all = watch(hub);
    await using failed = watch(hub, { filter: { statuses: ['FAILED'], sourceSystem: 'steps' } });
    await isWatching(hub, all, 'steps');
    await record(hub, vouchers('steps', ['good', 'bad']));
    await until(
      'both are over',
      () => all.of('steps-good').at(-1) === 'SUCCESS' && all.of('steps-bad').at(-1) === 'FAILED',
    );
    await until('the filter lets one through', () => failed.told.length > 0);
    await settled(hub, id);
    assert.deepEqual(
      failed.told.map(({ status, event }) => [status, event.voucher.sourceId]),
      [['FAILED', 'steps-bad']],
    );
    const order = ['PENDING', 'PROCESSING', 'SUCCESS'];
    const steps = all.of('steps-good');
    assert.deepEqual(
      steps,
      [...new Set(steps)].toSorted((a, b) => order.indexOf(a) - order.indexOf(b)),
    );
  });

  test('tells a subscriber of its own system alone, and of its subscriptions that were made later too', async () => {
    await using hub = await startTestHub();
    await subscribe(hub, { name: 'tax', targetSystem: 'tax' });
    const { id: own } = await subscribe(hub, { name: 'erp', targetSystem: 'erp', sourceSystems: ['warm'] });
    const { secret: key } = await makeKey(hub, 'SUBSCRIBER', 'erp');
    await using theirs = watch(hub, { key });
    await using all = watch(hub);
    await isWatching(hub, theirs, 'warm');
    await record(hub, vouchers('secret', numbers(20)));
    const { id: later } = await subscribe(hub, {
      name: 'later',
      targetSystem: 'erp',
      sourceSystems: ['last'],
    });
    await record(hub, vouchers('last', ['x']));
    await until('its own are told', () => theirs.of('last-x').length > 0);
    await until('all are told', () => all.told.length > 20);
    assert.deepEqual(new Set(theirs.told.map(({ subscription }) => subscription.id)), new Set([own, later]));
    assert.equal(theirs.told.filter(({ event }) => event.voucher.sourceId.startsWith('secret')).length, 0);
  });

  test('refuses a publisher, and a filter that can not be, at once', async () => {
    await using hub = await startTestHub();
    const { secret: key } = await makeKey(hub, 'PUBLISHER', 'settlement');
    await using publisher = watch(hub, { key });
    assert.equal((await publisher.refused)[0]?.extensions.code, 'FORBIDDEN');
    await using wrong = watch(hub, { filter: { subscriptionId: 'nonsense' } });
    assert.equal((await wrong.refused)[0]?.extensions.code, 'BAD_USER_INPUT');
  });

  test('a burst of 10,000 syncs is told a few times each at most, and how each ended', async t => {
    await using hub = await startTestHub();
    await using receiver = await startReceiver();
    const { id } = await subscribe(hub, { webhookUrl: receiver.url, batchSize: 100 });
    await using watcher = watch(hub, { filter: { subscriptionId: id }, select: 'id status' });
    await isWatching(hub, watcher, 'warm');
    const warm = new Set((await settled(hub, id)).map(sync => sync.id));
    const startedAt = performance.now();
    await record(hub, vouchers('burst', numbers(10_000)));
    const told = () => watcher.told.filter(sync => !warm.has(sync.id));
    const last = () => new Map(told().map(sync => [sync.id, sync.status]));
    const ended = () => [...last().values()].filter(status => status === 'SUCCESS').length;
    await until(
      'each is told to have succeeded',
      () => told().length >= 10_000 && ended() === 10_000,
      120_000,
    );
    const times = Map.groupBy(told(), sync => sync.id);
    const most = Math.max(...[...times.values()].map(({ length }) => length));
    t.diagnostic(
      `${told().length} messages of ${times.size} syncs in ${Math.round(performance.now() - startedAt)} ms; ${most} of one at most`,
    );
    assert.equal(times.size, 10_000);
    assert.ok(most <= 4, `one sync was told ${most} times`);
  });

  test('what changes on one hub is told on another: recorded, acknowledged and cancelled there', async () => {
    await using first = await startTestHub();
    await using second = await startTestHub({ databaseUrl: first.databaseUrl });
    const { id } = await subscribe(first, { sourceSystems: ['warm', 'there'] });
    const { id: left } = await subscribe(first, { name: 'left', sourceSystems: ['left'] });
    await using watcher = watch(first);
    await isWatching(second, watcher, 'warm');
    using consumer = new TestConsumer(first.url, {
      subscriptionId: id,
      onEvent: ({ syncId }) =>
        void second.data('mutation ($ids: [ID!]!) { acknowledge(syncIds: $ids) }', { ids: [syncId] }),
    });
    await record(second, vouchers('there', ['x']));
    await until('it came', () => consumer.got.some(({ event }) => event.voucher.sourceId === 'there-x'));
    await until('its end is told', () => watcher.of('there-x').at(-1) === 'SUCCESS');
    await record(second, vouchers('left', ['x']));
    await until('its beginning is told', () => watcher.of('left-x').at(-1) === 'PENDING');
    assert.equal(await cancelSyncs(second, { subscriptionId: left, statuses: ['PENDING'] }), 1);
    await until('its end is told', () => watcher.of('left-x').at(-1) === 'CANCELLED');
  });

  test('tells what a deletion cancels, what a resume and a resync queue, and what an expired lease sets free', async () => {
    await using hub = await startTestHub();
    const gone = await startReceiver();
    await gone[Symbol.asyncDispose]();
    const make = (name: string, over: object = {}) =>
      subscribe(hub, { name, sourceSystems: [name], ...over });
    const [deleted, freed] = [await make('deleted'), await make('freed')];
    const failed = await make('failed', { webhookUrl: gone.url, retry: { maxRetries: 0 } });
    await using watcher = watch(hub);
    await isWatching(hub, watcher, 'deleted');
    for (const name of ['deleted', 'freed', 'failed']) await record(hub, vouchers(name, ['x']));
    await until('it has failed', () => watcher.of('failed-x').at(-1) === 'FAILED');
    await setState(hub, failed.id, 'resume');
    await until('what the resume queued is told', () => {
      const told = watcher.of('failed-x');
      return told.slice(told.indexOf('FAILED')).some(status => status !== 'FAILED');
    });
    await until('it is told', () => watcher.of('freed-x').length > 0);
    await sql(
      hub.databaseUrl,
      `with claimed as (
         update fin_open_syncs set claim_token = gen_random_uuid(), transport = 'webhook' where subscription_id = $1
         returning id, claim_token)
       insert into lane_claims (token, subscription_id, lease_until, sync_ids)
       select claim_token, $1, now(), array[id] from claimed`,
      [freed.id],
    );
    await until('what is free again is told', () => watcher.of('freed-x').at(-1) === 'RETRYING');
    assert.equal(await cancelSyncs(hub, { subscriptionId: freed.id }), 1);
    await until('its end is told', () => watcher.of('freed-x').at(-1) === 'CANCELLED');
    await hub.data('mutation ($id: ID!) { resync(subscriptionId: $id, filter: {}) }', { id: freed.id });
    await until('what the resync queued is told', () => watcher.of('freed-x').at(-1) === 'PENDING');
    await unsubscribe(hub, deleted.id);
    await until('its end is told', () => watcher.of('deleted-x').at(-1) === 'CANCELLED');
  });

  test('a watcher may leave, on its socket or with it, and come back', async () => {
    await using hub = await startTestHub();
    await subscribe(hub, {});
    using bare = await openSocket(hub);
    const told = () => bare.messages.filter(({ type }) => type === 'next').length;
    for (const round of numbers(3)) {
      await using watcher = watch(hub);
      const before = told();
      bare.send(ask(`watch-${round}`, 'subscription { syncLogChanged { id } }'));
      await isWatching(hub, watcher, `round-${round}`);
      await until('both are told', async () => {
        await record(hub, vouchers('both', [Math.random()]));
        return told() > before;
      });
      bare.send({ id: `watch-${round}`, type: 'complete' });
    }
    assert.equal(bare.messages.filter(({ type }) => type === 'error').length, 0);
    assert.equal(bare.end, undefined);
  });
});
