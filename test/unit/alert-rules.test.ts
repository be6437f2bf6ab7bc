import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { KnownSubscription, OpenCounts } from '../../src/db/monitoring/reading-statements.ts';
import { quietUntil } from '../../src/monitoring/alerts/alert-settings.ts';
import { causesOf } from '../../src/monitoring/alerts/causes.ts';
import { type AlertState, evaluate, overall } from '../../src/monitoring/alerts/evaluate.ts';
import { explain } from '../../src/monitoring/alerts/explain.ts';
import { type Notice, type NoticePolicy, noticesOf } from '../../src/monitoring/alerts/notices.ts';
import { calm, type RuleState, stepRule } from '../../src/monitoring/alerts/rule-state.ts';
import { defaultRules, type Rule, type RuleName } from '../../src/monitoring/alerts/rules.ts';
import { sharesOf } from '../../src/monitoring/alerts/shares.ts';

const every = 15_000;
const step = { numRuns: 300 };

function ruleNamed(name: RuleName): Rule {
  const rule = defaultRules.find(one => one.name === name);
  assert.ok(rule);
  return rule;
}

/** The level after each of some values, 15 s apart. */
function levels(rule: Rule, values: readonly (number | null)[]): number[] {
  let state: RuleState = calm;
  return values.map((value, at) => {
    state = stepRule(rule, state, value, at * every);
    return state.level;
  });
}

const backlog = ruleNamed('backlog');

test('a level fires once its condition has held for its time, and a worse one rises above it', () => {
  const values = [...Array<number>(9).fill(60), ...Array<number>(9).fill(200)];
  const seen = levels(backlog, values);
  assert.deepEqual(seen.slice(0, 9), [-1, -1, -1, -1, -1, -1, -1, -1, 0]);
  assert.deepEqual(seen.slice(9), [0, 0, 0, 0, 0, 0, 0, 0, 1]);
});

test('what is critical at once fires at the first look', () => {
  assert.deepEqual(levels(ruleNamed('data_refused'), [0, 1]), [-1, 0]);
  assert.deepEqual(levels(ruleNamed('failures_in_row'), [20, 21]), [-1, 0]);
});

test('no data is neither 0 % nor a recovery', () => {
  const rate = ruleNamed('success_rate');
  assert.ok(levels(rate, Array<null>(100).fill(null)).every(level => level === -1));
  const firing = levels(rate, [...Array<number>(5).fill(50), ...Array<null>(100).fill(null)]);
  assert.ok(firing.slice(5).every(level => level === 2));
});

test('a value that swings within the hysteresis changes nothing, in either direction', () => {
  const swing = fc.array(fc.double({ min: 40.1, max: 50, noNaN: true }), { maxLength: 60 });
  fc.assert(
    fc.property(swing, values => {
      assert.ok(levels(backlog, values).every(level => level === -1));
      const firing = levels(backlog, [...Array<number>(9).fill(60), ...values]);
      assert.ok(firing.slice(8).every(level => level === 0));
    }),
    step,
  );
});

test('whatever the values, a level that fires has held for its time, and one that ends has been over for its time', () => {
  const value = fc.oneof(fc.constant(null), fc.integer({ min: 0, max: 150 }));
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 120 }), values => {
      const seen = levels(backlog, values);
      for (const [at, level] of seen.entries()) {
        const before = seen[at - 1] ?? -1;
        if (level > before) {
          const held = values.slice(Math.max(0, at - backlog.forMs / every), at + 1);
          const { threshold } = backlog.levels[level] ?? { threshold: Number.NaN };
          assert.ok(held.every(one => one === null || one > threshold));
        }
        if (level < before) {
          const over = values.slice(Math.max(0, at - backlog.clearAfterMs / every), at + 1);
          const { threshold } = backlog.levels[before] ?? { threshold: Number.NaN };
          assert.ok(over.every(one => one === null || one <= threshold * 0.8));
        }
      }
    }),
    step,
  );
});

const policy: NoticePolicy = {
  routes: { critical: ['sms'], warning: ['wecom', 'dingtalk'], info: ['mail'] },
  escalation: { critical: { afterMs: 60_000, to: ['phone'] }, warning: null, info: null },
  firingOnly: new Set(['phone']),
};

/** What happens in one step of the simulation. */
interface Happening {
  readonly failed: number;
  readonly fault: boolean;
  readonly silenced: boolean;
  readonly quiet: boolean;
  readonly acknowledged: boolean;
}

