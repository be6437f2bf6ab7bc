import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { digestOf, prepareContent } from '../../../src/intake/voucher-content.ts';
import { isObject } from '../src/event.ts';
import { recordHash, recordKey, voucherDigest, xorHashes } from '../src/index.ts';
import { anyJson, seed, voucher } from './support/samples.ts';

test("a voucher's digest is the hub's, for any business data", () => {
  fc.assert(
    fc.property(anyJson, fc.constantFrom('100.00', '-0.5', '0'), (any, amount) => {
      const data = isObject(any) ? any : { any };
      const held = voucher({ amount, source_version: 3, summary: '发票 ①' });
      const hubs = digestOf(
        prepareContent({
          eventType: 'invoice_recorded',
          sourceSystem: held.source_system,
          sourceModule: held.source_module,
          sourceType: held.source_type,
          sourceId: held.source_id,
          companyId: held.company_id,
          direction: held.direction,
          amount,
          currency: held.currency,
          summary: held.summary,
          businessData: JSON.parse(JSON.stringify(data)),
          status: held.status,
        }),
        3,
        held.voucher_date,
      );
      assert.equal(voucherDigest(JSON.parse(JSON.stringify(data)), held), hubs);
    }),
    { seed, numRuns: 300 },
  );
});

test('neither number nor status nor the digest itself is part of the digest', () => {
  const one = voucherDigest({ a: 1 }, voucher());
  assert.equal(
    voucherDigest({ a: 1 }, voucher({ status: 'voided', voucher_no: 'other', digest: 'other' })),
    one,
  );
  assert.notEqual(voucherDigest({ a: 1 }, voucher({ amount: '100.01' })), one);
  assert.notEqual(voucherDigest({ a: 2 }, voucher()), one);
});

test('keys and hashes of the consistency protocol are those that Python computes', () => {
  const program = `
import hashlib
k = hashlib.sha256("settlement\\n发票\\nINV-1".encode()).hexdigest()
print(k)
print(hashlib.sha256(f"{k}:3:{'ab' * 32}".encode()).hexdigest()[:16])`;
  const [k, h] = execFileSync('python3', ['-c', program], { encoding: 'utf8' }).trim().split('\n');
  assert.equal(recordKey({ source_system: 'settlement', source_module: '发票', source_id: 'INV-1' }), k);
  assert.equal(recordHash(String(k), 3, 'ab'.repeat(32)), h);
});

test('hashes XOR in any order, and twice the same is nothing', () => {
  assert.equal(xorHashes([]), '0000000000000000');
  assert.equal(xorHashes(['8000000000000001', '0000000000000003']), '8000000000000002');
  assert.equal(xorHashes(['ffffffffffffffff', 'ffffffffffffffff']), '0000000000000000');
});
