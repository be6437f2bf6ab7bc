import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CheckFailedError, TooManyDifferencesError } from '../../src/consistency/answers.ts';
import { type Candidate, type HubSide, walk } from '../../src/consistency/compare.ts';
import { Conversation } from '../../src/consistency/conversation.ts';
import { splitRange } from '../../src/consistency/hub-side.ts';
import type { Difference } from '../../src/consistency/judge.ts';
import { checkPlan, itemsBySubscription, type PlanItem } from '../../src/consistency/plan.ts';
import { systemClock } from '../../src/core/clock.ts';
import { coversInvoices } from '../../src/jobs/consistency-schedules.ts';
import { channelTo, type Held, HeldRecords, heldRecord, listedBytes } from '../support/held-records.ts';
import { propertySeed } from '../support/seed.ts';

const seed = propertySeed('consistency walk');
const anyDate = { from: null, to: null };

/** The hub's side, from memory. */
function sideOf(held: HeldRecords): HubSide {
  return {
    nodes: async prefixes => new Map(prefixes.map(prefix => [prefix, held.node(prefix)])),
    vouchers: async prefixes =>
      prefixes.flatMap(prefix => held.under(prefix).map(record => ({ ...record, voucherId: '1' }))),
  };
}

function conversationWith(held: () => HeldRecords): Conversation {
  return new Conversation(channelTo(held), { clock: systemClock, signal: new AbortController().signal });
}

/** What differs between two lists, the slow and obvious way: what stands on each side, by key. */
function differencesOf(hub: Map<string, Held>, consumer: Map<string, Held>): Set<string> {
  const keys = new Set([...hub.keys(), ...consumer.keys()]);
  return new Set([...keys].filter(key => hub.get(key)?.hash !== consumer.get(key)?.hash));
}

function byKey(records: readonly Held[]): Map<string, Held> {
  return new Map(records.map(record => [record.key, record]));
}

const base = Array.from({ length: 3_000 }, (_, n) => heldRecord(`R${n}`, 1 + (n % 3)));

test('a walk finds what differs and nothing else, whatever and however much it is', async () => {
  const change = fc.record({
    n: fc.nat(base.length - 1),
    how: fc.constantFrom('gone', 'older', 'newer', 'other', 'invented'),
  });
  const some = fc.array(change, { maxLength: 60 });
  const nearlyAll = fc.constantFrom('gone', 'other').map(how => base.slice(7).map((_, n) => ({ n, how })));
  await fc.assert(
    fc.asyncProperty(
      fc.oneof({ weight: 5, arbitrary: some }, { weight: 1, arbitrary: nearlyAll }),
      async changes => {
        const consumer = byKey(base);
        for (const { n, how } of changes) {
          const record = base[n] ?? assert.fail();
          const { sourceId, sourceVersion } = record;
          if (how === 'gone') consumer.delete(record.key);
          if (how === 'older') consumer.set(record.key, heldRecord(sourceId, sourceVersion - 1));
          if (how === 'newer') consumer.set(record.key, heldRecord(sourceId, sourceVersion + 1));
          if (how === 'other') consumer.set(record.key, heldRecord(sourceId, sourceVersion, 'other'));
          const invented = heldRecord(`invented ${n}`, 1);
          if (how === 'invented') consumer.set(invented.key, invented);
        }
        const held = new HeldRecords(consumer.values());
        const found = await walk(
          sideOf(new HeldRecords(base)),
          conversationWith(() => held),
          anyDate,
        );
        assert.equal(found.checked, base.length);
        assert.deepEqual(
          new Set(found.candidates.map(({ key }: Candidate) => key)),
          differencesOf(byKey(base), consumer),
        );
        assert.equal(new Set(found.candidates.map(({ key }) => key)).size, found.candidates.length);
      },
    ),
    { seed, numRuns: 40 },
  );
});

test('seven differences among 100,000 cost less than a hundredth of listing all, and none cost one question', async () => {
  const all = Array.from({ length: 100_000 }, (_, n) => heldRecord(`R${n}`, 1));
  const consumer = byKey(all);
  for (const n of [3, 14_159, 26_535, 50_000, 77_777, 89_793, 99_999]) consumer.delete(all[n]?.key ?? '');
  const hub = new HeldRecords(all);
  const damaged = new HeldRecords(consumer.values());
  const conversation = conversationWith(() => damaged);
  assert.equal((await walk(sideOf(hub), conversation, anyDate)).candidates.length, 7);
  const share = conversation.bytes / listedBytes(hub);
  console.log(
    `${conversation.bytes} bytes in ${conversation.requests} requests: ${(share * 100).toFixed(3)} %`,
  );
  assert.ok(share < 0.01);
  const clean = conversationWith(() => hub);
  await walk(sideOf(hub), clean, anyDate);
  assert.equal(clean.requests, 1);
});

test('a consumer whose records change while it is asked is asked again, and only if it never agrees with itself refused', async () => {
  const consumer = base.slice(0, -1);
  let asked = 0;
  const flickering = () => {
    asked += 1;
    return new HeldRecords(asked % 97 === 0 ? base.slice(0, -2) : consumer);
  };
  const found = await walk(sideOf(new HeldRecords(base)), conversationWith(flickering), anyDate);
  assert.ok(found.candidates.some(({ key }) => key === base.at(-1)?.key));
  const held = new HeldRecords(consumer);
  const liar = {
    nodes: async (prefixes: readonly string[]) =>
      new Map(prefixes.map(prefix => [prefix, { ...held.node(prefix), digest: 'f'.repeat(16) }])),
    entries: async (prefixes: readonly string[]) => prefixes.flatMap(prefix => [...held.under(prefix)]),
  };
  await assert.rejects(
    walk(sideOf(new HeldRecords(base)), liar, anyDate),
    (error: unknown) => error instanceof CheckFailedError && /out of step/.test(error.message),
  );
});

