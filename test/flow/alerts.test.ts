import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { type RuleName, ruleNames } from '../../src/monitoring/alerts/rules.ts';
import { SqlReadings } from '../../src/monitoring/alerts/sql-readings.ts';
import { makeKey, verdict } from '../support/access.ts';
import { channelsFile, secretsOf, setUpAlerting } from '../support/alerting.ts';
import { runCli, temporaryFolder } from '../support/cli.ts';
import { record, settled, vouchers } from '../support/deliveries.ts';
import { adminKey, startTestHub } from '../support/hub.ts';
import { mailUser, startMailServer, textOf } from '../support/mail-server.ts';
import { startProviders } from '../support/providers.ts';
import { startReceiver } from '../support/receiver.ts';
import { socketClient } from '../support/sockets.ts';
import { subscribe } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

const second = 1_000;
const minute = 60 * second;
const start = Date.UTC(2025, 11, 19, 8, 0);

const folder = await temporaryFolder();

/** An alert as tests read it. */
interface AlertView {
  id: string;
  rule: string;
  severity: string;
  state: string;
  message: string;
  value: number;
  threshold: number;
  subscription: { name: string } | null;
  acknowledgedBy: string | null;
  notifications: { channel: string; kind: string; status: string; attempts: number; error: string | null }[];
}

const fields = `id rule severity state message value threshold acknowledgedBy subscription { name }
  notifications { channel kind status attempts error }`;

const setUp = (rest: string, ...on: RuleName[]) => setUpAlerting(folder, { rest, on, start });

test('a channel that is down holds up nobody; its message comes once, when it is back, with what came meanwhile', async () => {
  await using set = await setUp('routes: { critical: [wecom, dingtalk] }', 'data_refused');
  const { alerting, providers } = set;
  const [one, two] = [await alerting.subscription('one'), await alerting.subscription('two')];
  providers.down.add('wecom');
  await alerting.ended(one, { count: 1, at: start - second, errorCode: 'HTTP_422' });
  await alerting.round(start);
  assert.deepEqual([providers.of('dingtalk').length, providers.of('wecom').length], [1, 0]);
  await alerting.ended(two, { count: 1, at: start, errorCode: 'HTTP_422' });
  for (let at = start + 15 * second; at < start + 2 * minute; at += 15 * second) await alerting.round(at);
  providers.down.clear();
  for (let at = start + 2 * minute; at < start + 6 * minute; at += 30 * second) await alerting.round(at);
  assert.equal(providers.of('dingtalk').length, 2);
  const told = providers.of('wecom');
  assert.ok(told.length >= 1 && told.length <= 2, 'joined where both waited');
  const lines = told
    .join('\n')
    .split('\n')
    .filter(line => line.startsWith('> '));
  assert.deepEqual(new Set(lines.map(line => /tax\/\w+/.exec(line)?.[0])), new Set(['tax/one', 'tax/two']));
  assert.equal(lines.length, 2);
  const log = await alerting.sql.rows<{ attempts: number; error: string | null; status: string }>(
    `select attempts, error, status from alert_notices where channel = 'wecom' order by id`,
  );
  assert.ok(log.every(({ status, error }) => status === 'sent' && error === null));
  assert.ok((log[0]?.attempts ?? 0) >= 3);
});

