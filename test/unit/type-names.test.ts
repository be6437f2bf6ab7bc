import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../src/', import.meta.url));
const declaration = /^(?:export )?(?:abstract )?(?:interface|type|class) (\w+)/gm;

test('a type has its name for itself, but for the face that GraphQL shows of it', () => {
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
    // The classes of src/schema carry the names of the GraphQL schema, which are the domain's.
    name => name.endsWith('.ts') && !name.startsWith('schema/') && !name.includes('/generated/'),
  );
  const filesOf = new Map<string, string[]>();
  for (const file of files)
    for (const [, name = ''] of readFileSync(path.join(root, file), 'utf8').matchAll(declaration))
      filesOf.set(name, [...(filesOf.get(name) ?? []), file]);
  assert.deepEqual(
    [...filesOf].filter(([, named]) => new Set(named).size > 1),
    [],
  );
});