/** Lives through some happenings, and gives every notice with the number of its alert. */
function live(happenings: readonly Happening[]): { alert: number; notice: Notice; level: number }[] {
  const rules = [ruleNamed('failures'), ruleNamed('data_refused'), ruleNamed('cannot_evaluate')];
  let memory: ReturnType<typeof evaluate>['memory'] = [];
  let alerts: (AlertState & { number: number })[] = [];
  let count = 0;
  const told: { alert: number; notice: Notice; level: number }[] = [];
  for (const [at, { failed, fault, silenced, quiet, acknowledged }] of happenings.entries()) {
    const now = at * every;
    if (acknowledged) alerts = alerts.map(alert => ({ ...alert, acknowledgedLevel: alert.level }));
    const numbers = new Map(alerts.map(alert => [`${alert.rule} ${alert.subject}`, alert.number]));
    const readings = [{ subscriptionId: '1', value: failed }];
    const result = evaluate({
      now,
      rules,
      readings: new Map([
        ['failures', fault ? { fault: 'time-out' } : { readings }],
        ['data_refused', { readings }],
      ]),
      memory,
      alerts,
      subscriptionIds: new Set(['1']),
    });
    ({ memory } = result);
    alerts = result.alerts.flatMap(one => {
      const moment = {
        now,
        quietUntil: () => (quiet ? now + 3_600_000 : null),
        isSilenced: () => silenced,
      };
      const { alert, notices } = noticesOf(one, policy, moment);
      const number = numbers.get(`${one.rule} ${one.subject}`) ?? ++count;
      told.push(...notices.map(notice => ({ alert: number, notice, level: alert.level })));
      return alert.resolvedAt === null ? [{ ...alert, number }] : [];
    });
  }
  return told;
}

test('whatever happens, a channel is told of each level once, of the end once, and of no end that it heard no beginning of', () => {
  const happening = fc.record({
    failed: fc.constantFrom(0, 0, 0, 1, 5, 30),
    fault: fc.boolean(),
    silenced: fc.constantFrom(false, false, true),
    quiet: fc.constantFrom(false, false, true),
    acknowledged: fc.constantFrom(false, false, false, true),
  });
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 80 }), happenings => {
      const seen = new Set<string>();
      for (const { alert, notice, level } of live(happenings)) {
        const { kind, channel } = notice;
        const key = `${alert} ${channel} ${kind} ${kind === 'resolved' ? '' : level}`;
        assert.ok(!seen.has(key), `told twice: ${key}`);
        seen.add(key);
        if (kind === 'resolved')
          assert.ok([...seen].some(one => one.startsWith(`${alert} ${channel} `) && one !== key));
        assert.ok(!seen.has(`${alert} ${channel} resolved `) || kind === 'resolved');
      }
    }),
    step,
  );
});

function repeat(count: number, happening: Happening): Happening[] {
  return Array.from({ length: count }, () => happening);
}

const idle: Happening = { failed: 0, fault: false, silenced: false, quiet: false, acknowledged: false };

/** Kinds and channels of what is told, in order. */
function kinds(happenings: readonly Happening[]): string[] {
  return live(happenings).map(({ notice }) => `${notice.kind} ${notice.channel}`);
}

test('what nobody acknowledges is escalated once; what somebody does is not, unless it gets worse', () => {
  const failing = { ...idle, failed: 1 };
  const ten = repeat(10, failing);
  const warned = ['firing mail', 'firing sms'];
  assert.deepEqual(kinds(ten), [...warned, 'escalated phone']);
  assert.deepEqual(kinds([failing, { ...failing, acknowledged: true }, ...ten]), warned);
});

test('what begins and ends in silence is told to nobody; what outlasts it is told then', () => {
  const hushed = { ...idle, failed: 1, silenced: true };
  const warned = ['firing mail', 'firing sms'];
  assert.deepEqual(kinds([hushed, hushed, ...repeat(20, idle)]), []);
  assert.deepEqual(kinds([hushed, hushed, { ...hushed, silenced: false }]), warned);
});

test('a rule that cannot be evaluated is itself an alert, and its own alerts stay as they are', () => {
  const blind = repeat(6, { ...idle, fault: true });
  const told = kinds([{ ...idle, failed: 1 }, ...blind]);
  assert.deepEqual(told, [
    'firing mail',
    'firing sms',
    // data_refused is read by itself, and is over.
    'resolved sms',
    'firing sms',
  ]);
});

