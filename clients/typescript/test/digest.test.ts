import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { pythonJson as hubPythonJson } from '../../../src/core/python-json.ts';
import { digestOf, prepareContent } from '../../../src/intake/voucher-content.ts';
import { isObject } from '../src/event.ts';
import { pythonJson, recordHash, recordKey, voucherDigest, xorHashes } from '../src/index.ts';
import { anyJson, seed, voucher } from './support/samples.ts';

/** One real CPython: a line of JSON in, what its `json.dumps(…, sort_keys=True)` gives out. */
class Python {
  readonly #process = spawn(
    'python3',
    [
      '-c',
      'import json, sys\nfor line in sys.stdin.buffer:\n' +
        '    print(json.dumps(json.loads(line.decode("utf-8")), sort_keys=True), flush=True)\n',
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  readonly #lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();

  async dumps(json: string): Promise<string> {
    this.#process.stdin.write(`${json}\n`);
    return String((await this.#lines.next()).value);
  }

  stop(): void {
    this.#process.kill();
  }
}

let python: Python;
before(() => {
  python = new Python();
});
after(() => python.stop());

test('any JSON value is written as Python and as the hub write it', async () => {
  await fc.assert(
    fc.asyncProperty(anyJson, async value => {
      const text = pythonJson(value);
      assert.equal(text, await python.dumps(JSON.stringify(value)));
      assert.equal(text, hubPythonJson(JSON.parse(JSON.stringify(value))));
    }),
    { seed, numRuns: 1_500 },
  );
});

test('what is no JSON is refused', () => {
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) assert.throws(() => pythonJson([bad]), TypeError);
  const holed = {};
  Object.defineProperty(holed, 'gap', { enumerable: true, value: undefined });
  assert.throws(() => pythonJson({ a: holed }), TypeError);
});

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
