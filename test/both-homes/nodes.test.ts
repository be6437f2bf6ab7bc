import { after, test } from 'node:test';
import { record, vouchers } from '../support/deliveries.ts';
import { startTestHub } from '../support/hub.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { startPostgresProxy } from '../support/postgres-proxy.ts';
import { subscribe } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

const databaseUrl = await createTestDatabase();
const proxy = await startPostgresProxy(databaseUrl);
const changed = await startTestHub({ databaseUrl });
const recording = await startTestHub({ databaseUrl: proxy.url });
after(async () => {
  await recording[Symbol.asyncDispose]();
  await changed[Symbol.asyncDispose]();
  await proxy[Symbol.asyncDispose]();
});

test('a node that records hears of a subscription that another made, and reads it before the next voucher comes', async () => {
  await record(recording, vouchers('settlement', ['before']));
  const reads = () =>
    proxy.texts().filter(text => /company_ids as "companyIds".*from data_subscriptions/s.test(text));
  const upsert = () =>
    changed.data('mutation { upsertEventType(name: "invoice_recorded", mode: BATCH) { name } }');
  await until('the nodes hear one another', async () => {
    await upsert();
    return reads().length > 0;
  });
  for (const change of ['created', 'deleted', 'event type'] as const) {
    proxy.reset();
    if (change === 'created') await subscribe(changed, { webhookUrl: null });
    if (change === 'deleted') await changed.data('mutation { deleteDataSubscription(id: "1") }');
    if (change === 'event type') await upsert();
    await until(`it has read what was changed (${change})`, () => reads().length > 0);
  }
});
