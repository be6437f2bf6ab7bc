import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import {
  detailsOf,
  freshSystem,
  numbers,
  quick,
  record,
  setState,
  settled,
  sql,
  stateOf,
  subscriptionMaker,
  theSync,
  unsubscribe,
  vouchers,
} from '../support/deliveries.ts';
import { startTestHub, type TestHub } from '../support/hub.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { startPostgresProxy } from '../support/postgres-proxy.ts';
import { seeded } from '../support/random.ts';
import { startReceiver } from '../support/receiver.ts';
import { subscribe } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

// Registered before the hub's database registers its own removal: the hub goes first.
after(() => hub[Symbol.asyncDispose]());
const hub: TestHub = await startTestHub();

/** How long after its answer a pause may still see an attempt begin, milliseconds: the drain's look at its settings. */
const epsilonMs = 500;

const makeSubscription = subscriptionMaker(hub);

describe('order within a source record', () => {
  test('versions of a record arrive in order though answers are slow and fail at random; other records overtake', async t => {
    const { random, seed } = seeded();
    t.diagnostic(`seed ${seed}`);
    await using receiver = await startReceiver();
    const accepted: { id: string; version: number }[] = [];
    receiver.answer(async ({ body: { voucher } }) => {
      await pause(random() * 40);
      if (random() < 0.3) return 500;
      accepted.push({ id: voucher.source_id, version: voucher.source_version });
      return 200;
    });
    const { id, system } = await makeSubscription(receiver.url);
    for (const version of numbers(20))
      await record(hub, vouchers(system, numbers(30), { amount: `${version + 1}.00` }));
    await until('all 600 are accepted', () => accepted.length >= 600);
    await until('the log says so', async () => {
      const [row] = await sql<{ n: number }>(
        hub.databaseUrl,
        `select count(*)::int as n from fin_data_sync_logs where subscription_id = $1 and status = 'success'`,
        [id],
      );
      return row?.n === 600;
    });
    assert.equal(accepted.length, 600, 'each version is accepted once');
    for (const n of numbers(30)) {
      const versions = accepted
        .filter(({ id: source }) => source === `${system}-${n}`)
        .map(({ version }) => version);
      assert.deepEqual(
        versions,
        numbers(20).map(version => version + 1),
        `record ${n}`,
      );
    }
    const firstToFinish = accepted.findIndex(({ version }) => version === 20);
    const lastToBegin = accepted.findLastIndex(({ version }) => version <= 15);
    assert.ok(
      firstToFinish < lastToBegin,
      'no record overtook another, which 30 records with random failures all but rule out',
    );
  });

  test('a version that waits for its retry holds back later versions of its record, and nothing else', async () => {
    await using receiver = await startReceiver();
    receiver.answer(({ body }) =>
      body.voucher.source_id.endsWith('-bad') && receiver.requests.length < 3 ? 503 : 200,
    );
    const { id, system } = await makeSubscription(receiver.url, {
      retry: { ...quick, baseDelayMs: 5_000, maxDelayMs: 5_000 },
    });
    await record(hub, vouchers(system, ['bad']));
    await receiver.gotEvents(1);
    await record(hub, [...vouchers(system, ['bad'], { amount: '2.00' }), ...vouchers(system, ['good'])]);
    await settled(hub, id);
    const ids = receiver.events().map(({ voucher }) => voucher.source_id);
    assert.equal(ids.indexOf(`${system}-good`), 1, 'the other record came before the retry');
    const bad = receiver.events().filter(event => event.voucher.source_id.endsWith('-bad'));
    assert.deepEqual(
      bad.map(event => event.voucher.source_version),
      bad.length === 3 ? [1, 1, 2] : [1, 1, 1, 2],
    );
  });

  test('a version that FAILED holds back nothing', async () => {
    await using receiver = await startReceiver();
    receiver.answer(({ body }) => (body.voucher.source_version === 1 ? 422 : 200));
    const { id, system } = await makeSubscription(receiver.url);
    await record(hub, [...vouchers(system, ['x']), ...vouchers(system, ['x'], { amount: '2.00' })]);
    assert.deepEqual(
      (await settled(hub, id)).map(({ status }) => status),
      ['FAILED', 'SUCCESS'],
    );
  });
});

