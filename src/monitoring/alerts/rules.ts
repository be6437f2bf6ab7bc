/** Says how urgently a person must know. */
export type AlertSeverity = 'critical' | 'warning' | 'info';

/** One rule a metric: its name is the metric's. */
export type RuleName =
  | 'success_rate'
  | 'latency'
  | 'failures'
  | 'backlog'
  | 'retrying'
  | 'failures_in_row'
  | 'consistency'
  | 'data_refused'
  | 'payload_query'
  | 'gone'
  | 'suspended'
  | 'clock_skewed'
  | 'database_restored'
  | 'cannot_evaluate';

/** Holds what a rule looks at: each subscription, and all of them together. */
export type RuleScope = 'subscription' | 'overall';

/** A value beyond the threshold is worth an alert of this severity. */
export interface RuleLevel {
  readonly severity: AlertSeverity;
  /** In the metric's unit (see `metrics`); the level holds while the value is beyond it, not on it. */
  readonly threshold: number;
}

/** A rule as it is evaluated: the default, with what the alerts file says instead. */
export interface Rule {
  readonly name: RuleName;
  readonly enabled: boolean;
  /** The mildest first, each beyond the one before. */
  readonly levels: readonly RuleLevel[];
  readonly scopes: readonly RuleScope[];
  /** Holds what is counted: the last so many milliseconds. Metrics that are a state, not a count, take no notice. */
  readonly windowMs: number;
  /** A level must hold this long before it fires, milliseconds; 0: at once. */
  readonly forMs: number;
  /** An alert must be over this long before it is resolved, milliseconds. */
  readonly clearAfterMs: number;
  /** Says how far back from its threshold a value must come to count as over: a share of it, 0 to 0.9. */
  readonly hysteresis: number;
  /** Outcomes in the window below which a rate says nothing. */
  readonly minimum: number;
}

/** Holds what a metric is, whatever its rule's settings. */
export interface Metric {
  readonly worse: 'below' | 'above';
  readonly unit: 'percent' | 'seconds' | 'count' | 'state';
  /** Holds what it means that nothing was read of a subscription: that there is none of it, or that nobody knows. */
  readonly absent: 'zero' | 'unknown';
  readonly scopes: readonly RuleScope[];
  /** Holds what is told of its cause: what FAILED, how the subscriptions stand that it is of, or what its reading says. */
  readonly behind: 'failures' | 'standing' | 'reading';
}

const each: readonly RuleScope[] = ['subscription'];
const both: readonly RuleScope[] = ['subscription', 'overall'];

/** The metrics that rules are about. No outcomes are not a success rate of 0 %: it is unknown then. */
export const metrics: Readonly<Record<RuleName, Metric>> = {
  success_rate: { worse: 'below', unit: 'percent', absent: 'unknown', scopes: both, behind: 'failures' },
  latency: { worse: 'above', unit: 'seconds', absent: 'unknown', scopes: both, behind: 'standing' },
  failures: { worse: 'above', unit: 'count', absent: 'zero', scopes: both, behind: 'failures' },
  backlog: { worse: 'above', unit: 'count', absent: 'zero', scopes: both, behind: 'standing' },
  retrying: { worse: 'above', unit: 'count', absent: 'zero', scopes: both, behind: 'standing' },
  failures_in_row: { worse: 'above', unit: 'count', absent: 'zero', scopes: each, behind: 'failures' },
  consistency: { worse: 'above', unit: 'count', absent: 'zero', scopes: each, behind: 'reading' },
  data_refused: { worse: 'above', unit: 'count', absent: 'zero', scopes: each, behind: 'failures' },
  payload_query: { worse: 'above', unit: 'count', absent: 'zero', scopes: each, behind: 'failures' },
  gone: { worse: 'above', unit: 'state', absent: 'zero', scopes: each, behind: 'failures' },
  suspended: { worse: 'above', unit: 'state', absent: 'zero', scopes: each, behind: 'failures' },
  clock_skewed: { worse: 'above', unit: 'seconds', absent: 'zero', scopes: ['overall'], behind: 'reading' },
  database_restored: {
    worse: 'above',
    unit: 'state',
    absent: 'zero',
    scopes: ['overall'],
    behind: 'reading',
  },
  cannot_evaluate: { worse: 'above', unit: 'state', absent: 'zero', scopes: ['overall'], behind: 'reading' },
};

