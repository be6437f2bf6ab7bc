import type { FailureCount, NamedSubscription } from '../../db/monitoring/reading-statements.ts';
import { overall } from './evaluate.ts';

type Known = Pick<NamedSubscription, 'id' | 'name' | 'targetSystem'>;

/** Subscriptions that are named beside a cause, and letters of a name. */
const named = 2;
const nameChars = 40;

/**
 * Gives what fails most, by subscription: `ECONNREFUSED × 12`. Over all of them one subscription's trouble is easily taken
 * for everybody's, so there it has its share and whose it is: `ECONNREFUSED × 12 (83 %: tax/refund #7)`.
 */
export function causesOf(
  counts: readonly FailureCount[],
  known: readonly Known[],
): ReadonlyMap<string, string> {
  const causes = new Map<string, string>();
  for (const [id, ofOne] of Map.groupBy(counts, ({ subscriptionId }) => subscriptionId)) {
    const { key, count } = mostOf(ofOne, ({ errorCode }) => errorCode);
    causes.set(id, `${key} × ${count}`);
  }
  if (counts.length === 0) return causes;
  const { key: errorCode, count } = mostOf(counts, one => one.errorCode);
  const share = Math.max(1, Math.floor((100 * count) / sumOf(counts)));
  const whose = whoseOf(
    counts.filter(one => one.errorCode === errorCode),
    known,
  );
  return causes.set(overall, `${errorCode} × ${count} (${share} %: ${whose})`);
}

/** The subscriptions of some failures, those with the most first. */
function whoseOf(failures: readonly FailureCount[], known: readonly Known[]): string {
  const names = new Map(known.map(one => [one.id, `${cut(one.targetSystem)}/${cut(one.name)} `]));
  const ids = sums(failures, ({ subscriptionId }) => subscriptionId).map(({ key }) => key);
  const first = ids.slice(0, named).map(id => `${names.get(id) ?? ''}#${id}`);
  return [...first, ...(ids.length > named ? [`+${ids.length - named}`] : [])].join(', ');
}

function mostOf(
  failures: readonly FailureCount[],
  keyOf: (failure: FailureCount) => string,
): { key: string; count: number } {
  return sums(failures, keyOf)[0] ?? { key: '', count: 0 };
}

/** The most first. */
function sums(
  failures: readonly FailureCount[],
  keyOf: (failure: FailureCount) => string,
): { key: string; count: number }[] {
  return [...Map.groupBy(failures, keyOf)]
    .map(([key, ofKey]) => ({ key, count: sumOf(ofKey) }))
    .toSorted((a, b) => b.count - a.count);
}

function sumOf(failures: readonly FailureCount[]): number {
  return failures.reduce((sum, { count }) => sum + count, 0);
}

function cut(name: string): string {
  return name.length > nameChars ? `${name.slice(0, nameChars)}…` : name;
}