test('a hundred subscriptions that fail for one cause are one message, within the length that WeCom takes', async () => {
  await using set = await setUp('routes: { critical: [wecom, feishu, sms, slack] }', 'data_refused');
  const { alerting, providers } = set;
  await alerting.sql.rows(
    `insert into data_subscriptions (name, target_system, event_types, batch_size, max_in_flight, timeout_ms, ack_timeout_ms,
       max_retries, base_delay_ms, max_delay_ms, jitter, secret)
     select '电子税务系统-华东大区-' || n, 'tax', '{*}', 1, 32, 30000, 30000, 3, 1000, 600000, 0.1, 'sealed' from generate_series(1, 100) n`,
  );
  await alerting.sql.rows(
    `insert into fin_done_syncs (id, event_id, voucher_id, subscription_id, event_type, source_system, mode, status, transport, retry_count,
       attempt_count, error_code, created_at, sync_started_at, sync_completed_at)
     select 1000 + id, id, id, id, 'x', 's', 'realtime', 'failed', 'webhook', 0, 1, 'HTTP_400', $1, $1, $1 from data_subscriptions`,
    [new Date(start - second)],
  );
  await alerting.round(start);
  assert.deepEqual(providers.refused, []);
  const [text = '', ...more] = providers.of('wecom');
  assert.deepEqual(more, []);
  assert.match(text, /【严重】目标系统拒收数据[\s\S]*HTTP_400 × 1[\s\S]*另有 80 项/);
  assert.match(providers.of('sms')[0] ?? '', /\| 100$/);
  assert.equal(
    await alerting.sql.count('select count(*) from alert_notices where status = $1', ['sent']),
    400,
  );
});

test('a rule whose metric cannot be read is itself an alert; the others are evaluated all the same', async () => {
  await using set = await setUp(
    'routes: { critical: [wecom] }',
    'data_refused',
    'backlog',
    'retrying',
    'cannot_evaluate',
  );
  const { alerting, providers } = set;
  const id = await alerting.subscription('one');
  await alerting.ended(id, { count: 1, at: start, errorCode: 'HTTP_400' });
  await alerting.sql.rows('alter table fin_open_syncs rename to away');
  for (let at = start; at <= start + 2 * minute; at += 30 * second) await alerting.round(at);
  await alerting.sql.rows('alter table away rename to fin_open_syncs');
  for (let at = start + 3 * minute; at <= start + 5 * minute; at += 30 * second) await alerting.round(at);
  const headings = providers
    .of('wecom')
    .flatMap(text => text.match(/【.*】\S+(?=\*\*)|^> (backlog|retrying)/gm) ?? []);
  assert.deepEqual(headings, [
    '【严重】目标系统拒收数据',
    '【严重】告警规则无法评估',
    '> backlog',
    '> retrying',
    '【严重·已恢复】告警规则无法评估',
    '> backlog',
    '> retrying',
  ]);
});

test('while the database is away, that is told from memory, once, and once that it is back', async () => {
  await using set = await setUp('routes: { critical: [wecom, phone] }', 'cannot_evaluate');
  const { alerting, providers } = set;
  await alerting.sql.rows('alter table alert_evaluation rename to away');
  for (let at = start; at <= start + 3 * minute; at += 30 * second) await alerting.round(at);
  await alerting.sql.rows('alter table away rename to alert_evaluation');
  await alerting.round(start + 4 * minute);
  await alerting.round(start + 5 * minute);
  const headings = providers.of('wecom').flatMap(text => text.match(/【.*】/g) ?? []);
  assert.deepEqual(headings, ['【严重】', '【严重·已恢复】']);
  assert.equal(providers.of('voice').length, 1);
});

test("data_refused counts what a consumer refused for good, and neither the hub's own codes nor retries that are used up", async () => {
  await using set = await setUp('');
  const { ended, subscription, pool } = set.alerting;
  const id = await subscription('one');
  const over = { count: 1, at: start - minute, transport: 'websocket' } as const;
  for (const errorCode of ['HUB_FAULT', 'SUBSCRIPTION_DELETED', 'ACK_TIMEOUT', 'ECONNRESET'])
    await ended(id, { ...over, errorCode });
  await ended(id, { ...over, errorCode: 'LOCKED', refused: false });
  const refused = async () => {
    const read = new SqlReadings(pool, async () => [])
      .snapshot(start)
      .read('data_refused', { windowMs: 15 * minute, minimum: 1 });
    return (await read).find(({ subscriptionId }) => subscriptionId === id)?.value ?? 0;
  };
  assert.equal(await refused(), 0);
  await ended(id, { ...over, errorCode: 'NO_SUCH_COMPANY', refused: true });
  await ended(id, { ...over, errorCode: 'HTTP_415', transport: 'webhook', refused: true });
  await ended(id, { ...over, errorCode: 'TARGET_NOT_ALLOWED', transport: 'webhook', refused: false });
  assert.equal(await refused(), 3);
});

