import type { BusinessTime } from '../../core/business-time.ts';
import { instantOf } from '../instant.ts';
import { UsageError } from '../usage-error.ts';

/** Holds what was recorded from one instant until another, milliseconds since 1970. */
export interface Range {
  readonly from: number;
  /** Not in it any more. */
  readonly to: number;
}

/**
 * The range that options give; without `to` until now.
 * @throws UsageError, also where it ends before it begins
 */
export function rangeOf(
  options: { readonly from: string; readonly to?: string },
  time: BusinessTime,
  now: number,
): Range {
  const from = instantOf('--from', options.from, time);
  // What is to come has not been recorded yet: the range is empty, not the wrong way round.
  if (options.to === undefined) return { from, to: Math.max(from, now) };
  const to = instantOf('--to', options.to, time);
  if (from > to) throw new UsageError(`--to: ${options.to} is before --from, ${options.from}.`);
  return { from, to };
}