test('the alerts of a subscription that is deleted, and of a rule that is switched off, are over', () => {
  const start = {
    now: 0,
    rules: [ruleNamed('data_refused')],
    readings: new Map([
      ['data_refused' as const, { readings: [{ subscriptionId: '7', value: 3, cause: 'HTTP_400 × 3' }] }],
    ]),
    memory: [],
    alerts: [],
    subscriptionIds: new Set(['7']),
  };
  const fired = evaluate(start);
  assert.deepEqual(
    fired.alerts.map(({ subscriptionId, severity, cause }) => [subscriptionId, severity, cause]),
    [['7', 'critical', 'HTTP_400 × 3']],
  );
  const gone = evaluate({ ...start, ...fired, now: every, subscriptionIds: new Set() });
  assert.deepEqual([gone.alerts.map(({ resolvedAt }) => resolvedAt), gone.memory], [[every], []]);
  const off = evaluate({ ...start, ...fired, now: every, rules: [] });
  assert.deepEqual(
    off.alerts.map(({ resolvedAt }) => resolvedAt),
    [every],
  );
  assert.equal(overall, 'all');
});

test('quiet hours may go over midnight, and end at their minute', () => {
  const quiet = { from: 22 * 60, to: 7 * 60, severities: ['warning' as const] };
  const at = (hour: number, minute: number) =>
    quietUntil(quiet, 'warning', (hour * 60 + minute) * 60_000, hour * 60 + minute);
  assert.equal(at(21, 59), null);
  assert.equal(at(22, 0), (24 + 7) * 3_600_000);
  assert.equal(at(6, 59), 7 * 3_600_000);
  assert.equal(at(7, 0), null);
  assert.equal(quietUntil(quiet, 'critical', 0, 0), null);
});

test('what fails most is told of each subscription, and of all together with its share and whose it is', () => {
  const failed = (subscriptionId: string, errorCode: string, count: number, refused = false) => ({
    subscriptionId,
    errorCode,
    refused,
    count,
  });
  const known = ['7', '8', '9', '10'].map(id => ({
    id,
    name: id === '7' ? 'refund' : 'x'.repeat(50),
    targetSystem: 'tax',
  }));
  const one = [
    failed('7', 'ECONNREFUSED', 82),
    failed('7', 'ECONNREFUSED', 1, true),
    failed('8', 'HTTP_500', 17),
  ];
  assert.deepEqual(
    [...causesOf(one, known)],
    [
      ['7', 'ECONNREFUSED × 83'],
      ['8', 'HTTP_500 × 17'],
      [overall, 'ECONNREFUSED × 83 (83 %: tax/refund #7)'],
    ],
  );
  const many = ['7', '8', '9', '10'].map((id, at) => failed(id, 'HTTP_500', 10 + at));
  assert.equal(
    causesOf(many, known).get(overall),
    `HTTP_500 × 46 (100 %: tax/${'x'.repeat(40)}… #10, tax/${'x'.repeat(40)}… #9, +2)`,
  );
  assert.equal(causesOf([], known).size, 0);
});

const hour = 3_600_000;

function subscription(id: string, rest: Partial<KnownSubscription> = {}): KnownSubscription {
  return {
    id,
    name: `s${id}`,
    targetSystem: 'tax',
    paused: false,
    suspended: false,
    gone: false,
    stateSince: null,
    hasWebhook: true,
    unattachedSince: 0,
    ...rest,
  };
}

function waiting(subscriptionId: string, rest: Partial<OpenCounts> = {}): OpenCounts {
  return { subscriptionId, backlog: 100, retrying: 0, batch: 0, errorCode: null, ...rest };
}

