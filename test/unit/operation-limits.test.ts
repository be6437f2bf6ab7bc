import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  getIntrospectionQuery,
  getOperationAST,
  isListType,
  isObjectType,
  Kind,
  parse,
  print,
  validate,
} from 'graphql';
import { HubError } from '../../src/core/errors.ts';
import { limits } from '../../src/core/limits.ts';
import { declaredSizeOf, requireListSizes } from '../../src/schema/list-size.ts';
import { checkOperationSize, type OperationSize, sizeOf } from '../../src/server/graphql/operation-limits.ts';
import { hubSchema } from '../support/schema.ts';

const schema = hubSchema();

/** The size of a document's operation, validated first as the servers do. */
function size(query: string, variables: Record<string, unknown> = {}): OperationSize {
  const document = parse(query);
  assert.deepEqual(validate(schema, document).map(String), []);
  const operation = getOperationAST(document);
  assert.ok(operation);
  return sizeOf(schema, document, operation, variables);
}

function check(query: string, variables: Record<string, unknown> = {}): void {
  const document = parse(query);
  const operation = getOperationAST(document);
  assert.ok(operation);
  checkOperationSize(schema, document, operation, variables);
}

test('depth counts fields from the operation down, through fragments of both kinds', () => {
  assert.equal(size('{ eventTypes { name } }').depth, 2);
  assert.equal(
    size(
      '{ voucher(id: 1) { ... on Voucher { events { ...E } } } } fragment E on VoucherEvent { voucher { id } }',
    ).depth,
    4,
  );
});

test('aliases and directives are counted wherever they stand', () => {
  const found = size(
    `query ($y: Boolean!) { a: voucher(id: 1) { b: id ...V @include(if: $y) ... @skip(if: $y) { c: id } } }
    fragment V on Voucher { d: id @include(if: $y) }`,
    { y: true },
  );
  assert.equal(found.aliases, 4);
  assert.equal(found.directives, 3);
});

test('what stands in a list costs as often as the list is long: by its literal, its variable, or its default', () => {
  const cost = (text: string, variables?: Record<string, unknown>) => size(text, variables).cost;
  const selection = '{ edges { node { id } } }';
  assert.equal(cost(`{ vouchers(first: 7) ${selection} }`), 1 + 7 * 3);
  assert.equal(cost(`query ($n: Int) { vouchers(first: $n) ${selection} }`, { n: 7 }), 1 + 7 * 3);
  assert.equal(cost(`{ vouchers ${selection} }`), 1 + 50 * 3, 'the argument’s default');
  assert.equal(
    cost(`query ($n: Int) { vouchers(first: $n) ${selection} }`),
    1 + 50 * 3,
    'a variable left out takes the argument’s default',
  );
  assert.equal(
    cost(`query ($n: Int = 400) { vouchers(first: $n) ${selection} }`),
    1 + 400 * 3,
    'the variable’s default',
  );
  assert.equal(cost(`query ($n: Int = 400) { vouchers(first: $n) ${selection} }`, { n: 7 }), 1 + 7 * 3);
  assert.equal(cost('{ eventTypes { name mode } }'), 1 + 10 * 2, 'a list without first');
  assert.equal(
    cost(`{ vouchers(first: 2) { edges { node { events { id } } } } }`),
    1 + 2 * (1 + 1 + (1 + 10)),
    'lists in lists multiply',
  );
});

test('recording costs by the number of inputs, given as a variable or in the text', () => {
  const text =
    'mutation ($inputs: [RecordVoucherInput!]!) { recordVouchers(inputs: $inputs) { index result { outcome } } }';
  assert.equal(size(text, { inputs: Array.from({ length: 1_000 }, () => ({})) }).cost, 1 + 1_000 * 3);
});

