import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { kinds } from '../../faults/kinds.ts';

const root = new URL('../../', import.meta.url);
const text = readFileSync(new URL('docs/reliability.md', root), 'utf8');
const rows = text.split('\n').filter(line => /^\| \d+ \|/.test(line));

test('each row of the table of faults is a fault of the lab or a test of its own', () => {
  assert.deepEqual(
    rows.map(row => Number(row.split('|')[1])),
    Array.from({ length: rows.length }, (_, n) => n + 1),
  );
  assert.ok(rows.length >= 29);
  const names = new Set(kinds.map(({ name }) => name));
  for (const row of rows) {
    const [, , , lab = '', tests = ''] = row.split('|');
    assert.ok(lab.trim() !== '' || tests.trim() !== '', row);
    for (const [kind] of lab.matchAll(/[a-z]+(-[a-z]+)+/g)) assert.ok(names.has(kind), kind);
  }
});

test('every file that docs/reliability.md names is there', () => {
  const files = [...text.matchAll(/`((?:test|faults|bench|docs|clients)\/[\w./-]+)`/g)].map(
    match => match[1],
  );
  assert.ok(files.length > 30);
  assert.deepEqual(
    files.filter(file => !existsSync(new URL(file ?? '', root))),
    [],
  );
});
