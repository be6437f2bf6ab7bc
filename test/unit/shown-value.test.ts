import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { shownKey, shownNumber, shownValue } from '../../src/core/shown-value.ts';

test('short identifiers are shown, in any script', () => {
  for (const text of ['invoice_recorded', '12', '发票号码', 'invoice_*', 'settlement-1'])
    assert.deepEqual([shownValue(text), shownKey(text)], [text, text]);
});

test('whatever else is sent is shown in no part', () => {
  const long = fc.string({ minLength: 31 });
  const odd = fc.string({ minLength: 1 }).filter(text => /[^\p{L}\p{N}_.*:-]/u.test(text));
  fc.assert(
    fc.property(fc.oneof(long, odd), text => {
      assert.equal(shownValue(text), 'the value');
      assert.equal(shownKey(text), '(key)');
    }),
  );
});

test('a number is shown where it is too short for an account', () => {
  assert.equal(shownNumber('1e-400'), 'the number 1e-400');
  assert.equal(shownNumber('6222021234567890123'), 'a number of 19 characters');
});
