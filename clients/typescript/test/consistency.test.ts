import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ConsistencyFilter, HubVoucher } from '../src/index.ts';
import { databases, type TestStore } from './support/databases.ts';
import { event, seed } from './support/samples.ts';

const day = fc.constantFrom('2025-11-30', '2025-12-01', '2025-12-19', '2026-01-01');
const anyVoucher = fc.record({
  source_system: fc.constantFrom('settlement', '结算'),
  source_module: fc.constantFrom('invoice', 'contract'),
  source_id: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 3 }).filter(id => !id.includes('\0')),
  source_version: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  voucher_date: day,
  digest: fc.stringMatching(/^[0-9a-f]{64}$/),
});
const anyFilter = fc.record({ from: fc.option(day), to: fc.option(day) });
const anyPrefixes = fc.array(fc.stringMatching(/^[0-9a-f]{0,3}$/), { minLength: 1, maxLength: 6 });

type Held = Pick<HubVoucher, keyof (typeof anyVoucher extends fc.Arbitrary<infer T> ? T : never)>;

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** The protocol's words, computed one record after the other. */
function naive(
  held: readonly Held[],
  prefix: string,
  { from, to }: ConsistencyFilter,
): { count: number; digest: string; entries: string[] } {
  let [count, digest] = [0, 0n];
  const entries: string[] = [];
  for (const one of held) {
    const k = sha256(`${one.source_system}\n${one.source_module}\n${one.source_id}`);
    if (!k.startsWith(prefix) || one.voucher_date < (from ?? '') || one.voucher_date > (to ?? '9')) continue;
    count += 1;
    digest ^= BigInt(`0x${sha256(`${k}:${one.source_version}:${one.digest}`).slice(0, 16)}`);
    entries.push(k);
  }
  return { count, digest: digest.toString(16).padStart(16, '0'), entries: entries.toSorted() };
}

/** Writes what is held into the inbox's records and into the cache. */
async function fill(store: TestStore, held: readonly Held[]): Promise<void> {
  for (const table of ['hub_inbox', 'hub_records', 'hub_cache']) await store.run(`delete from ${table}`);
  await store.transaction(async tx => {
    for (const [at, one] of held.entries()) await tx.handle(event(at + 1, one), () => {});
  });
  for (const [at, one] of held.entries())
    await store.cache.put({ voucher: event(at, one).voucher, data: {} }, false);
}

for (const [name, open] of Object.entries(databases)) {
  test(`${name}: nodes and entries are what the protocol says, for any records, prefixes and dates`, async () => {
    const store = await open();
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(anyVoucher, {
          maxLength: 25,
          selector: one => JSON.stringify([one.source_system, one.source_module, one.source_id]),
        }),
        anyPrefixes,
        anyFilter,
        async (held, prefixes, filter) => {
          await fill(store, held);
          const [first = ''] = prefixes;
          for (const source of [store.consistency, store.cache]) {
            assert.deepEqual(
              await source.nodes(prefixes, filter),
              prefixes.map(prefix => {
                const { count, digest } = naive(held, prefix, filter);
                return { prefix, count, digest };
              }),
            );
            const entries = await source.entries([first], filter, 1_000);
            assert.deepEqual(
              entries.map(entry =>
                sha256(`${entry.source_system}\n${entry.source_module}\n${entry.source_id}`),
              ),
              naive(held, first, filter).entries,
            );
            for (const entry of entries) {
              const { voucher_date: _date, ...rest } =
                held.find(
                  one =>
                    one.source_system === entry.source_system &&
                    one.source_module === entry.source_module &&
                    one.source_id === entry.source_id,
                ) ?? assert.fail();
              assert.deepEqual(entry, rest);
            }
          }
        },
      ),
      { seed, numRuns: name === 'PostgreSQL' ? 40 : 100 },
    );
  });

  test(`${name}: no more entries are given than asked for`, async () => {
    const store = await open();
    await fill(
      store,
      Array.from({ length: 10 }, (_, id) => event(id, { source_id: String(id) }).voucher),
    );
    const anyDate = { from: null, to: null };
    for (const source of [store.consistency, store.cache]) {
      assert.equal((await source.entries([''], anyDate, 4)).length, 4);
      assert.equal((await source.entries(['0', '1', '2', '3', '4', '5', '6', '7'], anyDate, 2)).length, 2);
    }
  });

  test(`${name}: the sixteen prefixes together are the whole, and a change shows in one of them`, async () => {
    const store = await open();
    const held = Array.from({ length: 200 }, (_, id) => event(id, { source_id: String(id) }).voucher);
    await fill(store, held);
    const sixteen = Array.from('0123456789abcdef');
    const anyDate = { from: null, to: null };
    const before = await store.consistency.nodes(sixteen, anyDate);
    const [whole] = await store.consistency.nodes([''], anyDate);
    assert.equal(
      before.reduce((sum, { count }) => sum + count, 0),
      whole?.count,
    );
    await store.transaction(tx => tx.handle(event(999, { source_id: '7', source_version: 2 }), () => {}));
    const now = await store.consistency.nodes(sixteen, anyDate);
    assert.equal(now.filter((node, at) => node.digest !== before[at]?.digest).length, 1);
    assert.deepEqual(
      now.map(({ count }) => count),
      before.map(({ count }) => count),
    );
  });
}
