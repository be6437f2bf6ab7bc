import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { channelsFile, startAlerting } from '../support/alerting.ts';
import { temporaryFolder } from '../support/cli.ts';
import { startMailServer, textOf } from '../support/mail-server.ts';
import { startProviders } from '../support/providers.ts';
import { dumpOf } from '../support/sql.ts';

const minute = 60_000;
/** 16:00 in Shanghai. */
const start = Date.UTC(2025, 11, 19, 8, 0);
const time = { now: start };

const folder = await temporaryFolder();
const providers = await startProviders(() => time.now);
after(() => providers[Symbol.asyncDispose]());
const mail = await startMailServer(folder, { startTls: false });
after(() => mail[Symbol.asyncDispose]());

/** What each provider is told, in order. */
const expected = {
  wecom: [
    `**【警告】目标系统无法连接，订阅已挂起**
> tax/电子税务 (#1)：始于 2025-12-19 16:02:00 +08:00，主要原因 ECONNREFUSED × 1
处理：事件均已保留，目标恢复后自动继续；hub subscriptions test 1 可查看现状。
[在 GraphiQL 中查看当前告警](https://hub.example.com/graphiql?show=alerts)`,
    `**【警告】同步成功率过低**
> tax/电子税务 (#1)：成功率 98.52 %，阈值 99 %，始于 2025-12-19 16:03:00 +08:00，主要原因 ECONNREFUSED × 6
> 全部订阅：成功率 98.52 %，阈值 99 %，始于 2025-12-19 16:03:00 +08:00，主要原因 ECONNREFUSED × 6 (100 %: tax/电子税务 #1)
处理：查看失败原因：hub tail --status failed；目标恢复后执行 hub retry --subscription 1。
[在 GraphiQL 中查看当前告警](https://hub.example.com/graphiql?show=alerts)`,
    `**【严重】连续同步失败**
> tax/电子税务 (#1)：连续失败数 30，阈值 20，始于 2025-12-19 16:06:00 +08:00，主要原因 ECONNREFUSED × 30
处理：该订阅的事件接连失败，请立即检查目标系统：hub subscriptions test 1。
[在 GraphiQL 中查看当前告警](https://hub.example.com/graphiql?show=alerts)

**【警告】同步失败**
> tax/电子税务 (#1)：失败数 30，阈值 10，始于 2025-12-19 16:02:00 +08:00，主要原因 ECONNREFUSED × 30
> 全部订阅：失败数 30，阈值 10，始于 2025-12-19 16:02:00 +08:00，主要原因 ECONNREFUSED × 30 (100 %: tax/电子税务 #1)
处理：重试已用尽，需人工处理：排除原因后执行 hub retry --subscription 1。
[在 GraphiQL 中查看当前告警](https://hub.example.com/graphiql?show=alerts)`,
    `**【严重】同步成功率过低**
> tax/电子税务 (#1)：成功率 93.02 %，阈值 95 %，始于 2025-12-19 16:03:00 +08:00，主要原因 ECONNREFUSED × 30
> 全部订阅：成功率 93.02 %，阈值 95 %，始于 2025-12-19 16:03:00 +08:00，主要原因 ECONNREFUSED × 30 (100 %: tax/电子税务 #1)
处理：查看失败原因：hub tail --status failed；目标恢复后执行 hub retry --subscription 1。
[在 GraphiQL 中查看当前告警](https://hub.example.com/graphiql?show=alerts)`,
    `**【严重·已恢复】连续同步失败**
> tax/电子税务 (#1)：连续失败数 0，阈值 20，始于 2025-12-19 16:06:00 +08:00，恢复于 2025-12-19 16:24:00 +08:00，持续 18 分钟
[在 GraphiQL 中查看当前告警](https://hub.example.com/graphiql?show=alerts)`,
    `**【警告·已恢复】目标系统无法连接，订阅已挂起**
> tax/电子税务 (#1)：始于 2025-12-19 16:02:00 +08:00，恢复于 2025-12-19 16:25:00 +08:00，持续 23 分钟
[在 GraphiQL 中查看当前告警](https://hub.example.com/graphiql?show=alerts)`,
    `**【严重·已恢复】同步成功率过低**
> tax/电子税务 (#1)：成功率 100 %，阈值 95 %，始于 2025-12-19 16:03:00 +08:00，恢复于 2025-12-19 16:26:00 +08:00，持续 23 分钟
> 全部订阅：成功率 100 %，阈值 95 %，始于 2025-12-19 16:03:00 +08:00，恢复于 2025-12-19 16:26:00 +08:00，持续 23 分钟
[在 GraphiQL 中查看当前告警](https://hub.example.com/graphiql?show=alerts)

**【警告·已恢复】同步失败**
> tax/电子税务 (#1)：失败数 0，阈值 10，始于 2025-12-19 16:02:00 +08:00，恢复于 2025-12-19 16:26:00 +08:00，持续 24 分钟
> 全部订阅：失败数 0，阈值 10，始于 2025-12-19 16:02:00 +08:00，恢复于 2025-12-19 16:26:00 +08:00，持续 24 分钟
[在 GraphiQL 中查看当前告警](https://hub.example.com/graphiql?show=alerts)`,
  ],
  /** DingTalk, Feishu and Slack are told of warnings alone. */
  warnings: [
    `**【警告】目标系统无法连接，订阅已挂起**
> tax/电子税务 (#1)：始于 2025-12-19 16:02:00 +08:00，主要原因 ECONNREFUSED × 1
处理：事件均已保留，目标恢复后自动继续；hub subscriptions test 1 可查看现状。
[在 GraphiQL 中查看当前告警](https://hub.example.com/graphiql?show=alerts)`,
    `**【警告】同步成功率过低**
> tax/电子税务 (#1)：成功率 98.52 %，阈值 99 %，始于 2025-12-19 16:03:00 +08:00，主要原因 ECONNREFUSED × 6
> 全部订阅：成功率 98.52 %，阈值 99 %，始于 2025-12-19 16:03:00 +08:00，主要原因 ECONNREFUSED × 6 (100 %: tax/电子税务 #1)
处理：查看失败原因：hub tail --status failed；目标恢复后执行 hub retry --subscription 1。
[在 GraphiQL 中查看当前告警](https://hub.example.com/graphiql?show=alerts)`,
    `**【警告】同步失败**
> tax/电子税务 (#1)：失败数 30，阈值 10，始于 2025-12-19 16:02:00 +08:00，主要原因 ECONNREFUSED × 30
> 全部订阅：失败数 30，阈值 10，始于 2025-12-19 16:02:00 +08:00，主要原因 ECONNREFUSED × 30 (100 %: tax/电子税务 #1)
处理：重试已用尽，需人工处理：排除原因后执行 hub retry --subscription 1。
[在 GraphiQL 中查看当前告警](https://hub.example.com/graphiql?show=alerts)`,
    `**【警告·已恢复】目标系统无法连接，订阅已挂起**
> tax/电子税务 (#1)：始于 2025-12-19 16:02:00 +08:00，恢复于 2025-12-19 16:25:00 +08:00，持续 23 分钟
[在 GraphiQL 中查看当前告警](https://hub.example.com/graphiql?show=alerts)`,
    `**【严重·已恢复】同步成功率过低**
> tax/电子税务 (#1)：成功率 100 %，阈值 95 %，始于 2025-12-19 16:03:00 +08:00，恢复于 2025-12-19 16:26:00 +08:00，持续 23 分钟
> 全部订阅：成功率 100 %，阈值 95 %，始于 2025-12-19 16:03:00 +08:00，恢复于 2025-12-19 16:26:00 +08:00，持续 23 分钟
[在 GraphiQL 中查看当前告警](https://hub.example.com/graphiql?show=alerts)

**【警告·已恢复】同步失败**
> tax/电子税务 (#1)：失败数 0，阈值 10，始于 2025-12-19 16:02:00 +08:00，恢复于 2025-12-19 16:26:00 +08:00，持续 24 分钟
> 全部订阅：失败数 0，阈值 10，始于 2025-12-19 16:02:00 +08:00，恢复于 2025-12-19 16:26:00 +08:00，持续 24 分钟
[在 GraphiQL 中查看当前告警](https://hub.example.com/graphiql?show=alerts)`,
  ],
  sms: [
    `13800000001,13800000002: 严重 | 连续同步失败 | tax/电子税务 (#1) | 2025-12-19 16:06:00 +08:00 | 1`,
    `13800000001,13800000002: 严重 | 同步成功率过低 | tax/电子税务 (#1) | 2025-12-19 16:03:00 +08:00 | 2`,
    `13800000001,13800000002: 严重 已恢复 | 连续同步失败 | tax/电子税务 (#1) | 2025-12-19 16:06:00 +08:00 | 1`,
    `13800000001,13800000002: 严重 已恢复 | 同步成功率过低 | tax/电子税务 (#1) | 2025-12-19 16:03:00 +08:00 | 2`,
  ],
  voice: [
    `13800000001: 严重 | 连续同步失败 | tax/电子税务 (#1) | 2025-12-19 16:06:00 +08:00 | 1`,
    `13800000001: 严重 | 同步成功率过低 | tax/电子税务 (#1) | 2025-12-19 16:03:00 +08:00 | 2`,
    `13800000009: 严重 无人确认，已升级 | 连续同步失败 | tax/电子税务 (#1) | 2025-12-19 16:06:00 +08:00 | 1`,
    `13800000009: 严重 无人确认，已升级 | 同步成功率过低 | 全部订阅 | 2025-12-19 16:03:00 +08:00 | 1`,
  ],
  hooks: [
    ['firing failures_in_row'],
    ['firing success_rate', 'firing success_rate'],
    ['resolved failures_in_row'],
    ['resolved success_rate', 'resolved success_rate'],
  ],
  mails: [
    {
      to: ['ops@example.com'],
      secure: true,
      subject: '【提示】同步失败：tax/电子税务 (#1)，另有 1 项',
      text: `【提示】同步失败
  tax/电子税务 (#1)：失败数 1，阈值 0，始于 2025-12-19 16:02:00 +08:00，主要原因 ECONNREFUSED × 1
  全部订阅：失败数 1，阈值 0，始于 2025-12-19 16:02:00 +08:00，主要原因 ECONNREFUSED × 1 (100 %: tax/电子税务 #1)
处理：重试已用尽，需人工处理：排除原因后执行 hub retry --subscription 1。
https://hub.example.com/graphiql?show=alerts
`,
    },
    {
      to: ['ops@example.com'],
      secure: true,
      subject: '【提示】同步成功率过低：tax/电子税务 (#1)，另有 1 项',
      text: `【提示】同步成功率过低
  tax/电子税务 (#1)：成功率 99.75 %，阈值 99.9 %，始于 2025-12-19 16:03:00 +08:00，主要原因 ECONNREFUSED × 1
  全部订阅：成功率 99.75 %，阈值 99.9 %，始于 2025-12-19 16:03:00 +08:00，主要原因 ECONNREFUSED × 1 (100 %: tax/电子税务 #1)
处理：查看失败原因：hub tail --status failed；目标恢复后执行 hub retry --subscription 1。
https://hub.example.com/graphiql?show=alerts
`,
    },
    {
      to: ['ops@example.com'],
      secure: true,
      subject: '【严重·已恢复】同步成功率过低：tax/电子税务 (#1)，另有 3 项',
      text: `【严重·已恢复】同步成功率过低
  tax/电子税务 (#1)：成功率 100 %，阈值 95 %，始于 2025-12-19 16:03:00 +08:00，恢复于 2025-12-19 16:26:00 +08:00，持续 23 分钟
  全部订阅：成功率 100 %，阈值 95 %，始于 2025-12-19 16:03:00 +08:00，恢复于 2025-12-19 16:26:00 +08:00，持续 23 分钟
https://hub.example.com/graphiql?show=alerts

【警告·已恢复】同步失败
  tax/电子税务 (#1)：失败数 0，阈值 10，始于 2025-12-19 16:02:00 +08:00，恢复于 2025-12-19 16:26:00 +08:00，持续 24 分钟
  全部订阅：失败数 0，阈值 10，始于 2025-12-19 16:02:00 +08:00，恢复于 2025-12-19 16:26:00 +08:00，持续 24 分钟
https://hub.example.com/graphiql?show=alerts
`,
    },
  ],
};