/** Every rule's name, in the order in which they are shown. */
export const ruleNames: readonly RuleName[] = [
  'success_rate',
  'latency',
  'failures',
  'backlog',
  'retrying',
  'failures_in_row',
  'consistency',
  'data_refused',
  'payload_query',
  'gone',
  'suspended',
  'clock_skewed',
  'database_restored',
  'cannot_evaluate',
];

const minute = 60_000;

const usual = {
  enabled: true,
  windowMs: 15 * minute,
  forMs: minute,
  clearAfterMs: 2 * minute,
  hysteresis: 0.2,
  minimum: 1,
};
/** Critical at once, and for as long as the window remembers it. */
const atOnce = { ...usual, windowMs: 60 * minute, forMs: 0, clearAfterMs: 0, hysteresis: 0 };

/**
 * The rules of the design's two tables. Where a metric has a lower limit in the table of severities than in the table
 * of thresholds, it has both levels: the second tells again.
 */
export const defaultRules: readonly Rule[] = [
  rule('success_rate', usual, [
    { severity: 'info', threshold: 99.9 },
    { severity: 'warning', threshold: 99 },
    { severity: 'critical', threshold: 95 },
  ]),
  rule('latency', usual, [
    { severity: 'warning', threshold: 180 },
    { severity: 'warning', threshold: 300 },
  ]),
  // The contract: retries used up are FAILED, with an alert. The table's own level is more than ten in an hour.
  rule('failures', { ...usual, windowMs: 60 * minute, forMs: 0, hysteresis: 0 }, [
    { severity: 'info', threshold: 0 },
    { severity: 'warning', threshold: 10 },
  ]),
  rule('backlog', { ...usual, forMs: 2 * minute }, [
    { severity: 'warning', threshold: 50 },
    { severity: 'warning', threshold: 100 },
  ]),
  rule('retrying', usual, [
    { severity: 'info', threshold: 10 },
    { severity: 'warning', threshold: 50 },
  ]),
  rule('failures_in_row', atOnce, [{ severity: 'critical', threshold: 20 }]),
  rule('consistency', atOnce, [{ severity: 'critical', threshold: 100 }]),
  rule('data_refused', atOnce, [{ severity: 'critical', threshold: 0 }]),
  rule('payload_query', atOnce, [{ severity: 'critical', threshold: 0 }]),
  rule('gone', atOnce, [{ severity: 'critical', threshold: 0 }]),
  rule('suspended', { ...atOnce, clearAfterMs: minute }, [{ severity: 'warning', threshold: 0 }]),
  rule('clock_skewed', { ...atOnce, clearAfterMs: minute, hysteresis: 0.2 }, [
    { severity: 'warning', threshold: 30 },
  ]),
  rule('database_restored', atOnce, [{ severity: 'critical', threshold: 0 }]),
  rule('cannot_evaluate', { ...atOnce, forMs: minute, clearAfterMs: minute }, [
    { severity: 'critical', threshold: 0 },
  ]),
];

function rule(name: RuleName, settings: typeof usual, levels: readonly RuleLevel[]): Rule {
  return { name, ...settings, levels, scopes: metrics[name].scopes };
}

/** Says how bad a value is: grows with what is worse, 0 where all is well. */
export function badness(name: RuleName, value: number): number {
  return metrics[name].worse === 'below' ? 100 - value : value;
}

/** Tells whether a text names a rule. */
export function isRuleName(text: string): text is RuleName {
  return ruleNames.some(name => name === text);
}
