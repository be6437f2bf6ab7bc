import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import fc from 'fast-check';
import { systemClock } from '../../src/core/clock.ts';
import { HubError } from '../../src/core/errors.ts';
import { GroupCommit } from '../../src/intake/group-commit.ts';
import { propertySeed } from '../support/seed.ts';

const seed = propertySeed('group commit');
const bounds = { groupSize: 8, lingerMs: 1, concurrency: 2, queueSize: 1_000 };

/** A promise that the test settles. */
function gate(): { opened: Promise<void>; open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, open: resolve };
}

test('every caller gets its own results, in the order of its items, however calls are grouped', async () => {
  const calls = fc.array(fc.array(fc.nat(), { maxLength: 12 }), { minLength: 1, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(
      calls,
      fc.integer({ min: 1, max: 10 }),
      fc.integer({ min: 1, max: 4 }),
      async (given, groupSize, concurrency) => {
        let underWay = 0;
        const group = new GroupCommit<string, string>(
          async items => {
            underWay += 1;
            assert.ok(underWay <= concurrency, 'more groups at once than allowed');
            await Promise.resolve();
            underWay -= 1;
            return items.map(item => `done ${item}`);
          },
          systemClock,
          { ...bounds, lingerMs: 0, groupSize, concurrency },
        );
        const results = await Promise.all(
          given.map((items, call) => group.add(items.map((item, n) => `${call}/${n}/${item}`))),
        );
        assert.deepEqual(
          results,
          given.map((items, call) => items.map((item, n) => `done ${call}/${n}/${item}`)),
        );
        await group.close();
      },
    ),
    { seed, numRuns: 150 },
  );
});

test('calls are committed in the order in which they came, and a call is never split', async () => {
  const groups: number[][] = [];
  const commit = async (items: readonly number[]) => {
    groups.push([...items]);
    return [...items];
  };
  const group = new GroupCommit<number, number>(commit, systemClock, { ...bounds, concurrency: 1 });
  const calls = [[1, 2, 3], [4, 5, 6], [7, 8, 9], [10], Array.from({ length: 20 }, (_, n) => 11 + n), [31]];
  await Promise.all(calls.map(items => group.add(items)));
  assert.deepEqual(
    groups.flat(),
    Array.from({ length: 31 }, (_, n) => n + 1),
  );
  for (const items of calls)
    assert.ok(
      groups.some(one => items.every(item => one.includes(item))),
      `the call ${items.join()} was split`,
    );
  for (const one of groups)
    assert.ok(
      one.length <= bounds.groupSize || calls.some(items => items.length === one.length),
      `a group of ${one.length}`,
    );
});

test('calls that come while a group is under way commit together after it', async () => {
  const groups: number[][] = [];
  const first = gate();
  const group = new GroupCommit<number, number>(
    async items => {
      groups.push([...items]);
      if (groups.length === 1) await first.opened;
      return [...items];
    },
    systemClock,
    { ...bounds, lingerMs: 0, concurrency: 1 },
  );
  const one = group.add([1]);
  while (groups.length === 0) await pause(1);
  const rest = [2, 3, 4].map(item => group.add([item]));
  first.open();
  assert.deepEqual(await Promise.all([one, ...rest]), [[1], [2], [3], [4]]);
  assert.deepEqual(groups, [[1], [2, 3, 4]]);
});

test('what a commit throws reaches all of its callers and none of another group', async () => {
  const group = new GroupCommit<number, number>(
    async items => {
      if (items.includes(3)) throw new Error('bad group');
      return [...items];
    },
    systemClock,
    { ...bounds, groupSize: 2, concurrency: 1 },
  );
  const settled = await Promise.allSettled([1, 2, 3, 4, 5].map(item => group.add([item])));
  assert.deepEqual(
    settled.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected', 'rejected', 'fulfilled'],
  );
});

test('more than the queue holds is refused with UNAVAILABLE, and room that comes free is used', async () => {
  const hold = gate();
  const group = new GroupCommit<number, number>(
    async items => hold.opened.then(() => [...items]),
    systemClock,
    { groupSize: 1, lingerMs: 0, concurrency: 1, queueSize: 3 },
  );
  const underWay = group.add([0]);
  const waiting = [group.add([1, 2]), group.add([3])];
  await assert.rejects(
    group.add([4]),
    (error: unknown) => error instanceof HubError && error.code === 'UNAVAILABLE',
  );
  hold.open();
  assert.deepEqual(await Promise.all([underWay, ...waiting]), [[0], [1, 2], [3]]);
  assert.deepEqual(await group.add([5]), [5]);
});

test('close takes no more and waits for all that was taken', async () => {
  const hold = gate();
  let committed = 0;
  const group = new GroupCommit<number, number>(
    async items => {
      await hold.opened;
      committed += items.length;
      return [...items];
    },
    systemClock,
    { ...bounds, groupSize: 1, concurrency: 1 },
  );
  const taken = [group.add([1]), group.add([2]), group.add([3])];
  let closed = false;
  const closing = group.close().then(() => {
    closed = true;
    assert.equal(committed, 3);
  });
  await assert.rejects(
    group.add([4]),
    (error: unknown) => error instanceof HubError && error.code === 'SHUTTING_DOWN',
  );
  assert.equal(closed, false);
  hold.open();
  await Promise.all([...taken, closing]);
  await group.close();
});
