import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { shardOf, shardSql } from '../../src/core/lane-key.ts';
import { startTestHub } from '../support/hub.ts';
import { numbers, record, sql, statusCounts, vouchers } from '../support/lanes.ts';
import { startLoad } from '../support/load.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { startReceiver } from '../support/receiver.ts';
import { assertIntact, duplicates } from '../support/verdict.ts';
import { subscribe } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

// Two workers, so that the shards of one subscription meet other processes' drains.
const databaseUrl = await createTestDatabase();
const hub = await startTestHub({ databaseUrl });
const other = await startTestHub({ databaseUrl, env: { HUB_ROLES: 'worker' } });
after(async () => {
  await other[Symbol.asyncDispose]();
  await hub[Symbol.asyncDispose]();
});

/** Waits until no sync is open, and so no request under way. */
async function allDone(): Promise<void> {
  const isDone = async () => {
    const { pending = 0, processing = 0, retrying = 0 } = await statusCounts(databaseUrl);
    return pending + processing + retrying === 0;
  };
  await until('everything is delivered', isDone);
}

async function setLanes(id: string, lanes: number): Promise<number> {
  const { updateDataSubscription: updated } = await hub.data<{ updateDataSubscription: { lanes: number } }>(
    'mutation ($id: ID!, $lanes: Int!) { updateDataSubscription(id: $id, input: { lanes: $lanes }) { lanes } }',
    { id, lanes },
  );
  return updated.lanes;
}

test('the database and the code agree about which shard a record is in', async () => {
  const ids = [
    '1',
    '2',
    '44487',
    '2147483646',
    '2147483647',
    '2147483648',
    '9007199254740993',
    String(2n ** 62n),
  ];
  const rows = await sql<{ id: string; lanes: number; shard: number }>(
    databaseUrl,
    `select id::text, lanes, (${shardSql('id', 'lanes')})::int as shard from unnest($1::bigint[]) id, generate_series(1, 16) lanes`,
    [ids],
  );
  assert.equal(rows.length, ids.length * 16);
  for (const { id, lanes, shard } of rows) assert.equal(shard, shardOf(id, lanes), `${id} of ${lanes}`);
});

test('a subscription has one lane unless it asks for more, and 16 at most', async () => {
  const { id } = await subscribe(hub, { name: 'plain', sourceSystems: ['none'] });
  const { dataSubscription: plain } = await hub.data<{ dataSubscription: { lanes: number } }>(
    'query ($id: ID!) { dataSubscription(id: $id) { lanes } }',
    { id },
  );
  assert.equal(plain.lanes, 1);
  assert.equal(await setLanes(id, 16), 16);
  for (const lanes of [0, 17]) await assert.rejects(setLanes(id, lanes), /lanes: 1 to 16/);
});

test('shards share the window: each event comes once, in order per record, and never more requests than maxInFlight', async () => {
  await using receiver = await startReceiver();
  let [underWay, most] = [0, 0];
  receiver.answer(async () => {
    underWay += 1;
    most = Math.max(most, underWay);
    await pause(10);
    underWay -= 1;
    return 200;
  });
  await subscribe(hub, {
    name: 'four',
    webhookUrl: receiver.url,
    sourceSystems: ['four'],
    lanes: 4,
    maxInFlight: 6,
  });
  await record(hub, vouchers('four', numbers(200)));
  await receiver.gotEvents(200);
  await allDone();
  assert.equal(duplicates(receiver.events()).size, 0);
  assert.ok(most <= 6, `${most} at once`);
  assert.ok(most >= 4, `${most} at once: the shards did not run beside one another`);
});

test('more lanes than maxInFlight are not used: one request at a time stays one', async () => {
  await using receiver = await startReceiver();
  let [underWay, most] = [0, 0];
  receiver.answer(async () => {
    most = Math.max(most, ++underWay);
    await pause(5);
    underWay -= 1;
    return 200;
  });
  await subscribe(hub, {
    name: 'one',
    webhookUrl: receiver.url,
    sourceSystems: ['one'],
    lanes: 8,
    maxInFlight: 1,
  });
  await record(hub, vouchers('one', numbers(20)));
  await receiver.gotEvents(20);
  await allDone();
  assert.equal(most, 1);
});

test('the number of lanes may change under load: nothing is lost, nothing comes twice, records stay in order', async () => {
  await using receiver = await startReceiver();
  receiver.answer(() => pause(Math.random() * 15, Math.random() < 0.03 ? 503 : 200));
  const { id } = await subscribe(hub, {
    name: 'changing',
    webhookUrl: receiver.url,
    sourceSystems: ['changing'],
    lanes: 2,
    retry: { maxRetries: 20, baseDelayMs: 5, maxDelayMs: 20 },
  });
  await using load = startLoad(() => hub.ask, { sourceSystem: 'changing', workers: 3 });
  for (const lanes of [5, 1, 16, 3, 2]) {
    const before = receiver.requests.length;
    await until('deliveries flow', () => receiver.requests.length > before + 60);
    await setLanes(id, lanes);
  }
  await load.stop();
  await allDone();
  assertIntact(load.acknowledged, receiver.events());
  const rows = await sql<{ count: number }>(
    databaseUrl,
    `select count(*)::int as count from fin_data_sync_attempts a join fin_data_sync_logs l on l.id = a.sync_id
     where l.subscription_id = $1 and a.error_code = 'LEASE_EXPIRED'`,
    [id],
  );
  assert.equal(rows[0]?.count, 0);
  const attempts = await sql<{ count: number }>(
    databaseUrl,
    `select sum(attempt_count)::int as count from fin_data_sync_logs where subscription_id = $1`,
    [id],
  );
  assert.equal(attempts[0]?.count, receiver.requests.length, 'each request is an attempt of its own');
});