test('a negative or absurd first gives no way under the bound', () => {
  const text = 'query ($n: Int) { vouchers(first: $n) { edges { node { id events { id data } } } } }';
  assert.ok(size(text, { n: -5 }).cost >= 0);
  assert.throws(
    () => check(text, { n: 2_147_483_647 }),
    (error: unknown) => error instanceof HubError && error.code === 'LIMIT_EXCEEDED',
  );
  assert.throws(
    () =>
      check(
        'query ($n: Int) { vouchers(first: $n) { __typename } b: vouchers(first: 500) { edges { node { events { voucher { events { id data } } } } } } }',
        { n: Number.POSITIVE_INFINITY },
      ),
    HubError,
  );
});

test('nesting counts selections within one another, fragments of both kinds among them', () => {
  assert.equal(size('{ eventTypes { name } }').nesting, 2);
  const query =
    'query { ...Q } fragment Q on Query { voucher(id: 1) { ... { ...V } } } fragment V on Voucher { id }';
  assert.equal(size(query).nesting, 5);
});

test('each limit refuses one more than it takes, and names itself', () => {
  const nested = (depth: number) =>
    `{ voucher(id: 1) ${'{ events { voucher '.repeat((depth - 2) / 2)}{ id }${' } }'.repeat((depth - 2) / 2)} }`;
  assert.equal(size(nested(limits.depth)).depth, limits.depth);
  const isLimit = (name: string) => (error: unknown) =>
    error instanceof HubError && error.code === 'LIMIT_EXCEEDED' && error.message.includes(name);
  assert.throws(() => check(nested(limits.depth + 2)), isLimit('depth'));
  const wrapped = (times: number) => `{ eventTypes { ${'... { '.repeat(times)}name${' }'.repeat(times)} } }`;
  assert.doesNotThrow(() => check(wrapped(limits.nesting - 2)));
  assert.throws(() => check(wrapped(limits.nesting - 1)), isLimit('nesting of selections'));
  const aliased = (count: number) =>
    `{ ${Array.from({ length: count }, (_, n) => `a${n}: eventTypes { name }`).join(' ')} }`;
  assert.doesNotThrow(() => check(aliased(limits.aliases)));
  assert.throws(() => check(aliased(limits.aliases + 1)), isLimit('aliases'));
  const directed = (count: number) =>
    `{ eventTypes { ${Array.from({ length: count }, () => '... @include(if: true) { name }').join(' ')} } }`;
  assert.doesNotThrow(() => check(directed(limits.directives)));
  assert.throws(() => check(directed(limits.directives + 1)), isLimit('directives'));
  assert.throws(
    () => check('{ vouchers(first: 500) { edges { node { events { voucher { events { id } } } } } } }'),
    isLimit('cost'),
  );
});

test('what the console and the tests ask for stays under the bounds', () => {
  check(`query { vouchers(first: 20) { totalCount pageInfo { hasNextPage endCursor } edges { cursor node { id voucherNo amount
    events { id sourceVersion data } eventPages(first: 5) { edges { node { id } } } syncLogs { id status attempts { number statusCode errorCode } subscription { id name } } } } } }`);
});

const isIntrospectionLimit = (error: unknown) =>
  error instanceof HubError && error.code === 'LIMIT_EXCEEDED' && error.message.includes('introspection');

test('introspection is taken as tools ask for it, in full and in parts', () => {
  for (const options of [
    {},
    { descriptions: false },
    { inputValueDeprecation: true, oneOf: true, schemaDescription: true, specifiedByUrl: true },
  ])
    assert.doesNotThrow(() => check(getIntrospectionQuery(options)));
  const ofType = '{ kind name ofType '.repeat(9);
  check(
    `{ __type(name: "Mutation") { fields { name args { name type ${ofType}{ name }${' }'.repeat(9)} } } } }`,
  );
  check(
    '{ a: __type(name: "__Field") { fields { name args { name } } } b: __type(name: "Voucher") { fields { name } } }',
  );
});

