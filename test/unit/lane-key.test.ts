import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { laneOf, lanesOf, parseLane, shardOf } from '../../src/core/lane-key.ts';
import { propertySeed } from '../support/seed.ts';

const seed = propertySeed('lane keys');
const id = fc.bigInt({ min: 1n, max: 2n ** 62n }).map(String);
const count = fc.integer({ min: 1, max: 16 });

test('the lane of a record is one of those that its subscription has, and its name says which', () => {
  fc.assert(
    fc.property(id, id, count, (subscriptionId, voucherId, lanes) => {
      const lane = laneOf(subscriptionId, voucherId, lanes);
      assert.ok(lanesOf(subscriptionId, lanes).includes(lane));
      const shard = lanes === 1 ? null : shardOf(voucherId, lanes);
      assert.deepEqual(parseLane(lane), { subscriptionId, shard });
    }),
    { seed },
  );
});

test('records whose ids follow one another in any step are spread evenly', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 64 }),
      fc.integer({ min: 1, max: 2 ** 40 }),
      count,
      (step, first, lanes) => {
        const perShard = Array.from({ length: lanes }, () => 0);
        for (let n = 0; n < lanes * 200; n += 1) {
          const shard = shardOf(String(first + n * step), lanes);
          perShard[shard] = (perShard[shard] ?? 0) + 1;
        }
        assert.ok(Math.max(...perShard) <= 300 && Math.min(...perShard) >= 100, `${perShard}`);
      },
    ),
    { seed, numRuns: 200, examples: [[33, 1, 14]] },
  );
});
