import { limits } from '../../core/limits.ts';
import type { Logger } from '../../core/logger.ts';
import type { Database } from '../../db/database.ts';
import {
  pauseSubscription,
  resumeSubscription,
  suspendSubscription,
} from '../../db/delivery/breaker-statements.ts';
import type { BacklogWork } from '../drain/backlog-work.ts';

/**
 * The circuit breaker of subscriptions. Its state stands in the subscription's row, so that all processes share it and
 * operators see it: active (closed), suspended (open; a probe is the half-open try).
 */
export class Breaker {
  readonly #db: Database;
  readonly #log: Logger;
  readonly #backlog: Pick<BacklogWork, 'requeue'>;

  constructor(deps: { db: Database; log: Logger; backlog: Pick<BacklogWork, 'requeue'> }) {
    this.#db = deps.db;
    this.#log = deps.log;
    this.#backlog = deps.backlog;
  }

  /** Suspends or pauses. Never rejects: where it could not, the next sync that fails for the same cause tries again. */
  async trip(subscriptionId: string, how: 'suspend' | 'pause', errorCode: string | null): Promise<void> {
    try {
      if (how === 'suspend') await this.#suspend(subscriptionId, errorCode);
      else await this.pauseGone(subscriptionId);
    } catch (error) {
      this.#log.error({ shard: subscriptionId, err: error }, 'the subscription could not be closed');
    }
  }

  /** Opens the breaker: nothing more is attempted and everything is kept. */
  async #suspend(subscriptionId: string, errorCode: string | null): Promise<void> {
    if (await suspendSubscription(this.#db.pool, subscriptionId, limits.probeFirstMs)) {
      this.#log.warn(
        { shard: subscriptionId, error_code: errorCode, alert: 'warning' },
        'target is down: subscription suspended, everything is kept',
      );
    }
  }

  /** Pauses a subscription whose consumer answered 410: it wants no more. */
  async pauseGone(subscriptionId: string): Promise<void> {
    if (await pauseSubscription(this.#db.pool, subscriptionId, 'consumer')) {
      this.#log.error(
        { shard: subscriptionId, alert: 'critical' },
        'target answered 410 Gone: subscription paused, everything is kept',
      );
    }
  }

  /** Closes the breaker after a good probe, and queues again what had failed because of the connection. */
  async close(subscriptionId: string): Promise<void> {
    if (!(await resumeSubscription(this.#db.pool, subscriptionId, ['suspended']))) return;
    this.#log.info({ shard: subscriptionId }, 'target is back: subscription resumed');
    await this.#backlog.requeue(subscriptionId);
  }
}
