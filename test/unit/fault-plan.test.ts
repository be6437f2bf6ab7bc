import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { kinds } from '../../faults/kinds.ts';
import { calmAfter, calmBefore, type Fault, planFaults } from '../../faults/plan.ts';
import { sceneOf } from '../../faults/scene.ts';
import { propertySeed } from '../support/seed.ts';

const run = { seed: propertySeed('fault plan'), numRuns: 50 };
const seeds = fc.nat({ max: 1e6 });
const homes = fc.constantFrom('redis' as const, 'postgres' as const);

function placeOf({ kind, target }: Fault): string {
  return `${kinds.find(({ name }) => name === kind)?.place} ${target}`;
}

test('a seed gives the same schedule every time, and another seed another one', () => {
  fc.assert(
    fc.property(seeds, homes, (seed, home) => {
      const scene = sceneOf(seed, home);
      assert.deepEqual(planFaults(seed, 2, scene), planFaults(seed, 2, scene));
      assert.notDeepEqual(planFaults(seed, 2, scene), planFaults(seed + 2, 2, scene));
    }),
    run,
  );
});

test('in two minutes every kind of fault is done, in time, and never two at once to one target', () => {
  fc.assert(
    fc.property(seeds, homes, (seed, home) => {
      const faults = planFaults(seed, 2, sceneOf(seed, home));
      const done = new Set(faults.map(({ kind }) => kind));
      const missing = kinds.filter(
        ({ name, onRedisOnly }) => !done.has(name) && !(home === 'postgres' && onRedisOnly === true),
      );
      assert.deepEqual(missing, []);
      for (const fault of faults) {
        assert.ok(fault.at >= calmBefore && fault.at + fault.lasts <= 120 - calmAfter);
        const others = faults.filter(other => other !== fault && placeOf(other) === placeOf(fault));
        assert.ok(others.every(({ at, lasts }) => at + lasts < fault.at || at > fault.at + fault.lasts));
      }
    }),
    run,
  );
});