describe('shards that are closed', { concurrency: 4 }, () => {
  test('a pause keeps everything and attempts nothing; resuming delivers', async () => {
    await using receiver = await startReceiver();
    receiver.answer(() => pause(10, 200));
    const { id, system } = await makeSubscription(receiver.url, { maxInFlight: 4 });
    await record(hub, vouchers(system, numbers(300)));
    await receiver.gotEvents(20);
    await setState(hub, id, 'pause');
    const pausedAt = performance.now();
    await until('nothing is under way any more', async () =>
      (await detailsOf(hub, id)).every(({ status }) => status !== 'PROCESSING'),
    );
    const delivered = receiver.requests.length;
    assert.ok(delivered < 300, 'the pause came while there was work');
    await record(hub, vouchers(system, numbers(310).slice(300)));
    await pause(2_000);
    const late = receiver.requests.filter(({ at }) => at > pausedAt + epsilonMs);
    assert.equal(late.length, 0);
    const kept = (await detailsOf(hub, id)).filter(({ status }) => status === 'PENDING');
    assert.equal(kept.length, 310 - delivered);
    assert.ok(kept.every(({ attempts }) => attempts.length === 0));
    await setState(hub, id, 'resume');
    await until('what was kept begins to come', () => receiver.requests.length > delivered);
    const syncs = await settled(hub, id);
    assert.ok(syncs.every(({ status, attempts }) => status === 'SUCCESS' && attempts.length === 1));
    assert.equal(receiver.requests.length, 310);
  });

  test('a pause holds for what was claimed ahead, though the answers under way come long after it', async () => {
    await using receiver = await startReceiver();
    receiver.answer(() => pause(2_500, 200));
    const { id, system } = await makeSubscription(receiver.url, { maxInFlight: 4 });
    await record(hub, vouchers(system, numbers(16)));
    await receiver.gotEvents(4);
    await setState(hub, id, 'pause');
    await until(
      'what was under way is answered',
      async () => (await detailsOf(hub, id)).filter(({ status }) => status === 'SUCCESS').length === 4,
    );
    await pause(500);
    assert.equal(receiver.requests.length, 4);
  });

  test('a pause holds for what waits for the rate limit', async () => {
    await using receiver = await startReceiver();
    const { id, system } = await makeSubscription(receiver.url, { rateLimitPerSecond: 1 });
    await record(hub, vouchers(system, numbers(5)));
    await receiver.gotEvents(2);
    await pause(100);
    await setState(hub, id, 'pause');
    const pausedAt = performance.now();
    await pause(2_500);
    assert.equal(receiver.requests.filter(({ at }) => at > pausedAt + epsilonMs).length, 0);
    assert.ok(receiver.requests.length < 5, 'the pause came while there was work');
  });

  test('resuming delivers at once though an answer from before the pause is still awaited', async () => {
    await using receiver = await startReceiver();
    receiver.answer(({ body }) => (body.voucher.source_id.endsWith('-slow') ? pause(30_000, 200) : 200));
    const { id, system } = await makeSubscription(receiver.url);
    await record(hub, vouchers(system, ['slow']));
    await receiver.gotEvents(1);
    await setState(hub, id, 'pause');
    await record(hub, vouchers(system, ['kept']));
    // Long enough for the drain to see that its shard is closed.
    await pause(600);
    await setState(hub, id, 'resume');
    const resumedAt = performance.now();
    await receiver.gotEvents(2);
    assert.ok(performance.now() - resumedAt < 20_000, `it took ${performance.now() - resumedAt} ms`);
  });

  test('after 410 the subscription is PAUSED, the rest is kept, and resuming delivers it', async () => {
    await using receiver = await startReceiver();
    receiver.answer(() => (receiver.requests.length === 3 ? 410 : 200));
    const { id, system } = await makeSubscription(receiver.url, { maxInFlight: 1 });
    await record(hub, vouchers(system, numbers(10)));
    await until('the subscription is paused', async () => (await stateOf(hub, id)) === 'PAUSED');
    await until('nothing is under way', async () =>
      (await detailsOf(hub, id)).every(({ status }) => status !== 'PROCESSING'),
    );
    const counts = (await detailsOf(hub, id)).map(({ status }) => status);
    assert.deepEqual(
      [...counts].sort(),
      ['FAILED', 'SUCCESS', 'SUCCESS', ...numbers(7).map(() => 'PENDING')].sort(),
    );
    await setState(hub, id, 'resume');
    const syncs = await settled(hub, id);
    assert.equal(syncs.filter(({ status }) => status === 'SUCCESS').length, 9);
    assert.equal(
      syncs.filter(({ errorCode }) => errorCode === 'HTTP_410').length,
      1,
      'what the consumer wanted no more is not sent again',
    );
  });

  test('a deleted subscription gets nothing more, and what it did not get is CANCELLED', async () => {
    await using receiver = await startReceiver();
    receiver.answer(() => pause(50, 200));
    const { id, system } = await makeSubscription(receiver.url, { maxInFlight: 2 });
    await record(hub, vouchers(system, numbers(100)));
    await receiver.gotEvents(5);
    await unsubscribe(hub, id);
    const deletedAt = performance.now();
    await record(hub, vouchers(system, ['after']));
    const rows = await until('nothing of it is unfinished', async () => {
      const found = await sql<{ status: string; n: number }>(
        hub.databaseUrl,
        'select status, count(*)::int as n from fin_data_sync_logs where subscription_id = $1 group by 1',
        [id],
      );
      return found.every(({ status }) => status === 'success' || status === 'cancelled') && found;
    });
    assert.equal(
      rows.reduce((sum, { n }) => sum + n, 0),
      100,
      'what is recorded after the deletion does not concern it',
    );
    assert.equal(rows.find(({ status }) => status === 'success')?.n, receiver.requests.length);
    await pause(500);
    assert.equal(receiver.requests.filter(({ at }) => at > deletedAt + epsilonMs).length, 0);
  });

  test('an attempt under way while its subscription is deleted is not tried again', async () => {
    await using receiver = await startReceiver();
    receiver.answer(() => pause(500, 503));
    const { id, system } = await makeSubscription(receiver.url);
    await record(hub, vouchers(system, [1]));
    await receiver.gotEvents(1);
    await unsubscribe(hub, id);
    await until('it is cancelled', async () => {
      const [row] = await sql<{ status: string }>(
        hub.databaseUrl,
        'select status from fin_data_sync_logs where subscription_id = $1',
        [id],
      );
      return row?.status === 'cancelled';
    });
    assert.equal(receiver.requests.length, 1);
  });

  test('without a webhookUrl everything is kept PENDING and nothing is attempted, until there is one', async () => {
    await using receiver = await startReceiver();
    const { id, system } = await makeSubscription(null);
    await record(hub, vouchers(system, numbers(20)));
    await pause(1_000);
    const kept = await detailsOf(hub, id);
    assert.ok(kept.every(({ status, attempts }) => status === 'PENDING' && attempts.length === 0));
    await hub.data(
      `mutation ($id: ID!, $input: UpdateDataSubscriptionInput!) { updateDataSubscription(id: $id, input: $input) { id } }`,
      { id, input: { webhookUrl: receiver.url } },
    );
    await receiver.gotEvents(20);
    assert.ok((await settled(hub, id)).every(({ status }) => status === 'SUCCESS'));
  });

  test('settings that change while a shard is drained hold for what is sent after', async () => {
    await using first = await startReceiver();
    await using second = await startReceiver();
    first.answer(() => pause(50, 200));
    const { id, system } = await makeSubscription(first.url, { maxInFlight: 1 });
    await record(hub, vouchers(system, numbers(60)));
    await first.gotEvents(3);
    await hub.data(
      `mutation ($id: ID!, $input: UpdateDataSubscriptionInput!) { updateDataSubscription(id: $id, input: $input) { id } }`,
      { id, input: { webhookUrl: second.url } },
    );
    const changedAt = performance.now();
    await settled(hub, id);
    assert.equal(first.requests.length + second.requests.length, 60);
    assert.equal(first.requests.filter(({ at }) => at > changedAt + epsilonMs).length, 0);
  });
});

