import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type AlertNotice, cutBytes, Messages, pack } from '../../src/monitoring/messages.ts';

const notice: AlertNotice = {
  kind: 'firing',
  alert: {
    id: '7',
    rule: 'latency',
    severity: 'warning',
    subscription: { id: '3', name: 'e-tax', targetSystem: 'tax' },
    subject: '3',
    value: 200.4,
    threshold: 180,
    cause: null,
    firedAt: Date.UTC(2025, 11, 31, 16, 30),
    resolvedAt: null,
  },
};

function messages(language: 'zh' | 'en'): Messages {
  return new Messages({ language, timeZone: 'Asia/Shanghai', publicUrl: 'https://hub.example.com' });
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

test('the advice names a subscription only where it is about one alone', () => {
  const of = (id: string, rest: Partial<AlertNotice['alert']> = {}): AlertNotice => ({
    kind: 'firing',
    alert: {
      ...notice.alert,
      id,
      rule: 'failures',
      subscription: { id, name: 'x', targetSystem: 'tax' },
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
  const subscription = { id: '3', name: '[x](https://evil) <@all>\n# *y* `z`', targetSystem: 'tax' };
  const [section] = messages('zh').sections([
    { ...notice, alert: { ...notice.alert, subscription, cause: '<b>&\r\n' } },
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
