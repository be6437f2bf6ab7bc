import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { startTestHub } from '../support/hub.ts';
import { startReceiver } from '../support/receiver.ts';
import { recordVouchers, subscribe, syncsOf, voucherInput } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

test('a recorded voucher reaches its subscriber by a signed webhook, and the sync log says so', async () => {
  await using hub = await startTestHub();
  await using receiver = await startReceiver();
  const { secret } = await subscribe(hub, { webhookUrl: receiver.url });
  const [item] = await recordVouchers(hub, [voucherInput({ businessData: { 名称: '发票', total: 100 } })]);
  assert.equal(item?.result?.outcome, 'CREATED');
  assert.equal(item.result.deliveries, 1);
  const [event] = await receiver.gotEvents(1);
  assert.equal(event?.event, 'invoice_recorded');
  assert.deepEqual(event.data, { 名称: '发票', total: 100 });
  const [request] = receiver.requests;
  assert.ok(request);
  assert.doesNotThrow(() =>
    new Webhook(secret).verify(request.rawBody, {
      'webhook-id': String(request.headers['webhook-id']),
      'webhook-timestamp': String(request.headers['webhook-timestamp']),
      'webhook-signature': String(request.headers['webhook-signature']),
    }),
  );
  const [sync] = await until('the sync log says success', async () => {
    const syncs = await syncsOf(hub);
    return syncs[0]?.status === 'SUCCESS' ? syncs : false;
  });
  assert.equal(sync?.attempts.length, 1);
  assert.equal(sync?.attempts[0]?.statusCode, 200);
});
