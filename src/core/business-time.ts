import { Cron } from 'croner';
import { messageOf } from './errors.ts';

/** When a batch is due where a subscription does not say: every night at 02:00. */
export const nightly = '0 2 * * *';

/** Characters of a cron pattern. */
const cronLength = 100;

/** Days and schedules in the business time zone. */
export class BusinessTime {
  readonly timeZone: string;
  readonly #day: Intl.DateTimeFormat;
  readonly #schedules = new Map<string, Schedule>();

  /** @param timeZone IANA name, e.g. Asia/Shanghai */
  constructor(timeZone: string) {
    this.timeZone = timeZone;
    // The Swedish locale writes dates as YYYY-MM-DD.
    this.#day = new Intl.DateTimeFormat('sv-SE', {
      timeZone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
    });
  }

  /** The business day of an instant, YYYY-MM-DD. */
  dayOf(nowMs: number): string {
    return this.#day.format(nowMs);
  }

  /**
   * When a batch is due next, later than an instant. A time of day that a change of clocks skips is the first instant
   * after the gap; one that is there twice is the first.
   * @param cron five fields; null: nightly
   * @throws Error for a pattern that `cronFault` refuses
   */
  nextBatch(cron: string | null, nowMs: number): Date {
    const pattern = cron ?? nightly;
    let schedule = this.#schedules.get(pattern);
    if (schedule === undefined) {
      schedule = new Schedule(pattern, this.timeZone);
      // Patterns that nobody uses any more are not worth counting: now and then all are forgotten.
      if (this.#schedules.size >= 1_000) this.#schedules.clear();
      this.#schedules.set(pattern, schedule);
    }
    return schedule.next(nowMs);
  }

  /** What is wrong with a cron pattern of five fields; null: nothing. */
  cronFault(pattern: string): string | null {
    if (pattern.length > cronLength || !/^\S+( \S+){4}$/.test(pattern))
      return `five fields with a space between (minute hour day month weekday), e.g. ${nightly}.`;
    try {
      new Schedule(pattern, this.timeZone).next(Date.UTC(2025, 0, 1));
      return null;
    } catch (error) {
      return messageOf(error);
    }
  }
}

/** One pattern; remembers the last answer, which holds until it is past: intake asks for it with every commit. */
class Schedule {
  readonly #cron: Cron;
  #askedAt = Number.POSITIVE_INFINITY;
  #next = 0;

  constructor(pattern: string, timeZone: string) {
    this.#cron = new Cron(pattern, { timezone: timeZone, paused: true, mode: '5-part' });
  }

  next(nowMs: number): Date {
    if (nowMs < this.#askedAt || nowMs >= this.#next) {
      const next = this.#cron.nextRun(new Date(nowMs));
      if (next === null) throw new Error('there is no such day.');
      this.#askedAt = nowMs;
      this.#next = next.getTime();
    }
    return new Date(this.#next);
  }
}
