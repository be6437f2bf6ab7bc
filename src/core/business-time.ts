import { Cron } from 'croner';
import { messageOf } from './errors.ts';

/** When a batch is due where a subscription does not say: every night at 02:00. */
export const nightly = '0 2 * * *';

/** Characters of a cron pattern. */
const cronLength = 100;

const dayMs = 86_400_000;

/** Days, wall clock and schedules in the business time zone. */
export class BusinessTime {
  readonly timeZone: string;
  readonly #day: Intl.DateTimeFormat;
  readonly #offset: Intl.DateTimeFormat;
  /** The offset of the quarter of an hour that was asked for last: offsets change on such alone. */
  #known = { quarter: Number.NaN, minutes: 0 };
  readonly #schedules = new Map<string, CronSchedule>();

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
    this.#offset = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' });
  }

  /** The business day of an instant, YYYY-MM-DD. */
  dayOf(nowMs: number): string {
    return this.#day.format(nowMs);
  }

  /** The first instant of a business day, milliseconds since 1970; null for what is no day there (2025-02-30). */
  startOf(day: string): number | null {
    const asUtc = Date.parse(`${day}T00:00:00Z`);
    if (Number.isNaN(asUtc)) return null;
    // By the offset before and after: where clocks change at midnight, one of the two is on another day.
    const starts = [asUtc - dayMs, asUtc + dayMs].map(near => asUtc - this.#offsetAt(near) * 60_000);
    const first = Math.min(...starts.filter(start => this.dayOf(start) === day));
    return Number.isFinite(first) ? first : null;
  }

  /** An instant by the business clock in ISO 8601 with its offset: 2025-12-19T14:53:32.123+08:00. */
  isoOf(ms: number): string {
    const minutes = this.#offsetAt(ms);
    const two = (part: number) => String(Math.trunc(part)).padStart(2, '0');
    const offset = `${minutes < 0 ? '-' : '+'}${two(Math.abs(minutes) / 60)}:${two(Math.abs(minutes) % 60)}`;
    return new Date(ms + minutes * 60_000).toISOString().replace('Z', offset);
  }

  /** The one form in which people are shown an instant, with its zone: 2025-12-19 14:53:32 +08:00. */
  shown(ms: number): string {
    const iso = this.isoOf(ms);
    return `${iso.slice(0, 10)} ${iso.slice(11, 19)} ${iso.slice(23)}`;
  }

  /** Minutes that the business clock is ahead of UTC. */
  #offsetAt(ms: number): number {
    const quarter = Math.floor(ms / 900_000);
    if (quarter !== this.#known.quarter) {
      const name = this.#offset.formatToParts(ms).find(part => part.type === 'timeZoneName')?.value ?? '';
      const [, sign = '+', hours = 0, minutes = 0] = /([+-])(\d\d):(\d\d)/.exec(name) ?? [];
      const ahead = Number(hours) * 60 + Number(minutes);
      this.#known = { quarter, minutes: sign === '-' ? -ahead : ahead };
    }
    return this.#known.minutes;
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
      schedule = new CronSchedule(pattern, this.timeZone);
      // Patterns that nobody uses any more are not worth counting: now and then all are forgotten.
      if (this.#schedules.size >= 1_000) this.#schedules.clear();
      this.#schedules.set(pattern, schedule);
    }
    return schedule.next(nowMs);
  }

  /** Gives what is wrong with a cron pattern of five fields; null: nothing. */
  cronFault(pattern: string): string | null {
    if (pattern.length > cronLength || !/^\S+( \S+){4}$/.test(pattern))
      return `five fields with a space between (minute hour day month weekday), e.g. ${nightly}.`;
    try {
      new CronSchedule(pattern, this.timeZone).next(Date.UTC(2025, 0, 1));
      return null;
    } catch (error) {
      return messageOf(error);
    }
  }
}

/** One pattern; remembers the last answer, which holds until it is past: intake asks for it with every commit. */
class CronSchedule {
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
