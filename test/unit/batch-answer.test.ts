import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseBatchAnswer } from '../../src/delivery/webhook/batch-answer.ts';

const item = fc.record(
  {
    sync_id: fc.oneof(fc.maxSafeNat(), fc.bigInt({ min: 0n, max: 10n ** 18n }).map(String)),
    code: fc.integer({ min: 0, max: 999 }),
    message: fc.option(fc.string()),
  },
  { requiredKeys: ['sync_id', 'code'] },
);

test('every well-formed answer is read item by item', () => {
  fc.assert(
    fc.property(fc.uniqueArray(item, { selector: ({ sync_id }) => String(sync_id) }), results => {
      const answer = parseBatchAnswer(JSON.stringify({ results }), true);
      assert.ok(answer.kind === 'items');
      assert.equal(answer.items.size, results.length);
      for (const { sync_id, code } of results) assert.equal(answer.items.get(String(sync_id))?.code, code);
    }),
    { numRuns: 1_000 },
  );
});

test('a well-formed answer that is cut anywhere is never taken for an acceptance of what it refuses', () => {
  fc.assert(
    fc.property(fc.array(item, { minLength: 1, maxLength: 5 }), fc.nat(), (results, at) => {
      const text = JSON.stringify({ results });
      const cut = text.slice(0, at % text.length);
      const answer = parseBatchAnswer(cut, false);
      assert.notEqual(answer.kind, 'items');
      if (cut.includes('"results"')) assert.equal(answer.kind, 'unreadable');
    }),
    { numRuns: 1_000 },
  );
});

test('any other answer speaks of the whole', () => {
  for (const body of [
    null,
    '',
    'OK',
    '[]',
    '{}',
    '{"ok": true}',
    '"results"',
    '[{"results": []}]',
    '<html>"results"</html>',
  ]) {
    assert.deepEqual(parseBatchAnswer(body, true), { kind: 'whole' }, String(body));
  }
});

test('results of another form can not be read', () => {
  const forms = [
    '5',
    'null',
    '{}',
    '[5]',
    '[{}]',
    '[{"sync_id": 1}]',
    '[{"code": 0}]',
    '[{"sync_id": 1.5, "code": 0}]',
    '[{"sync_id": 1, "code": "0"}]',
    '[{"sync_id": 1, "code": -1}]',
    '[{"sync_id": 1, "code": 1000}]',
    '[{"sync_id": 1, "code": 0, "message": 5}]',
    '[',
  ];
  for (const form of forms)
    assert.equal(parseBatchAnswer(`{"results": ${form}}`, true).kind, 'unreadable', form);
});

test('nothing that a consumer may send makes the reader throw', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.json().map(json => `{"results": ${json}}`),
      ),
      fc.boolean(),
      (body, complete) => {
        assert.ok(['items', 'whole', 'unreadable'].includes(parseBatchAnswer(body, complete).kind));
      },
    ),
    { numRuns: 2_000 },
  );
});

test('messages are one printable line of bounded length', () => {
  const answer = parseBatchAnswer(
    JSON.stringify({ results: [{ sync_id: 1, code: 422, message: `发票\u0000\n${'x'.repeat(5_000)}` }] }),
    true,
  );
  assert.ok(answer.kind === 'items');
  const message = answer.items.get('1')?.message ?? '';
  assert.equal(message.length, 500);
  assert.ok(message.startsWith('发票 x'));
});

test('an item named twice counts as refused unless both accept it', () => {
  const both = (...codes: number[]) =>
    parseBatchAnswer(JSON.stringify({ results: codes.map(code => ({ sync_id: 1, code })) }), true);
  for (const [codes, expected] of [
    [[0, 422], 422],
    [[422, 0], 422],
    [[0, 0], 0],
  ] as const) {
    const answer = both(...codes);
    assert.ok(answer.kind === 'items');
    assert.equal(answer.items.get('1')?.code, expected, `codes ${codes}`);
  }
});
