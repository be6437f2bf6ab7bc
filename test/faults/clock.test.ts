import assert from 'node:assert/strict';
import type { IncomingHttpHeaders } from 'node:http';
import { after, test } from 'node:test';
import { type Clock, systemClock } from '../../src/core/clock.ts';
import { makeKey } from '../support/access.ts';
import { runCli } from '../support/cli.ts';
import { numbers, record, setState, sql, vouchers } from '../support/deliveries.ts';
import { startTestHub } from '../support/hub.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { startReceiver } from '../support/receiver.ts';
import { subscribe } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

let offsetMs = 0;
/** A machine's clock that is set: timers go on as they did. */
const clock: Clock = { ...systemClock, now: () => systemClock.now() + offsetMs };
const databaseUrl = await createTestDatabase();
// No scheduler here, and another hub beside it: what the one with the clock does by itself must suffice.
const env = { HUB_ROLES: 'api,worker' };
const hub = await startTestHub({ databaseUrl, env, overrides: { clock } });
const other = await startTestHub({ databaseUrl, env: { HUB_ROLES: 'api' } });
after(async () => {
  await Promise.all([hub[Symbol.asyncDispose](), other[Symbol.asyncDispose]()]);
});

const tenMinutes = 600_000;
const anHour = 3_600_000;

/** How far the dates of a request's signatures are from the real time, seconds. */
function datesOff({ headers }: { headers: IncomingHttpHeaders }): number {
  const dates = [headers['x-timestamp'], headers['webhook-timestamp']].map(Number);
  return Math.max(...dates.map(date => Math.abs(date - systemClock.now() / 1_000)));
}

test('a clock that is set back ten minutes holds up no shard, limited in rate or idle or paused before', async () => {
  await using receiver = await startReceiver();
  const { id } = await subscribe(hub, { webhookUrl: receiver.url, rateLimitPerSecond: 100 });
  await record(hub, vouchers('settlement', numbers(5)));
  await receiver.gotEvents(5);
  offsetMs = -tenMinutes;
  await record(hub, vouchers('settlement', numbers(10)));
  await receiver.gotEvents(10);
  await setState(hub, id, 'pause');
  offsetMs = -2 * tenMinutes;
  await setState(hub, id, 'resume');
  // Recorded elsewhere, so that only the queue can tell this hub, whose drain has nothing to do and should have ended.
  await systemClock.sleep(2_500);
  await record(other, vouchers('settlement', numbers(20)));
  await receiver.gotEvents(20);
});

test('a clock that is set back does not let a revoked key in for longer', async () => {
  offsetMs = 0;
  const key = await makeKey(hub, 'ANALYST');
  const status = async () => (await hub.ask('{ eventTypes { name } }', {}, key.secret)).errors;
  assert.equal(await status(), undefined);
  offsetMs = -tenMinutes;
  await sql(databaseUrl, 'update api_keys set revoked_at = now() where id = $1', [key.id]);
  await until('it is out', async () => (await status()) !== undefined);
});

test('a clock that is set back does not stop the reconciler', async () => {
  offsetMs = 0;
  await using receiver = await startReceiver();
  const database = await createTestDatabase();
  await using alone = await startTestHub({ databaseUrl: database, overrides: { clock } });
  const { id } = await subscribe(alone, { webhookUrl: receiver.url });
  const due = `update fin_open_syncs set next_attempt_at = now() where subscription_id = ${id}`;
  await setState(alone, id, 'pause');
  await record(alone, vouchers('settlement', [1]));
  // Resumed by SQL, so that nobody tells the shard.
  await sql(database, `update data_subscriptions set state = 'active' where id = ${id}`);
  offsetMs = -tenMinutes;
  await sql(database, due);
  await receiver.gotEvents(1);
});

test('a clock that is set ahead tries nothing again before its time', async t => {
  offsetMs = 0;
  await using receiver = await startReceiver();
  let failures = 0;
  receiver.answer(() => (failures++ === 0 ? 503 : 200));
  await subscribe(hub, { name: 'ahead', webhookUrl: receiver.url, retry: { baseDelayMs: 1_500, jitter: 0 } });
  await record(hub, vouchers('ahead', [1]));
  await receiver.gotEvents(1);
  offsetMs = tenMinutes;
  const [first, second] = (await receiver.gotEvents(2), receiver.requests);
  const waited = (second?.at ?? 0) - (first?.at ?? 0);
  t.diagnostic(`tried again after ${waited.toFixed(0)} ms`);
  assert.ok(waited >= 1_400, `${waited} ms`);
});

test('signatures are dated by the database though the clock is set while the hub runs', async () => {
  offsetMs = 0;
  await using receiver = await startReceiver();
  await subscribe(hub, { name: 'dated', webhookUrl: receiver.url });
  for (const [at, offset] of [0, anHour, -anHour, 0].entries()) {
    offsetMs = offset;
    await record(hub, vouchers('dated', [at + 1]));
    await receiver.gotEvents(at + 1);
  }
  for (const request of receiver.requests) assert.ok(datesOff(request) < 30, `${datesOff(request)} s off`);
});

test('a hub whose clock is an hour off from its start signs by the database’s, and an alert and doctor say so', async t => {
  await using receiver = await startReceiver();
  const database = await createTestDatabase();
  const ahead: Clock = { ...systemClock, now: () => systemClock.now() + anHour };
  await using alone = await startTestHub({ databaseUrl: database, overrides: { clock: ahead } });
  await subscribe(alone, { webhookUrl: receiver.url });
  await record(alone, vouchers('settlement', [1]));
  const [request = assert.fail('no request')] = (await receiver.gotEvents(1), receiver.requests);
  assert.ok(datesOff(request) < 30, `${datesOff(request)} s off`);
  const alert = await until(
    'the alert fires',
    async () => {
      const { data } = await alone.ask('{ alerts { rule severity value threshold cause } }');
      return JSON.stringify(data).includes('clock_skewed') ? JSON.stringify(data) : null;
    },
    60_000,
  );
  t.diagnostic(alert);
  assert.match(alert, /"WARNING"/);
  assert.match(alert, /\+3600 s/);
  const doctor = await runCli(['doctor'], {
    DATABASE_URL: database,
    HUB_ENCRYPTION_KEY: Buffer.alloc(32).toString('base64'),
    HUB_URL: alone.url,
  });
  assert.match(doctor.stdout, /the clock of a hub on \S+ is .* ahead of the database's/);
});
