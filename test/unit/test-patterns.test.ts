import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Each is a way in which a test depends on a fast machine or waits for ever. */
const forbidden: readonly [RegExp, string][] = [
  [
    /import \{[^}]*\bonce\b(?! as)[^}]*\} from 'node:events'/,
    'waits for an event without an end: take `once` of test/support/wait.ts',
  ],
  [
    /\bassert\.ok\([^;]*(Ms|performance\.now\(\)[^;<]*) <=? \d{1,3}\b/,
    'asserts that less than a second passed: a busy machine takes longer',
  ],
  [
    /= (await )?startLoad\((?<!using \w+ = (await )?startLoad\()/,
    'starts a load that a failure leaves running: use `await using`',
  ],
];

test('no test waits for an event for ever, wants less than a second, or leaves its load running', async () => {
  const found: string[] = [];
  for (const folder of ['test', 'clients/typescript/test'])
    for (const name of await readdir(path.join(root, folder), { recursive: true })) {
      if (!name.endsWith('.ts')) continue;
      const text = await readFile(path.join(root, folder, name), 'utf8');
      for (const [pattern, what] of forbidden)
        if (pattern.test(text)) found.push(`${folder}/${name} ${what}`);
    }
  assert.deepEqual(found, []);
});
