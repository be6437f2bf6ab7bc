import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeKey } from '../support/access.ts';
import { runCli } from '../support/cli.ts';
import { TestConsumer } from '../support/consumer.ts';
import { record, settled, vouchers } from '../support/deliveries.ts';
import { adminKey, startTestHub, type TestHub, testEnvironment } from '../support/hub.ts';
import { startReceiver } from '../support/receiver.ts';
import { connectSql } from '../support/sql.ts';
import { subscribe } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

interface StandingView {
  connected: boolean;
  unattachedSince: string | null;
  failedCount: number;
  failedByErrorCode: { errorCode: string; count: number }[];
  lastErrorCode: string | null;
  lastErrorMessage: string | null;
  troubledSince: string | null;
  stateSince: string | null;
  lastQuarterHour: { succeeded: number; failed: number };
}

async function standing(hub: TestHub, id: string): Promise<StandingView> {
  const { dataSubscription } = await hub.data<{ dataSubscription: StandingView }>(
    `query ($id: ID!) { dataSubscription(id: $id) { connected unattachedSince failedCount failedByErrorCode { errorCode count }
       lastErrorCode lastErrorMessage troubledSince stateSince lastQuarterHour { succeeded failed } } }`,
    { id },
  );
  return dataSubscription;
}

test('a consumer that refuses everything is told as that: by the API, the list, the lag and the doctor', async () => {
  await using hub = await startTestHub();
  await using receiver = await startReceiver();
  receiver.answer(() => 400);
  const { id } = await subscribe(hub, { name: 'invoices', webhookUrl: receiver.url });
  await record(hub, vouchers('refused', [1, 2, 3], { amount: '10.50' }));
  await settled(hub, id);
  const counted = await until('the rollups have counted them', async () => {
    const found = await standing(hub, id);
    return found.lastQuarterHour.failed === 3 ? found : false;
  });
  assert.deepEqual(
    [counted.failedCount, counted.failedByErrorCode, counted.lastErrorCode, counted.lastQuarterHour],
    [3, [{ errorCode: 'HTTP_400', count: 3 }], 'HTTP_400', { succeeded: 0, failed: 3 }],
  );
  assert.match(counted.lastErrorMessage ?? '', /answered 400/);
  assert.equal(counted.troubledSince, null, 'not for a minute yet');
  await using sql = await connectSql(hub.databaseUrl);
  await sql.rows(
    `update fin_failed_syncs set created_at = created_at - interval '5 minutes', sync_started_at = sync_started_at - interval '5 minutes'`,
  );
  const { troubledSince } = await standing(hub, id);
  const ago = Date.now() - Date.parse(troubledSince ?? '');
  assert.ok(ago > 290_000 && ago < 600_000, `${ago} ms`);

  const { syncMetrics } = await hub.data<{ syncMetrics: { lag: object } }>(
    '{ syncMetrics { lag { amounts { amount } failed { count isComplete amounts { currency amount } } } } }',
  );
  assert.deepEqual(syncMetrics.lag, {
    amounts: [],
    failed: { count: 3, isComplete: true, amounts: [{ currency: 'CNY', amount: '31.50' }] },
  });

  const access = { ...testEnvironment(hub.databaseUrl), HUB_URL: hub.url, HUB_KEY: adminKey };
  const { stdout: listed } = await runCli(['subscriptions', 'list'], access);
  assert.match(listed, /STATE +ATTACHED +BACKLOG +FAILED +LAST ERROR +TROUBLE SINCE/);
  assert.match(listed, /active +no +0 +3 +HTTP_400 +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+08:00/);
  const doctor = await runCli(['doctor'], access);
  assert.equal(doctor.code, 1);
  assert.match(
    doctor.stdout,
    new RegExp(
      `✗ consumer +invoices of tax \\(subscription ${id}\\): 3 events FAILED, which wait for a person: HTTP_400 × 3; of the last 15 minutes it took none \\(3 FAILED\\)\\n +→ .*hub retry --subscription ${id}\\n`,
    ),
  );
  // The scheduler evaluates as soon as it starts, and each quarter of a minute.
  const alerted = await until('refused data fires', async () => {
    const { stdout } = await runCli(['doctor'], access);
    return /✗ alert +【严重】目标系统拒收数据.*HTTP_400 × 3.*, since \d{4}-/.test(stdout) ? stdout : false;
  });
  assert.match(alerted, /\n\d+ to mend \(✗\)/);
  // A subscriber's key may not read alerts, and is told of its own consumers all the same.
  const own = await makeKey(hub, 'SUBSCRIBER', 'tax');
  const theirs = await runCli(['doctor'], { ...access, HUB_KEY: own.secret });
  assert.match(theirs.stdout, /✗ consumer +invoices/);
  assert.doesNotMatch(theirs.stdout, /alert/);
});

test('a socket subscription that nobody is attached to is told as that, since when, with advice that works for it', async () => {
  await using hub = await startTestHub();
  const { id } = await subscribe(hub, { name: 'socket' });
  const made = await standing(hub, id);
  assert.ok(made.unattachedSince !== null, 'nobody ever was');
  await record(hub, vouchers('socket', [1]));
  const consumer = new TestConsumer(hub.url, {
    subscriptionId: id,
    onEvent: (delivered, its) => void its.acknowledge([delivered.syncId]),
  });
  await until('it is attached', async () => (await standing(hub, id)).unattachedSince === null);
  await settled(hub, id);
  assert.equal((await standing(hub, id)).connected, true);
  consumer[Symbol.dispose]();
  const left = await until('it has left', async () => (await standing(hub, id)).unattachedSince ?? false);
  assert.ok(Date.parse(left) > Date.parse(made.unattachedSince), 'since it left, not since it was made');
  const webhook = await subscribe(hub, { name: 'hook', webhookUrl: 'http://127.0.0.1:9/', mode: 'BATCH' });
  assert.equal((await standing(hub, webhook.id)).unattachedSince, null, 'its events have a way');

  await record(hub, vouchers('socket', [2, 3]));
  const access = { ...testEnvironment(hub.databaseUrl), HUB_URL: hub.url, HUB_KEY: adminKey };
  const { stdout: listed } = await runCli(['subscriptions', 'list'], access);
  assert.match(listed, /socket +tax +.* active +nobody since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+08:00 +2 +0 /);
  const { stdout } = await runCli(['doctor'], access);
  assert.match(
    stdout,
    new RegExp(
      `! consumer +socket of tax \\(subscription ${id}\\): no consumer is attached since .*; 2 events waiting\\n +→ .*hub listen --subscription ${id}\\n`,
    ),
  );
  const tried = await runCli(['subscriptions', 'test', id], access);
  assert.equal(tried.code, 1);
  assert.match(tried.stderr, /no webhookUrl.*hub listen --subscription/);
});

test('since when a subscription is paused or suspended is noted, whatever changes its state', async () => {
  await using hub = await startTestHub();
  const { id } = await subscribe(hub, { webhookUrl: 'http://127.0.0.1:9/' });
  assert.equal((await standing(hub, id)).stateSince, null);
  await hub.data(`mutation { pauseDataSubscription(id: ${id}) { id } }`);
  const paused = (await standing(hub, id)).stateSince;
  assert.ok(paused !== null);
  await hub.data(`mutation { updateDataSubscription(id: ${id}, input: { timeoutMs: 1000 }) { id } }`);
  assert.equal((await standing(hub, id)).stateSince, paused);
  await hub.data(`mutation { resumeDataSubscription(id: ${id}) { id } }`);
  assert.ok(Date.parse((await standing(hub, id)).stateSince ?? '') > Date.parse(paused));
});
