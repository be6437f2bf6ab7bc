import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HubError } from '../../src/core/errors.ts';
import type { JsonObject, JsonValue } from '../../src/core/model.ts';
import { JsonSchema } from '../../src/intake/json-schema/json-schema.ts';
import { checkNewSchema } from '../../src/intake/json-schema/new-schema.ts';

/** What a schema says of data, and in how many steps. */
function judge(schema: JsonObject, data: JsonObject): { refusal: HubError | null; steps: number } {
  const budget = { left: 1e9 };
  const refusal = new JsonSchema(schema).check(data, 'some_type', budget);
  return { refusal, steps: 1e9 - budget.left };
}

function codeOf(schema: JsonObject, data: JsonObject): string {
  return judge(schema, data).refusal?.code ?? 'fits';
}

const keys = (count: number, of: (n: number) => JsonValue = n => n): JsonObject =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n}`, of(n)]));
const nested = (depth: number): JsonObject => (depth === 0 ? {} : { c: nested(depth - 1) });
const twice = (ref: string): JsonValue => [{ $ref: ref }, { $ref: ref }];

test('uniqueItems takes steps that grow with the items, and finds what is equal whatever the order of its keys', () => {
  const schema: JsonObject = { properties: { items: { uniqueItems: true } } };
  const items = (count: number) => ({ items: Array.from({ length: count }, (_, a) => ({ a })) });
  const [few, many] = [judge(schema, items(1_000)), judge(schema, items(10_000))];
  assert.equal(many.refusal, null);
  assert.ok(many.steps < 20 * few.steps, `${few.steps} and ${many.steps} steps`);
  for (const doubles of [
    [1, 1],
    ['a', 'a'],
    [
      { a: 1, b: [2] },
      { b: [2], a: 1 },
    ],
    [null, null],
    [1.0, 1],
    [0, -0],
  ])
    assert.equal(codeOf(schema, { items: doubles }), 'BAD_USER_INPUT', JSON.stringify(doubles));
  for (const different of [
    [1, '1'],
    [{ a: 1 }, { a: 2 }],
    [0, false],
    [
      [1, 2],
      [2, 1],
    ],
    [{}, []],
    [1, true],
  ])
    assert.equal(codeOf(schema, { items: different }), 'fits', JSON.stringify(different));
  assert.equal(codeOf({ properties: { items: { uniqueItems: false } } }, { items: [1, 1] }), 'fits');
});

test('a schema that would take for ever is ended by its steps, whichever keyword it is', () => {
  const doubling: JsonObject = { a40: { type: 'object' } };
  for (let n = 0; n < 40; n += 1) doubling[`a${n}`] = { allOf: twice(`#/$defs/a${n + 1}`) };
  const branch: JsonObject = { allOf: [{ properties: { c: { $ref: '#' } } }, { required: ['nothing'] }] };
  const endless: [string, JsonObject, JsonObject][] = [
    ['allOf', { $defs: doubling, $ref: '#/$defs/a0' }, {}],
    ['$ref to itself', { anyOf: twice('#') }, {}],
    ['anyOf at each level', { anyOf: [branch, branch] }, nested(60)],
    [
      'dependentSchemas',
      { dependentSchemas: { c: { properties: { c: { allOf: twice('#') } } } } },
      nested(60),
    ],
    [
      '$dynamicRef',
      { $dynamicAnchor: 'n', properties: { c: { allOf: [{ $dynamicRef: '#n' }, { $dynamicRef: '#n' }] } } },
      nested(60),
    ],
    [
      'if and then',
      JSON.parse(
        '{"if": {"properties": {"c": {"$ref": "#"}}}, "then": {"properties": {"c": {"$ref": "#"}}}}',
      ),
      nested(60),
    ],
    ['patternProperties', { patternProperties: keysOfPatterns(150) }, keys(50_000)],
    ['pattern', { properties: { a: { pattern: '\\pL'.repeat(500) } } }, { a: 'a'.repeat(500_000) }],
    [
      'unevaluatedProperties',
      {
        anyOf: Array.from({ length: 500 }, (_, n) => ({ properties: { [`k${n}`]: { type: 'integer' } } })),
        unevaluatedProperties: { type: 'integer' },
      },
      keys(60_000),
    ],
    [
      'contains',
      { properties: { a: { allOf: Array.from({ length: 200 }, () => ({ contains: { const: 'none' } })) } } },
      { a: Array.from({ length: 50_000 }, () => 'text') },
    ],
  ];
  for (const [name, schema, data] of endless) {
    const { refusal, steps } = judge(schema, data);
    assert.ok(
      refusal?.code === 'LIMIT_EXCEEDED' || refusal?.code === 'BAD_USER_INPUT',
      `${name}: ${refusal?.message}`,
    );
    assert.ok(steps <= 5_000_000, `${name}: ${steps} steps`);
  }
});

