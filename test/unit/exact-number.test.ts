import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isMultipleOf, survivesJson } from '../../src/core/exact-number.ts';

test('a number that a double holds as it is written survives', () => {
  const written = ['0', '-0', '0.0', '19.99', '1.10', '100000.00', '1e2', '1E+2'];
  for (const text of [
    ...written,
    '0.30000000000000004',
    '123456789012345',
    '1e23',
    '5e-324',
    '1.7976931348623157e308',
  ])
    assert.equal(survivesJson(text), true, text);
});

test('a number that would become another one does not survive', () => {
  const written = [
    '1e-400',
    '1e400',
    '-1e400',
    '0.10000000000000001',
    '123456789.123456789123',
    '9007199254740993',
  ];
  for (const text of [
    ...written,
    '12345678901234567890',
    '1e-99999999999',
    '2.4e-324',
    '100000000000000000.01',
  ])
    assert.equal(survivesJson(text), false, text);
});

test('whatever JSON.stringify writes survives', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), value =>
      survivesJson(JSON.stringify(value)),
    ),
  );
});

test('amounts in cents are multiples of 0.01, and a cent with a tenth more is not', () => {
  fc.assert(
    fc.property(fc.integer({ min: -1e12, max: 1e12 }), fc.integer({ min: 1, max: 9 }), (cents, tenths) => {
      const sign = cents < 0 ? '-' : '';
      const digits = String(Math.abs(cents)).padStart(3, '0');
      const amount = `${sign}${digits.slice(0, -2)}.${digits.slice(-2)}`;
      assert.equal(isMultipleOf(Number(amount), 0.01), true, amount);
      assert.equal(isMultipleOf(Number(`${amount}${tenths}`), 0.01), false, `${amount}${tenths}`);
    }),
  );
});

test('a multiple is one by the decimals as they are written, at any size', () => {
  for (const [value, divisor] of [
    [0, 0.01],
    [1e21, 0.01],
    [1e308, 1e-300],
    [4.5, 1.5],
    [1, 1e-9],
    [0.0075, 0.0001],
    [-3, 1],
  ] as const)
    assert.equal(isMultipleOf(value, divisor), true, `${value} ${divisor}`);
  for (const [value, divisor] of [
    [0.00751, 0.0001],
    [35, 1.5],
    [1e-300, 1],
    [7, 2],
    [1.5, 1],
  ] as const)
    assert.equal(isMultipleOf(value, divisor), false, `${value} ${divisor}`);
});
