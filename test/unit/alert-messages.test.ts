import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { noDetails, type Share, whys } from '../../src/monitoring/alerts/alert-details.ts';
import { AlertMessages, type AlertNotice, cutBytes, pack } from '../../src/monitoring/alerts/messages.ts';

const notice: AlertNotice = {
  kind: 'firing',
  alert: {
    id: '7',
    rule: 'latency',
    severity: 'warning',
    subscription: { id: '3', name: 'e-tax', targetSystem: 'tax', hasWebhook: true },
    subject: '3',
    value: 200.4,
    threshold: 180,
    cause: null,
    details: noDetails,
    firedAt: Date.UTC(2025, 11, 31, 16, 30),
    resolvedAt: null,
  },
};

function messages(language: 'zh' | 'en'): AlertMessages {
  return new AlertMessages({ language, timeZone: 'Asia/Shanghai', publicUrl: 'https://hub.example.com' });
}

test('a message says what, which subscription, how bad, since when in the business time zone, and what to do', () => {
  assert.deepEqual(messages('zh').sections([notice]), [
    {
      kind: 'firing',
      severity: 'warning',
      heading: '【警告】同步延迟过高',
      lines: ['tax/e-tax (#3)：平均延迟 3 分 20 秒，阈值 3 分 0 秒，始于 2026-01-01 00:30:00 +08:00'],
      advice: '处理：检查目标系统的响应时间和订阅的并发、限速设置。',
      link: 'https://hub.example.com/graphiql?show=alerts',
    },
  ]);
  const [english] = messages('en').sections([notice]);
  assert.equal(english?.heading, 'Warning: Latency too high');
  assert.deepEqual(english.lines, [
    'tax/e-tax (#3): average latency 3 min 20 s, threshold 3 min 0 s, since 2026-01-01 00:30:00 +08:00',
  ]);
});

test('a backlog of all names whose it is, why and since when, and each reason has advice that works for it', () => {
  const share = (id: string, rest: Pick<Share, 'percent' | 'why'> & Partial<Share>): Share => ({
    id,
    name: `s${id}`,
    targetSystem: 'tax',
    errorCode: null,
    since: Date.UTC(2025, 11, 31, 16, 0),
    ...rest,
  });
  const shares = [
    share('2', { percent: 52, why: 'unattached' }),
    share('3', { percent: 40, why: 'suspended', errorCode: 'ECONNREFUSED', since: null }),
  ];
  const all: AlertNotice = {
    kind: 'firing',
    alert: {
      ...notice.alert,
      rule: 'backlog',
      subscription: null,
      subject: 'all',
      value: 862,
      threshold: 100,
      details: { ...noDetails, shares, more: 2 },
    },
  };
  const [chinese] = messages('zh').sections([all]);
  assert.deepEqual(chinese?.lines, [
    '全部订阅：积压数 862，阈值 100，始于 2026-01-01 00:30:00 +08:00，其中 52 % tax/s2 #2（没有消费者连接，始于 2026-01-01 00:00:00 +08:00）；40 % tax/s3 #3（目标系统无法连接，已挂起（ECONNREFUSED））；+2',
  ]);
  assert.match(
    chinese.advice,
    /hub listen --subscription 2。 目标恢复后自动继续；查看现状：hub subscriptions test 3。$/,
  );
  const [english] = messages('en').sections([all]);
  assert.match(
    english?.lines[0] ?? '',
    /of which 52 % tax\/s2 #2 \(no consumer is attached, since 2026-01-01 00:00:00 \+08:00\); 40 % tax\/s3 #3 \(suspended, as its target is down \(ECONNREFUSED\)\); \+2$/,
  );
  const subscription = { id: '2', name: 's2', targetSystem: 'tax', hasWebhook: false };
  const its = { ...noDetails, shares: shares.slice(0, 1) };
  const one: AlertNotice = { kind: 'firing', alert: { ...all.alert, subscription, details: its } };
  const [own] = messages('en').sections([one]);
  assert.match(own?.lines[0] ?? '', /, as no consumer is attached, since 2026-01-01 00:00:00 \+08:00$/);
  assert.doesNotMatch(own?.advice ?? '', /subscriptions test/);
  for (const language of ['zh', 'en'] as const)
    for (const why of whys) {
      const text = messages(language).cause({
        ...one.alert,
        details: { ...its, shares: [share('2', { percent: 1, why })] },
      });
      assert.ok((text?.length ?? 0) > 4, why);
    }
});

