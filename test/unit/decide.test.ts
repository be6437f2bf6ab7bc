import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { HubError } from '../../src/core/errors.ts';
import type { JsonObject, VoucherStatus } from '../../src/core/model.ts';
import {
  decide,
  type IntakeDecision,
  type KnownVersion,
  type KnownVoucher,
} from '../../src/intake/decide.ts';
import { digestOf, prepareContent } from '../../src/intake/voucher-content.ts';
import type { VoucherInput } from '../../src/intake/voucher-input.ts';
import { propertySeed } from '../support/seed.ts';

const seed = propertySeed('decide');

function input(over: Partial<VoucherInput> = {}): VoucherInput {
  return {
    eventType: 'invoice_recorded',
    sourceSystem: 'settlement',
    sourceModule: 'invoice',
    sourceType: 'sales_invoice',
    sourceId: 'INV-1',
    direction: 'debit',
    amount: '100.00',
    currency: 'CNY',
    businessData: { n: 1 },
    status: 'approved',
    ...over,
  };
}

/** One source record as intake keeps it: what `decide` is asked, and what its answer does to the record. */
class SourceRecord {
  versionBase = 0;
  known: KnownVoucher | undefined;
  readonly versions = new Map<number, KnownVersion>();

  record(given: VoucherInput, today: string): IntakeDecision | 'conflict' {
    const content = prepareContent(given);
    const frame = { today, versionBase: this.versionBase };
    let decision: IntakeDecision;
    try {
      decision = decide(content, this.known, frame, version => this.versions.get(version));
    } catch (error) {
      assert.ok(error instanceof HubError, String(error));
      assert.equal(error.code, 'CONFLICT');
      assert.equal(error.field, 'sourceVersion');
      return 'conflict';
    }
    if (decision.outcome === 'duplicate') return decision;
    const version = { ...decision, status: given.status, eventType: given.eventType };
    this.versions.set(decision.sourceVersion, version);
    if (decision.outcome !== 'stale') this.known = { ...version, id: '1', voucherNo: 'V1' };
    return decision;
  }

  outcome(given: VoucherInput, today = '2025-12-19'): string {
    const decision = this.record(given, today);
    return decision === 'conflict' ? decision : `${decision.outcome} ${decision.sourceVersion}`;
  }
}

test('a record that is new is created: at version 1, at the version given, on the day given or today', () => {
  const made = new SourceRecord().record(input(), '2025-12-19');
  assert.ok(made !== 'conflict');
  assert.deepEqual([made.outcome, made.sourceVersion, made.voucherDate], ['created', 1, '2025-12-19']);
  const later = new SourceRecord().record(
    input({ sourceVersion: 7, voucherDate: '2025-01-31' }),
    '2025-12-19',
  );
  assert.ok(later !== 'conflict');
  assert.deepEqual([later.outcome, later.sourceVersion, later.voucherDate], ['created', 7, '2025-01-31']);
});

test('the same call again is a duplicate, with its version named and with it left out', () => {
  const named = new SourceRecord();
  assert.equal(named.outcome(input({ sourceVersion: 3 })), 'created 3');
  assert.equal(named.outcome(input({ sourceVersion: 3 })), 'duplicate 3');
  const leftOut = new SourceRecord();
  assert.equal(leftOut.outcome(input()), 'created 1');
  assert.equal(leftOut.outcome(input()), 'duplicate 1');
});

test('after a restore, versions that the hub counts begin beyond those that were lost, and are one more again from there', () => {
  const record = new SourceRecord();
  assert.equal(record.outcome(input()), 'created 1');
  record.versionBase = 1_000;
  assert.equal(record.outcome(input()), 'duplicate 1');
  assert.equal(record.outcome(input({ amount: '2.00' })), 'updated 1000');
  assert.equal(record.outcome(input({ amount: '3.00' })), 'updated 1001');
  assert.equal(record.outcome(input({ amount: '4.00', sourceVersion: 1_005 })), 'updated 1005');
  const fresh = new SourceRecord();
  fresh.versionBase = 1_000;
  assert.equal(fresh.outcome(input()), 'created 1000');
});

