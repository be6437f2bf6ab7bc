import assert from 'node:assert/strict';
import { test } from 'node:test';
import { record, settled, sql, vouchers } from '../support/deliveries.ts';
import { startTestHub } from '../support/hub.ts';
import { startReceiver } from '../support/receiver.ts';
import { startRedis, withoutRedis } from '../support/redis.ts';
import { recordVouchers, subscribe, voucherInput } from '../support/vouchers.ts';

test('a PostgreSQL whose disk is full refuses vouchers as UNAVAILABLE, never with a false OK, and takes them again later', async () => {
  await using hub = await startTestHub();
  const run = (text: string) => sql(hub.databaseUrl, text);
  // What PostgreSQL says where it can't write, from a trigger: a full disk of one test would be every test's.
  await run(`create function refuse() returns trigger language plpgsql as
    $$ begin raise exception 'could not extend file: No space left on device' using errcode = 'disk_full'; end $$`);
  await run('create trigger refuse before insert on fin_voucher_events execute function refuse()');
  const answer = await hub.ask(
    'mutation ($input: RecordVoucherInput!) { recordVoucher(input: $input) { outcome } }',
    { input: voucherInput() },
  );
  assert.equal(answer.errors?.[0]?.extensions.code, 'UNAVAILABLE', JSON.stringify(answer));
  await run('drop trigger refuse on fin_voucher_events');
  const [item] = await recordVouchers(hub, [voucherInput()]);
  assert.equal(item?.result?.outcome, 'CREATED');
});

test('a Redis that is full holds up nothing: events are taken and delivered without it', {
  skip: withoutRedis,
}, async () => {
  await using redis = await startRedis();
  await using receiver = await startReceiver();
  await using hub = await startTestHub({ env: { REDIS_URL: redis.url } });
  const { id } = await subscribe(hub, { webhookUrl: receiver.url });
  // One byte: every command that writes is refused (OOM), since nothing may be evicted.
  await redis.client.config('SET', 'maxmemory', '1');
  await record(hub, vouchers('settlement', [1, 2, 3]));
  await receiver.gotEvents(3);
  assert.ok((await settled(hub, id)).every(({ status }) => status === 'SUCCESS'));
});
