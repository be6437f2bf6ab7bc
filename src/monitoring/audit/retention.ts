import type { Clock } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type { Logger } from '../../core/logger.ts';
import type { Database } from '../../db/database.ts';
import {
  dropPartition,
  expiredPartitions,
  forgetKeptAttempts,
  makePartitions,
} from '../../db/monitoring/partitions.ts';

/**
 * Keeps sync logs and attempts for so many days: makes the months to come, and drops whole those that are old. What
 * is not over stays: FAILED syncs stand in no month, and the attempts of what is open or FAILED are taken out of theirs.
 * Should several run at once, none does harm.
 */
export class Retention {
  readonly #deps: { db: Database; clock: Clock; log: Logger };
  readonly #days: number;

  /** @param days HUB_RETENTION_DAYS */
  constructor(deps: { db: Database; clock: Clock; log: Logger }, days: number) {
    this.#deps = deps;
    this.#days = days;
  }

  /** @returns the names of the partitions that were made and dropped; one that was in use is dropped by a later run */
  async run(): Promise<{ made: string[]; dropped: string[] }> {
    const { db, clock, log } = this.#deps;
    const now = new Date(clock.now());
    const made = await db.transaction(client => makePartitions(client, now));
    if (made.length > 0) log.info({ partitions: made }, 'months were made ahead');
    const dropped: string[] = [];
    for (const partition of await db.transaction(client => expiredPartitions(client, now, this.#days))) {
      try {
        const kept = await db.transaction(client => dropPartition(client, partition, limits.dropLockMs));
        if (kept === null) continue;
        dropped.push(partition.name);
        log.info(
          { partition: partition.name, kept },
          'a month that is older than HUB_RETENTION_DAYS was dropped',
        );
      } catch (error) {
        // Who reads one month mostly reads all of them: outcomes are not made to wait once for each.
        log.warn(
          { partition: partition.name, error: messageOf(error) },
          'an old month is in use; it is dropped later',
        );
        break;
      }
    }
    await db.transaction(forgetKeptAttempts);
    return { made, dropped };
  }
}
