import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { limits } from '../../src/core/limits.ts';
import type { RetryPolicy, Verdict } from '../../src/core/model.ts';
import { type Decision, decide, type PolicyInput, retryDelayMs } from '../../src/delivery/policy.ts';
import { parseRetryAfter } from '../../src/delivery/webhook/classify.ts';

const connection: Verdict[] = ['connect', 'response'];
const retriable: Verdict[] = ['busy', 'answer', ...connection];
const every: Verdict[] = ['accepted', 'data', 'gone', 'forbidden', 'unshaped', ...retriable];

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
    laneSucceededSince: fc.boolean(),
    closedSockets: fc.nat({ max: 9 }),
  }),
);

interface Case {
  verdict: Verdict;
  retryAfterMs: number | null;
  input: PolicyInput;
  chance: number;
}

/** Checks a property of the decision over cases with these verdicts; fast-check prints the seed of a failure. */
function always(
  verdicts: Verdict[],
  holds: (decision: Decision, given: Case) => void,
  more: (given: Case) => boolean = () => true,
): void {
  const cases = fc
    .record({
      verdict: fc.constantFrom(...verdicts),
      retryAfterMs: askedFor,
      input: situations,
      chance: chances,
    })
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

test('data that does not fit or can not be shaped and a forbidden target fail at once, need a person, and leave the lane alone', () => {
  always(['data', 'forbidden', 'unshaped'], (decision, { input }) =>
    assert.deepEqual(decision, {
      next: 'fail',
      retryCount: input.retryCount,
      byConnection: false,
      lane: 'keep',
      severity: 'critical',
    }),
  );
});

test('a target that wants no more fails at once and pauses the lane', () => {
  always(['gone'], (decision, { input }) =>
    assert.deepEqual(decision, {
      next: 'fail',
      retryCount: input.retryCount,
      byConnection: false,
      lane: 'pause',
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

test('only the connection suspends a lane; an answer that never came does not where others succeeded meanwhile', () => {
  always(every, (decision, { verdict, input }) => {
    const suspends = decision.next === 'fail' && decision.lane === 'suspend';
    if (!connection.includes(verdict)) assert.equal(suspends, false);
    else if (decision.next === 'fail')
      assert.equal(suspends, verdict === 'connect' || !input.laneSucceededSince);
  });
});

test('a probe that finds no connection uses up no retry and never fails its sync', () => {
  always(
    connection,
    (decision, { input }) => {
      assert.equal(decision.next, 'retry');
      assert.equal(decision.next === 'retry' && decision.retryCount, input.retryCount);
    },
    ({ input }) => input.probing,
  );
});

test('a probe that is answered is judged as any attempt', () => {
  always(
    ['accepted', 'data', 'forbidden', 'unshaped', 'gone', 'busy', 'answer'],
    (decision, { verdict, retryAfterMs, input, chance }) => {
      for (const probing of [true, false]) {
        assert.deepEqual(
          decide({ verdict, retryAfterMs }, { ...input, probing }, () => chance),
          decision,
        );
      }
    },
  );
});

test('Retry-After never shortens the delay, and lengthens it to what was asked for', () => {
  always(retriable, (decision, { verdict, retryAfterMs, input, chance }) => {
    if (decision.next !== 'retry') return;
    const own = retryDelayMs(input.retry, input.retryCount, () => chance);
    if (input.probing && connection.includes(verdict)) assert.equal(decision.delayMs, own);
    else assert.equal(decision.delayMs, Math.max(own, retryAfterMs ?? 0));
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