test('a backlog is laid at the door of those that it is of, each with its share and reason', () => {
  const known = [
    subscription('1'),
    subscription('2', { hasWebhook: false, unattachedSince: 5 * hour }),
    subscription('3', { suspended: true, stateSince: hour }),
    subscription('4', { paused: true, stateSince: 2 * hour }),
    subscription('5', { hasWebhook: false, unattachedSince: null }),
  ];
  const open = [
    waiting('2', { backlog: 450 }),
    waiting('3', { backlog: 400, retrying: 3, errorCode: 'ECONNREFUSED' }),
    waiting('4', { backlog: 100 }),
    waiting('5', { backlog: 50 }),
  ];
  // What fails most is another's, which has no backlog at all.
  const failures = [{ subscriptionId: '1', errorCode: 'HTTP_400', refused: false, count: 414 }];
  const input = { known, open, failures, vouchers: [], latencies: () => [] };
  const of = (rule: RuleName, subscriptionId: string | null = null) =>
    explain({ rule, subscriptionId, windowMs: hour }, input);
  const { cause, details } = of('backlog');
  assert.equal(cause, null);
  assert.deepEqual(
    details.shares.map(({ id, percent, why, errorCode, since }) => [id, percent, why, errorCode, since]),
    [
      ['2', 45, 'unattached', null, 5 * hour],
      ['3', 40, 'suspended', 'ECONNREFUSED', hour],
      ['4', 10, 'paused', null, 2 * hour],
    ],
  );
  assert.equal(details.more, 1);
  assert.deepEqual(
    of('retrying').details.shares.map(({ id, percent }) => [id, percent]),
    [['3', 100]],
  );
  assert.deepEqual(
    of('backlog', '2').details.shares.map(({ id, percent, why }) => [id, percent, why]),
    [['2', 100, 'unattached']],
  );
  assert.deepEqual(of('backlog', '1').details.shares, []);
  assert.equal(of('failures').cause, 'HTTP_400 × 414 (100 %: tax/s1 #1)');
});

test('the reason is what holds back the most of it', () => {
  const why = (one: Partial<KnownSubscription>, counts: Partial<OpenCounts> = {}, recordedLate = false) => {
    const part = { subscriptionId: '1', amount: 1, recordedLate };
    const { shares } = sharesOf([part], { known: [subscription('1', one)], open: [waiting('1', counts)] });
    return shares[0]?.why;
  };
  assert.equal(why({ gone: true, paused: true }), 'gone');
  assert.equal(why({ paused: true, hasWebhook: false }), 'paused');
  assert.equal(why({ suspended: true }), 'suspended');
  // An attached consumer gets its events, whatever the webhook's breaker says.
  assert.equal(why({ suspended: true, unattachedSince: null }), 'slow');
  assert.equal(why({}, { retrying: 60, errorCode: 'HTTP_500' }), 'retrying');
  assert.equal(why({}, { retrying: 40 }), 'slow');
  assert.equal(why({}, { batch: 90 }), 'batch');
  assert.equal(why({}, {}, true), 'recorded_late');
});

test('latency is laid at the door of those who wait the longest, and of a publisher that records late', () => {
  const known = [subscription('1'), subscription('2')];
  const latencies = () => [
    { subscriptionId: '1', measured: 10, seconds: 3_000, recordedSeconds: 10 },
    { subscriptionId: '2', measured: 10, seconds: 1_000, recordedSeconds: 990 },
  ];
  const { details } = explain(
    { rule: 'latency', subscriptionId: null, windowMs: hour },
    { known, open: [], failures: [], vouchers: [], latencies },
  );
  assert.deepEqual(
    details.shares.map(({ id, percent, why }) => [id, percent, why]),
    [
      ['1', 75, 'recorded_late'],
      ['2', 25, 'slow'],
    ],
  );
});

test('an alert names the failures and up to three vouchers that it is about, not those of others', () => {
  const known = [subscription('1'), subscription('2')];
  const failures = [
    { subscriptionId: '1', errorCode: 'ECONNREFUSED', refused: false, count: 400 },
    { subscriptionId: '1', errorCode: 'HTTP_422', refused: false, count: 5 },
    { subscriptionId: '2', errorCode: 'HTTP_500', refused: false, count: 7 },
  ];
  const failed = (subscriptionId: string, errorCode: string, n: number) => ({
    id: String(n),
    subscriptionId,
    errorCode,
    refused: false,
    sourceId: `INV-${n}`,
    voucherNo: `V${n}`,
  });
  const vouchers = [
    failed('2', 'HTTP_500', 9),
    failed('1', 'ECONNREFUSED', 8),
    ...[7, 7, 6, 5, 4].map(n => failed('1', 'HTTP_422', n)),
  ];
  const input = { known, open: [], failures, vouchers, latencies: () => [] };
  const of = (rule: RuleName, subscriptionId: string | null) => {
    const { cause, details } = explain({ rule, subscriptionId, windowMs: hour }, input);
    return [cause, details.vouchers.map(({ voucherNo }) => voucherNo)];
  };
  assert.deepEqual(of('data_refused', '1'), ['HTTP_422 × 5', ['V7', 'V6', 'V5']]);
  assert.deepEqual(of('failures', '1'), ['ECONNREFUSED × 400', ['V8', 'V7', 'V6']]);
  assert.deepEqual(of('failures', null)[1], ['V9', 'V8', 'V7']);
  assert.deepEqual(of('consistency', '1'), [null, []]);
});
