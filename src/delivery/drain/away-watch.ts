import { LRUCache } from 'lru-cache';
import { limits } from '../../core/limits.ts';

/**
 * Finds out that a target is away though it answers: many different events in a row come to 5xx. One event that always
 * does is itself the cause, and a success in between begins the count anew.
 */
export class AwayWatch {
  readonly #failing = new Set<string>();

  /** An event came to an answer. @returns true: with this one the target counts as away, and counting begins anew */
  note(eventId: string, isAway: boolean): boolean {
    if (!isAway) {
      this.#failing.clear();
      return false;
    }
    this.#failing.add(eventId);
    if (this.#failing.size < limits.awayEvents) return false;
    this.#failing.clear();
    return true;
  }
}

/** The watches of a process, one a subscription: they outlive drains, whose shard may be empty between two events. */
export class AwayWatches {
  readonly #watches = new LRUCache<string, AwayWatch>({ max: limits.subscriptions });

  of(subscriptionId: string): AwayWatch {
    const known = this.#watches.get(subscriptionId) ?? new AwayWatch();
    this.#watches.set(subscriptionId, known);
    return known;
  }
}
