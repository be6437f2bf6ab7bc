import 'reflect-metadata';

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { generate } from '@graphql-codegen/cli';
import { buildSchema, findBreakingChanges } from 'graphql';
import config from '../../codegen.ts';
import { resolverClasses } from '../../src/resolvers/resolvers.ts';
import { buildHubSchema, schemaText } from '../../src/schema/build-schema.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const contract = path.resolve(root, '../shared/contract/schema.graphql');

test('src/schema/schema.graphql is what the code serves; `npm run codegen` writes it anew', async () => {
  const served = schemaText(buildHubSchema(resolverClasses, () => undefined));
  assert.equal(await readFile(path.join(root, 'src/schema/schema.graphql'), 'utf8'), served);
});

test('the typed documents of the commands and the types of the client are those of the schema; `npm run codegen` writes them anew', async () => {
  const made = await generate({ ...config, cwd: root }, false);
  const files: { filename: string; content: string }[] = Array.isArray(made) ? made : [];
  const folders = ['src/cli/generated', 'clients/typescript/src/generated'].map(folder =>
    path.join(root, folder),
  );
  const present = await Promise.all(
    folders.map(async folder => (await readdir(folder)).map(name => path.join(folder, name))),
  );
  assert.deepEqual(
    present.flat().toSorted(),
    files.map(({ filename }) => path.resolve(root, filename)).toSorted(),
  );
  for (const { filename, content } of files)
    assert.equal(await readFile(path.resolve(root, filename), 'utf8'), content, filename);
});

test('the served schema breaks nothing of the contract', {
  skip: existsSync(contract) ? false : 'the contract is not here',
}, async () => {
  const [promised, served] = await Promise.all(
    [contract, path.join(root, 'src/schema/schema.graphql')].map(async file =>
      buildSchema(await readFile(file, 'utf8')),
    ),
  );
  assert.ok(promised && served);
  assert.deepEqual(
    findBreakingChanges(promised, served).map(({ description }) => description),
    [],
  );
});
