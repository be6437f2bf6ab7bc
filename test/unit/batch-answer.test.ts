import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseBatchAnswer } from '../../src/delivery/webhook/batch-answer.ts';
import type { BodyEnd } from '../../src/delivery/webhook/exchange.ts';

function read(body: string | null, bodyEnd: BodyEnd = 'whole', contentEncoding: string | null = null) {
  return parseBatchAnswer({ body, bodyEnd, contentEncoding });
}

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
      const answer = read(JSON.stringify({ results }));
      assert.ok(answer.kind === 'items');
      assert.equal(answer.items.size, results.length);
      for (const { sync_id, code } of results) assert.equal(answer.items.get(String(sync_id))?.code, code);
    }),
    { numRuns: 1_000 },
  );
});

test('an object that is cut anywhere, before its results too, is never taken for an acceptance of what it refuses', () => {
  const ends = fc.constantFrom<BodyEnd>('long', 'late', 'cut');
  fc.assert(
    fc.property(fc.array(item, { minLength: 1, maxLength: 5 }), fc.nat(), ends, (results, at, end) => {
      const text = JSON.stringify({ accepted: 0, results });
      const cut = text.slice(0, 1 + (at % (text.length - 1)));
      assert.equal(read(cut, end).kind, 'unreadable');
    }),
    { numRuns: 1_000 },
  );
});

test('what is compressed, though that was not asked for, can not be read; what is no object speaks of the whole, cut off or not', () => {
  assert.equal(read('\x1f\ufffd', 'whole', 'gzip').kind, 'unreadable');
  assert.equal(read('<html>', 'long').kind, 'whole');
  assert.equal(read('', 'late').kind, 'whole');
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
    assert.deepEqual(read(body), { kind: 'whole' }, String(body));
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
  for (const form of forms) assert.equal(read(`{"results": ${form}}`).kind, 'unreadable', form);
});

test('nothing that a consumer may send makes the reader throw', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.json().map(json => `{"results": ${json}}`),
      ),
      fc.constantFrom<BodyEnd>('whole', 'long', 'late', 'cut'),
      (body, end) => {
        assert.ok(['items', 'whole', 'unreadable'].includes(read(body, end).kind));
      },
    ),
    { numRuns: 2_000 },
  );
});

test('messages are one printable line of bounded length', () => {
  const answer = read(
    JSON.stringify({ results: [{ sync_id: 1, code: 422, message: `发票\u0000\n${'x'.repeat(5_000)}` }] }),
  );
  assert.ok(answer.kind === 'items');
  const message = answer.items.get('1')?.message ?? '';
  assert.equal(message.length, 500);
  assert.ok(message.startsWith('发票 x'));
});

test('an item named twice counts as refused unless both accept it', () => {
  const both = (...codes: number[]) =>
    read(JSON.stringify({ results: codes.map(code => ({ sync_id: 1, code })) }));
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