test('an incident from the first failure to the last all-clear: every message that is sent', async () => {
  const file = `${channelsFile(providers, mail)}
routes: { critical: [sms, phone, wecom, hook], warning: [wecom, dingtalk, feishu, slack], info: [mail] }
escalation: { critical: { after: 15m, to: [director] } }
`;
  await using alerting = await startAlerting({ folder, file, providers, time });
  const { sql } = alerting;
  const tax = await alerting.subscription('电子税务');
  await alerting.ended(tax, { count: 400, at: start - minute });
  let at = start;
  const live = async (until: number) => {
    for (; at < until; at += minute) await alerting.round(at);
  };
  const state = (now: string) =>
    sql.rows('update data_subscriptions set state = $2 where id = $1', [tax, now]);

  // All is well: nothing is told.
  await live(start + 2 * minute);
  assert.deepEqual([providers.taken.length, mail.mails.length], [0, 0]);

  // The target goes down; its shard is suspended. 400 of 401: 99.75 %.
  await alerting.ended(tax, { count: 1, at, errorCode: 'ECONNREFUSED' });
  await state('suspended');
  await live(start + 4 * minute);
  // It is tried again by hand, and fails: 400 of 406, 98.5 %.
  await alerting.ended(tax, { count: 5, at, errorCode: 'ECONNREFUSED' });
  await live(start + 6 * minute);
  // Failures mount: 400 of 430, 93 %.
  await alerting.ended(tax, { count: 24, at, errorCode: 'ECONNREFUSED' });
  await live(start + 8 * minute);
  // The low rate is seen to, the failures in a row are not.
  const [rate] = (await alerting.opened.alerts.list('firing', 50)).filter(
    ({ rule, subscriptionId }) => rule === 'success_rate' && subscriptionId === tax,
  );
  const [row] = await sql.rows<{ id: string }>(
    `insert into api_keys (name, role, key_hash) values ('operator', 'admin', 'x') returning id::text`,
  );
  assert.ok(rate && row);
  const noted = await alerting.opened.alerts.acknowledge(rate.id, row.id);
  assert.equal(noted.acknowledgedBy, 'operator');
  await live(start + 24 * minute);
  // Repaired: what had failed is delivered, and more.
  await state('active');
  await sql.rows(
    `update fin_done_syncs set status = 'success', error_code = null, sync_completed_at = $1, created_at = $1::timestamptz - interval '20 s'
     where status = 'failed'`,
    [new Date(at)],
  );
  await alerting.ended(tax, { count: 100, at });
  await live(start + 30 * minute);

  assert.deepEqual(providers.refused, []);
  assert.deepEqual(providers.of('wecom'), expected.wecom);
  assert.deepEqual(providers.of('sms'), expected.sms);
  assert.deepEqual(providers.of('voice'), expected.voice);
  assert.deepEqual(providers.of('feishu'), expected.warnings);
  // A single line break is none in DingTalk's Markdown.
  const doubled = expected.warnings.map(text => text.replaceAll('\n', '\n\n'));
  assert.deepEqual(providers.of('dingtalk'), doubled);
  assert.equal(providers.of('slack').length, expected.warnings.length);
  const hooks = providers.of('webhook').map(text => JSON.parse(text));
  assert.deepEqual(
    hooks.map(({ data }) => data.map((one: { kind: string; rule: string }) => `${one.kind} ${one.rule}`)),
    expected.hooks,
  );
  assert.deepEqual(
    mail.mails.map(({ raw, to, secure }) => ({ ...textOf(raw), to, secure })),
    expected.mails,
  );
  assert.deepEqual(await alerting.opened.alerts.list('firing', 50), []);
  const left = await sql.count(`select count(*) from alert_notices where status <> 'sent'`);
  assert.equal(left, 0);
  assert.equal(await sql.count('select count(*) from alert_states'), 0);
  for (const secret of [
    'wecom-key',
    'ding-token',
    'feishu-token',
    'SEC0123',
    'aliyun-secret',
    'mail-password',
    'LTAI-test',
  ])
    assert.ok(
      !JSON.stringify(alerting.lines()).includes(secret) && !(await dumpOf(sql)).includes(secret),
      secret,
    );
});