test('an alert names vouchers as people know them, and a consumer without a webhook is not to be tested', () => {
  const vouchers = [
    { sourceId: 'INV-20251219-001', voucherNo: 'FV-1' },
    { sourceId: 'x'.repeat(100), voucherNo: 'FV-2' },
  ];
  const subscription = { id: '3', name: 'e-tax', targetSystem: 'tax', hasWebhook: false };
  const alert = {
    ...notice.alert,
    rule: 'failures_in_row' as const,
    value: 21,
    threshold: 20,
    cause: 'BAD_ROW × 21',
    details: { ...noDetails, vouchers },
  };
  const [chinese] = messages('zh').sections([{ kind: 'firing', alert: { ...alert, subscription } }]);
  assert.match(
    chinese?.lines[0] ?? '',
    /主要原因 BAD_ROW × 21，凭证 INV-20251219-001 \(FV-1\)、x{40}… \(FV-2\)$/,
  );
  assert.match(chinese?.advice ?? '', /hub tail --subscription 3 /);
  const [hooked] = messages('en').sections([{ kind: 'firing', alert }]);
  assert.match(hooked?.lines[0] ?? '', /, mostly BAD_ROW × 21, vouchers INV-20251219-001 \(FV-1\), x/);
  assert.match(hooked?.advice ?? '', /hub subscriptions test 3\.$/);
});

test('the advice names a subscription only where it is about one alone', () => {
  const of = (id: string, rest: Partial<AlertNotice['alert']> = {}): AlertNotice => ({
    kind: 'firing',
    alert: {
      ...notice.alert,
      id,
      rule: 'failures',
      subscription: { id, name: 'x', targetSystem: 'tax', hasWebhook: true },
      ...rest,
    },
  });
  const advice = (notices: readonly AlertNotice[]) => messages('en').sections(notices)[0]?.advice;
  assert.match(advice([of('2')]) ?? '', /hub retry --subscription 2\.$/);
  assert.match(advice([of('2'), of('9', { subscription: null })]) ?? '', /hub retry --subscription 2\.$/);
  assert.match(advice([of('2'), of('3')]) ?? '', /hub retry --subscription ID\.$/);
});

test('a title counts what fires apart from what is over', () => {
  const of = (id: string, kind: AlertNotice['kind']): AlertNotice => ({
    kind,
    alert: { ...notice.alert, id },
  });
  const title = (language: 'zh' | 'en', ...kinds: AlertNotice['kind'][]) =>
    messages(language).title(kinds.map((kind, at) => of(String(at), kind)));
  const one = 'Warning: Latency too high: tax/e-tax (#3)';
  assert.equal(title('en', 'firing'), one);
  assert.equal(title('en', 'firing', 'firing', 'resolved'), `${one}, and 1 more, 1 resolved`);
  assert.equal(title('en', 'resolved', 'firing'), `${one}, 1 resolved`);
  assert.match(title('en', 'escalated', 'firing', 'resolved'), /\(#3\), and 1 more, 1 resolved$/);
  assert.match(title('en', 'resolved', 'resolved'), /^Warning, resolved: .*\(#3\), and 1 more$/);
  assert.match(title('zh', 'firing', 'firing', 'resolved', 'resolved'), /，另有 1 项，2 项已恢复$/);
  assert.equal(messages('en').short([of('1', 'resolved'), of('2', 'firing')]).count, '1');
});

test('names and causes are never read as markup, mentions or new lines', () => {
  const name = '[x](https://evil) <@all>\n# *y* `z`';
  const subscription = { id: '3', name, targetSystem: 'tax', hasWebhook: true };
  const share = { id: '3', name, targetSystem: name, percent: 1, why: 'slow', errorCode: name, since: null };
  const details = {
    shares: [{ ...share, why: 'retrying' as const }],
    more: 0,
    vouchers: [{ sourceId: name, voucherNo: name }],
  };
  const [section] = messages('zh').sections([
    { ...notice, alert: { ...notice.alert, subscription, cause: '<b>&\r\n' } },
    { ...notice, alert: { ...notice.alert, subscription: null, details } },
  ]);
  assert.doesNotMatch(section?.lines.join('') ?? '', /[<>[\]*`@&\n\r]/);
});

test('whatever the blocks, no text is longer than allowed, and there are no more texts than allowed', () => {
  const block = fc.string({ unit: 'grapheme', maxLength: 400 });
  fc.assert(
    fc.property(
      fc.array(block, { maxLength: 30 }),
      fc.integer({ min: 100, max: 600 }),
      (blocks, maxBytes) => {
        const texts = pack(blocks, { maxBytes, most: 4, more: count => `另有 ${count} 项` });
        assert.ok(texts.length <= 4);
        for (const text of texts) assert.ok(Buffer.byteLength(text) <= maxBytes);
        if (texts.length < 4) assert.doesNotMatch(texts.join(), /另有/);
      },
    ),
  );
});

test('a text is cut between characters', () => {
  assert.equal(cutBytes('同步失败', 9), '同步…');
  assert.equal(cutBytes('同步', 6), '同步');
  assert.equal(cutBytes('😀😀', 7), '😀…');
});
