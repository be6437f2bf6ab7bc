import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { shardOf, shardSql } from '../../src/core/shard-key.ts';
import { numbers, record, sql, statusCounts, vouchers } from '../support/deliveries.ts';
import { startTestHub } from '../support/hub.ts';
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

async function setShards(id: string, shards: number): Promise<number> {
  const { updateDataSubscription: updated } = await hub.data<{ updateDataSubscription: { shards: number } }>(
    'mutation ($id: ID!, $shards: Int!) { updateDataSubscription(id: $id, input: { shards: $shards }) { shards } }',
    { id, shards },
  );
  return updated.shards;
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
  const rows = await sql<{ id: string; shards: number; index: number }>(
    databaseUrl,
    `select id::text, shards, (${shardSql('id', 'shards')})::int as index from unnest($1::bigint[]) id, generate_series(1, 16) shards`,
    [ids],
  );
  assert.equal(rows.length, ids.length * 16);
  for (const { id, shards, index } of rows) assert.equal(index, shardOf(id, shards), `${id} of ${shards}`);
});

test('a subscription has one shard unless it asks for more, and 16 at most', async () => {
  const { id } = await subscribe(hub, { name: 'plain', sourceSystems: ['none'] });
  const { dataSubscription: plain } = await hub.data<{ dataSubscription: { shards: number } }>(
    'query ($id: ID!) { dataSubscription(id: $id) { shards } }',
    { id },
  );
  assert.equal(plain.shards, 1);
  assert.equal(await setShards(id, 16), 16);
  for (const shards of [0, 17]) await assert.rejects(setShards(id, shards), /shards: 1 to 16/);
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
    shards: 4,
    maxInFlight: 6,
  });
  await record(hub, vouchers('four', numbers(200)));
  await receiver.gotEvents(200);
  await allDone();
  assert.equal(duplicates(receiver.events()).size, 0);
  assert.ok(most <= 6, `${most} at once`);
  assert.ok(most >= 4, `${most} at once: the shards did not run beside one another`);
});

test('more shards than maxInFlight are not used: one request at a time stays one', async () => {
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
    shards: 8,
    maxInFlight: 1,
  });
  await record(hub, vouchers('one', numbers(20)));
  await receiver.gotEvents(20);
  await allDone();
  assert.equal(most, 1);
});

test('the number of shards may change under load: nothing is lost, nothing comes twice, records stay in order', async () => {
  await using receiver = await startReceiver();
  receiver.answer(() => pause(Math.random() * 15, Math.random() < 0.03 ? 503 : 200));
  const { id } = await subscribe(hub, {
    name: 'changing',
    webhookUrl: receiver.url,
    sourceSystems: ['changing'],
    shards: 2,
    retry: { maxRetries: 20, baseDelayMs: 5, maxDelayMs: 20 },
  });
  await using load = startLoad(() => hub.ask, { sourceSystem: 'changing', workers: 3 });
  for (const shards of [5, 1, 16, 3, 2]) {
    const before = receiver.requests.length;
    await until('deliveries flow', () => receiver.requests.length > before + 60);
    await setShards(id, shards);
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