test('introspection that comes to twice the standard query is refused, however it is written', () => {
  const query = getIntrospectionQuery();
  const schemaField = getOperationAST(parse(query))?.selectionSet.selections[0];
  assert.ok(schemaField?.kind === Kind.FIELD && schemaField.selectionSet !== undefined);
  const selection = print(schemaField.selectionSet);
  const fragments = query.slice(query.indexOf('fragment '));
  for (const [what, text] of [
    ['aliases', `{ a: __schema ${selection} b: __schema ${selection} } ${fragments}`],
    [
      'fragments of the root',
      `{ ...A ...B } fragment A on Query { a: __schema ${selection} } fragment B on Query { b: __schema ${selection} } ${fragments}`,
    ],
    [
      'aliases within',
      `{ __schema { ${Array.from({ length: 20 }, (_, n) => `a${n}: types { fields { args { name type { name } } } }`).join(' ')} } }`,
    ],
    [
      'types by a variable',
      `query ($name: String!) { ${Array.from({ length: 29 }, (_, n) => `t${n}: __type(name: $name) { ...T }`).join(' ')} }
        fragment T on __Type { fields { name args { ...A } type { ...R } } }
        fragment A on __InputValue { name description defaultValue isDeprecated type { ...R } }
        fragment R on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }`,
    ],
  ] as const)
    assert.throws(() => check(text, { name: 'Mutation' }), isIntrospectionLimit, what);
});

test('aliases and directives within introspection count like all others', () => {
  const aliases = Array.from({ length: limits.aliases + 1 }, (_, n) => `a${n}: name`).join(' ');
  assert.throws(() => check(`{ __schema { queryType { ${aliases} } } }`), /aliases/);
});

test('every list of the schema declares its size, and the schema is not written out with a list that does not', () => {
  assert.doesNotThrow(() => requireListSizes(hubSchema()));
  const bare = hubSchema();
  const voucher = bare.getType('Voucher');
  const events = isObjectType(voucher) ? voucher.getFields().events : undefined;
  assert.ok(events !== undefined);
  events.extensions = {};
  assert.throws(() => requireListSizes(bare), /Voucher\.events is a list without a declared size/);
});

test('a size that is declared by an argument names one that the field has', () => {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue;
    for (const field of Object.values(type.getFields())) {
      const size = declaredSizeOf(field);
      if (typeof size !== 'string') continue;
      const argument = field.args.find(({ name }) => name === size);
      assert.ok(argument, `${type.name}.${field.name}: ${size}`);
      const isInputs = isListType('ofType' in argument.type ? argument.type.ofType : argument.type);
      assert.ok(isInputs || argument.defaultValue !== undefined, `${type.name}.${field.name} has no default`);
    }
  }
});

test('variables whose lists hold more items than any operation can use are refused before they are looked at', () => {
  const text =
    'query ($f: VoucherFilter, $r: [VoucherRef!]!) { vouchers(filter: $f) { totalCount } voucherVersions(refs: $r) { digest } }';
  const many = (count: number) => Array.from({ length: count }, () => 'x');
  check(text, { f: { sourceIds: many(1_000) }, r: [] });
  for (const variables of [
    { f: { sourceIds: many(limits.inputItems + 1) }, r: [] },
    { f: null, r: many(limits.inputItems + 1) },
  ])
    assert.throws(
      () => check(text, variables),
      (error: unknown) => error instanceof HubError && error.code === 'LIMIT_EXCEEDED',
    );
});

test('a bomb of nested fragments is measured at once', () => {
  const bomb = Array.from(
    { length: 300 },
    (_, n) => `fragment F${n} on Voucher { ${n === 299 ? 'id' : `...F${n + 1} ...F${n + 1}`} }`,
  ).join(' ');
  const document = parse(`{ voucher(id: 1) { ...F0 } } ${bomb}`);
  const operation = getOperationAST(document);
  assert.ok(operation);
  const startedAt = performance.now();
  assert.throws(
    () => checkOperationSize(schema, document, operation, {}),
    (error: unknown) => error instanceof HubError && error.message.includes('nesting'),
  );
  // Without the bound it takes longer than anyone waits: 2 to the power of 300 selections.
  assert.ok(performance.now() - startedAt < 10_000, `${performance.now() - startedAt} ms`);
});