test('a resync is advised for what it mends only: never for records that only the consumer has', () => {
  assert.match(new TooManyDifferencesError(9, 0).message, /A resync sends everything once more/);
  assert.match(new TooManyDifferencesError(9, 4).message, /4 of those .* A resync sends the others/);
  assert.doesNotMatch(new TooManyDifferencesError(9, 9).message, /resync/);
});

test('a check has bounds: questions, bytes and time', async () => {
  const nobody = new HeldRecords(Array.from({ length: 12_000 }, (_, n) => heldRecord(`R${n}`, 2)));
  const hub = new HeldRecords(Array.from({ length: 12_000 }, (_, n) => heldRecord(`R${n}`, 1)));
  const bounds = { requests: 1_000, bytes: 1_000_000, ms: 60_000 };
  for (const [message, over] of [
    [/after 5 questions/, { requests: 5 }],
    [/after 100000 bytes/, { bytes: 100_000 }],
    [/after 0 s/, { ms: 0 }],
  ] as const) {
    const conversation = new Conversation(
      channelTo(() => nobody),
      {
        clock: systemClock,
        signal: new AbortController().signal,
        bounds: { ...bounds, ...over },
      },
    );
    await assert.rejects(walk(sideOf(hub), conversation, anyDate), message);
  }
});

test('a range of days is its whole months and the days around them, each day once', () => {
  const day = fc
    .integer({ min: Date.UTC(2023, 10, 1), max: Date.UTC(2025, 3, 30) })
    .map(ms => new Date(ms).toISOString().slice(0, 10));
  fc.assert(
    fc.property(day, day, day, (from, to, probe) => {
      const { months, days } = splitRange({ from, to });
      const first = `${probe.slice(0, 7)}-01`;
      const inMonths = months !== null && first >= (months.from ?? '') && first <= (months.to ?? '9');
      const times = days.filter(some => some.from <= probe && probe <= some.to).length + Number(inMonths);
      assert.equal(times, from <= probe && probe <= to ? 1 : 0);
    }),
    { seed, numRuns: 3_000 },
  );
  assert.deepEqual(splitRange({ from: null, to: null }), { months: { from: null, to: null }, days: [] });
  assert.deepEqual(splitRange({ from: '2025-12-15', to: null }), {
    months: { from: '2026-01-01', to: null },
    days: [{ from: '2025-12-15', to: '2025-12-31' }],
  });
  const [first, last] = ['0001-01-01', '9999-12-31'];
  for (const [range, days] of [
    [{ from: last, to: last }, [{ from: last, to: last }]],
    [{ from: '9999-12-15', to: null }, [{ from: '9999-12-15', to: last }]],
    [{ from: null, to: '0001-01-15' }, [{ from: first, to: '0001-01-15' }]],
    [{ from: last, to: '2025-12-31' }, []],
  ] as const)
    assert.deepEqual(splitRange(range), { months: null, days });
  assert.deepEqual(splitRange({ from: '9999-12-01', to: last }), {
    months: { from: '9999-12-01', to: '9999-12-01' },
    days: [],
  });
});

test('a cache of invoices is what covers an event type that begins with invoice_', () => {
  const covering = [['*'], ['inv*'], ['invoice_*'], ['invoice_paid*'], ['l1_confirmed', 'invoice_updated']];
  for (const eventTypes of covering) assert.ok(coversInvoices({ eventTypes }), String(eventTypes));
  for (const eventTypes of [['l1_*'], ['invoices'], ['inventory_*']])
    assert.ok(!coversInvoices({ eventTypes }), String(eventTypes));
});

test('a plan is what it was, or it is refused with what moved: the hub, the consumer, or nothing left to mend', () => {
  const item: PlanItem = {
    subscriptionId: '1',
    kind: 'stale',
    sourceSystem: 'settlement',
    sourceModule: 'invoice',
    sourceId: 'INV-1',
    expectedVersion: 2,
    expectedDigest: 'b',
    actualVersion: 1,
    actualDigest: 'a',
  };
  const now = (over: Partial<PlanItem>) => ({ differences: [{ ...item, voucherId: '7', ...over }] });
  assert.equal(checkPlan([item], now({})).differences.length, 1);
  const twice = [item, { ...item, subscriptionId: '2' }, { ...item, kind: 'missing' as const }];
  assert.throws(() => itemsBySubscription(twice), /item 3 is the record of item 1 once more/);
  assert.equal(itemsBySubscription(twice.slice(0, 2)).length, 2);
  const moved: [RegExp, { differences: Difference[] }][] = [
    [
      /1 of its 1 items.*settlement\/invoice\/INV-1 \(the hub has version 3 now, the plan says 2\)/,
      now({ expectedVersion: 3 }),
    ],
    [/version 2 of the hub has another digest than the plan says/, now({ expectedDigest: 'c' })],
    [/version 1 of the consumer has another digest than the plan says/, now({ actualDigest: 'c' })],
    [/it is DIVERGENT, the plan says STALE/, now({ kind: 'divergent' })],
    [/the consumer has version none now, the plan says 1/, now({ kind: 'missing', actualVersion: null })],
    [/it differs no more, or is on its way/, { differences: [] }],
  ];
  for (const [message, found] of moved) assert.throws(() => checkPlan([item], found), message);
});
