import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { buildSchema, isInputObjectType } from 'graphql';

test('every field of every input says what it is', () => {
  const schema = buildSchema(
    readFileSync(new URL('../../src/schema/schema.graphql', import.meta.url), 'utf8'),
  );
  const silent = Object.values(schema.getTypeMap())
    .filter(type => isInputObjectType(type))
    .flatMap(type =>
      Object.values(type.getFields())
        .filter(({ description }) => !description?.trim())
        .map(({ name }) => `${type.name}.${name}`),
    );
  assert.deepEqual(silent, []);
});
