import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseShard, shardNameOf, shardNamesOf, shardOf } from '../../src/core/shard-key.ts';
import { propertySeed } from '../support/seed.ts';

const seed = propertySeed('shard keys');
const id = fc.bigInt({ min: 1n, max: 2n ** 62n }).map(String);
const count = fc.integer({ min: 1, max: 16 });

test('the shard of a record is one of those that its subscription has, and its name says which', () => {
  fc.assert(
    fc.property(id, id, count, (subscriptionId, voucherId, shards) => {
      const shard = shardNameOf(subscriptionId, voucherId, shards);
      assert.ok(shardNamesOf(subscriptionId, shards).includes(shard));
      const index = shards === 1 ? null : shardOf(voucherId, shards);
      assert.deepEqual(parseShard(shard), { subscriptionId, index });
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
      (step, first, shards) => {
        const perShard = Array.from({ length: shards }, () => 0);
        for (let n = 0; n < shards * 200; n += 1) {
          const index = shardOf(String(first + n * step), shards);
          perShard[index] = (perShard[index] ?? 0) + 1;
        }
        assert.ok(Math.max(...perShard) <= 300 && Math.min(...perShard) >= 100, `${perShard}`);
      },
    ),
    { seed, numRuns: 200, examples: [[33, 1, 14]] },
  );
});
