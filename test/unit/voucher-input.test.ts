import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isoCurrencies } from '../../src/core/currencies.ts';
import { checkVoucherInput, type VoucherInput } from '../../src/intake/voucher-input.ts';

const input: VoucherInput = {
  eventType: 'invoice_recorded',
  sourceSystem: 's',
  sourceModule: 'm',
  sourceType: 't',
  sourceId: '1',
  direction: 'debit',
  amount: '1.00',
  currency: 'CNY',
  businessData: {},
  status: 'approved',
};

function check(over: Partial<VoucherInput>, currencies: ReadonlySet<string> = isoCurrencies): void {
  checkVoucherInput({ ...input, ...over }, { nowMs: 0, currencies });
}

test('a currency is a code of ISO 4217, and what people write instead is told with the code that is meant', () => {
  for (const currency of ['CNY', 'USD', 'JPY', 'XAU', 'HRK']) check({ currency });
  for (const [currency, message] of [
    ['RMB', /RMB is no code of ISO 4217\. Did you mean CNY\?/],
    ['cny', /Did you mean CNY\?/],
    ['NTD', /Did you mean TWD\?/],
    ['YUAN', /Did you mean CNY\?/],
    ['ABC', /Three capital letters/],
    ['', /Three capital letters/],
  ] as const)
    assert.throws(() => check({ currency }), { code: 'BAD_USER_INPUT', field: 'currency', message });
  check({ currency: 'PTS' }, new Set([...isoCurrencies, 'PTS']));
});

test('every listed code has three letters and is listed once, and those that this Node knows are in the list', () => {
  for (const code of isoCurrencies) assert.match(code, /^[A-Z]{3}$/);
  const missing = Intl.supportedValuesOf('currency').filter(code => !isoCurrencies.has(code));
  assert.deepEqual(missing, []);
});
