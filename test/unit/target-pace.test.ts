import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { limits } from '../../src/core/limits.ts';
import { AwayWatch } from '../../src/delivery/drain/away-watch.ts';
import { type PacedRequest, TargetPace } from '../../src/delivery/drain/target-pace.ts';

/** What a target says to a request at an instant. */
type Target = (now: number) => { taken: boolean; askedMs: number | null };

/** Runs a shard of many events against a target on simulated time; each request takes 5 ms, `window` go at once. */
function run(target: Target, { events = 300, window = 32, forMs = 3_600_000 } = {}) {
  const pace = new TargetPace();
  const underWay: { request: PacedRequest; answerAt: number; answer: ReturnType<Target> }[] = [];
  let waiting = events;
  let refused = 0;
  let now = 1_000;
  while (waiting + underWay.length > 0 && now < forMs) {
    while (waiting > 0 && underWay.length < window && pace.waitMs(now) === 0) {
      waiting -= 1;
      underWay.push({ request: pace.begin(now), answerAt: now + 5, answer: target(now) });
    }
    const answerAt = underWay[0]?.answerAt ?? Number.POSITIVE_INFINITY;
    now = Math.max(now + 0.01, waiting === 0 ? answerAt : Math.min(answerAt, now + pace.waitMs(now)));
    while ((underWay[0]?.answerAt ?? Number.POSITIVE_INFINITY) <= now) {
      const done = underWay.shift();
      if (done === undefined) break;
      if (done.answer.taken) {
        pace.tookSome();
        pace.took(done.request);
      } else {
        refused += 1;
        waiting += 1;
        pace.hold(now, done.request, done.answer.askedMs);
      }
    }
  }
  return { seconds: now / 1_000, refused, left: waiting + underWay.length };
}

/** Takes so many in each window, which begins with the first request after the last one. */
function fixedWindow(count: number, windowMs: number, asked: (leftMs: number) => number | null): Target {
  let from = Number.NEGATIVE_INFINITY;
  let taken = 0;
  return now => {
    if (now - from >= windowMs) [from, taken] = [now, 0];
    taken += 1;
    return { taken: taken <= count, askedMs: asked(from + windowMs - now) };
  };
}

/** A token bucket. */
function bucket(perSecond: number, size: number, asked: number | null): Target {
  let tokens = size;
  let at = 0;
  return now => {
    tokens = Math.min(size, tokens + ((now - at) * perSecond) / 1_000);
    at = now;
    if (tokens < 1) return { taken: false, askedMs: asked };
    tokens -= 1;
    return { taken: true, askedMs: null };
  };
}

test('a pace is found that a target takes: all gets through, in at most twice the time, and few requests are refused', () => {
  const targets: [string, Target, number][] = [
    ['20 in 2 s, a date of 2 s', fixedWindow(20, 2_000, () => 2_000), 30],
    ['20 in 2 s, an exact date', fixedWindow(20, 2_000, left => left), 30],
    ['20 in 2 s, no date', fixedWindow(20, 2_000, () => null), 30],
    ['100 in 10 s, an exact date', fixedWindow(100, 10_000, left => left), 30],
    ['50 a second, a date of 1 s', bucket(50, 50, 1_000), 6],
    ['10 a second with room for 10, no date', bucket(10, 10, null), 30],
    ['1 a second, a date of 1 s', bucket(1, 1, 1_000), 300],
  ];
  for (const [name, target, bestSeconds] of targets) {
    const { seconds, refused, left } = run(target);
    assert.equal(left, 0, name);
    assert.ok(seconds <= bestSeconds * 2 + 15, `${name}: ${seconds} s`);
    assert.ok(refused <= 100, `${name}: ${refused} refused`);
  }
});

test('a target that was slow for a while is back at full speed within minutes', () => {
  const target: Target = now =>
    now < 60_000
      ? { taken: Math.floor(now / 5) % 100 === 0, askedMs: 1_000 }
      : { taken: true, askedMs: null };
  const { seconds, left } = run(target, { events: 20_000 });
  assert.equal(left, 0);
  assert.ok(seconds < 420, `${seconds} s`);
});

