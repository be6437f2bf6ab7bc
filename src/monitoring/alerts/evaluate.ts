import { type AlertDetails, noDetails } from './alert-details.ts';
import type { MetricReading } from './readings.ts';
import { calm, isCalm, type RuleState, stepRule } from './rule-state.ts';
import { type AlertSeverity, metrics, type Rule, type RuleName } from './rules.ts';

/** Holds what a rule is about: a subscription's id, or all of them together; for `cannot_evaluate` the rule's name. */
export interface AlertSubject {
  readonly rule: RuleName;
  readonly subject: string;
  readonly subscriptionId: string | null;
}

/** The subject that is all subscriptions together. */
export const overall = 'all';

/** Holds what was read of one rule, or why it could not be. */
export type RuleReadings = { readonly readings: readonly MetricReading[] } | { readonly fault: string };

/** An alert that fires, or has just been resolved. */
export interface AlertState extends AlertSubject {
  readonly level: number;
  readonly severity: AlertSeverity;
  readonly threshold: number | null;
  readonly value: number | null;
  readonly cause: string | null;
  readonly details: AlertDetails;
  /** True: its value has come back, and it is over unless that changes soon. */
  readonly ending: boolean;
  readonly firedAt: number;
  readonly resolvedAt: number | null;
  /** The worst level that people were told of; -1: none. */
  readonly notifiedLevel: number;
  readonly notifiedAt: number | null;
  /** The worst level that a person took note of; -1: none. */
  readonly acknowledgedLevel: number;
  readonly escalatedLevel: number;
  /** Channels that were told that it fires. */
  readonly told: readonly string[];
}

/** A rule's memory of one subject. */
export interface RememberedState extends AlertSubject {
  readonly state: RuleState;
}

/** Holds what one evaluation starts from. */
export interface EvaluationInput {
  readonly now: number;
  readonly rules: readonly Rule[];
  readonly readings: ReadonlyMap<RuleName, RuleReadings>;
  readonly memory: readonly RememberedState[];
  readonly alerts: readonly AlertState[];
  /** Of all subscriptions that are not deleted. */
  readonly subscriptionIds: ReadonlySet<string>;
}

/** Holds what it came to: what is to be remembered, and every alert that was firing or fires now. */
export interface Evaluation {
  readonly memory: readonly RememberedState[];
  readonly alerts: readonly AlertState[];
}

/** Evaluates all rules: pure. */
export function evaluate(input: EvaluationInput): Evaluation {
  const memory = new Map(input.memory.map(one => [keyOf(one), one]));
  const alerts = new Map(input.alerts.map(one => [keyOf(one), one]));
  const kept: RememberedState[] = [];
  const after: AlertState[] = [];
  const seen = new Set<string>();
  for (const rule of input.rules.filter(({ enabled }) => enabled)) {
    for (const { subject, value, cause } of valuesOf(rule, input)) {
      const key = keyOf(subject);
      seen.add(key);
      const state = stepRule(rule, memory.get(key)?.state ?? calm, value, input.now);
      if (!isCalm(state)) kept.push({ ...subject, state });
      const alert = alertOf({ rule, subject, value, cause, state, before: alerts.get(key) }, input.now);
      if (alert !== undefined) after.push(alert);
    }
  }
  // A rule that was switched off, or a subscription that was deleted: nobody will ever read it again.
  for (const [key, alert] of alerts) if (!seen.has(key)) after.push({ ...alert, resolvedAt: input.now });
  return { memory: kept, alerts: after };
}

/** A key that no two subjects share. */
export function keyOf({ rule, subject }: Pick<AlertSubject, 'rule' | 'subject'>): string {
  return `${rule} ${subject}`;
}

interface SubjectValue {
  readonly subject: AlertSubject;
  readonly value: number | null;
  readonly cause?: string | undefined;
}

/** Every subject that a rule has something to say of: what was read, and what is remembered or fires. */
function valuesOf(rule: Rule, input: EvaluationInput): SubjectValue[] {
  if (rule.name === 'cannot_evaluate') return faultValues(input);
  const read = input.readings.get(rule.name);
  const readings = read !== undefined && 'readings' in read ? read.readings : [];
  const values = new Map<string, SubjectValue>();
  for (const { subscriptionId, value, cause } of readings) {
    const subject = { rule: rule.name, subject: subscriptionId ?? overall, subscriptionId };
    if (isInScope(rule, subject, input)) values.set(subject.subject, { subject, value, cause });
  }
  const isFault = read === undefined || 'fault' in read;
  // What could not be read stays as it is; what was left out has nothing to tell.
  const absent = isFault || metrics[rule.name].absent === 'unknown' ? null : 0;
  for (const known of [...input.memory, ...input.alerts])
    if (known.rule === rule.name && !values.has(known.subject) && isInScope(rule, known, input)) {
      const { subject, subscriptionId } = known;
      values.set(subject, { subject: { rule: rule.name, subject, subscriptionId }, value: absent });
    }
  return [...values.values()];
}

function isInScope(rule: Rule, { subscriptionId }: AlertSubject, input: EvaluationInput): boolean {
  if (subscriptionId === null) return rule.scopes.includes('overall');
  return rule.scopes.includes('subscription') && input.subscriptionIds.has(subscriptionId);
}

/** A rule that can't be evaluated is itself an alert: 1 while it can't, 0 while it can. */
function faultValues({ rules, readings }: EvaluationInput): SubjectValue[] {
  return rules
    .filter(({ enabled, name }) => enabled && name !== 'cannot_evaluate')
    .map(({ name }) => {
      const read = readings.get(name);
      const subject = { rule: 'cannot_evaluate', subject: name, subscriptionId: null } as const;
      if (read !== undefined && 'readings' in read) return { subject, value: 0 };
      return { subject, value: 1, cause: read?.fault };
    });
}

interface AlertStep {
  readonly rule: Rule;
  readonly subject: AlertSubject;
  readonly value: number | null;
  readonly cause: string | undefined;
  readonly state: RuleState;
  readonly before: AlertState | undefined;
}

function alertOf(
  { rule, subject, value, cause, state, before }: AlertStep,
  now: number,
): AlertState | undefined {
  const inForce = rule.levels[state.level];
  if (inForce === undefined)
    return before === undefined ? undefined : { ...before, value: value ?? before.value, resolvedAt: now };
  const fresh: Omit<AlertState, keyof AlertSubject | 'level' | 'severity' | 'threshold' | 'ending'> = {
    value,
    cause: null,
    details: noDetails,
    firedAt: now,
    resolvedAt: null,
    notifiedLevel: -1,
    notifiedAt: null,
    acknowledgedLevel: -1,
    escalatedLevel: -1,
    told: [],
  };
  const alert = before ?? { ...subject, ...fresh };
  return {
    ...alert,
    level: state.level,
    ending: state.overSince !== null,
    severity: inForce.severity,
    threshold: metrics[rule.name].unit === 'state' ? null : inForce.threshold,
    value: value ?? alert.value,
    cause: cause ?? alert.cause,
  };
}
