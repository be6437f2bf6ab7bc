import { setTimeout as pause } from 'node:timers/promises';

/** Says how long to wait between tries, milliseconds. */
export interface BackoffOptions {
  /** Before the second try. Doubles from try to try. */
  readonly baseMs: number;
  /** Never more than this. */
  readonly maxMs: number;
}

/** Delays that double, each shortened by up to a half at random so that clients do not come back all at once. */
export class Backoff {
  readonly #options: BackoffOptions;
  readonly #random: () => number;
  #failures = 0;

  /** @param random from 0 to below 1 */
  constructor(options: BackoffOptions, random: () => number = Math.random) {
    this.#options = options;
    this.#random = random;
  }

  /** The delay after one more failure, milliseconds. */
  next(): number {
    const { baseMs, maxMs } = this.#options;
    // 2 ** 1024 is Infinity, which min takes as it should.
    const full = Math.min(baseMs * 2 ** this.#failures, maxMs);
    this.#failures += 1;
    return Math.round(full * (1 - this.#random() / 2));
  }

  /** After a success: the next delay is the first again. */
  reset(): void {
    this.#failures = 0;
  }
}

/** Waits; ends at once when the signal aborts. Never rejects. */
export async function waitFor(ms: number, signal: AbortSignal): Promise<void> {
  await pause(ms, undefined, { signal }).catch(() => {});
}

/** Tells whether a promise settles within so many milliseconds. Its rejection counts as settled and is not thrown. */
export async function settlesWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const settled = new AbortController();
  const done = promise.then(
    () => true,
    () => true,
  );
  const late = pause(ms, false, { signal: settled.signal }).catch(() => false);
  try {
    return await Promise.race([done, late]);
  } finally {
    settled.abort();
  }
}
