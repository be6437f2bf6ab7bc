import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { exactly, placeText, UnfitValue } from '../../src/core/exact-json.ts';

function faultsOf(text: string): string[] {
  return exactly(text, JSON.parse(text)).faults.map(({ path }) => placeText(path));
}

test('what JSON.stringify writes has no faults and is read as it is, whatever its spaces', () => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom('', ' ', '\t', '\n'), (json, space) => {
      const value: unknown = JSON.parse(json);
      const text = JSON.stringify({ value }, null, space);
      const read = exactly(text, JSON.parse(text));
      assert.deepEqual(read.faults, []);
      assert.deepEqual(read.value, { value: JSON.parse(JSON.stringify(value)) });
    }),
  );
});

test('texts that look like keys and numbers to a quick look are read by hand, to the same value', () => {
  for (const value of [
    { a: '":', b: ':x', 'c":': [':', '","a":1'] },
    { note: ', 12345678901234567890', hex: '1e5', '"': '\\"', 'é\n': ['\u2028'] },
    JSON.parse('{"__proto__": {"x": ": \\":"}, "constructor": ":"}'),
  ]) {
    const text = JSON.stringify(value);
    const read = exactly(text, JSON.parse(text));
    assert.deepEqual([read.value, read.faults], [value, []]);
  }
});

test('numbers that would change and keys that stand twice are told by their places', () => {
  for (const [text, places] of [
    ['{"a": 1e-400}', ['a']],
    ['{"a": [1, {"b": 1e400}]}', ['a[1].b']],
    ['{"a": 12345678901234567890}', ['a']],
    ['{"a":0.12345678901234567}', ['a']],
    ['{"a" : 1, "a" : 2}', ['a']],
    ['{"a": {"x": 1, "y": 2, "x": 1}}', ['a.x']],
    ['{"a": 1, "\\u0061": 2}', ['a']],
    ['{"__proto__": 1, "__proto__": 2}', ['__proto__']],
    ['{"a": [{"b": 1, "b": 1}], "c": 9007199254740993}', ['a[0].b', 'c']],
    ['{"s": "\\":", "a": 1, "a": 2}', ['a']],
    ['{"a": 19.99, "b": 1e2, "c": -0.0, "d": 123456789012345.6}', []],
  ] as const)
    assert.deepEqual(faultsOf(text), places, text);
});

test('in the place of what would change stands a value that is no data', () => {
  const { value } = exactly('{"a": 1e-400, "b": 1}', { a: 0, b: 1 });
  assert.ok(typeof value === 'object' && value !== null && 'a' in value && 'b' in value);
  assert.ok(value.a instanceof UnfitValue);
  assert.equal(value.b, 1);
});
