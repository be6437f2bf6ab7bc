import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { recordHash, recordKey, xorHashes } from '../../clients/typescript/src/index.ts';
import { createLogger } from '../../src/core/logger.ts';
import { foldNext, readHorizon } from '../../src/db/consistency/fold.ts';
import { Database } from '../../src/db/database.ts';
import { startTestHub, type TestHub } from '../support/hub.ts';
import { propertySeed } from '../support/seed.ts';
import { recordVouchers, voucherInput } from '../support/vouchers.ts';

const seed = propertySeed('folding');

/** Folds in all that there is by now, so many ids of events a step. */
async function foldAll(db: Database, batch: number): Promise<void> {
  const { lastEventId } = await db.transaction(client => readHorizon(client, 1_000));
  const next = () => db.transaction(client => foldNext(client, lastEventId, batch));
  while (await next());
}

/** What a hub of the version before leaves behind: it knows of no bound. */
async function foldAsBefore(db: Database, batch: number): Promise<void> {
  const { rows } = await db.pool.query('select bounded_event_id, voucher_bound from consistency_fold');
  await foldAll(db, batch);
  await db.pool.query('update consistency_fold set bounded_event_id = $1, voucher_bound = $2', [
    rows[0]?.bounded_event_id,
    rows[0]?.voucher_bound,
  ]);
}

/** Count and XOR of h as the vouchers have it, as their records have it, and as the kept sums have it. */
async function counted(db: Database): Promise<string[]> {
  const vouchers = await db.pool.query(
    'select source_system, source_module, source_id, source_version, digest from fin_business_vouchers',
  );
  const hashes = vouchers.rows.map(row => recordHash(recordKey(row), row.source_version, row.digest));
  const sums = await db.pool.query<{ text: string }>(
    `select count(*) || ' ' || lpad(to_hex(coalesce(bit_xor(h), 0)), 16, '0') as text from consistency_records
     union all select coalesce(sum(records), 0) || ' ' || lpad(to_hex(coalesce(bit_xor(digest), 0)), 16, '0') from consistency_leaves`,
  );
  return [`${hashes.length} ${xorHashes(hashes)}`, ...sums.rows.map(({ text }) => text)];
}

const round = fc.record({
  writes: fc.array(fc.record({ hub: fc.nat(1), sourceId: fc.nat(30).map(String), companyId: fc.nat(2) }), {
    maxLength: 8,
  }),
  batch: fc.integer({ min: 1, max: 5 }),
  fold: fc.constantFrom(foldAll, foldAsBefore),
});

test('each voucher is folded in once as it stands, whichever hub gave it its id and whichever folds, in steps of any length', async () => {
  await using first = await startTestHub();
  await using second = await startTestHub({ databaseUrl: first.databaseUrl });
  await using db = await Database.connect({
    url: first.databaseUrl,
    poolSize: 4,
    log: createLogger({ level: 'silent', pretty: false }),
  });
  const hubs: readonly TestHub[] = [first, second];
  let amount = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(round, { minLength: 1, maxLength: 4 }), async rounds => {
      // Each run has records of its own, so that some are new.
      const sourceModule = `run-${(amount += 1)}`;
      for (const { writes, batch, fold } of rounds) {
        for (const { hub, sourceId, companyId } of writes) {
          const over = {
            sourceModule,
            sourceId,
            companyId: String(companyId),
            amount: String((amount += 1)),
          };
          // One after the other: ids of vouchers come from blocks, a hub's own, those of events in this order.
          await recordVouchers(hubs[hub] ?? first, [voucherInput(over)]);
        }
        await fold(db, batch);
        const [vouchers, records, sums] = await counted(db);
        assert.deepEqual([records, sums], [vouchers, vouchers]);
      }
    }),
    { seed, numRuns: 25 },
  );
});
