import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { GraphQLError, type GraphQLScalarType, parseValue } from 'graphql';
import { DateScalar, DateTimeScalar, DecimalScalar, JSONObjectScalar } from '../../src/schema/scalars.ts';
import { propertySeed } from '../support/seed.ts';

const seed = propertySeed('scalars');

/** A scalar's value from a literal in the query's text. */
function literal(scalar: GraphQLScalarType, text: string, variables: Record<string, unknown> = {}): unknown {
  return scalar.parseLiteral(parseValue(text), variables);
}

function refused(read: () => unknown): void {
  assert.throws(read, GraphQLError);
}

test('a decimal keeps every digit, from a variable and from a literal, and comes out as it went in', () => {
  const digits = fc
    .array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 60 })
    .map(all => all.join(''));
  fc.assert(
    fc.property(fc.boolean(), digits, fc.option(digits, { nil: null }), (negative, whole, fraction) => {
      const plain = whole.replace(/^0+(?=\d)/, '') + (fraction === null ? '' : `.${fraction}`);
      const sign = negative && /[1-9]/.test(plain) ? '-' : '';
      const given = `${negative ? '-' : ''}${whole}${fraction === null ? '' : `.${fraction}`}`;
      assert.equal(DecimalScalar.parseValue(given), sign + plain);
      assert.equal(literal(DecimalScalar, `"${given}"`), sign + plain);
      assert.equal(DecimalScalar.serialize(sign + plain), sign + plain);
    }),
    { seed },
  );
});

test('a decimal takes an Int, also one in the text that no number could hold', () => {
  assert.equal(DecimalScalar.parseValue(100), '100');
  assert.equal(DecimalScalar.parseValue(-7), '-7');
  assert.equal(DecimalScalar.parseValue(0), '0');
  assert.equal(DecimalScalar.parseValue(Number.MAX_SAFE_INTEGER), '9007199254740991');
  assert.equal(literal(DecimalScalar, '12345678901234567890123456789'), '12345678901234567890123456789');
  assert.equal(literal(DecimalScalar, '-5'), '-5');
});

test('a decimal refuses floats, numbers that have lost digits, and what is no plain decimal', () => {
  for (const value of [
    0.1,
    1.5,
    2 ** 53,
    -(2 ** 53),
    1e21,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    true,
    null,
    undefined,
    {},
    ['1'],
  ]) {
    refused(() => DecimalScalar.parseValue(value));
  }
  for (const value of [
    '',
    ' ',
    '1 ',
    ' 1',
    '1e5',
    '.5',
    '5.',
    '1.2.3',
    '0x10',
    '1,000',
    '--1',
    'NaN',
    'Infinity',
    '١',
    '1\n',
  ]) {
    refused(() => DecimalScalar.parseValue(value));
  }
  for (const text of ['1.5', '0.10', '1e3', 'true', 'null', '[1]', '{a: 1}', 'ENUM'])
    refused(() => literal(DecimalScalar, text));
});

test('a decimal has one form: no plus, no leading zeros, no negative zero, and the scale that was given', () => {
  assert.deepEqual(
    ['+1', '007', '-0', '-0.00', '00.10', '0.10', '-00.5'].map(text => DecimalScalar.parseValue(text)),
    ['1', '7', '0', '0.00', '0.10', '0.10', '-0.5'],
  );
});

test('an instant needs an offset and is the same instant in every one', () => {
  const instant = DateTimeScalar.parseValue('2025-12-19T08:00:00.000Z');
  assert.ok(instant instanceof Date);
  for (const text of [
    '2025-12-19T16:00:00+08:00',
    '2025-12-19T08:00Z',
    '2025-12-19T03:00:00.0-05:00',
    '2025-12-19T08:00:00.000000000Z',
  ]) {
    assert.deepEqual(DateTimeScalar.parseValue(text), instant, text);
    assert.deepEqual(literal(DateTimeScalar, JSON.stringify(text)), instant, text);
  }
  assert.equal(DateTimeScalar.serialize(instant), '2025-12-19T08:00:00.000Z');
});

