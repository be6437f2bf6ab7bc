import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../src/core/limits.ts';
import { makeKey } from '../support/access.ts';
import { startTestHub } from '../support/hub.ts';
import { ask, openSocket } from '../support/sockets.ts';
import { connectSql } from '../support/sql.ts';
import { subscribe } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

const createSubscription = `mutation ($name: String!, $system: String!) {
  createDataSubscription(input: { name: $name, targetSystem: $system, eventTypes: ["*"] }) { subscription { id } } }`;

test('a subscriber key makes as many subscriptions for its system as the setting says, also where it deletes them again, and other systems are not touched', async () => {
  await using hub = await startTestHub({ env: { HUB_SUBSCRIPTIONS_PER_SYSTEM: '3' } });
  const { secret } = await makeKey(hub, 'SUBSCRIBER', 'tax');
  const create = (n: number) => hub.ask(createSubscription, { name: `s${n}`, system: 'tax' }, secret);
  const outcomes = await Promise.all(Array.from({ length: 20 }, (_, n) => create(n)));
  const refused = outcomes.filter(({ errors }) => errors !== undefined);
  assert.equal(refused.length, 17);
  for (const { errors } of refused) {
    assert.equal(errors?.[0]?.extensions.code, 'LIMIT_EXCEEDED');
    assert.match(errors?.[0]?.message ?? '', /has 3 subscriptions.*HUB_SUBSCRIPTIONS_PER_SYSTEM/);
  }
  let turns = 0;
  for (;;) {
    const { dataSubscriptions } = await hub.data<{ dataSubscriptions: { id: string }[] }>(
      '{ dataSubscriptions { id } }',
      {},
      secret,
    );
    const id = dataSubscriptions[0]?.id;
    await hub.data('mutation ($id: ID!) { deleteDataSubscription(id: $id) }', { id }, secret);
    const { errors } = await create(100 + turns);
    if (errors !== undefined) {
      assert.match(errors[0]?.message ?? '', /15 subscriptions of the target system were made within a day/);
      break;
    }
    turns += 1;
    assert.ok(turns < 50, 'it goes on without end');
  }
  assert.equal(turns, 3 * limits.subscriptionTurnover - 3);
  assert.equal((await hub.ask(createSubscription, { name: 's', system: 'bank' })).errors, undefined);
});

test('keys, event types, compensations and checks have a bound each, and what is refused says which', async () => {
  await using hub = await startTestHub();
  await using sql = await connectSql(hub.databaseUrl);
  const { id } = await subscribe(hub, {});
  await sql.rows(
    `insert into api_keys (name, role, key_hash) select 'k' || n, 'analyst', 'h' || n from generate_series(1, ${limits.apiKeys}) n`,
  );
  await sql.rows(
    `insert into event_types (name, mode) select 'type_' || n, 'realtime' from generate_series(1, ${limits.eventTypes}) n`,
  );
  await sql.rows(
    `insert into compensation_runs (kind, holder, target_system, criteria, position, total, lease_until)
     select 'retry', gen_random_uuid(), null, '{}', '{}', 1, now() + interval '1 hour' from generate_series(1, ${limits.compensationsAtOnce})`,
  );
  await sql.rows(
    `insert into consistency_reports (subscription_id, state, auto_fix, lease_until) select ${id}, 'done', false, now() from generate_series(1, ${limits.checksADay})`,
  );
  for (const [operation, message] of [
    ['mutation { createApiKey(name: "one more", role: ANALYST) { secret } }', /1000 API keys/],
    ['mutation { upsertEventType(name: "one_more", mode: REALTIME) { name } }', /1000 event types/],
    ['mutation { retrySyncs(filter: { statuses: [FAILED] }) }', /8 compensations are running/],
    [
      `mutation { runConsistencyCheck(input: { subscriptionId: ${id} }) { id } }`,
      /checked 500 times within a day/,
    ],
  ] as const) {
    const { errors } = await hub.ask(operation);
    assert.match(errors?.[0]?.message ?? '', message, operation);
    assert.equal(errors?.[0]?.extensions.code, 'LIMIT_EXCEEDED', operation);
  }
  assert.equal(
    (await hub.ask('mutation { upsertEventType(name: "type_1", mode: BATCH) { mode } }')).errors,
    undefined,
  );
});

test('so many consumers attach to one subscription on one node, and no more', async () => {
  await using hub = await startTestHub();
  const { id } = await subscribe(hub, {});
  using bare = await openSocket(hub);
  for (let n = 0; n < limits.attachmentsPerSubscription + 4; n += 1)
    bare.send(ask(String(n), `subscription { deliveries(subscriptionId: ${id}) { syncId } }`));
  const refusals = () =>
    bare.messages
      .map(({ payload }) => JSON.stringify(payload) ?? '')
      .filter(text => text.includes('"errors"'));
  await until('four are refused', () => refusals().length === 4);
  assert.match(refusals()[0] ?? '', /256 consumers are attached to subscription/);
  assert.match(refusals()[0] ?? '', /LIMIT_EXCEEDED/);
});
