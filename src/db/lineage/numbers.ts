import { randomInt } from 'node:crypto';

/** Says how fast the numbers of a sequence may have been given, and how far it moves after a restore. */
interface Pace {
  /** More a second than any installation gives. */
  readonly perSecond: number;
  /** It moves on by this at least: numbers that are given while it moves are below. */
  readonly margin: number;
  /** After a restore it moves on by `far` at least, and by up to `span` more at random. */
  readonly far: number;
  readonly span: number;
}

const hot: Pace = { perSecond: 100_000, margin: 100_000, far: 1_000_000_000, span: 1_000_000_000_000 };
const slow: Pace = { perSecond: 10, margin: 1_000, far: 1_000_000, span: 1_000_000_000 };

/** Sequences of what people and schedules make. Every other one is taken for one that events use up. */
const slowSequences = new Set([
  'alert_notices_id_seq',
  'alert_silences_id_seq',
  'alerts_id_seq',
  'api_keys_id_seq',
  'compensation_runs_id_seq',
  'consistency_reports_id_seq',
  'data_subscriptions_id_seq',
]);

/** The last number of each sequence, by its name; 0: none was given. */
export type Numbers = Readonly<Record<string, number>>;

/** Holds what may have been given since numbers were last noted. */
export interface NumbersGap {
  /** As they are now. */
  readonly current: Numbers;
  /** As they were noted last. */
  readonly noted: Numbers;
  /** Says how long ago that was, milliseconds; below 0 where a clock was set back. */
  readonly ms: number;
  /** The database was replaced, so numbers that nobody here knows of were given. */
  readonly isRestored: boolean;
}

/**
 * Tells where each sequence goes on after its database may have been replaced.
 *
 * By the time alone it is beyond what was given: an older copy's numbers, and the most that could be given since it was
 * noted. So a copy that nothing can tell from the original (a snapshot of the whole machine) gives none twice either.
 * Where the restore is known, or the clock was set back and tells nothing, chance puts it out of reach as well: of two
 * that were restored from one backup, a million numbers each, one in a million meets the other's.
 */
export function numbersAfter({ current, noted, ms, isRestored }: NumbersGap): Numbers {
  const isFar = isRestored || ms < 0;
  return Object.fromEntries(
    Object.entries(current).map(([sequence, last]) => {
      const { perSecond, margin, far, span } = slowSequences.has(sequence) ? slow : hot;
      const possible = (noted[sequence] ?? 0) + Math.ceil((Math.max(ms, 0) * perSecond) / 1_000);
      return [sequence, Math.max(last, possible) + margin + (isFar ? far + randomInt(span) : 0)];
    }),
  );
}

/** The sequences that stand lower than they were known to. */
export function numbersBehind(current: Numbers, known: Numbers): string[] {
  return Object.keys(known).filter(sequence => (current[sequence] ?? 0) < (known[sequence] ?? 0));
}
