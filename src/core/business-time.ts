import { Cron } from 'croner';

/** Days and schedules in the business time zone. */
export class BusinessTime {
  readonly timeZone: string;
  readonly #day: Intl.DateTimeFormat;
  readonly #nightly: Cron;

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
    this.#nightly = new Cron('0 2 * * *', { timezone: timeZone, paused: true });
  }

  /** The business day of an instant, YYYY-MM-DD. */
  dayOf(nowMs: number): string {
    return this.#day.format(nowMs);
  }

  /** The next 02:00 after an instant: when the nightly batch is due. */
  nextNightly(nowMs: number): Date {
    const next = this.#nightly.nextRun(new Date(nowMs));
    if (next === null) throw new Error(`No next 02:00 in ${this.timeZone}.`);
    return next;
  }
}
