import { covers } from '../core/event-pattern.ts';
import type { SyncMode } from '../core/model.ts';

/** Holds what of a subscription decides whether it gets an event. */
export interface SubscriptionMatcher {
  readonly id: string;
  /** Names, a prefix with a star (`invoice_*`), or `*`. */
  readonly eventTypes: readonly string[];
  /** Null: all. */
  readonly sourceSystems: readonly string[] | null;
  /** Null: all. */
  readonly companyIds: readonly string[] | null;
  /** Null: as the event type says. */
  readonly mode: SyncMode | null;
  /** When its batches are due; null: nightly. */
  readonly batchCron: string | null;
  /** Shards that its events are spread over, 1 or more. */
  readonly shards: number;
}

/** Holds what of an event decides who gets it. */
export interface Matchable {
  readonly eventType: string;
  readonly sourceSystem: string;
  readonly companyId: string | null;
}

/**
 * Finds the subscriptions of an event without asking each: candidates are looked up by event type (computed
 * once for each type seen), then checked for system and company.
 */
export class SubscriptionIndex {
  readonly #all: readonly SubscriptionMatcher[];
  readonly #byType = new Map<string, readonly SubscriptionMatcher[]>();

  constructor(all: readonly SubscriptionMatcher[]) {
    this.#all = all;
  }

  /** The subscriptions that get this event, in the order of their ids. */
  match(event: Matchable): SubscriptionMatcher[] {
    return this.#ofType(event.eventType).filter(
      subscription =>
        (subscription.sourceSystems === null || subscription.sourceSystems.includes(event.sourceSystem)) &&
        (subscription.companyIds === null ||
          (event.companyId !== null && subscription.companyIds.includes(event.companyId))),
    );
  }

  #ofType(eventType: string): readonly SubscriptionMatcher[] {
    const known = this.#byType.get(eventType);
    if (known !== undefined) return known;
    const found = this.#all.filter(({ eventTypes }) =>
      eventTypes.some(pattern => covers(pattern, eventType)),
    );
    this.#byType.set(eventType, found);
    return found;
  }
}
