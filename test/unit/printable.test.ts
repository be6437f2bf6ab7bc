import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printable } from '../../src/core/printable.ts';

test('text from outside becomes one line without NUL, controls or half characters', () => {
  assert.equal(printable('a\u0000b\r\n\tc\u001b[31md\u202ee\u2028f', 100), 'a b c [31md e f');
  assert.equal(printable('中文😀', 3), '中文');
  assert.equal(printable('中文😀', 4), '中文😀');
  assert.equal(printable('\ud83dx', 10), '\ufffdx');
  assert.equal(printable(' \n ', 10), '');
});
