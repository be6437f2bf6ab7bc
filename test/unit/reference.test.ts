import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { buildSchema, isInputObjectType } from 'graphql';
import { referenceText } from '../../scripts/reference.ts';
import { settings } from '../../src/config/settings.ts';
import { errorCatalogue } from '../../src/core/errors.ts';
import { limits } from '../../src/core/limits.ts';

const root = new URL('../../', import.meta.url);
const schema = buildSchema(readFileSync(new URL('src/schema/schema.graphql', root), 'utf8'));
const text = readFileSync(new URL('docs/reference.md', root), 'utf8');

test('docs/reference.md is what the code says; `npm run codegen` writes it anew', () => {
  assert.equal(text, referenceText());
});

test('docs/reference.md has every input field, error code, setting and limit', () => {
  const fields = Object.values(schema.getTypeMap())
    .filter(type => isInputObjectType(type))
    .flatMap(type => Object.keys(type.getFields()));
  const names = [
    ...fields,
    ...Object.keys(errorCatalogue),
    ...settings.map(({ variable }) => variable),
    ...Object.keys(limits),
  ];
  assert.deepEqual(
    names.filter(name => !text.includes(`| \`${name}\` |`)),
    [],
  );
});

test('every operation and every argument says what it is', () => {
  const operations = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].flatMap(
    type => Object.values(type?.getFields() ?? {}),
  );
  const silent = operations.flatMap(({ name, description, args }) => [
    ...(description?.trim() ? [] : [name]),
    ...args.filter(argument => !argument.description?.trim()).map(argument => `${name}.${argument.name}`),
  ]);
  assert.deepEqual(silent, []);
});
