import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pool } from 'pg';
import { readProcessSigns } from '../../src/db/idle-processes.ts';
import { startTestHub } from '../support/hub.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { startReceiver } from '../support/receiver.ts';
import { connectSql } from '../support/sql.ts';
import { recordVouchers, subscribe, voucherInput } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

test('what a killed process held is tried again at once though thousands of claims that were answered long ago ran out before it', async () => {
  const databaseUrl = await createTestDatabase();
  await using sql = await connectSql(databaseUrl);
  await using receiver = await startReceiver();
  {
    await using api = await startTestHub({ databaseUrl, env: { HUB_ROLES: 'api' } });
    await subscribe(api, { webhookUrl: receiver.url });
    await recordVouchers(api, [voucherInput({ sourceId: 'HELD' })]);
  }
  await sql.rows(`insert into lane_claims (token, subscription_id, lease_until, sync_ids)
    select gen_random_uuid(), 1, now() - interval '10 minutes', array[-n] from generate_series(1, 20000) n`);
  await sql.rows(`with held as (
      update fin_open_syncs set claim_token = gen_random_uuid(), transport = 'webhook', next_attempt_at = now() - interval '2 minutes'
      returning id, subscription_id, claim_token)
    insert into lane_claims (token, subscription_id, lease_until, sync_ids)
    select claim_token, subscription_id, now() - interval '1 second', array[id] from held`);
  const pool = new Pool({ connectionString: databaseUrl, max: 1 });
  const { workWaits } = await readProcessSigns(pool);
  await pool.end();
  assert.equal(workWaits, true, 'the doctor sees that nobody works');
  await using _hub = await startTestHub({ databaseUrl });
  await until('it is delivered', () => receiver.requests.length > 0, 15_000);
  assert.equal(
    await sql.count(`select count(*) from lane_claims where lease_until < now() - interval '1 minute'`),
    0,
  );
});
