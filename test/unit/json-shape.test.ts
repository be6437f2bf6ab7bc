import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { exactly } from '../../src/core/exact-json.ts';
import { jsonLimits, shapeFault } from '../../src/server/http/json-shape.ts';

function messageOf(text: string): string | null {
  return shapeFault(Buffer.from(text))?.message ?? null;
}

function listOf(item: string, count: number): string {
  return `[${Array<string>(count).fill(item).join(',')}]`;
}

test('a body that would take a parser seconds is refused by its shape, and the limit is named', () => {
  const keys = Array.from({ length: jsonLimits.keys + 1 }, (_, at) => `"k${at}":1`).join(',');
  for (const [text, message] of [
    ['['.repeat(1_000_000), /nested deeper than 120000 levels/],
    ['{"a":'.repeat(jsonLimits.depth + 1), /nested deeper than 120000 levels/],
    [`{${keys}}`, /an object of more than 10000 keys/],
    [listOf('1e-400', jsonLimits.values + 1), /more than 250000 values/],
    [listOf('{}', jsonLimits.values), /more than 250000 values/],
  ] as const)
    assert.match(messageOf(text) ?? '', message);
});

test('keys are counted for each object, and levels as they are open', () => {
  const half = Array.from({ length: jsonLimits.keys / 2 + 1 }, (_, at) => `"k${at}":1`).join(',');
  assert.equal(messageOf(`[{${half}},{${half}}]`), null);
  assert.equal(messageOf(listOf('[[[]]]', 1_000)), null);
});

test('marks within strings count for nothing, whatever is escaped', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('"', '\\', '[', '{', ':', ',', 'x') }), text => {
      assert.equal(messageOf(JSON.stringify({ [text]: Array<string>(300).fill(`${text}[[[`) })), null);
    }),
  );
});

test('a text of very many numbers or keys that would change is read no further', () => {
  for (const text of [listOf('1e-400', 100_000), listOf('{"a":1,"a":2}', 50_000)])
    assert.throws(() => exactly(text, JSON.parse(text)), /More than 2000 numbers or keys would change/);
});
