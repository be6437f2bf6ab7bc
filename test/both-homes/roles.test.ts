import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { acknowledgeAll, TestConsumer } from '../support/consumer.ts';
import { record, statusCounts, vouchers } from '../support/deliveries.ts';
import { startTestHub } from '../support/hub.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { startReceiver } from '../support/receiver.ts';
import { subscribe } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

const databaseUrl = await createTestDatabase();
const api = await startTestHub({ databaseUrl, env: { HUB_ROLES: 'api' } });
after(() => api[Symbol.asyncDispose]());

test('an api process delivers to its attached consumers and to no webhook; a worker and a scheduler do the rest', async () => {
  await using receiver = await startReceiver();
  await subscribe(api, { name: 'hook', webhookUrl: receiver.url });
  const { id } = await subscribe(api, { name: 'socket' });
  using consumer = new TestConsumer(api.url, { subscriptionId: id, onEvent: acknowledgeAll });
  await record(api, vouchers('roles', [1, 2, 3]));
  await until('the consumer has all', () => consumer.got.length === 3);
  await until('they are acknowledged', async () => (await statusCounts(databaseUrl)).success === 3);
  assert.equal(receiver.requests.length, 0);
  assert.equal((await statusCounts(databaseUrl)).pending, 3, 'the webhook’s wait for a worker');

  await using worker = await startTestHub({ databaseUrl, env: { HUB_ROLES: 'worker' } });
  await receiver.gotEvents(3);
  // Its drain lingers on the empty shard: what is recorded elsewhere now is told to it, and need not wait for its end.
  const waits: number[] = [];
  for (let n = 0; n < 5; n += 1) {
    const startedAt = performance.now();
    await record(api, vouchers('lingering', [n]));
    await receiver.gotEvents(4 + n);
    waits.push(performance.now() - startedAt);
  }
  assert.ok(Math.min(...waits) < 1_500, `each waited for the end of the drain: ${waits.join(', ')} ms`);
  await using scheduler = await startTestHub({ databaseUrl, env: { HUB_ROLES: 'scheduler' } });
  for (const { url } of [worker, scheduler]) {
    const statuses = await Promise.all(
      ['/healthz', '/readyz', '/metrics', '/graphql', '/graphiql'].map(
        async path => (await fetch(url + path)).status,
      ),
    );
    assert.deepEqual(statuses, [200, 200, 200, 404, 404]);
  }
  const delivered = 'voucher_hub_delivery_attempts_total{transport="webhook",result="success"} 8\n';
  await until('what the worker delivered is in its metrics', async () =>
    (await (await fetch(`${worker.url}/metrics`)).text()).includes(delivered),
  );
});
