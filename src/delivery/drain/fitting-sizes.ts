import { LRUCache } from 'lru-cache';
import type { Clock } from '../../core/clock.ts';
import { limits } from '../../core/limits.ts';
import type { DeliverySettings } from './delivery-settings.ts';

type SizedTarget = Pick<DeliverySettings, 'id' | 'webhookUrl' | 'batchMaxBytes'>;

/** Sets how long the size that a target took is remembered, milliseconds. */
const keptMs = 600_000;

/** The sizes of requests that targets take, learned from 413: kept for a while, so that later batches do not fail first. */
export class FittingSizes {
  readonly #clock: Clock;
  readonly #sizes = new LRUCache<string, { bytes: number; until: number }>({ max: limits.subscriptions });

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Most bytes of a request with several events, by what was learned and the subscription's setting. */
  of(settings: SizedTarget): number {
    const known = this.#sizes.get(keyOf(settings));
    if (known === undefined || known.until < this.#clock.steady()) return settings.batchMaxBytes;
    return Math.min(known.bytes, settings.batchMaxBytes);
  }

  /** A request of so many bytes, with several events, was too large. */
  refused(settings: SizedTarget, bytes: number): void {
    // Both halves of a request may be refused, so half of what was learned would be too small.
    const most = Math.min(this.of(settings), Math.ceil(bytes / 2));
    this.#sizes.set(keyOf(settings), { bytes: most, until: this.#clock.steady() + keptMs });
  }
}

/** Another URL is another target. */
function keyOf({ id, webhookUrl }: SizedTarget): string {
  return `${id} ${webhookUrl}`;
}