test('a version left out is one more than the known one where the content differs', () => {
  const record = new SourceRecord();
  assert.equal(record.outcome(input({ sourceVersion: 5 })), 'created 5');
  assert.equal(record.outcome(input({ amount: '100.01' })), 'updated 6');
  assert.equal(record.outcome(input({ amount: '100.00' })), 'updated 7');
});

test('a known version with other content is a conflict, the current one and an older one', () => {
  const record = new SourceRecord();
  record.outcome(input({ sourceVersion: 1 }));
  record.outcome(input({ sourceVersion: 2, amount: '2.00' }));
  assert.equal(record.outcome(input({ sourceVersion: 2, amount: '3.00' })), 'conflict');
  assert.equal(record.outcome(input({ sourceVersion: 1, amount: '3.00' })), 'conflict');
});

test('an older version that was never seen is stale, and seen again a duplicate', () => {
  const record = new SourceRecord();
  record.outcome(input({ sourceVersion: 5 }));
  assert.equal(record.outcome(input({ sourceVersion: 2, amount: '2.00' })), 'stale 2');
  assert.equal(record.outcome(input({ sourceVersion: 2, amount: '2.00' })), 'duplicate 2');
  assert.equal(record.outcome(input({ sourceVersion: 2, amount: '2.01' })), 'conflict');
});

test('status and event type are content: a voucher that is voided is no duplicate', () => {
  const record = new SourceRecord();
  record.outcome(input());
  assert.equal(record.outcome(input({ status: 'voided' })), 'updated 2');
  assert.equal(record.outcome(input({ status: 'voided', eventType: 'invoice_updated' })), 'updated 3');
  assert.equal(
    record.outcome(input({ sourceVersion: 3, status: 'approved', eventType: 'invoice_updated' })),
    'conflict',
  );
});

test('a call without a date, repeated after midnight, is still the same call', () => {
  const record = new SourceRecord();
  assert.equal(record.outcome(input({ sourceVersion: 1 }), '2025-12-19'), 'created 1');
  assert.equal(record.outcome(input({ sourceVersion: 1 }), '2025-12-20'), 'duplicate 1');
  assert.equal(record.outcome(input(), '2025-12-20'), 'duplicate 1');
});

test('a call without a date that is repeated after a newer version came on another day is still the same call', () => {
  const record = new SourceRecord();
  assert.equal(record.outcome(input({ sourceVersion: 1 }), '2025-12-19'), 'created 1');
  assert.equal(record.outcome(input({ sourceVersion: 2, amount: '2.00' }), '2025-12-20'), 'updated 2');
  assert.equal(record.outcome(input({ sourceVersion: 1 }), '2025-12-20'), 'duplicate 1');
});

const data = fc.constantFrom<JsonObject>({ n: 1 }, { n: 2 }, {});
const day = fc.constantFrom('2025-12-18', '2025-12-19', '2025-12-20');
const call = fc.record({
  given: fc.record({
    sourceVersion: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
    voucherDate: fc.option(day, { nil: undefined }),
    amount: fc.constantFrom('1.00', '1.0'),
    businessData: data,
    status: fc.constantFrom<VoucherStatus>('draft', 'approved'),
    eventType: fc.constantFrom('invoice_recorded', 'invoice_updated'),
  }),
  today: day,
});

/** What was recorded, compared field by field and not by digest. */
interface Recorded {
  readonly content: string;
  readonly date: string;
}

