import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { probeSubscription } from '../../src/delivery/drain/probe.ts';
import { detailsOf, record, sql, stateOf, subscriptionMaker, vouchers } from '../support/deliveries.ts';
import { startTestHub, type TestHub } from '../support/hub.ts';
import { openProbing } from '../support/probing.ts';

// Registered before the hub's database registers its own removal: the hub goes first.
after(() => hub[Symbol.asyncDispose]());
// No worker and no scheduler: what is probed here is probed by the test alone.
const hub: TestHub = await startTestHub({ env: { HUB_ROLES: 'api' } });
const makeSubscription = subscriptionMaker(hub);

test('a fault of the hub during a probe is an attempt with HUB_FAULT, uses up no retry and leaves the shard suspended', async () => {
  const { id, system } = await makeSubscription('http://127.0.0.1:9/hook');
  await record(hub, vouchers(system, ['x']));
  await sql(hub.databaseUrl, `update data_subscriptions set state = 'suspended' where id = $1`, [id]);
  await using probing = await openProbing(hub.databaseUrl);
  const transport = { deliver: () => Promise.reject(new Error('a fault of the transport')) };
  assert.equal(await probeSubscription({ ...probing.deps, transport }, id), false);
  const [sync] = await detailsOf(hub, id);
  assert.deepEqual([sync?.status, sync?.errorCode, sync?.retryCount], ['RETRYING', 'HUB_FAULT', 0]);
  assert.equal(sync?.attempts.length, 1);
  assert.equal(await stateOf(hub, id), 'SUSPENDED');
});
