import type { Clock } from '../core/clock.ts';
import { HubError } from '../core/errors.ts';

/** The bounds of a group commit. */
export interface GroupCommitOptions {
  /** Items after which a group goes at once. */
  readonly groupSize: number;
  /** Says how long a lone unit waits for company, milliseconds. */
  readonly lingerMs: number;
  /** Groups under way at once. */
  readonly concurrency: number;
  /** Items that may wait; more are refused with UNAVAILABLE. */
  readonly queueSize: number;
}

interface Unit<I, R> {
  readonly items: readonly I[];
  readonly resolve: (results: R[]) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Joins concurrent calls into groups that commit together, so that one flush to disk serves many. A call's
 * items stay together and in order; each caller gets its own results, and only after the commit.
 */
export class GroupCommit<I, R> {
  readonly #commit: (items: readonly I[]) => Promise<R[]>;
  readonly #clock: Clock;
  readonly #options: GroupCommitOptions;
  #waiting: Unit<I, R>[] = [];
  #waitingItems = 0;
  #underWay = 0;
  #cancelTimer: (() => void) | undefined;
  #closed = false;
  #idle: (() => void)[] = [];

  /** @param commit writes the items of one or more calls and gives back one result an item, in order */
  constructor(commit: (items: readonly I[]) => Promise<R[]>, clock: Clock, options: GroupCommitOptions) {
    this.#commit = commit;
    this.#clock = clock;
    this.#options = options;
  }

  /** @throws HubError UNAVAILABLE when too much waits, SHUTTING_DOWN after `close`; else what the commit threw */
  add(items: readonly I[]): Promise<R[]> {
    if (this.#closed)
      return Promise.reject(
        new HubError('SHUTTING_DOWN', 'This hub is stopping; nothing was recorded. Send it again.'),
      );
    if (this.#waitingItems + items.length > this.#options.queueSize) {
      return Promise.reject(
        new HubError(
          'UNAVAILABLE',
          'Too many vouchers wait to be recorded; nothing was recorded. Send it again in a moment.',
        ),
      );
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ items, resolve, reject });
      this.#waitingItems += items.length;
      this.#schedule();
    });
  }

  /** Takes no more, and resolves when all that was taken is committed. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#underWay === 0 && this.#waiting.length === 0) return;
    await new Promise<void>(resolve => this.#idle.push(resolve));
  }

  #schedule(): void {
    if (this.#waiting.length === 0 || this.#underWay >= this.#options.concurrency) return;
    if (this.#waitingItems >= this.#options.groupSize) return this.#flush();
    this.#cancelTimer ??= this.#clock.after(this.#options.lingerMs, () => this.#flush());
  }

  #flush(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (this.#underWay >= this.#options.concurrency) return;
    const units = this.#takeGroup();
    if (units.length === 0) return;
    this.#underWay += 1;
    void this.#run(units).finally(() => {
      this.#underWay -= 1;
      this.#schedule();
      if (this.#underWay === 0 && this.#waiting.length === 0) for (const done of this.#idle.splice(0)) done();
    });
    this.#schedule();
  }

  #takeGroup(): Unit<I, R>[] {
    const units: Unit<I, R>[] = [];
    let items = 0;
    while (this.#waiting.length > units.length) {
      const next = this.#waiting[units.length];
      if (next === undefined || (units.length > 0 && items + next.items.length > this.#options.groupSize))
        break;
      units.push(next);
      items += next.items.length;
    }
    this.#waiting = this.#waiting.slice(units.length);
    this.#waitingItems -= items;
    return units;
  }

  async #run(units: readonly Unit<I, R>[]): Promise<void> {
    try {
      const results = await this.#commit(units.flatMap(unit => unit.items));
      let at = 0;
      for (const unit of units) {
        unit.resolve(results.slice(at, at + unit.items.length));
        at += unit.items.length;
      }
    } catch (error) {
      for (const unit of units) unit.reject(error);
    }
  }
}
