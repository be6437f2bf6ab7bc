import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { folderLocks, hubLocks } from '../../src/db/lock-numbers.ts';

const root = new URL('../../', import.meta.url);
const sources = globSync(['src/**/*.ts', 'faults/**/*.ts', 'bench/**/*.ts', 'deploy/**/*'], {
  cwd: root.pathname,
  withFileTypes: true,
})
  .filter(entry => entry.isFile())
  .map(entry => `${entry.parentPath}/${entry.name}`);

test('each purpose has an advisory lock of its own in the database that it is taken in', () => {
  for (const locks of [hubLocks, folderLocks]) {
    const numbers = Object.values(locks);
    assert.equal(new Set(numbers).size, numbers.length, JSON.stringify(locks));
  }
});

test('hubs of the version before meet this one at the same numbers', () => {
  assert.equal(hubLocks.migration, 4_207_001);
  assert.equal(hubLocks.routing, 4_207_002);
  assert.equal(folderLocks.folder, 4_207_002);
});

test('numbers of locks stand in one file, and in migrations that need the routing lock in SQL', () => {
  assert.ok(sources.length > 300, 'the sources were found');
  for (const file of sources) {
    const text = readFileSync(file, 'utf8');
    const numbers = [...text.matchAll(/\b4_?207_?\d{3}\b/g)].map(([number]) =>
      Number(number.replaceAll('_', '')),
    );
    // A literal in the call, such as `pg_advisory_xact_lock(1)` or `(1, 2)`.
    numbers.push(
      ...[...text.matchAll(/advisory\w*\(\s*(\d[\d_]*)/g)].map(([, number]) =>
        Number(number?.replaceAll('_', '')),
      ),
    );
    if (file.endsWith('src/db/lock-numbers.ts')) continue;
    const allowed = file.includes('/migrations/') ? [hubLocks.routing] : [];
    assert.deepEqual(
      numbers.filter(number => !allowed.some(one => one === number)),
      [],
      `${file}: take the number from src/db/lock-numbers.ts`,
    );
  }
});
