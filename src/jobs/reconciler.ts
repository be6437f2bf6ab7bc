import { messageOf } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { Logger } from '../core/logger.ts';
import type { Database } from '../db/database.ts';
import { type Reclaimed, reclaimExpired, shardsWithWork } from '../db/delivery/shard-statements.ts';
import type { BacklogWork } from '../delivery/drain/backlog-work.ts';
import type { Parking } from '../delivery/drain/parking.ts';
import type { ChangeListener } from '../delivery/reading/sync-changes.ts';
import type { Schedule } from './schedules.ts';

/** Holds what the reconciler asks of the drains. */
interface ReconciledDrains {
  wake(shards: Iterable<string>): void;
  probeDue(): Promise<void>;
}

interface ReconcilerDeps {
  readonly db: Database;
  readonly log: Logger;
  readonly drains: ReconciledDrains;
  readonly parking: Pick<Parking, 'unparkStranded'>;
  readonly changes: ChangeListener;
  readonly backlog: Pick<BacklogWork, 'goOn'>;
}

/**
 * Finds what was missed: leases that ran out (a process died), due rows whose wake-up was lost (the queue was
 * emptied, or a process died between commit and wake-up), suspended subscriptions whose probe is due, work on a
 * backlog that is not finished. It rests on
 * PostgreSQL alone, on purpose: the queue is what it makes up for. Several may run at once; they do no harm.
 */
export class Reconciler {
  readonly #deps: ReconcilerDeps;

  constructor(deps: ReconcilerDeps) {
    this.#deps = deps;
  }

  /** Runs at a scheduler's start, when something is most likely to have been missed. Never rejects. */
  async runNow(): Promise<void> {
    await this.run().catch((error: unknown) =>
      this.#deps.log.warn({ error: messageOf(error) }, 'reconciler waits for the database'),
    );
  }

  /** The reconciler as a schedule. */
  get schedule(): Schedule {
    return { name: 'reconcile', when: { everyMs: limits.reconcileMs }, run: () => this.run() };
  }

  async run(): Promise<void> {
    const { db, drains, parking, log, changes, backlog } = this.#deps;
    const freed = await this.#reclaim();
    const freedShards = [...new Set(freed.map(({ subscriptionId }) => subscriptionId))];
    if (freed.length > 0) log.warn({ shards: freedShards }, 'leases had run out; their syncs are due again');
    changes.note(freed.map(({ id }) => id));
    await parking.unparkStranded();
    drains.wake(await shardsWithWork(db.pool));
    await drains.probeDue();
    await backlog.goOn();
  }

  /** All that ran out: what a dead process held stands behind the claims of the living that were answered long ago. */
  async #reclaim(): Promise<Reclaimed['freed']> {
    const freed: Reclaimed['freed'] = [];
    for (let turn = 0; turn < limits.reclaimTurns; turn += 1) {
      const part = await reclaimExpired(this.#deps.db.pool);
      freed.push(...part.freed);
      if (!part.more) break;
    }
    return freed;
  }
}
