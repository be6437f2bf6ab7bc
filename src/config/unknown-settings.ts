import { commandVariables } from './client-environment.ts';
import { settings } from './settings.ts';

/** Letters that may be wrong in a name for it to be taken for a slip. */
const slips = 3;

/** A variable that nothing reads. */
export interface UnknownSetting {
  readonly variable: string;
  /** The name that may be meant; null: none is like it. */
  readonly nearest: string | null;
}

/**
 * The variables of an environment that are named like settings and that nothing reads: a slip would pass in silence.
 * @param others names that something else gives a meaning (the alerts file's secrets)
 */
export function unknownSettings(
  env: Readonly<Record<string, string | undefined>>,
  others: readonly string[] = [],
): UnknownSetting[] {
  const known = [...settings.map(({ variable }) => variable), ...commandVariables];
  const read = new Set([...known, ...others]);
  return Object.keys(env)
    .filter(name => name.startsWith('HUB_') && !read.has(name))
    .toSorted()
    .map(variable => ({ variable, nearest: nearestOf(variable, known) }));
}

/** Gives what is said of one, and what to do. */
export function unknownSettingText({ variable, nearest }: UnknownSetting): string {
  const meant = nearest === null ? '`hub start --help` lists the settings' : `is ${nearest} meant?`;
  return `${variable} is no setting of the hub and changes nothing: ${meant}`;
}

function nearestOf(name: string, known: readonly string[]): string | null {
  const [best] = known
    .map(candidate => ({ candidate, distance: distanceOf(name, candidate) }))
    .toSorted((a, b) => a.distance - b.distance);
  if (best !== undefined && best.distance <= slips) return best.candidate;
  return known.find(candidate => name.startsWith(candidate) || candidate.startsWith(name)) ?? null;
}

/** Letters to put in, leave out or change to come from one text to the other (Levenshtein). */
function distanceOf(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (const [line, letter] of Array.from(from).entries()) {
    const next = [line + 1];
    for (const [at, other] of Array.from(to).entries())
      next.push(
        Math.min((next[at] ?? 0) + 1, (row[at + 1] ?? 0) + 1, (row[at] ?? 0) + (letter === other ? 0 : 1)),
      );
    row = next;
  }
  return row[to.length] ?? 0;
}
