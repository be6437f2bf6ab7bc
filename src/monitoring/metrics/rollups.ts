import type { Clock } from '../../core/clock.ts';
import { limits } from '../../core/limits.ts';
import type { Database } from '../../db/database.ts';
import { isPassed } from '../../db/monitoring/audit-statements.ts';
import { forgetRollups, readRollupPoint, rollUpNext } from '../../db/monitoring/rollup-statements.ts';

/** Sets how long a turn waits for transactions that are under way. */
const waitTries = 40;
const waitMs = 50;

/** Counts what is over into rollups, some time after it was written, so that deliveries pay nothing for it. */
export class Rollups {
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #timeZone: string;

  /** @param deps.timeZone HUB_TIME_ZONE: days are counted by it; those before it is changed stay as they were */
  constructor({ db, clock, timeZone }: { db: Database; clock: Clock; timeZone: string }) {
    this.#db = db;
    this.#clock = clock;
    this.#timeZone = timeZone;
  }

  /**
   * Counts everything that is over now. Several may do it at once: one does.
   * @returns false: a long transaction may still add to it, so it is left for the next turn
   */
  async rollUp(signal?: AbortSignal): Promise<boolean> {
    const { pool } = this.#db;
    const point = await readRollupPoint(pool);
    for (let tries = 0; !(await isPassed(pool, { id: point.doneNo, xid: point.xid })); tries += 1) {
      if (signal?.aborted === true || tries === waitTries) return false;
      await this.#clock.sleep(waitMs, signal);
    }
    for (;;) {
      const options = { upTo: point.doneNo, most: limits.rollupSyncs, timeZone: this.#timeZone };
      const more = await this.#db.transaction(client => rollUpNext(client, options));
      if (more !== true || signal?.aborted === true) return more === false;
    }
  }

  /** Forgets what no window reaches any more. */
  forget(): Promise<void> {
    return forgetRollups(this.#db.pool, { minutes: limits.minutesKeptMs, hours: limits.hoursKeptMs });
  }
}
