import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../src/core/limits.ts';
import { record, setState, sql, statusCounts, vouchers } from '../support/deliveries.ts';
import { startTestHub, type TestHub } from '../support/hub.ts';
import { startReceiver } from '../support/receiver.ts';
import { subscribe } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

const part = limits.backlogPart;
const count = part * 3 + 7;

const doneColumns = `id, event_id, voucher_id, subscription_id, event_type, source_system, mode, transport, retry_count, attempt_count,
  compensations, created_at, status, failed_by_connection, error_code, sync_completed_at`;

/** Puts syncs into a shard by SQL, all due in the far future: whose events they are does not matter where nothing is delivered. */
async function addBatchSyncs(databaseUrl: string, id: string): Promise<void> {
  await sql(
    databaseUrl,
    `insert into fin_open_syncs (event_id, voucher_id, subscription_id, event_type, source_system, mode, next_attempt_at)
     select n, n, $1, 'invoice_recorded', 'test', 'batch', '2099-01-01' from generate_series(1, $2::int) n`,
    [id, count],
  );
}

/** Syncs that had failed because of the connection. */
async function addFailed(databaseUrl: string, id: string): Promise<void> {
  await sql(
    databaseUrl,
    `insert into fin_done_syncs (${doneColumns}) select n, n, n, $1, 'invoice_recorded', 'test', 'realtime', 'webhook', 3, 4, 0, now(), 'failed', true, 'ECONNREFUSED', now()
     from generate_series(1, $2::int) n`,
    [id, count],
  );
}

/** Notes how many rows each statement of a kind writes. @returns reads the counts */
async function watchStatements(
  databaseUrl: string,
  table: string,
  kind: 'update' | 'insert',
): Promise<() => Promise<number[]>> {
  await sql(databaseUrl, 'create table statements_seen (syncs bigint)');
  await sql(
    databaseUrl,
    `create function note_statement() returns trigger language plpgsql as $$
     begin insert into statements_seen select count(*) from written having count(*) > 0; return null; end $$;
     create trigger note_statement after ${kind} on ${table} referencing new table as written for each statement execute function note_statement()`,
  );
  return async () =>
    (await sql<{ syncs: string }>(databaseUrl, 'select syncs::text from statements_seen')).map(({ syncs }) =>
      Number(syncs),
    );
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, one) => sum + one, 0);
}

async function update(hub: TestHub, id: string, input: object): Promise<string[]> {
  const { updateDataSubscription: changed } = await hub.data<{
    updateDataSubscription: { warnings: string[] };
  }>(
    'mutation ($id: ID!, $input: UpdateDataSubscriptionInput!) { updateDataSubscription(id: $id, input: $input) { warnings } }',
    { id, input },
  );
  return changed.warnings;
}

async function statesOf(
  databaseUrl: string,
  id: string,
): Promise<{ state: string; redating: boolean; requeueing: boolean }> {
  const [row] = await sql<{ state: string; redating: boolean; requeueing: boolean }>(
    databaseUrl,
    'select state, redating, requeue_before is not null as requeueing from data_subscriptions where id = $1',
    [id],
  );
  assert.ok(row !== undefined);
  return row;
}

async function stillIn2099(databaseUrl: string): Promise<number> {
  const [row] = await sql<{ count: number }>(
    databaseUrl,
    "select count(*)::int as count from fin_open_syncs where next_attempt_at = '2099-01-01'",
  );
  return row?.count ?? -1;
}

test('a change of the schedule gives a long backlog its new date by parts', async () => {
  await using hub = await startTestHub({ env: { HUB_ROLES: 'api' } });
  const { id } = await subscribe(hub, { sourceSystems: ['none'], mode: 'BATCH' });
  await addBatchSyncs(hub.databaseUrl, id);
  const seen = await watchStatements(hub.databaseUrl, 'fin_open_syncs', 'update');
  await update(hub, id, { batchCron: '0 3 * * *' });
  await until('all have their date', async () => (await stillIn2099(hub.databaseUrl)) === 0, 60_000);
  await until('it is marked as done', async () => !(await statesOf(hub.databaseUrl, id)).redating, 20_000);
  const parts = await seen();
  assert.equal(sumOf(parts), count);
  assert.ok(
    parts.every(syncs => syncs <= part),
    JSON.stringify(parts),
  );
});

test('where the process that was to give new dates ended, a scheduler goes on', async () => {
  await using api = await startTestHub({ env: { HUB_ROLES: 'api' } });
  const { id } = await subscribe(api, { sourceSystems: ['none'], mode: 'BATCH' });
  await update(api, id, { batchCron: '0 3 * * *' });
  // As a change leaves it whose process died before the first part.
  await addBatchSyncs(api.databaseUrl, id);
  await sql(api.databaseUrl, 'update data_subscriptions set redating = true, version = version + 1');
  await using _scheduler = await startTestHub({
    databaseUrl: api.databaseUrl,
    env: { HUB_ROLES: 'scheduler' },
  });
  await until('all have their date', async () => (await stillIn2099(api.databaseUrl)) === 0, 60_000);
  await until('it is marked as done', async () => !(await statesOf(api.databaseUrl, id)).redating, 20_000);
});

