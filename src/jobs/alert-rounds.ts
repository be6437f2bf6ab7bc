import type { Clock } from '../core/clock.ts';
import { limits } from '../core/limits.ts';

/** Holds what is done each time: evaluates unless another scheduler just did, and never rejects. */
interface Rounds {
  round(): Promise<void>;
}

/**
 * The clock of alerts: a round every 15 seconds, never two at once. Not one of `Schedules`, which rest on the database:
 * that the database is away is itself to be told.
 */
export class AlertRounds {
  readonly #clock: Clock;
  readonly #alerting: Rounds;
  #cancel: (() => void) | undefined;
  #underWay: Promise<void> | undefined;

  constructor(clock: Clock, alerting: Rounds) {
    this.#clock = clock;
    this.#alerting = alerting;
  }

  /** Runs now and every `limits.alertEveryMs`. */
  start(): void {
    this.#tick();
    this.#cancel = this.#clock.every(limits.alertEveryMs, () => this.#tick());
  }

  /** Runs no more, and waits for the round under way. */
  async stop(): Promise<void> {
    this.#cancel?.();
    await this.#underWay;
  }

  #tick(): void {
    this.#underWay ??= this.#alerting.round().finally(() => {
      this.#underWay = undefined;
    });
  }
}
