/** Sets how much a limiter may let through at once, as a share of a second: smooths the timers' coarseness. */
const burstSeconds = 0.05;

/**
 * A rate limit by GCRA (the generic cell rate algorithm, ITU-T I.371): one number of state, no timer.
 * Allows `perSecond` on average, and a burst of 50 ms' worth (at least one).
 */
export class RateLimit {
  readonly #periodMs: number;
  readonly #toleranceMs: number;
  #nextMs = 0;

  /** @param perSecond above 0 */
  constructor(perSecond: number) {
    this.#periodMs = 1_000 / perSecond;
    this.#toleranceMs = Math.max(0, Math.floor(perSecond * burstSeconds) - 1) * this.#periodMs;
  }

  /** Takes one: 0 when it may go now, else the milliseconds after which to ask again. */
  take(nowMs: number): number {
    const waitMs = this.#nextMs - this.#toleranceMs - nowMs;
    if (waitMs > 0) return waitMs;
    this.#nextMs = Math.max(this.#nextMs, nowMs) + this.#periodMs;
    return 0;
  }
}
