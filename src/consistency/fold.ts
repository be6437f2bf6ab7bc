import { errorCodeOf } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { foldNext, type Horizon, readHorizon } from '../db/consistency/fold.ts';
import type { Database } from '../db/database.ts';

/** SQLSTATE lock_not_available: a recording took longer than the fold waits. */
const lockNotAvailable = '55P03';

/** Sets how often a fold waits for recordings that are under way. */
const maxTries = 5;

/**
 * Folds what was recorded into the tree that checks compare. Intake writes nothing for it: the events are the list of
 * what changed.
 */
export class Fold {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /**
   * Folds in all that is committed by now, in short steps.
   * @param signal ends it between two steps
   * @returns up to where; what is recorded later is not in it
   */
  async run(signal?: AbortSignal): Promise<Horizon> {
    const horizon = await this.#horizon();
    const next = () =>
      this.#db.transaction(client => foldNext(client, horizon.lastEventId, limits.foldBatch));
    while (await next()) if (signal?.aborted === true) break;
    return horizon;
  }

  async #horizon(): Promise<Horizon> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#db.transaction(client => readHorizon(client, limits.foldLockMs));
      } catch (error) {
        if (errorCodeOf(error) !== lockNotAvailable || tries === maxTries) throw error;
      }
    }
  }
}