describe('shards beside one another', () => {
  test('20 healthy shards beside one that accepts and never answers: their latency stays small', async t => {
    await using dead = await startReceiver();
    dead.answer(() => undefined);
    await using healthy = await startReceiver();
    const system = freshSystem();
    // Who waited for the dead one would wait this long: far from what a busy machine takes.
    const timeoutMs = 60_000;
    const settings = { sourceSystems: [system], retry: quick, timeoutMs };
    const hung = await subscribe(hub, { ...settings, name: `${system}-dead`, webhookUrl: dead.url });
    for (const n of numbers(20))
      await subscribe(hub, { ...settings, name: `${system}-${n}`, webhookUrl: healthy.url });
    const recordedAt = new Map<string, number>();
    for (const n of numbers(40)) {
      const id = `${system}-${n}`;
      recordedAt.set(id, performance.now());
      await record(hub, vouchers(system, [n]));
      await pause(50);
    }
    await healthy.gotEvents(800);
    const latencies = healthy.requests
      .map(({ body, at }) => at - (recordedAt.get(body.voucher.source_id) ?? 0))
      .sort((a, b) => a - b);
    const p50 = latencies[Math.floor(latencies.length * 0.5)] ?? 0;
    const p99 = latencies[Math.floor(latencies.length * 0.99)] ?? 0;
    t.diagnostic(
      `latency from the call to the receiver: p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms, max ${latencies.at(-1)?.toFixed(0)} ms`,
    );
    assert.ok(p99 < timeoutMs / 3, `p99 ${p99} ms`);
    await unsubscribe(hub, hung.id);
  });

  test('an event that comes just as its drain ends is delivered, not only by the reconciler', async t => {
    const { random, seed } = seeded();
    t.diagnostic(`seed ${seed}`);
    await using receiver = await startReceiver();
    // No scheduler: what a drain overlooks is never delivered.
    await using own = await startTestHub({ env: { HUB_ROLES: 'api,worker' } });
    const many = await Promise.all(numbers(20).map(() => subscriptionMaker(own)(receiver.url)));
    const trickle = async ({ system }: { system: string }) => {
      for (const n of numbers(6)) {
        await record(own, vouchers(system, [n]));
        await until('it came', () =>
          receiver.events().some(({ voucher }) => voucher.source_id === `${system}-${n}`),
        );
        // The drain stays for two seconds: the next comes just about then.
        await pause(1_985 + random() * 30);
      }
    };
    await Promise.all(many.map(trickle));
  });

  test('a record whose head waits long for its retry does not keep the shard at the database', async () => {
    await using receiver = await startReceiver();
    receiver.answer((_request, response) => {
      response.writeHead(503, { 'retry-after': '600' }).end();
      return undefined;
    });
    // A hub of its own: what is counted must be this shard's doing alone.
    const databaseUrl = await createTestDatabase();
    await using proxy = await startPostgresProxy(databaseUrl);
    await using quiet = await startTestHub({ databaseUrl: proxy.url });
    const { id } = await subscribe(quiet, { webhookUrl: receiver.url });
    await record(quiet, vouchers('settlement', ['x']));
    await theSync(quiet, id, ({ status }) => status === 'RETRYING');
    await record(quiet, vouchers('settlement', ['x'], { amount: '2.00' }));
    await pause(3_000);
    proxy.reset();
    await pause(3_000);
    const looks = proxy.names().filter(name => name.startsWith('shard-next-due')).length;
    // A drain looks when it begins and when it ends, two seconds later; the reconciler may call one in between.
    assert.ok(looks <= 4, `${looks} looks in 3 s at a record that is held back for ten minutes`);
    assert.equal(receiver.requests.length, 1);
  });
});
