import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type Matchable,
  SubscriptionIndex,
  type SubscriptionMatcher,
} from '../../src/intake/subscription-index.ts';
import { propertySeed } from '../support/seed.ts';

const seed = propertySeed('subscription index');

const eventType = fc.constantFrom(
  'invoice_recorded',
  'invoice_updated',
  'invoice',
  'l1_confirmed',
  'l1',
  'i',
  'constructor',
);
const pattern = fc.oneof(
  eventType,
  fc.constantFrom('*', 'invoice_*', 'invoice*', 'l1*', 'i*', 'x*', 'invoice_recorded*'),
);
const system = fc.constantFrom('settlement', 'procurement', '', 'Settlement');
const company = fc.constantFrom('1', '2', '', 'null');
const some = <T>(one: fc.Arbitrary<T>) =>
  fc.option(fc.array(one, { minLength: 1, maxLength: 3 }), { nil: null });
const matcher = fc.record({
  eventTypes: fc.array(pattern, { minLength: 1, maxLength: 3 }),
  sourceSystems: some(system),
  companyIds: some(company),
  mode: fc.constantFrom(null, 'realtime' as const, 'batch' as const),
  batchCron: fc.constant(null),
});
const event = fc.record({ eventType, sourceSystem: system, companyId: fc.option(company, { nil: null }) });

/** What the contract says, asked of each subscription in turn. */
function naive(
  all: readonly SubscriptionMatcher[],
  { eventType: type, sourceSystem, companyId }: Matchable,
): string[] {
  const found: string[] = [];
  for (const one of all) {
    let covered = false;
    for (const given of one.eventTypes) {
      if (given === '*') covered = true;
      else if (given.endsWith('*'))
        covered ||= type.length >= given.length - 1 && type.slice(0, given.length - 1) === given.slice(0, -1);
      else covered ||= given === type;
    }
    if (!covered) continue;
    if (one.sourceSystems !== null && one.sourceSystems.indexOf(sourceSystem) < 0) continue;
    if (one.companyIds !== null && (companyId === null || one.companyIds.indexOf(companyId) < 0)) continue;
    found.push(one.id);
  }
  return found;
}

test('the index finds exactly the subscriptions that asking each would find, in the order of their ids', () => {
  fc.assert(
    fc.property(
      fc.array(matcher, { maxLength: 12 }),
      fc.array(event, { minLength: 1, maxLength: 8 }),
      (matchers, events) => {
        const all = matchers.map((one, n) => ({ ...one, id: String(n + 1), shards: 1 }));
        const index = new SubscriptionIndex(all);
        // Asked twice: the second answer comes from what the first one left in the index.
        for (const one of [...events, ...events]) {
          assert.deepEqual(
            index.match(one).map(({ id }) => id),
            naive(all, one),
          );
        }
      },
    ),
    { seed, numRuns: 2_000 },
  );
});

test('a subscription to some companies gets no event without a company', () => {
  const index = new SubscriptionIndex([
    {
      id: '1',
      eventTypes: ['*'],
      sourceSystems: null,
      companyIds: ['1'],
      mode: null,
      batchCron: null,
      shards: 1,
    },
  ]);
  assert.equal(index.match({ eventType: 'a', sourceSystem: 's', companyId: null }).length, 0);
  assert.equal(index.match({ eventType: 'a', sourceSystem: 's', companyId: '1' }).length, 1);
});
