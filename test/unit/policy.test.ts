import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { limits } from '../../src/core/limits.ts';
import type { RetryPolicy, Verdict } from '../../src/core/model.ts';
import {
  decide,
  isExcused,
  type PolicyDecision,
  type PolicyInput,
  retryDelayMs,
  signOf,
} from '../../src/delivery/outcome/policy.ts';
import { parseRetryAfter, verdictOfStatus } from '../../src/delivery/webhook/classify.ts';

const connection: Verdict[] = ['connect', 'response'];
const retriable: Verdict[] = ['busy', 'answer', ...connection];
const every: Verdict[] = ['accepted', 'data', 'gone', 'forbidden', 'unshaped', ...retriable];
/** Of a verdict `busy`, and of `answer`. */
const statuses: Partial<Record<Verdict, readonly number[]>> = {
  busy: [408, 425, 429, 500, 502, 503, 504, 599],
  answer: [302, 401, 403, 404, 409],
};

const policies: fc.Arbitrary<RetryPolicy> = fc.record({
  maxRetries: fc.integer({ min: 0, max: limits.maxRetries }),
  baseDelayMs: fc.integer({ min: 1, max: limits.delayMaxMs }),
  maxDelayMs: fc.integer({ min: 1, max: limits.delayMaxMs }),
  jitter: fc.double({ min: 0, max: 1, noNaN: true }),
});
/** As `Math.random` gives it: below 1. */
const chances = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const askedFor = fc.option(fc.integer({ min: 0, max: limits.retryAfterMs }), { nil: null });
const situations: fc.Arbitrary<PolicyInput> = policies.chain(retry =>
  fc.record({
    retry: fc.constant(retry),
    retryCount: fc.integer({ min: 0, max: retry.maxRetries }),
    probing: fc.boolean(),
    excused: fc.constant(false),
    succeededSince: fc.boolean(),
    closedSockets: fc.nat({ max: 9 }),
  }),
);

interface Case {
  verdict: Verdict;
  statusCode: number | null;
  retryAfterMs: number | null;
  input: PolicyInput;
  chance: number;
}

/** Checks a property of the decision over cases with these verdicts; fast-check prints the seed of a failure. */
function always(
  verdicts: Verdict[],
  holds: (decision: PolicyDecision, given: Case) => void,
  more: (given: Case) => boolean = () => true,
): void {
  const cases = fc
    .constantFrom(...verdicts)
    .chain(verdict =>
      fc.record({
        verdict: fc.constant(verdict),
        statusCode: fc.constantFrom(...(statuses[verdict] ?? [null])),
        retryAfterMs: askedFor,
        input: situations,
        chance: chances,
      }),
    )
    .filter(more);
  fc.assert(
    fc.property(cases, given =>
      holds(
        decide(given, given.input, () => given.chance),
        given,
      ),
    ),
    { numRuns: 2_000 },
  );
}

test('what is accepted is a success, whatever came before', () => {
  always(['accepted'], decision => assert.deepEqual(decision, { next: 'success' }));
});

test('data that does not fit or can not be shaped and a forbidden target fail at once, need a person, and leave the subscription alone', () => {
  always(['data', 'forbidden', 'unshaped'], (decision, { input }) =>
    assert.deepEqual(decision, {
      next: 'fail',
      retryCount: input.retryCount,
      byConnection: false,
      subscription: 'keep',
      severity: 'critical',
    }),
  );
});

test('a target that wants no more fails at once and pauses the subscription', () => {
  always(['gone'], (decision, { input }) =>
    assert.deepEqual(decision, {
      next: 'fail',
      retryCount: input.retryCount,
      byConnection: false,
      subscription: 'pause',
      severity: 'critical',
    }),
  );
});

test('everything else is tried again while there are retries, each of which uses up one', () => {
  always(
    retriable,
    (decision, { input }) => {
      assert.equal(decision.next, 'retry');
      assert.equal(decision.next === 'retry' && decision.retryCount, input.retryCount + 1);
    },
    ({ input }) => !input.probing && input.retryCount < input.retry.maxRetries,
  );
});

test('with its retries used up a sync fails, and by the connection only where that failed', () => {
  always(
    retriable,
    (decision, { verdict, input }) => {
      assert.equal(decision.next, 'fail');
      if (decision.next !== 'fail') return;
      assert.equal(decision.byConnection, connection.includes(verdict));
      assert.equal(decision.retryCount, input.retryCount);
      assert.equal(decision.severity, 'warning');
    },
    ({ input }) => !input.probing && input.retryCount === input.retry.maxRetries,
  );
});

test('only the connection suspends a subscription; an answer that never came does not where others succeeded meanwhile', () => {
  always(every, (decision, { verdict, input }) => {
    const suspends = decision.next === 'fail' && decision.subscription === 'suspend';
    if (!connection.includes(verdict)) assert.equal(suspends, false);
    else if (decision.next === 'fail') assert.equal(suspends, verdict === 'connect' || !input.succeededSince);
  });
});

test('a probe that finds the target away or busy uses up no retry and never fails its sync', () => {
  always(
    ['busy', ...connection],
    (decision, { input }) => {
      assert.equal(decision.next, 'retry');
      assert.equal(decision.next === 'retry' && decision.retryCount, input.retryCount);
    },
    ({ input }) => input.probing,
  );
});

