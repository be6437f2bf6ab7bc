import type { BusinessTime } from '../core/business-time.ts';
import type { Clock } from '../core/clock.ts';
import { limits } from '../core/limits.ts';
import { redateBatch } from '../db/batch-statements.ts';
import type { Database } from '../db/database.ts';
import type { SubscriptionRow } from '../db/entities.ts';

/** When the batches of subscriptions are due. */
export class BatchDates {
  readonly #db: Database;
  readonly #time: BusinessTime;
  readonly #clock: Clock;

  constructor(deps: { db: Database; time: BusinessTime; clock: Clock }) {
    this.#db = deps.db;
    this.#time = deps.time;
    this.#clock = deps.clock;
  }

  /** What is wrong with a cron pattern; null: nothing. */
  cronFault(pattern: string): string | null {
    return this.#time.cronFault(pattern);
  }

  /**
   * Gives what waits for a batch the date that it would get now: the next one by the subscription's schedule, or at
   * once where it is no longer of mode BATCH. In short statements: if the hub stops meanwhile, the rest keeps its date.
   */
  async redate({ id, mode, batchCron }: SubscriptionRow): Promise<void> {
    const waits = mode == null || mode === 'batch';
    const dueAt = waits ? this.#time.nextBatch(batchCron ?? null, this.#clock.now()) : null;
    while ((await redateBatch(this.#db.pool, id, dueAt, limits.compensationBatch)) > 0);
  }
}
