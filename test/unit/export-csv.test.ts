import assert from 'node:assert/strict';
import { test } from 'node:test';
import { csvText } from '../../src/cli/export/csv-text.ts';

test('what a spreadsheet would run is a text, also behind a separator of another setting', () => {
  for (const [text, cell] of [
    ['=1+1', "'=1+1"],
    ['＝1+1', "'＝1+1"],
    [' =1+1', "' =1+1"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['+86 10 5555', "'+86 10 5555"],
    ["-1+cmd|'x'!A0", "\"'-1+cmd|'x'!A0\""],
    ['x;=1+1', '"x;\'=1+1"'],
    ['x; =1+1', '"x;\' =1+1"'],
    ['x\t=1+1', '"x\t\'=1+1"'],
    ['x\t＝1+1', '"x\t\'＝1+1"'],
    ['x\n@A1', '"x\n\'@A1"'],
    ['x;"=1+1', '"x;""\'=1+1"'],
    ['x|=1+1', '"x|\'=1+1"'],
    ['x，＋1', "x，'＋1"],
  ] as const)
    assert.equal(csvText(text), cell, JSON.stringify(text));
});

test('negative numbers and plain texts stay what they are', () => {
  for (const text of ['-100.00', '-5', '金额不符', 'a-b', 'L1=20251219', 'a - b', '1;2'.replace(';', ' ')])
    assert.equal(csvText(text), text);
  assert.equal(csvText('1;-5;2'), '"1;-5;2"');
  assert.equal(csvText('a,-5'), '"a,-5"');
  assert.equal(csvText('a"b'), '"a""b"');
});