test('a probe that is answered is judged as any attempt', () => {
  always(
    ['accepted', 'data', 'forbidden', 'unshaped', 'gone', 'answer'],
    (decision, { verdict, statusCode, retryAfterMs, input, chance }) => {
      for (const probing of [true, false]) {
        assert.deepEqual(
          decide({ verdict, statusCode, retryAfterMs }, { ...input, probing }, () => chance),
          decision,
        );
      }
    },
  );
});

test('an attempt that the target asked to pause uses up no retry while others get through, ten times at most, or while it names dates', () => {
  const pause = (retryAfterMs: number | null) =>
    ({ verdict: 'busy', statusCode: 429, retryAfterMs }) as const;
  const excused = (retryAfterMs: number | null, gotThrough: boolean, pauses: number) =>
    isExcused(pause(retryAfterMs), { gotThrough, pauses });
  assert.deepEqual([excused(null, true, 0), excused(null, false, 0)], [true, false]);
  assert.deepEqual([excused(1_000, true, 0), excused(1_000, false, 500)], [true, true]);
  for (const retryAfterMs of [null, 1_000])
    assert.equal(excused(retryAfterMs, true, limits.freePauses), false);
  always(retriable, ({ next, ...decision }, given) => {
    if (signOf(given) === 'throttling') return;
    assert.equal(isExcused(given, { gotThrough: true, pauses: 0 }), false);
    assert.ok(next !== 'success', JSON.stringify(decision));
  });
});

test('what is excused is tried again with its retries as they were, even the last one', () => {
  always(retriable, (_decision, { verdict, statusCode, retryAfterMs, input, chance }) => {
    const excused = { ...input, excused: true };
    const decision = decide({ verdict, statusCode, retryAfterMs }, excused, () => chance);
    assert.equal(decision.next === 'retry' && decision.retryCount, input.retryCount);
  });
});

test('a target is away without an answer and with 408, 425 and 5xx, asks for a pause with 429 or a dated 503, and else is there', () => {
  const sign = (statusCode: number, retryAfterMs: number | null, item: { ofItem?: true } = {}) =>
    signOf({ verdict: verdictOfStatus(statusCode), statusCode, retryAfterMs, ...item });
  for (const verdict of connection)
    assert.equal(signOf({ verdict, statusCode: null, retryAfterMs: null }), 'away');
  for (const status of [408, 425, 500, 502, 503, 504]) assert.equal(sign(status, null), 'away');
  for (const status of [429, 503]) assert.equal(sign(status, 0), 'throttling');
  assert.deepEqual([sign(429, null), sign(500, 2_000)], ['throttling', 'away']);
  for (const status of [200, 302, 400, 401, 404, 410, 422]) assert.equal(sign(status, 1_000), 'there');
  // An item is refused in a 2xx.
  assert.deepEqual(
    [500, 503, 429].map(status => sign(status, 1_000, { ofItem: true })),
    ['there', 'there', 'throttling'],
  );
  assert.equal(signOf({ verdict: 'answer', statusCode: null, retryAfterMs: null }), 'nothing');
});

test("Retry-After never shortens an event's delay, and lengthens it to what was asked for, unless it is the subscription that waits", () => {
  always(retriable, (decision, given) => {
    const { retryAfterMs, input, chance } = given;
    if (decision.next !== 'retry') return;
    const own = retryDelayMs(input.retry, input.retryCount, () => chance);
    const isTargets = input.probing && signOf(given) !== 'there';
    assert.equal(decision.delayMs, isTargets ? own : Math.max(own, retryAfterMs ?? 0));
  });
});

test('no Retry-After asks for more than ten minutes or less than nothing', () => {
  const now = Date.UTC(2026, 10, 28);
  const headers = fc.oneof(
    fc.string(),
    fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }).map(String),
    fc.date({ noInvalidDate: true }).map(date => date.toUTCString()),
    fc.array(fc.string()),
    fc.constant(undefined),
  );
  fc.assert(
    fc.property(headers, header => {
      const ms = parseRetryAfter(header, now);
      assert.ok(ms === null || (ms >= 0 && ms <= 600_000), `${ms}`);
    }),
    { numRuns: 5_000 },
  );
});

test('the delay lies between the doubled base, cut at its maximum, and that with the jitter', () => {
  fc.assert(
    fc.property(policies, fc.integer({ min: 0, max: 100 }), chances, (retry, used, chance) => {
      const bare = Math.min(retry.baseDelayMs * 2 ** used, retry.maxDelayMs);
      const delay = retryDelayMs(retry, used, () => chance);
      assert.ok(delay >= bare, `${delay} < ${bare}`);
      assert.ok(delay <= bare * (1 + retry.jitter) * (1 + Number.EPSILON), `${delay}`);
      assert.ok(Number.isFinite(delay));
    }),
    { numRuns: 5_000 },
  );
});

test('delays never shrink from one retry to the next but by their jitter', () => {
  fc.assert(
    fc.property(policies, fc.integer({ min: 0, max: 99 }), (retry, used) => {
      const none = () => 0;
      assert.ok(retryDelayMs(retry, used + 1, none) >= retryDelayMs(retry, used, none));
    }),
  );
});

test('by default the delays are 1 s, 2 s, 4 s, with up to a tenth on top', () => {
  const retry = { maxRetries: 3, baseDelayMs: 1_000, maxDelayMs: 600_000, jitter: 0.1 };
  const delays = (chance: number) =>
    [0, 1, 2].map(used => Math.round(retryDelayMs(retry, used, () => chance)));
  assert.deepEqual(delays(0), [1_000, 2_000, 4_000]);
  assert.deepEqual(delays(1), [1_100, 2_200, 4_400]);
});
