import 'reflect-metadata';

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pythonJson } from '@voucher-hub/client/wire';
import fc from 'fast-check';
import { buildSchema, isEnumType, isObjectType } from 'graphql';
import { limits } from '../../src/core/limits.ts';
import type { JsonObject } from '../../src/core/model.ts';
import { type FrozenEvent, frozenFields } from '../../src/delivery/payload/frozen-event.ts';
import { PayloadQueries } from '../../src/delivery/payload/payload-queries.ts';
import type { SizeCheck } from '../../src/delivery/payload/payload-query.ts';
import { servedSchemaText } from '../../src/resolvers/served-schema.ts';
import { checkOperationSize } from '../../src/server/graphql/operation-limits.ts';

const served = servedSchemaText();
const checkSize: SizeCheck = (schema, document, operation) =>
  checkOperationSize(schema, document, operation, {});
const queries = new PayloadQueries(served, checkSize);

/** What GraphQL shows of one event: the tests' own idea of it, apart from the code's. */
interface Shown {
  event: Record<string, string | number>;
  voucher: Record<string, string | number | null>;
  data: JsonObject;
}

const text = fc.string({ unit: 'binary', maxLength: 12 });
const optional = fc.option(text, { nil: null });
const instant = fc
  .date({ min: new Date('2000-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
  .map(date => date.toISOString());
const id = fc.integer({ min: 1, max: 1_000_000 }).map(String);
const data: fc.Arbitrary<JsonObject> = fc
  .array(fc.tuple(fc.oneof(text, fc.constantFrom('__proto__', 'constructor', '金额')), fc.json()), {
    maxLength: 5,
  })
  .map(entries => Object.fromEntries(entries.map(([key, json]) => [key, JSON.parse(json)])));
const shown: fc.Arbitrary<Shown> = fc
  .tuple(
    fc.record({ id, eventType: text, sourceVersion: fc.nat(), occurredAt: instant, recordedAt: instant }),
    fc.record({
      id,
      voucherNo: text,
      voucherDate: instant.map(at => at.slice(0, 10)),
      sourceSystem: text,
      sourceModule: text,
      sourceType: text,
      sourceId: text,
      sourceReferenceNo: optional,
      companyId: optional,
      counterpartyType: optional,
      counterpartyId: optional,
      counterpartyName: optional,
      direction: fc.constantFrom('DEBIT', 'CREDIT'),
      amount: fc.constantFrom('0', '100000.00', '-12.3400', '999999999999999999999999999999.9999999999'),
      currency: fc.constantFrom('CNY', 'USD'),
      summary: optional,
      status: fc.constantFrom('DRAFT', 'APPROVED', 'VOIDED'),
      digest: text,
    }),
    data,
  )
  .map(([event, voucher, data]) => ({
    event,
    voucher: { ...voucher, sourceVersion: event.sourceVersion },
    data,
  }));

/** What intake froze of it: the webhook's spelling. */
function frozen({ event, voucher, data }: Shown): FrozenEvent {
  const { id: voucherId, ...rest } = voucher;
  const wire = Object.entries(rest).map(([name, value]) => [
    name.replaceAll(/[A-Z]/g, letter => `_${letter.toLowerCase()}`),
    ['direction', 'status'].includes(name) ? String(value).toLowerCase() : value,
  ]);
  return {
    eventId: String(event.id),
    voucherId: String(voucherId),
    eventType: String(event.eventType),
    occurredAtMs: Date.parse(String(event.occurredAt)),
    recordedAtMs: Date.parse(String(event.recordedAt)),
    dataJson: pythonJson(data),
    voucherJson: pythonJson(Object.fromEntries(wire)),
  };
}

/** Shapes an event of its own by fresh queries, so that no test sees what another one left in a cache. */
function shape(query: string, event: FrozenEvent): string {
  const shaped = new PayloadQueries(served, checkSize).shape(query, event);
  assert.ok('dataJson' in shaped, JSON.stringify(shaped));
  return shaped.dataJson;
}

function faultOf(query: string): string {
  return queries.faultOf(query) ?? '';
}

const [sample] = fc.sample(shown, { numRuns: 1, seed: 7 });
assert.ok(sample);
const event = frozen(sample);

test('whatever is selected, under whatever name, is what the frozen event says of it', () => {
  const names = (type: string) => [...(frozenFields[type]?.keys() ?? [])].filter(name => name !== 'voucher');
  const plain = (type: string) =>
    fc.subarray(
      names(type).filter(name => name !== 'data' && name !== 'businessData'),
      { minLength: 1 },
    );
  const selections = fc.record({
    of: shown,
    event: plain('VoucherEvent'),
    voucher: plain('Voucher'),
    alias: fc.boolean(),
    withData: fc.boolean(),
  });
  fc.assert(
    fc.property(selections, ({ of, event: eventFields, voucher: voucherFields, alias, withData }) => {
      const eventPart = withData ? [...eventFields, 'data'] : eventFields;
      const voucherPart = withData ? [...voucherFields, 'businessData'] : voucherFields;
      const field = (name: string, at: number) => (alias && at === 0 ? `renamed: ${name}` : name);
      const key = (name: string, at: number) => (alias && at === 0 ? 'renamed' : name);
      const query = `{ ${eventPart.map(field).join(' ')} ...V } fragment V on VoucherEvent { voucher { ${voucherPart.map(field).join(' ')} } }`;
      const expected = {
        ...Object.fromEntries(
          eventPart.map((name, at) => [key(name, at), name === 'data' ? of.data : (of.event[name] ?? null)]),
        ),
        voucher: Object.fromEntries(
          voucherPart.map((name, at) => [
            key(name, at),
            name === 'businessData' ? of.data : (of.voucher[name] ?? null),
          ]),
        ),
      };
      assert.equal(shape(query, frozen(of)), pythonJson(expected));
    }),
    { numRuns: 150 },
  );
});

test('business data comes out to the letter as it was stored', () => {
  const exact = [
    '{"a": 12345678901234567000, "b": 1e+22, "c": 1.5e-07, "d": 0.1, "e": [], "f": {}, "g": null}',
    '{"__proto__": {"x": 1}, "\\u540d\\u79f0": "\\ud83d\\ude00", "\\ud800": "\\ud800"}',
  ];
  for (const dataJson of exact)
    assert.equal(shape('{ data }', { ...event, dataJson }), `{"data": ${dataJson}}`);
  fc.assert(
    fc.property(data, one => {
      const dataJson = pythonJson(one);
      assert.equal(shape('{ data }', { ...event, dataJson }), `{"data": ${dataJson}}`);
    }),
  );
});

test('all that is frozen may be selected, and is served by GraphQL under the same type', () => {
  const schema = buildSchema(served);
  const notFrozen = (typeName: string) => {
    const [type, readers] = [schema.getType(typeName), frozenFields[typeName]];
    assert.ok(isObjectType(type) && readers !== undefined);
    const fields = Object.keys(type.getFields());
    assert.deepEqual(
      [...readers.keys()].filter(name => !fields.includes(name)),
      [],
    );
    return fields.filter(name => !readers.has(name));
  };
  assert.deepEqual(notFrozen('VoucherEvent'), []);
  assert.deepEqual(notFrozen('Voucher'), [
    'createdAt',
    'createdBy',
    'eventPages',
    'events',
    'syncLogs',
    'updatedAt',
  ]);
  for (const name of ['VoucherDirection', 'VoucherStatus']) {
    const type = schema.getType(name);
    assert.ok(isEnumType(type));
    for (const value of type.getValues()) {
      const voucherJson = pythonJson({
        ...JSON.parse(event.voucherJson),
        [name === 'VoucherStatus' ? 'status' : 'direction']: value.name.toLowerCase(),
      });
      const field = name === 'VoucherStatus' ? 'status' : 'direction';
      assert.equal(
        shape(`{ voucher { ${field} } }`, { ...event, voucherJson }),
        `{"voucher": {"${field}": "${value.name}"}}`,
      );
    }
  }
});

test('what is not frozen with the event is refused with a list of what is', () => {
  for (const name of [
    'events { id }',
    'eventPages { totalCount }',
    'syncLogs { id }',
    'createdAt',
    'updatedAt',
    'createdBy',
    'nonsense',
  ])
    assert.match(
      faultOf(`{ id voucher { ${name} } }`),
      new RegExp(
        `^line 1, column 16: Voucher\\.${name.split(' ')[0]} can't be selected\\. .*amount, businessData, companyId.*voucherNo\\.$`,
      ),
    );
  assert.match(
    faultOf('{\n  id\n  secret\n}'),
    /^line 3, column 3: VoucherEvent\.secret can't be .*: data, eventType, id/,
  );
});

test('only one bare selection is taken, and every fault is told with its line and column', () => {
  const table: [string, RegExp][] = [
    ['', /^line 1, column 1: Syntax Error: Unexpected <EOF>/],
    ['id', /^line 1, column 1: Syntax Error/],
    ['{ id', /^line 1, column 5: Syntax Error: Expected Name, found <EOF>/],
    ['{ }', /Syntax Error/],
    ['{ id \0 }', /^line 1, column 6: Syntax Error/],
    ['query { id }', /^line 1, column 1: one bare selection on VoucherEvent/],
    ['query Q($x: ID) { id }', /^line 1, column 1: one bare selection/],
    ['mutation { revokeApiKey(id: 1) { id } }', /^line 1, column 1: one bare selection/],
    ['subscription { id }', /one bare selection/],
    ['{ id } { data }', /^line 1, column 8: one bare selection/],
    ['fragment F on VoucherEvent { id }', /^one bare selection/],
    ['{ id } type T { a: Int }', /^line 1, column 8: The "T" definition is not executable/],
    ['{ id @include(if: $x) }', /Variable "\$x" is not defined/],
    ['{ voucher }', /^line 1, column 3: Field "voucher" of type "Voucher!" must have a selection/],
    ['{ data { invoice_no } }', /^line 1, column 8: Field "data" must not have a selection/],
    ['{ data(path: "x") }', /Unknown argument "path"/],
    ['{ id @nope }', /Unknown directive "@nope"/],
    ['{ ...F }', /Unknown fragment "F"/],
    ['{ id } fragment F on VoucherEvent { id }', /Fragment "F" is never used/],
    ['{ ...F } fragment F on VoucherEvent { ...F }', /Cannot spread fragment "F" within itself/],
    ['{ ... on Query { apiKeys { id } } }', /can never be of type "Query"/],
    [
      '{ __schema { types { name } } }',
      /^line 1, column 3: __schema can't be selected: a payload query takes /,
    ],
    ['{ __type(name: "Voucher") { name } }', /__type can't be selected/],
    ['{ id: data id }', /Fields "id" conflict/],
  ];
  for (const [query, fault] of table) assert.match(faultOf(query), fault, query);
  assert.match(
    faultOf('{ a b c d e }'),
    /column 3.*column 5.*column 7/,
    'the first few faults are told at once',
  );
});

test('fragments, aliases, directives with constants and __typename are taken', () => {
  const taken = [
    '{ id }',
    '{ __typename voucher { __typename } }',
    '{ ...F } fragment F on VoucherEvent { voucher { ... on Voucher { amount } } }',
    '{ a: id b: id data @skip(if: true) }',
    '# a comment\n{ id, data }',
  ];
  for (const query of taken) assert.equal(queries.faultOf(query), null, query);
  assert.equal(shape('{ __typename id @skip(if: true) }', event), '{"__typename": "VoucherEvent"}');
});

test('a query is bounded in bytes, nesting, aliases, directives and copies of the business data', () => {
  const padded = (bytes: number) => `{ id ${'#'.repeat(bytes - 7)}\n}`;
  assert.equal(Buffer.byteLength(padded(limits.payloadQueryBytes)), limits.payloadQueryBytes);
  assert.equal(queries.faultOf(padded(limits.payloadQueryBytes)), null);
  assert.match(faultOf(padded(limits.payloadQueryBytes + 1)), /8193 bytes; at most 8192/);
  assert.match(faultOf(`{ id ${'#金'.repeat(3_000)}\n}`), /bytes; at most 8192/);
  const times = (count: number, one: (n: number) => string) =>
    Array.from({ length: count }, (_, n) => one(n)).join(' ');
  assert.equal(queries.faultOf(`{ ${times(limits.aliases, n => `a${n}: id`)} }`), null);
  assert.match(
    faultOf(`{ ${times(limits.aliases + 1, n => `a${n}: id`)} }`),
    /has 31 aliases; the limit is 30/,
  );
  assert.match(
    faultOf(`{ ${times(limits.directives + 1, () => '... @include(if: true) { id }')} }`),
    /has 51 directives/,
  );
  assert.match(
    faultOf(`{${'...{'.repeat(1_200)}id${'}'.repeat(1_200)}}`),
    /has a nesting of selections of 1201; the limit is 40/,
  );
  assert.equal(queries.faultOf('{ data voucher { businessData } }'), null);
  assert.match(
    faultOf('{ a: voucher { ...V } b: voucher { ...V } data } fragment V on Voucher { businessData }'),
    /business data 3 times; at most 2/,
  );
});

test('a text made to be slow to check is refused at once', () => {
  const startedAt = performance.now();
  assert.notEqual(queries.faultOf(`{${'b:id '.repeat(1_600)}}`), null);
  assert.notEqual(queries.faultOf(`{${'a '.repeat(4_000)}}`), null);
  const bomb = Array.from(
    { length: 100 },
    (_, n) =>
      `fragment F${n} on VoucherEvent{${n === 99 ? 'x:id' : `...F${n + 1} ...on VoucherEvent{...F${n + 1}}`}}`,
  );
  assert.match(faultOf(`{...F0}${bomb.join('')}`), /nesting/);
  assert.ok(performance.now() - startedAt < 20_000, `${performance.now() - startedAt} ms`);
});

test('the same event gives the same text, and is read once for all subscriptions of one shape', () => {
  let reads = 0;
  const counted: FrozenEvent = {
    ...event,
    get dataJson() {
      reads += 1;
      return event.dataJson;
    },
  };
  const own = new PayloadQueries(served, checkSize);
  const texts = Array.from({ length: 5 }, () => own.shape('{ data }', counted));
  assert.equal(new Set(texts.map(text => JSON.stringify(text))).size, 1);
  assert.equal(reads, 1);
  own.shape('{ x: data }', counted);
  assert.equal(reads, 2, 'another shape');
  own.shape('{ data }', { ...event, eventId: '999', dataJson: '{"another": 1}' });
  assert.deepEqual(own.shape('{ data }', { ...event, eventId: '999' }), {
    dataJson: '{"data": {"another": 1}}',
  });
});

test('more queries and payloads than are kept come out right all the same', () => {
  const own = new PayloadQueries(served, checkSize);
  const big = JSON.stringify('x'.repeat(900_000));
  for (let round = 0; round < 2; round++) {
    for (let n = 0; n < 12; n++) {
      const shaped = own.shape('{ data }', {
        ...event,
        eventId: `${n}`,
        dataJson: `{"n": ${n}, "text": ${big}}`,
      });
      assert.ok('dataJson' in shaped && shaped.dataJson.startsWith(`{"data": {"n": ${n},`));
    }
    for (let n = 0; n < 60; n++) {
      const query = `{ n${n}: id #${'x'.repeat(8_000)}\n}`;
      assert.deepEqual(own.shape(query, event), { dataJson: `{"n${n}": ${JSON.stringify(event.eventId)}}` });
    }
  }
});

test('an event that lacks what the query must have can not be shaped, and the fault names the field', () => {
  const { amount: _, ...rest } = JSON.parse(event.voucherJson);
  const shaped = queries.shape('{ id voucher { amount } }', {
    ...event,
    eventId: '5',
    voucherJson: pythonJson(rest),
  });
  assert.deepEqual(shaped, {
    fault: 'voucher.amount: Cannot return null for non-nullable field Voucher.amount.',
  });
  const broken = queries.shape('{ data }', { ...event, eventId: '6', dataJson: '{' });
  assert.ok('fault' in broken);
});

test('a schema in which a selected field is gone, or is of another type, does not take the query', () => {
  const against = (schema: string) => new PayloadQueries(schema, checkSize);
  const withAmount = (field: string) =>
    against(served.replace(/(?<=^type Voucher \{[^}]*^ {2})amount: Decimal!$/m, field));
  const query = '{ id voucher { amount } }';
  assert.equal(against(served).faultOf(query), null);
  const renamed = withAmount('total: Decimal!');
  assert.match(renamed.faultOf(query) ?? '', /^line 1, column 16: Voucher\.amount can't be selected/);
  assert.equal(renamed.faultOf('{ id }'), null);
  const retyped = withAmount('amount: Int!');
  assert.match(retyped.faultOf(query) ?? '', /^line 1, column 16: Int cannot represent non-integer value/);
  const withArgument = withAmount('amount(unit: String!): Decimal!');
  assert.match(withArgument.faultOf(query) ?? '', /argument "unit" of type "String!" is required/);
  assert.throws(() => against('type Query { a: Int }'), /VoucherEvent/);
  assert.throws(() => against('no schema'), /Syntax Error/);
});