test('each rule reads what stands in the sync log', async () => {
  await using set = await setUp('');
  const { sql, ended, subscription, pool } = set.alerting;
  const id = await subscription('one');
  await ended(id, { count: 30, at: start - 2 * 60 * minute });
  await ended(id, { count: 6, at: start - 5 * minute, latencyMs: 400_000 });
  await ended(id, { count: 1, at: start - 4 * minute, errorCode: 'HTTP_413' });
  await ended(id, { count: 2, at: start - 3 * minute, errorCode: 'PAYLOAD_QUERY_INVALID' });
  await ended(id, { count: 1, at: start - 2 * minute, errorCode: 'BAD_ROW', transport: 'websocket' });
  const open = async (mode: string, dueMs: number, attempts: number) =>
    sql.rows(
      `insert into fin_open_syncs (event_id, voucher_id, subscription_id, event_type, source_system, mode, attempt_count, next_attempt_at)
       values (1, 1, $1, 'x', 's', $2, $3, $4)`,
      [id, mode, attempts, new Date(start + dueMs)],
    );
  await open('realtime', -second, 0);
  await open('realtime', 5 * minute, 2);
  // These wait for their hour, or for their turn in the night.
  await open('batch', 8 * 60 * minute, 0);
  await open('batch', -10 * minute, 0);
  await open('batch', -90 * minute, 0);
  const snapshot = new SqlReadings(pool, async () => [{ subscriptionId: id, differences: 7 }]).snapshot(
    start,
  );
  const read = async (rule: RuleName, windowMs = 15 * minute) =>
    (await snapshot.read(rule, { windowMs, minimum: 1 })).find(({ subscriptionId }) => subscriptionId === id)
      ?.value;
  assert.deepEqual(
    [
      await read('success_rate'),
      await read('success_rate', 24 * 60 * minute),
      await read('latency'),
      await read('failures'),
    ],
    [60, 90, 400, 4],
  );
  assert.deepEqual([await read('backlog'), await read('retrying'), await read('failures_in_row')], [3, 1, 4]);
  assert.deepEqual(
    [await read('data_refused'), await read('payload_query'), await read('consistency')],
    [2, 2, 7],
  );
  assert.deepEqual([await read('gone'), await read('suspended')], [undefined, undefined]);
  const causes = await snapshot.explain(
    [id, null].map(subscriptionId => ({ rule: 'failures', subscriptionId, windowMs: 60 * minute })),
  );
  assert.deepEqual(
    causes.map(({ cause }) => cause),
    ['PAYLOAD_QUERY_INVALID × 2', `PAYLOAD_QUERY_INVALID × 2 (50 %: tax/one #${id})`],
  );
  await sql.rows(`update data_subscriptions set state = 'paused', paused_by_consumer = true`);
  const later = new SqlReadings(pool, async () => []).snapshot(start);
  assert.deepEqual(await later.read('gone', { windowMs: 0, minimum: 1 }), [{ subscriptionId: id, value: 1 }]);
  const idle = await subscription('idle');
  const rates = await later.read('success_rate', { windowMs: minute, minimum: 1 });
  assert.ok(rates.every(({ subscriptionId, value }) => subscriptionId !== idle && value === null));
});

test('alerts and silences are listed by their numbers, and the limit takes the newest', async () => {
  await using set = await setUp('routes: { critical: [] }', 'data_refused');
  const { alerting } = set;
  for (let n = 1; n <= 11; n++) {
    const id = await alerting.subscription(`s${n}`);
    await alerting.ended(id, { count: 1, at: start - second, errorCode: 'HTTP_422' });
  }
  await alerting.round(start);
  const { alerts } = alerting.opened;
  const ids = async (state: 'firing' | null, first: number) =>
    (await alerts.list(state, first)).map(({ id }) => id);
  assert.deepEqual(await ids('firing', 3), ['11', '10', '9']);
  assert.deepEqual(await ids(null, 50), ['11', '10', '9', '8', '7', '6', '5', '4', '3', '2', '1']);
  for (let n = 1; n <= 11; n++)
    await alerts.silence(
      { rule: 'latency', subscriptionId: null, until: start + minute, reason: `${n}` },
      '0',
    );
  assert.deepEqual(
    (await alerts.silences()).map(({ reason }) => reason),
    ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11'],
  );
});