function keysOfPatterns(count: number): JsonObject {
  return Object.fromEntries(Array.from({ length: count }, (_, n) => [`^z${n}.*x$`, { type: 'string' }]));
}

test('values of an enum of any length are looked up, not compared one by one', () => {
  const allowed = Array.from({ length: 5_000 }, (_, n) => `code ${n}`);
  const { refusal, steps } = judge(
    { additionalProperties: { enum: allowed } },
    keys(5_000, n => `code ${n}`),
  );
  assert.equal(refusal, null);
  assert.ok(steps < 100_000, `${steps} steps`);
});

test('decimals are compared as they are written', () => {
  const amount = (rule: JsonObject): JsonObject => ({ properties: { a: rule } });
  for (const a of [
    19.99, 4.35, 0.29, 1.13, 1.15, 143.48, 0.94, 5001.77, 1070468.14, 123456.78, 2.3, 0.07, 0, -19.99,
  ])
    assert.equal(codeOf(amount({ multipleOf: 0.01 }), { a }), 'fits', String(a));
  for (const a of [19.999, 0.001, 1.005])
    assert.equal(codeOf(amount({ multipleOf: 0.01 }), { a }), 'BAD_USER_INPUT', String(a));
  assert.equal(codeOf(amount({ minimum: 0.1, maximum: 0.3 }), { a: 0.3 }), 'fits');
  assert.equal(codeOf(amount({ maximum: 0.3 }), { a: 0.30000000000000004 }), 'BAD_USER_INPUT');
  assert.equal(codeOf(amount({ const: 1.1 }), { a: 1.1 }), 'fits');
  assert.equal(codeOf(amount({ const: { x: [1.5] } }), { a: { x: [1.5] } }), 'fits');
  assert.equal(codeOf(amount({ enum: [0.1, 'x', null] }), { a: 0.1 }), 'fits');
  assert.equal(codeOf(amount({ enum: [0.1, 'x', null] }), { a: null }), 'fits');
  assert.equal(codeOf(amount({ enum: [0.1] }), { a: 0.2 }), 'BAD_USER_INPUT');
});

test('formats are checked; one that is not known says nothing', () => {
  const cases: [string, string[], string[]][] = [
    ['date', ['2025-12-19'], ['2025-02-30', '19.12.2025']],
    ['date-time', ['2025-12-19T08:00:00+08:00'], ['2025-12-19', '2025-12-19T08:00:00']],
    ['time', ['08:00:00Z'], ['8:00']],
    ['email', ['a@example.com'], ['a@', 'a']],
    ['uri', ['https://example.com/x'], ['example']],
    ['uuid', ['2eb8aa08-aa98-11ea-b4aa-73b441d16380'], ['2eb8aa08']],
    ['ipv4', ['127.0.0.1'], ['127.0.0.256']],
    ['hostname', ['example.com'], ['-a-']],
    ['iban', ['anything'], []],
  ];
  for (const [format, good, bad] of cases) {
    const schema: JsonObject = { properties: { a: { type: 'string', format } } };
    for (const a of good) assert.equal(codeOf(schema, { a }), 'fits', `${format} ${a}`);
    for (const a of bad) assert.equal(codeOf(schema, { a }), 'BAD_USER_INPUT', `${format} ${a}`);
  }
});

test('the work of several checks comes off one budget', () => {
  const schema = new JsonSchema({ additionalProperties: { type: 'integer', minimum: 0 } });
  const budget = { left: 25_000 };
  const codes = Array.from(
    { length: 5 },
    () => schema.check(keys(5_000), 'some_type', budget)?.code ?? 'fits',
  );
  assert.deepEqual([codes[0], codes.at(-1)], ['fits', 'LIMIT_EXCEEDED']);
});

test('a new schema that compiles slowly, or can check nothing, is refused by name', () => {
  const refused: [RegExp, JsonObject][] = [
    [/bytes; at most/, { properties: keys(2_000, () => ({ type: 'string', minLength: 3 })) }],
    [/patterns; at most/, { patternProperties: keysOfPatterns(300) }],
    [/too large together/, { properties: { a: { pattern: 'a{1000}'.repeat(20) } } }],
    [/could check nothing/, { $ref: '#' }],
  ];
  for (const [message, schema] of refused)
    assert.throws(() => checkNewSchema(schema), { code: 'BAD_USER_INPUT', field: 'schema', message });
  const usual = keys(400, n => ({ type: 'string', maxLength: 20, pattern: `^[A-Z]{3}-?${n % 9}$` }));
  assert.throws(() => checkNewSchema({ properties: usual }), { message: /400 patterns/ });
  checkNewSchema({ properties: keys(400, () => ({ type: 'string', maxLength: 20 })) });
});
