import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Clock } from '../../src/core/clock.ts';
import { systemClock } from '../../src/core/clock.ts';
import { HubError } from '../../src/core/errors.ts';
import { percentile, secondsOfBucket } from '../../src/core/latency.ts';
import { limits } from '../../src/core/limits.ts';
import { MetricWatches } from '../../src/monitoring/metrics/metric-watches.ts';
import { windowOf } from '../../src/monitoring/metrics/metrics.ts';
import { propertySeed } from '../support/seed.ts';

const seed = propertySeed('metrics');

/** The bucket of a latency, as SQL reckons it. */
const bucketOf = (seconds: number) => Math.ceil(Math.log(Math.max(seconds, 0.001) / 0.001) / Math.log(1.1));

test('percentiles from buckets are within 5 % of those of the latencies themselves, from a millisecond to a year', () => {
  const latency = fc
    .tuple(fc.integer({ min: 0, max: 10 }), fc.integer({ min: 1_000, max: 9_999 }))
    .map(([power, digits]) => 0.001 * (digits / 1_000) * 10 ** power);
  const property = fc.property(
    fc.array(latency, { minLength: 1, maxLength: 300 }),
    fc.constantFrom(0.5, 0.95, 0.99),
    (latencies, share) => {
      const counts = new Map<number, number>();
      for (const seconds of latencies)
        counts.set(bucketOf(seconds), (counts.get(bucketOf(seconds)) ?? 0) + 1);
      const sorted = latencies.toSorted((a, b) => a - b);
      const exact = sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN;
      const found = percentile(counts, share) ?? Number.NaN;
      assert.ok(Math.abs(found - exact) <= exact * 0.05, `${found} for ${exact}`);
    },
  );
  fc.assert(property, { seed });
  assert.equal(percentile(new Map(), 0.5), null);
  assert.equal(secondsOfBucket(0), 0.001);
});

test('a window of any length has at most some 120 points, and one beyond a year or below a minute is refused', () => {
  for (let minutes = 1; minutes <= limits.metricWindow; minutes += minutes < 2_000 ? 1 : 97) {
    const { stepMinutes, startsAt } = windowOf(minutes, 'Asia/Shanghai');
    assert.ok(Math.ceil(minutes / stepMinutes) <= limits.metricPoints);
    // Cells by the minute are not kept for longer windows.
    if (startsAt === 'minute') assert.ok((minutes + 60) * 60_000 < limits.minutesKeptMs);
    else assert.ok(stepMinutes >= 60);
  }
  for (const minutes of [0, -1, limits.metricWindow + 1])
    assert.throws(() => windowOf(minutes, 'UTC'), HubError);
});

/** A clock whose periods pass when the test says so. */
class TurnClock implements Clock {
  readonly now = systemClock.now;
  readonly steady = systemClock.steady;
  readonly sleep = systemClock.sleep;
  readonly after = systemClock.after;
  readonly turns = new Set<() => void>();

  every(_periodMs: number, fn: () => void): () => void {
    this.turns.add(fn);
    return () => this.turns.delete(fn);
  }

  pass(): void {
    for (const turn of this.turns) turn();
  }
}

test('those who watch the same share one computation, which ends with the last of them', async () => {
  const clock = new TurnClock();
  const watches = new MetricWatches<number>(clock);
  let computed = 0;
  const compute = async () => ++computed;
  const first = watches.watch('all', 1_000, compute);
  const second = watches.watch('all', 1_000, compute);
  assert.deepEqual([(await first.next()).value, (await second.next()).value], [1, 1]);
  clock.pass();
  assert.equal((await first.next()).value, 2);
  clock.pass();
  await first.next();
  assert.equal((await second.next()).value, 3, 'who reads slowly gets the newest alone');
  const third = watches.watch('all', 1_000, compute);
  assert.equal((await third.next()).value, 3, 'who comes later waits for no turn');
  const waiting = first.next();
  for (const watcher of [first, second, third]) await watcher.return?.();
  assert.equal((await waiting).done, true);
  assert.equal(clock.turns.size, 0);
  assert.equal(computed, 3);
});

test('a computation that fails ends its watchers with the error, and no more different ones than the limit are watched', async () => {
  const clock = new TurnClock();
  const watches = new MetricWatches<number>(clock);
  const broken = watches.watch('broken', 1_000, () => Promise.reject(new Error('away')));
  await assert.rejects(broken.next(), /away/);
  assert.equal(clock.turns.size, 0);
  for (let n = 0; n < limits.metricWatches; n += 1) watches.watch(String(n), 1_000, async () => n);
  assert.throws(() => watches.watch('one more', 1_000, async () => 0), HubError);
  watches.watch('0', 1_000, async () => 0);
});
