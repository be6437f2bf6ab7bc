import type { Clock } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type { Logger } from '../../core/logger.ts';
import type { Database } from '../../db/database.ts';
import { type ParkedRecord, parkBlocked, unparkStranded } from '../../db/delivery/parking-statements.ts';
import type { DuePart } from '../../db/delivery/shard-statements.ts';

const beginning: ParkedRecord = { subscriptionId: '0', voucherId: '0' };

/**
 * Parks what waits behind earlier syncs of its record, in the background, where a claim says that there is much of it. A
 * record with thousands of waiting versions then costs a claim no more than one with two.
 */
export class Parking {
  readonly #deps: { db: Database; clock: Clock; log: Logger };
  /** Drains that are being looked at, or in which there lately was nothing to park. */
  readonly #resting = new Set<string>();
  #place = beginning;

  constructor(deps: { db: Database; clock: Clock; log: Logger }) {
    this.#deps = deps;
  }

  /** Says that claims pass over many blocked syncs of a subscription. Never throws and never waits. */
  crowded(subscriptionId: string, part: DuePart): void {
    const shard = `${subscriptionId} ${part}`;
    if (this.#resting.has(shard)) return;
    this.#resting.add(shard);
    void this.#park(subscriptionId, part).finally(() =>
      this.#deps.clock.after(limits.parkPauseMs, () => this.#resting.delete(shard)),
    );
  }

  /** Lets go some of what is parked though it is its turn. */
  async unparkStranded(): Promise<void> {
    this.#place = (await unparkStranded(this.#deps.db.pool, this.#place)) ?? beginning;
  }

  async #park(subscriptionId: string, part: DuePart): Promise<void> {
    try {
      while ((await parkBlocked(this.#deps.db.pool, subscriptionId, part)) > 0);
    } catch (error) {
      // The next claim says so again.
      this.#deps.log.debug({ shard: subscriptionId, error: messageOf(error) }, 'syncs were not parked');
    }
  }
}