test('a target that always asks for a pause gets one request a pause, ever more rarely where it names no date or none that is worth one', () => {
  const askedFor = (asked: number | null, ms: number) =>
    run(() => ({ taken: false, askedMs: asked }), { window: 1, forMs: ms }).refused;
  assert.ok(askedFor(600_000, 3_600_000) <= 7);
  assert.ok(askedFor(2_000, 600_000) <= 300);
  assert.ok(askedFor(null, 3_600_000) <= 70);
  assert.ok(askedFor(0, 3_600_000) <= 75);
});

test('a hold is never shorter than what was asked for, nor longer than a minute beyond it', () => {
  const asks = fc.array(fc.option(fc.integer({ min: 0, max: limits.retryAfterMs }), { nil: null }), {
    minLength: 1,
    maxLength: 30,
  });
  fc.assert(
    fc.property(asks, all => {
      const pace = new TargetPace();
      let now = 0;
      for (const asked of all) {
        const request = pace.begin(now);
        pace.hold(now, request, asked);
        const waitMs = pace.waitMs(now);
        assert.ok(waitMs >= Math.max(asked ?? 0, limits.holdLeastMs), `${waitMs}`);
        assert.ok(waitMs <= Math.max(asked ?? 0, limits.holdMaxMs), `${waitMs}`);
        now += waitMs;
      }
    }),
  );
});

test('after a hold one request is tried, whatever window and answers; while it is under way no other begins', () => {
  const pace = new TargetPace();
  const [first, second] = [pace.begin(0), pace.begin(0)];
  pace.tookSome();
  pace.took(first);
  pace.hold(1, second, 1_000);
  assert.equal(pace.waitMs(500), 501);
  const trial = pace.begin(1_001);
  assert.equal(trial.isTrial, true);
  assert.equal(pace.waitMs(1_001), Number.POSITIVE_INFINITY);
  // It came to nothing: another one is tried.
  pace.cameToNothing(trial);
  assert.equal(pace.waitMs(1_002), 0);
  const again = pace.begin(1_002);
  pace.took(again);
  assert.ok(pace.waitMs(1_003) < Number.POSITIVE_INFINITY);
  assert.equal(pace.begin(60_000).isTrial, false);
});

test('what was under way when a hold began tells whether others got through before it', () => {
  const pace = new TargetPace();
  const requests = [pace.begin(0), pace.begin(0), pace.begin(0)] as const;
  pace.tookSome();
  pace.took(requests[0]);
  assert.equal(pace.gotThrough(requests[1]), true);
  pace.hold(1, requests[1], 1_000);
  assert.equal(pace.gotThrough(requests[2]), true);
  const trial = pace.begin(2_000);
  assert.equal(pace.gotThrough(trial), false);
});

test('a hold of another process is kept to, one of its own is not taken for another, and one that was cleared is over', () => {
  const pace = new TargetPace();
  pace.adopt(0, { sinceMs: -5_000, perSecond: 4, mark: 'a' });
  assert.equal(pace.waitMs(0), 5_000);
  pace.took(pace.begin(5_000));
  assert.equal(pace.rateAt(5_000), 4);
  pace.adopt(5_001, { sinceMs: 1, perSecond: 4, mark: 'a' });
  const request = pace.begin(6_000);
  pace.hold(6_001, request, 3_000);
  pace.adopt(6_010, { sinceMs: -2_995, perSecond: 1, mark: 'b' });
  assert.notEqual(pace.rateAt(9_001), 1);
  pace.adopt(6_500, { sinceMs: null, perSecond: null, mark: null });
  assert.deepEqual([pace.waitMs(6_500), pace.rateAt(6_500)], [0, null]);
});

test('a target is away once many different events in a row come to 5xx, and never for one of them', () => {
  const watch = new AwayWatch();
  for (let n = 0; n < 1_000; n += 1) assert.equal(watch.note('poison', true), false);
  for (let n = 0; n < limits.awayEvents - 2; n += 1) assert.equal(watch.note(`${n}`, true), false);
  assert.equal(watch.note('last', true), true);
  // A success in between begins the count anew, and a target that answers every other event is not away.
  for (let n = 0; n < 1_000; n += 1) assert.equal(watch.note(`${n}`, n % 2 === 0), false);
});