test('what is over under a silence is told when that ends, and only to those who were told that it fires', async () => {
  await using set = await setUp('routes: { critical: [dingtalk] }', 'data_refused');
  const { alerting, providers } = set;
  const { alerts } = alerting.opened;
  const told = () => providers.of('dingtalk').map(text => /\*\*(.*)\*\*/.exec(text)?.[1]);
  const hour = 60 * minute;
  const one = await alerting.subscription('one');
  const silenced = (until: number) =>
    alerts.silence({ rule: null, subscriptionId: one, until, reason: 'works' }, '0');
  const [fires, over] = ['【严重】目标系统拒收数据', '【严重·已恢复】目标系统拒收数据'];

  await alerting.ended(one, { count: 1, at: start - second, errorCode: 'HTTP_422' });
  await alerting.round(start);
  await silenced(start + 2 * hour);
  await alerting.round(start + hour);
  assert.equal((await alerts.list('firing', 1)).length, 0);
  assert.deepEqual(told(), [fires]);
  await alerting.round(start + 2 * hour - minute);
  assert.deepEqual(told(), [fires]);
  await alerting.round(start + 2 * hour);
  assert.deepEqual(told(), [fires, over]);

  // What begins and ends under a silence is told to nobody, however that silence ends.
  const { id } = await silenced(start + 9 * hour);
  await alerting.ended(one, { count: 1, at: start + 3 * hour, errorCode: 'HTTP_422' });
  await alerting.round(start + 3 * hour);
  assert.equal((await alerts.list('firing', 1)).length, 1);
  await alerting.round(start + 5 * hour);
  assert.equal((await alerts.list('firing', 1)).length, 0);
  await alerts.endSilence(id);
  await alerting.round(start + 5 * hour + minute);
  assert.deepEqual(told(), [fires, over]);

  // A silence that is ended early, of another that holds no alert of these.
  await alerting.ended(one, { count: 1, at: start + 6 * hour, errorCode: 'HTTP_422' });
  await alerting.round(start + 6 * hour);
  const early = await silenced(start + 9 * hour);
  await alerts.silence({ rule: 'latency', subscriptionId: null, until: start + 9 * hour, reason: '' }, '0');
  await alerting.round(start + 7 * hour + minute);
  assert.deepEqual(told(), [fires, over, fires]);
  await alerts.endSilence(early.id);
  await alerting.round(start + 7 * hour + 2 * minute);
  assert.deepEqual(told(), [fires, over, fires, over]);
});

test('two schedulers evaluate once between them', async () => {
  await using set = await setUp('routes: { critical: [wecom] }', 'data_refused');
  const { alerting, providers } = set;
  const id = await alerting.subscription('one');
  await alerting.ended(id, { count: 1, at: start, errorCode: 'HTTP_400' });
  await Promise.all([alerting.round(start), alerting.round(start), alerting.round(start + second)]);
  await alerting.round(start + minute);
  assert.equal(providers.of('wecom').length, 1);
  assert.equal(await alerting.sql.count('select count(*) from alerts where rule = $1', ['data_refused']), 1);
});

