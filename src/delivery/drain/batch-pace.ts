import { limits } from '../../core/limits.ts';

/**
 * The pace of a shard's nightly batch: a claim takes `limits.batchBurst` events at most, and the next one comes a
 * second after the last request of it was begun. Half of the window is left to what is not of the batch.
 */
export class BatchPace {
  #likely = true;
  #nextAt = Number.NEGATIVE_INFINITY;
  #requests = 0;

  /** Says that there may be more. */
  notify(): void {
    this.#likely = true;
  }

  /** Tells whether to claim now. @param waiting syncs of the batch that are claimed and not sent */
  isDue(nowMs: number, waiting: number): boolean {
    return this.#likely && waiting === 0 && nowMs >= this.#nextAt;
  }

  /** Says how long until it is worth claiming, milliseconds. */
  waitMs(nowMs: number, waiting: number): number {
    return this.#likely && waiting === 0 ? Math.max(this.#nextAt - nowMs, 1) : Number.POSITIVE_INFINITY;
  }

  /** A claim gave `count` of the `limit` that were asked for. */
  claimed(nowMs: number, count: number, limit: number): void {
    this.#likely = count === limit;
    this.#nextAt = nowMs + limits.batchPauseMs;
  }

  /** Tells whether another of the batch's requests may begin. @param window requests of the shard under way at most */
  hasSlot(window: number): boolean {
    return this.#requests < Math.max(1, window >> 1);
  }

  began(nowMs: number): void {
    this.#requests += 1;
    this.#nextAt = nowMs + limits.batchPauseMs;
  }

  ended(): void {
    this.#requests -= 1;
  }
}

/** Says how many to claim of a batch where there is room for so many: a burst, else a power of two (see `ClaimRequest`). */
export function batchLimit(room: number): number {
  if (room < 1) return 0;
  return room < limits.batchBurst ? 2 ** Math.floor(Math.log2(room)) : limits.batchBurst;
}
