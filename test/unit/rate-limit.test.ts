import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RateLimit } from '../../src/delivery/drain/rate-limit.ts';

const rates = fc.integer({ min: 1, max: 10_000 });
/** Milliseconds between one question and the next. */
const gaps = fc.array(
  fc.oneof(
    fc.constant(0),
    fc.double({ min: 0, max: 50, noNaN: true }),
    fc.double({ min: 0, max: 5_000, noNaN: true }),
  ),
  { minLength: 1, maxLength: 400 },
);

/** The times at which requests went, for a caller that asks at these times. */
function passed(perSecond: number, waits: readonly number[], from = 1_800_000_000_000): number[] {
  const limit = new RateLimit(perSecond);
  const times: number[] = [];
  let now = from;
  for (const wait of waits) {
    now += wait;
    if (limit.take(now) === 0) times.push(now);
  }
  return times;
}

/** How many may go at one moment: 50 ms' worth, at least one. */
const burst = (perSecond: number) => Math.max(1, Math.floor(perSecond * 0.05));

test('over no stretch of time does it let through more than its rate and one burst', () => {
  fc.assert(
    fc.property(rates, gaps, (perSecond, waits) => {
      const times = passed(perSecond, waits);
      for (const [first, from] of times.entries()) {
        for (let last = first; last < times.length; last += 1) {
          const seconds = ((times[last] ?? 0) - from) / 1_000;
          // A thousandth: times around 2·10¹² ms have no more than some 0.0002 ms of precision.
          assert.ok(
            last - first + 1 <= perSecond * (seconds + 0.001) + burst(perSecond),
            `${last - first + 1} in ${seconds} s`,
          );
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('who waits as long as told and asks again always gets through, so the whole rate is used', () => {
  fc.assert(
    fc.property(rates, fc.integer({ min: 1, max: 500 }), (perSecond, count) => {
      const limit = new RateLimit(perSecond);
      const from = 1_800_000_000_000;
      let now = from;
      for (let sent = 0; sent < count; sent += 1) {
        const wait = limit.take(now);
        if (wait === 0) continue;
        assert.ok(wait <= 1_000 / perSecond + 0.001, `told to wait ${wait} ms at ${perSecond} a second`);
        now += Math.max(wait, 0.001);
        assert.equal(limit.take(now), 0, 'asked again too early for itself');
      }
      const tookS = (now - from) / 1_000;
      assert.ok(tookS <= count / perSecond + 0.002, `${count} took ${tookS} s at ${perSecond} a second`);
    }),
    { numRuns: 500 },
  );
});

test('being told to wait uses up nothing', () => {
  fc.assert(
    fc.property(rates, fc.integer({ min: 1, max: 50 }), (perSecond, questions) => {
      const [asked, patient] = [new RateLimit(perSecond), new RateLimit(perSecond)];
      const now = 1_800_000_000_000;
      while (asked.take(now) === 0) patient.take(now);
      for (let n = 0; n < questions; n += 1) asked.take(now);
      assert.equal(asked.take(now), patient.take(now));
    }),
  );
});

test('a long silence saves up no more than one burst', () => {
  fc.assert(
    fc.property(rates, fc.integer({ min: 0, max: 1_000_000 }), (perSecond, silenceMs) => {
      const limit = new RateLimit(perSecond);
      const now = 1_800_000_000_000;
      limit.take(now);
      let gone = 0;
      while (limit.take(now + silenceMs) === 0) gone += 1;
      assert.ok(gone <= burst(perSecond), `${gone} at once`);
    }),
  );
});
