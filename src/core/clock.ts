/**
 * Time as a dependency. Everything that asks the time or waits takes a `Clock`, so that tests can move it;
 * this is the only file that touches the real timers.
 */
export interface Clock {
  /** Milliseconds since 1970, as the machine's clock says: for what others see. It may be set, ahead and back. */
  now(): number;
  /** Milliseconds since some moment, never set: for how long something takes or holds. */
  steady(): number;
  /**
   * Resolves after `delayMs` milliseconds, or at once when `signal` aborts (it never rejects: the caller looks
   * at its own signal).
   */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
  /** Calls `fn` after `delayMs`; the returned function calls it off. Does not keep the process alive. */
  after(delayMs: number, fn: () => void): () => void;
  /** Calls `fn` every `periodMs`; the returned function ends it. Does not keep the process alive. */
  every(periodMs: number, fn: () => void): () => void;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  steady: () => performance.now(),
  sleep: (delayMs, signal) =>
    new Promise(resolve => {
      if (signal?.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, delayMs);
      signal?.addEventListener('abort', done, { once: true });
    }),
  after: (delayMs, fn) => {
    const timer = setTimeout(fn, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
  every: (periodMs, fn) => {
    const timer = setInterval(fn, periodMs);
    timer.unref();
    return () => clearInterval(timer);
  },
};