test('any sequence of calls comes to what a comparison of all the content says', () => {
  fc.assert(
    fc.property(fc.array(call, { maxLength: 12 }), calls => {
      const record = new SourceRecord();
      const history = new Map<number, Recorded>();
      let current = 0;
      for (const { given, today } of calls) {
        const content = JSON.stringify([given.amount, given.businessData, given.status, given.eventType]);
        const isSame = (known: Recorded | undefined) =>
          known?.content === content && (given.voucherDate === undefined || given.voucherDate === known.date);
        const version = given.sourceVersion ?? (isSame(history.get(current)) ? current : current + 1);
        const known = history.get(version);
        const expected =
          known !== undefined
            ? isSame(known)
              ? 'duplicate'
              : 'conflict'
            : current === 0
              ? 'created'
              : version > current
                ? 'updated'
                : 'stale';
        const decision = record.record(input(given), today);
        assert.equal(decision === 'conflict' ? decision : decision.outcome, expected);
        if (decision === 'conflict') continue;
        assert.equal(decision.sourceVersion, version);
        if (expected !== 'duplicate') history.set(version, { content, date: decision.voucherDate });
        current = Math.max(current, version);
      }
    }),
    { seed, numRuns: 2_000 },
  );
});

test('repeating any sequence of calls, in any order and on any day, records nothing more where versions are named', () => {
  const named = call.map(({ given, today }) => ({
    given: { ...given, sourceVersion: given.sourceVersion ?? 1 },
    today,
  }));
  fc.assert(
    fc.property(fc.array(named, { minLength: 1, maxLength: 8 }), fc.infiniteStream(day), (calls, days) => {
      const record = new SourceRecord();
      const taken = calls.filter(({ given, today }) => record.record(input(given), today) !== 'conflict');
      const before = [...record.versions];
      for (const { given } of taken.reverse()) {
        const again = record.record(input(given), days.next().value ?? '2025-12-19');
        assert.equal(again === 'conflict' ? again : again.outcome, 'duplicate');
      }
      assert.deepEqual([...record.versions], before);
    }),
    { seed, numRuns: 2_000 },
  );
});

test('the digest is the SHA-256 that the contract describes, whatever order the keys came in', () => {
  const content = prepareContent(input({ businessData: { b: '名', a: 1.5 }, companyId: '7' }));
  const text =
    '{"data": {"a": 1.5, "b": "\\u540d"}, "voucher": {"amount": "100.00", "company_id": "7", "counterparty_id": null, ' +
    '"counterparty_name": null, "counterparty_type": null, "currency": "CNY", "direction": "debit", "source_id": "INV-1", ' +
    '"source_module": "invoice", "source_reference_no": null, "source_system": "settlement", "source_type": "sales_invoice", ' +
    '"source_version": 4, "summary": null, "voucher_date": "2025-12-19"}}';
  const expected = createHash('sha256').update(text).digest('hex');
  assert.equal(digestOf(content, 4, '2025-12-19'), expected);
  const turned = prepareContent(input({ companyId: '7', businessData: { a: 1.5, b: '名' } }));
  assert.equal(digestOf(turned, 4, '2025-12-19'), expected);
});

test('the digest tells apart every field that the contract puts into it, and no other', () => {
  const base = digestOf(prepareContent(input()), 1, '2025-12-19');
  const changes: Partial<VoucherInput>[] = [
    { sourceSystem: 'x' },
    { sourceModule: 'x' },
    { sourceType: 'x' },
    { sourceId: 'x' },
    { sourceReferenceNo: 'x' },
    { companyId: 'x' },
    { counterpartyType: 'x' },
    { counterpartyId: 'x' },
    { counterpartyName: 'x' },
    { direction: 'credit' },
    { amount: '100.0' },
    { currency: 'USD' },
    { summary: 'x' },
    { businessData: { n: 2 } },
  ];
  const digests = changes.map(change => digestOf(prepareContent(input(change)), 1, '2025-12-19'));
  digests.push(
    digestOf(prepareContent(input()), 2, '2025-12-19'),
    digestOf(prepareContent(input()), 1, '2025-12-20'),
  );
  assert.equal(new Set([base, ...digests]).size, digests.length + 1);
  const outside = input({ status: 'draft', eventType: 'x', createdBy: 'x', occurredAt: new Date(0) });
  assert.equal(digestOf(prepareContent(outside), 1, '2025-12-19'), base);
});