test('on a running hub: refused data is critical, told, listed, watched, acknowledged, silenced and tried', async () => {
  await using providers = await startProviders();
  await using mail = await startMailServer(folder, { startTls: true });
  await using receiver = await startReceiver();
  receiver.answer(() => 422);
  const file = path.join(folder, 'hub-alerts.yml');
  const startTls = `  mail: { type: email, host: 127.0.0.1, port: ${mail.port}, security: starttls, ca: "file:${mail.ca}", user: ${mailUser.user}, password: "\${MAIL_PASSWORD}", from: hub@example.com, to: [ops@example.com] }\n`;
  await writeFile(file, `${channelsFile(providers)}${startTls}routes: { critical: [wecom], info: [mail] }\n`);
  await using worker = await startTestHub({ env: { HUB_ROLES: 'api,worker' } });
  const { id } = await subscribe(worker, {
    name: '电子税务',
    sourceSystems: ['alerts'],
    webhookUrl: receiver.url,
  });
  await record(worker, vouchers('alerts', [1]));
  await settled(worker, id);
  // A scheduler evaluates as soon as it starts.
  const env = {
    HUB_ROLES: 'api,scheduler',
    HUB_ALERTS_FILE: file,
    HUB_LANG: 'en',
    HUB_PUBLIC_URL: 'https://hub.example.com/',
  };
  const { databaseUrl } = worker;
  await using hub = await startTestHub({
    databaseUrl,
    env,
    overrides: { environment: secretsOf(providers) },
  });
  const told: { id: string; acknowledgedBy: string | null }[] = [];
  await using watcher = socketClient(hub);
  watcher.subscribe<{ alertChanged: { id: string; acknowledgedBy: string | null } }>(
    { query: 'subscription { alertChanged { id acknowledgedBy } }' },
    {
      next: ({ data }) => void (data == null || told.push(data.alertChanged)),
      error: () => {},
      complete: () => {},
    },
  );
  await until('WeCom was told', () => providers.of('wecom').length > 0);
  await until('the mail was sent', () => mail.mails.length > 0);
  assert.match(
    providers.of('wecom')[0] ?? '',
    /Critical: The target refuses the data.*\n> tax\/电子税务 \(#\d+\): refused 1, threshold 0, since .*, mostly HTTP_422 × 1/,
  );
  const sent = mail.mails[0];
  assert.ok(sent);
  assert.equal(sent.secure, true);
  assert.match(textOf(sent.raw).subject, /^Info: /);

  const list = async (state: string | null) =>
    (
      await hub.data<{ alerts: AlertView[] }>(
        `query ($state: AlertState) { alerts(state: $state) { ${fields} } }`,
        { state },
      )
    ).alerts;
  const refusedAlert = async () => (await list('FIRING')).find(({ rule }) => rule === 'data_refused');
  const alert = await until('it is noted as sent', async () => {
    const found = await refusedAlert();
    return found?.notifications[0]?.status === 'SENT' ? found : false;
  });
  assert.deepEqual(
    [alert.severity, alert.value, alert.threshold, alert.subscription?.name],
    ['CRITICAL', 1, 0, '电子税务'],
  );
  assert.deepEqual(alert.notifications, [
    { channel: 'wecom', kind: 'FIRING', status: 'SENT', attempts: 1, error: null },
  ]);

  const cli = { HUB_URL: hub.url, HUB_KEY: adminKey };
  const ack = await runCli(['alerts', 'ack', alert.id], cli);
  assert.deepEqual([ack.code, ack.stderr], [0, '']);
  assert.equal((await refusedAlert())?.acknowledgedBy, 'HUB_ADMIN_KEY');
  const second = await runCli(['alerts', 'ack', alert.id], {
    ...cli,
    HUB_KEY: (await makeKey(hub, 'ADMIN')).secret,
  });
  assert.equal(second.stdout, ack.stdout);
  assert.match(
    ack.stdout,
    /^✓ Alert \d+ is acknowledged by HUB_ADMIN_KEY, \d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d\d:\d\d: Critical/,
  );
  const listed = await runCli(['alerts', 'list'], cli);
  assert.match(listed.stdout, /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d\d:\d\d +– +HUB_ADMIN_KEY/);

  await until('it was watched', () => told.some(one => one.id === alert.id && one.acknowledgedBy !== null));

  const { silenceAlerts: silence } = await hub.data<{ silenceAlerts: { id: string; createdBy: string } }>(
    `mutation ($until: DateTime!, $id: ID!) { silenceAlerts(until: $until, reason: "maintenance", subscriptionId: $id) { id createdBy } }`,
    { until: new Date(Date.now() + minute), id },
  );
  assert.equal(silence.createdBy, 'HUB_ADMIN_KEY');
  const { alertSilences } = await hub.data<{ alertSilences: { id: string }[] }>(
    '{ alertSilences { id reason until } }',
  );
  assert.deepEqual(
    alertSilences.map(one => one.id),
    [silence.id],
  );
  const silences = await runCli(['alerts', 'silences'], cli);
  assert.match(silences.stdout, new RegExp(`${silence.id} +all +${id} .* maintenance +HUB_ADMIN_KEY`));
  const ended = await runCli(['alerts', 'unsilence', silence.id], cli);
  assert.equal(ended.stdout, `✓ Silence ${silence.id} is over.\n`);
  assert.equal((await runCli(['alerts', 'silences', '--json'], cli)).stdout, '[]\n');

  const { alertRules } = await hub.data<{ alertRules: { name: string; levels: object[] }[] }>(
    '{ alertRules { name enabled scopes windowSeconds forSeconds clearAfterSeconds hysteresis levels { severity threshold channels } } }',
  );
  assert.equal(alertRules.length, ruleNames.length);
  assert.deepEqual(alertRules.find(({ name }) => name === 'data_refused')?.levels, [
    { severity: 'CRITICAL', threshold: 0, channels: ['wecom'] },
  ]);

  const tested = async (channel: string) =>
    (
      await hub.data<{ testAlertChannel: { ok: boolean; error: string | null } }>(
        'mutation ($channel: String!) { testAlertChannel(channel: $channel) { ok error } }',
        { channel },
      )
    ).testAlertChannel;
  for (const channel of ['dingtalk', 'feishu', 'slack', 'hook', 'sms', 'phone', 'mail'])
    assert.deepEqual(await tested(channel), { ok: true, error: null }, channel);
  // A receiver that takes each id once must see each test.
  assert.deepEqual(await tested('hook'), { ok: true, error: null });
  assert.equal(new Set(providers.webhookIds).size, 2);
  providers.down.add('dingtalk');
  const down = await runCli(['alerts', 'test', 'dingtalk'], cli);
  assert.deepEqual([down.code, /HTTP 503/.test(down.stdout)], [1, true]);
  assert.deepEqual(providers.refused, []);
});

test('an answer that is none of the provider’s is quoted, without the address and its key', async () => {
  await using set = await setUp('', 'data_refused');
  const { alerting, providers } = set;
  const tried = async (channel: string) => (await alerting.opened.alerts.test(channel)).error;
  const page = (asked: string) => `<html>\n<h1>Blocked by the proxy</h1> ${asked}</html>`;
  providers.page = page;
  for (const channel of ['sms', 'phone', 'wecom', 'dingtalk', 'feishu', 'slack', 'hook']) {
    const error = (await tried(channel)) ?? '';
    assert.match(error, /HTTP 502, answered: <html> <h1>Blocked by the proxy<\/h1>/, channel);
    for (const secret of Object.values(secretsOf(providers)))
      assert.ok(!error.includes(secret.split('?').at(-1) ?? secret), `${channel}: ${error}`);
  }
  assert.match((await tried('sms')) ?? '', /^SendSms: /);
  providers.page = () => '';
  assert.equal(await tried('phone'), 'SingleCallByTts: HTTP 502');
  assert.equal(await tried('wecom'), 'HTTP 502');
});

test('analysts read alerts; administrators alone acknowledge, silence and try channels', async () => {
  await using hub = await startTestHub({ env: { HUB_ROLES: 'api' } });
  const analyst = (await makeKey(hub, 'ANALYST')).secret;
  const consumer = (await makeKey(hub, 'SUBSCRIBER', 'tax')).secret;
  const asked = async (key: string) =>
    Promise.all([
      verdict(hub, key, '{ alerts { id } alertRules { name } alertSilences { id } }', {}),
      verdict(hub, key, 'mutation { acknowledgeAlert(id: "1") { id } }', {}),
      verdict(hub, key, 'mutation { silenceAlerts(until: "2000-01-01T00:00:00Z", reason: "x") { id } }', {}),
      verdict(hub, key, 'mutation { testAlertChannel(channel: "x") { ok } }', {}),
    ]);
  assert.deepEqual(await asked(adminKey), ['ok', 'NOT_FOUND', 'BAD_USER_INPUT', 'NOT_FOUND']);
  assert.deepEqual(await asked(analyst), ['ok', 'FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN']);
  assert.deepEqual(await asked(consumer), Array<string>(4).fill('FORBIDDEN'));
});

test('`hub alerts check` takes the sample file, and names the line of what does not fit', async () => {
  const file = path.join(folder, 'bad.yml');
  const sample = await readFile('deploy/alerts.example.yml', 'utf8');
  await writeFile(file, sample.replace('clearAfter: 2m', 'clearAfter: soon'));
  const [good, bad] = await Promise.all(
    ['deploy/alerts.example.yml', file].map(one => runCli(['alerts', 'check', one])),
  );
  assert.ok(good && bad);
  assert.equal(good.code, 0);
  assert.match(good.stdout, new RegExp(`fits: ${ruleNames.length} rules, 9 channels`));
  assert.equal(bad.code, 1);
  assert.match(bad.stderr, /line \d+: rules\.success_rate\.clearAfter: must be a time span/);

  const [bomb, empty] = [path.join(folder, 'bomb.yml'), path.join(folder, 'empty.yml')];
  const nines = (of: string) => `[${Array(9).fill(of).join(', ')}]`;
  await writeFile(
    bomb,
    `a: &a ${nines('x')}\nb: &b ${nines('*a')}\nc: &c ${nines('*b')}\nd: ${nines('*c')}\n`,
  );
  await writeFile(empty, '# nothing yet\n');
  const env = { WECOM_ROBOT_URL: 'hunter2' };
  const away = {
    DATABASE_URL: 'postgres://127.0.0.1:9/x',
    HUB_ENCRYPTION_KEY: Buffer.alloc(32, 1).toString('base64'),
  };
  const [json, wrong, absent, nothing, started, emptyStart] = await Promise.all([
    runCli(['alerts', 'check', bomb, '--json']),
    runCli(['alerts', 'check', 'deploy/alerts.example.yml', '--json'], env),
    runCli(['alerts', 'check', path.join(folder, 'absent.yml'), '--json']),
    runCli(['alerts', 'check', empty]),
    runCli(['start'], { HUB_ALERTS_FILE: bomb, HUB_DATA_DIR: path.join(folder, 'data') }),
    runCli(['start'], { HUB_ALERTS_FILE: empty, ...away }),
  ]);
  const problems = [json, wrong, absent].map(end => JSON.parse(end?.stdout ?? ''));
  assert.deepEqual(problems[0], { ok: false, problems: ['line 2: aliases are nested too deep'] });
  assert.deepEqual(problems[1], {
    ok: false,
    problems: ['channels.wecom.url: ${WECOM_ROBOT_URL} holds no http(s) address'],
  });
  assert.match(problems[2].problems[0], /absent\.yml can't be read: there is no such file/);
  assert.deepEqual([json?.code, wrong?.code, absent?.code, nothing?.code, started?.code], [1, 1, 1, 0, 1]);
  assert.doesNotMatch(wrong?.stderr ?? '', /hunter2/);
  assert.match(nothing?.stderr ?? '', /sets nothing: the default rules hold/);
  assert.match(emptyStart?.stderr ?? '', /the alerts file sets nothing: the default rules hold/);
  assert.match(started?.stderr ?? '', /line 2: aliases are nested too deep/);
  assert.doesNotMatch(started?.stderr ?? '', /\n {4}at /);
});
