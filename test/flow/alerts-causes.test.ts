import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RuleName } from '../../src/monitoring/alerts/rules.ts';
import { setUpAlerting } from '../support/alerting.ts';
import { temporaryFolder } from '../support/cli.ts';

const second = 1_000;
const minute = 60 * second;
const start = Date.UTC(2025, 11, 19, 8, 0);

const folder = await temporaryFolder();

const setUp = (rest: string, ...on: RuleName[]) => setUpAlerting(folder, { rest, on, start });

test('a backlog of all is told with whose it is and why; failures are told with vouchers', async () => {
  await using set = await setUp('routes: { warning: [wecom] }', 'backlog', 'failures', 'retrying');
  const { alerting, providers } = set;
  const { sql } = alerting;
  const [refusing, socket, down] = [
    await alerting.subscription('invoices'),
    await alerting.subscription('socket'),
    await alerting.subscription('refund'),
  ];
  await sql.rows('update data_subscriptions set webhook_url = null, created_at = $2 where id = $1', [
    socket,
    new Date(start - 9 * minute),
  ]);
  await sql.rows(`update data_subscriptions set state = 'suspended' where id = $1`, [down]);
  const [turned] = await sql.rows<{ recent: boolean }>(
    `select state_since > now() - interval '1 minute' as recent from data_subscriptions where id = $1`,
    [down],
  );
  assert.deepEqual(turned, { recent: true });
  await sql.rows(`update data_subscriptions set state_since = $2 where id = $1`, [
    down,
    new Date(start - 8 * minute),
  ]);
  await sql.rows(
    `insert into fin_business_vouchers (id, voucher_no, voucher_date, source_system, source_module, source_type, source_id, source_version,
       event_type, direction, amount, currency, business_data, status, digest)
     select n, 'FV-' || n, '2025-12-19', 's', 'invoice', 'x', 'INV-' || n, 1, 'invoice_recorded', 'debit', 1, 'CNY', '{}', 'approved', 'd'
     from generate_series(1, 12) n`,
  );
  await alerting.ended(refusing, { count: 12, at: start - second, errorCode: 'HTTP_400' });
  const open = (id: string, count: number, attempts: number, errorCode: string | null) =>
    sql.rows(
      `insert into fin_open_syncs (event_id, voucher_id, subscription_id, event_type, source_system, mode, attempt_count, error_code, next_attempt_at)
       select 1, n, $1, 'x', 's', 'realtime', $3, $4, $5 from generate_series(1, $2) n`,
      [id, count, attempts, errorCode, new Date(start)],
    );
  await open(socket, 120, 0, null);
  await open(down, 60, 2, 'ECONNREFUSED');
  for (let at = start; at <= start + 3 * minute; at += 30 * second) await alerting.round(at);
  assert.deepEqual(providers.refused, []);
  const told = providers.of('wecom').join('\n');
  const whose =
    '66 % tax/socket #2（没有消费者连接，始于 2025-12-19 15:51:00 +08:00）；33 % tax/refund #3（目标系统无法连接，已挂起（ECONNREFUSED），始于 2025-12-19 15:52:00 +08:00）';
  assert.ok(
    told.includes(`全部订阅：积压数 180，阈值 100，始于 2025-12-19 16:02:00 +08:00，其中 ${whose}\n`),
    told,
  );
  assert.match(told, /tax\/socket \(#2\)：积压数 120，.*，原因 没有消费者连接，始于 2025-12-19 15:51:00/);
  assert.match(told, /处理：.*请让该系统的消费者重新连接；.*hub listen --subscription 2。/);
  assert.match(
    told,
    /tax\/invoices \(#1\)：失败数 12，.*，主要原因 HTTP_400 × 12，凭证 INV-12 \(FV-12\)、INV-11 \(FV-11\)、INV-10 \(FV-10\)\n/,
  );
  const shown = await alerting.opened.alerts.list('firing', 50);
  assert.equal(shown.find(({ rule, subject }) => rule === 'backlog' && subject === 'all')?.cause, whose);
  assert.deepEqual(
    shown.find(({ rule }) => rule === 'failures')?.vouchers.map(({ sourceId }) => sourceId),
    ['INV-12', 'INV-11', 'INV-10'],
  );
});
