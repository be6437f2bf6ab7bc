import { badness, type Rule } from './rules.ts';

/** Holds what a rule remembers of one subject between evaluations. All times are milliseconds since 1970. */
export interface RuleState {
  /** Index of the level in force; -1: none. */
  readonly level: number;
  /** For each level, since when its condition has held without a break; null: it does not hold. */
  readonly since: readonly (number | null)[];
  /** Since when the level in force counts as over; null: it does not. */
  readonly overSince: number | null;
}

/** The state of a subject that nothing is known of. */
export const calm: RuleState = { level: -1, since: [], overSince: null };

/** Tells whether there is nothing to remember. */
export function isCalm(state: RuleState): boolean {
  return state.level === -1 && state.since.every(since => since === null);
}

/**
 * One evaluation of a rule for one subject: pure.
 *
 * A level fires once its condition has held for `forMs`. It is over once the value has been back from its threshold by
 * the hysteresis for `clearAfterMs`; what lies between changes nothing, so a value that swings about its threshold does
 * not flap. Null (nobody knows) neither fires nor resolves, and breaks no `for`: a gap is not a recovery.
 */
export function stepRule(rule: Rule, state: RuleState, value: number | null, now: number): RuleState {
  if (value === null) return state;
  const bad = badness(rule.name, value);
  const since = rule.levels.map(({ threshold }, at) =>
    bad > badness(rule.name, threshold) ? (state.since[at] ?? now) : null,
  );
  // The alerts file may have taken levels away since.
  const level = Math.min(state.level, rule.levels.length - 1);
  const risen = since.findLastIndex(at => at !== null && now - at >= rule.forMs);
  if (risen > level) return { level: risen, since, overSince: null };
  if (level === -1 || bad > clearAt(rule, level)) return { level, since, overSince: null };
  const overSince = state.overSince ?? now;
  if (now - overSince < rule.clearAfterMs) return { level, since, overSince };
  const left = rule.levels.findLastIndex((_, at) => at < level && bad > clearAt(rule, at));
  return { level: left, since, overSince: null };
}

/** The badness at or under which a level counts as over. */
function clearAt(rule: Rule, level: number): number {
  const threshold = rule.levels[level]?.threshold ?? 0;
  return badness(rule.name, threshold) * (1 - rule.hysteresis);
}
