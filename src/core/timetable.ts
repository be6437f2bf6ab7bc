import { Cron } from 'croner';

/** When something is due: again and again after a period, or by a cron pattern in a time zone. */
export type Timing =
  /** Milliseconds, 1,000 or more; counted from 1970, so that all processes mean the same instants. */
  | { readonly everyMs: number }
  /** Five fields, or six with seconds first. */
  | { readonly cron: string };

/** Missed runs are counted up to this many: beyond it only that it was long matters. */
const countedAtMost = 1_000;

/** The instants at which something is due. */
export class Timetable {
  /** True: by period, so that the first run need not wait for its hour. */
  readonly isPeriodic: boolean;
  readonly #lastDue: (nowMs: number) => number;
  readonly #nextDue: (afterMs: number) => number;

  /**
   * @param timeZone IANA name: in which a cron pattern is meant, its changes to and from summer time included
   * @throws Error for a pattern that is none
   */
  constructor(timing: Timing, timeZone: string) {
    this.isPeriodic = 'everyMs' in timing;
    if ('everyMs' in timing) {
      const { everyMs } = timing;
      this.#lastDue = nowMs => Math.floor(nowMs / everyMs) * everyMs;
      this.#nextDue = afterMs => (Math.floor(afterMs / everyMs) + 1) * everyMs;
      return;
    }
    const cron = new Cron(timing.cron, { timezone: timeZone, paused: true });
    // `previousRuns` leaves the second of its reference out.
    this.#lastDue = nowMs =>
      instant(cron.previousRuns(1, new Date(Math.floor(nowMs / 1_000) * 1_000 + 1_000))[0], timing.cron);
    this.#nextDue = afterMs => instant(cron.nextRun(new Date(afterMs)), timing.cron);
  }

  /** The last instant, at or before another one, at which it was due. Milliseconds since 1970. */
  lastDue(nowMs: number): number {
    return this.#lastDue(nowMs);
  }

  /** Says how often it was due between two instants, neither of them counted; 1,000 for more. */
  dueBetween(afterMs: number, beforeMs: number): number {
    let count = 0;
    for (let at = this.#nextDue(afterMs); at < beforeMs && count < countedAtMost; at = this.#nextDue(at))
      count += 1;
    return count;
  }
}

function instant(date: Date | null | undefined, pattern: string): number {
  if (date == null) throw new Error(`The cron pattern ${pattern} is never due.`);
  return date.getTime();
}