test('a resumed subscription gets back by parts what had failed', async () => {
  await using hub = await startTestHub({ env: { HUB_ROLES: 'api' } });
  const { id } = await subscribe(hub, { sourceSystems: ['none'] });
  await addFailed(hub.databaseUrl, id);
  const seen = await watchStatements(hub.databaseUrl, 'fin_open_syncs', 'insert');
  await setState(hub, id, 'pause');
  await setState(hub, id, 'resume');
  await until(
    'all are queued again',
    async () => (await statusCounts(hub.databaseUrl)).retrying === count,
    60_000,
  );
  const parts = await seen();
  assert.equal(sumOf(parts), count);
  assert.ok(
    parts.every(syncs => syncs <= part),
    JSON.stringify(parts),
  );
  await until('it is marked as done', async () => !(await statesOf(hub.databaseUrl, id)).requeueing, 20_000);
  assert.equal((await statesOf(hub.databaseUrl, id)).state, 'active');
});

test('where the process that resumed a subscription ended, a scheduler queues the rest again, and nothing goes out before', async () => {
  await using receiver = await startReceiver();
  await using api = await startTestHub({ env: { HUB_ROLES: 'api' } });
  const kept = await subscribe(api, { name: 'kept', sourceSystems: ['kept'], webhookUrl: receiver.url });
  await subscribe(api, { name: 'beside', sourceSystems: ['beside'], webhookUrl: receiver.url });
  await setState(api, kept.id, 'pause');
  for (const sourceVersion of [1, 2]) await record(api, vouchers('kept', ['A'], { sourceVersion }));
  // The first version had failed because of the connection, and the process that resumed the shard died at once.
  await sql(
    api.databaseUrl,
    `with first as (delete from fin_open_syncs where id = (select min(id) from fin_open_syncs) returning *)
     insert into fin_done_syncs (${doneColumns})
     select id, event_id, voucher_id, subscription_id, event_type, source_system, mode, 'webhook', 3, 4, 0, created_at, 'failed', true, 'ECONNREFUSED', now()
     from first`,
  );
  await sql(
    api.databaseUrl,
    "update data_subscriptions set state = 'active', requeue_before = now() where id = $1",
    [kept.id],
  );
  await using _worker = await startTestHub({
    databaseUrl: api.databaseUrl,
    env: { HUB_ROLES: 'worker' },
  });
  // Once other events have gone out, the worker has met the shard too.
  for (let round = 0; round < 3; round += 1) {
    await record(api, vouchers('beside', [round]));
    await receiver.gotEvents(round + 1, 30_000);
  }
  const systems = () => receiver.events().map(({ voucher }) => voucher.source_system);
  assert.ok(systems().every(system => system === 'beside'));
  await using _scheduler = await startTestHub({
    databaseUrl: api.databaseUrl,
    env: { HUB_ROLES: 'scheduler' },
  });
  await receiver.gotEvents(5, 60_000);
  const versions = receiver
    .events()
    .flatMap(({ voucher }) => (voucher.source_system === 'kept' ? voucher.source_version : []));
  assert.deepEqual(versions, [1, 2]);
});

test('a subscription that covers less says how many waiting events it no longer covers, and they are still delivered', async () => {
  await using receiver = await startReceiver();
  await using hub = await startTestHub({});
  const { id } = await subscribe(hub, { webhookUrl: receiver.url });
  await setState(hub, id, 'pause');
  await record(hub, vouchers('one', [1, 2, 3]));
  await record(hub, vouchers('two', [1, 2], { companyId: '2' }));
  await record(hub, vouchers('two', [3], { companyId: null }));
  assert.deepEqual(await update(hub, id, { eventTypes: ['*'] }), []);
  assert.deepEqual(await update(hub, id, { sourceSystems: ['one', 'two'], companyIds: null }), []);
  const [ofType, ...noOther] = await update(hub, id, { eventTypes: ['l1_confirmed'] });
  assert.match(
    ofType ?? '',
    /^eventTypes: 6 waiting events are no longer covered and will still be delivered\./,
  );
  assert.match(
    ofType ?? '',
    /cancelSyncs\(filter: \{ subscriptionId: "\d+", statuses: \[PENDING, RETRYING\], eventTypes: \["invoice_recorded"\] \}\)/,
  );
  assert.deepEqual(noOther, []);
  const [ofSource, ofCompany] = await update(hub, id, {
    eventTypes: ['*'],
    sourceSystems: ['one'],
    companyIds: ['1'],
  });
  assert.match(ofSource ?? '', /^sourceSystems: 3 waiting events .*sourceSystem: "two"/);
  assert.match(ofCompany ?? '', /^companyIds: 3 waiting events /);
  // A change of anything else does not ask.
  assert.deepEqual(await update(hub, id, { name: 'renamed' }), []);
  await setState(hub, id, 'resume');
  assert.equal((await receiver.gotEvents(6, 30_000)).length, 6);
});