test('an instant without offset, off the calendar, or in another form is refused', () => {
  const faults = [
    '2025-12-19T08:00:00',
    '2025-12-19',
    '2025-02-30T08:00:00Z',
    '2025-13-01T08:00:00Z',
    '2025-12-19T25:00:00Z',
    '2025-12-19T08:60:00Z',
    '2025-12-19 08:00:00Z',
    '2025-12-19T08:00:00+0800',
    '2025-12-19T08:00:00+08',
    '12/19/2025',
    'now',
    '',
    '+012025-12-19T08:00:00Z',
    '0000-01-01T00:00:00Z',
    '2025-12-19T08:00:00+25:00',
  ];
  for (const text of faults) refused(() => DateTimeScalar.parseValue(text));
  for (const value of [0, 1_766_131_200_000, null, true, {}, new Date(Number.NaN)])
    refused(() => DateTimeScalar.parseValue(value));
  refused(() => literal(DateTimeScalar, '1766131200'));
  refused(() => DateTimeScalar.serialize('2025-12-19'));
});

test('a day is one of the calendar, and stays the text that it is', () => {
  fc.assert(
    fc.property(
      fc.date({
        min: new Date('0001-01-01T00:00:00Z'),
        max: new Date('9999-12-31T00:00:00Z'),
        noInvalidDate: true,
      }),
      date => {
        const day = date.toISOString().slice(0, 10);
        assert.equal(DateScalar.parseValue(day), day);
        assert.equal(literal(DateScalar, `"${day}"`), day);
        assert.equal(DateScalar.serialize(day), day);
      },
    ),
    { seed },
  );
  assert.equal(DateScalar.parseValue('2024-02-29'), '2024-02-29');
  for (const text of [
    '2025-02-29',
    '1900-02-29',
    '2025-04-31',
    '2025-00-10',
    '2025-01-00',
    '2025-1-1',
    '20250101',
    '2025-12-19T00:00:00Z',
    ' 2025-12-19',
    '0000-01-01',
    '',
  ]) {
    refused(() => DateScalar.parseValue(text));
  }
  for (const value of [20_251_219, null, new Date()]) refused(() => DateScalar.parseValue(value));
});

test('a JSON object in the text becomes what the same JSON is', () => {
  const found = literal(
    JSONObjectScalar,
    '{a: 1, b: -2.5, c: "x", d: [true, null, {e: {}}], f: ENUM, g: """block"""}',
  );
  assert.deepEqual(found, { a: 1, b: -2.5, c: 'x', d: [true, null, { e: {} }], f: 'ENUM', g: 'block' });
  for (const text of ['[]', '"text"', '1', 'null', 'true']) refused(() => literal(JSONObjectScalar, text));
  for (const value of [[], 'text', 1, null, true, undefined])
    refused(() => JSONObjectScalar.parseValue(value));
});

test('a key __proto__ is data like any other and reaches nobody’s prototype', () => {
  const found = literal(JSONObjectScalar, '{__proto__: {polluted: true}, constructor: {prototype: 1}}');
  assert.ok(typeof found === 'object' && found !== null);
  assert.deepEqual(Object.keys(found), ['__proto__', 'constructor']);
  assert.equal(Object.getPrototypeOf(found), Object.prototype);
  assert.equal(JSON.stringify(found), '{"__proto__":{"polluted":true},"constructor":{"prototype":1}}');
  assert.equal('polluted' in {}, false);
});

test('variables inside a JSON object are filled in; one left out is null', () => {
  const variables = { id: 7, deep: { __proto__: null, x: [1] }, list: ['a', null] };
  const found = literal(
    JSONObjectScalar,
    '{id: $id, list: [$id, $list], deep: $deep, none: $none}',
    variables,
  );
  assert.equal(JSON.stringify(found), '{"id":7,"list":[7,["a",null]],"deep":{"x":[1]},"none":null}');
});

test('a variable does not reach into the prototype of the variables', () => {
  assert.equal(
    JSON.stringify(literal(JSONObjectScalar, '{a: $constructor, b: $toString}', {})),
    '{"a":null,"b":null}',
  );
});
