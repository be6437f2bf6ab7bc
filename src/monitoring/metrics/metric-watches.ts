import type { Clock } from '../../core/clock.ts';
import { HubError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';

/** One computation that several watch. */
interface Watch<T> {
  readonly watchers: Set<Watcher<T>>;
  readonly stop: () => void;
  last: T | undefined;
}

/**
 * Computes something every so often while somebody watches, once for all who watch the same. A watcher gets the newest
 * when it is ready for it: nothing gathers for one that reads slowly.
 */
export class MetricWatches<T> {
  readonly #clock: Clock;
  readonly #watches = new Map<string, Watch<T>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Gives what `compute` gives, at once and then in each period. Leave the iterator to end it.
   * @param key the same for those who watch the same
   * @throws HubError LIMIT_EXCEEDED where too many different things are watched already
   */
  watch(key: string, everyMs: number, compute: () => Promise<T>): AsyncIterableIterator<T> {
    const watch = this.#watches.get(key) ?? this.#begin(key, everyMs, compute);
    const watcher = new Watcher<T>(() => {
      watch.watchers.delete(watcher);
      if (watch.watchers.size > 0) return;
      watch.stop();
      this.#watches.delete(key);
    });
    watch.watchers.add(watcher);
    if (watch.last !== undefined) watcher.show(watch.last);
    return watcher;
  }

  #begin(key: string, everyMs: number, compute: () => Promise<T>): Watch<T> {
    if (this.#watches.size >= limits.metricWatches)
      throw new HubError(
        'LIMIT_EXCEEDED',
        `${limits.metricWatches} different metrics are watched here already; ask for syncMetrics, or watch with a period that others use.`,
      );
    let isUnderWay = false;
    const turn = async () => {
      if (isUnderWay) return;
      isUnderWay = true;
      try {
        watch.last = await compute();
        for (const watcher of watch.watchers) watcher.show(watch.last);
      } catch (error) {
        for (const watcher of watch.watchers) watcher.fail(error);
      } finally {
        isUnderWay = false;
      }
    };
    const stop = this.#clock.every(everyMs, () => void turn());
    const watch: Watch<T> = { watchers: new Set(), stop, last: undefined };
    this.#watches.set(key, watch);
    void turn();
    return watch;
  }
}

/** One who watches: it holds the newest that it has not read yet. */
class Watcher<T> implements AsyncIterableIterator<T> {
  readonly #onLeave: () => void;
  #newest: { value: T } | undefined;
  #error: { cause: unknown } | undefined;
  #hasLeft = false;
  #wake: (() => void) | undefined;

  constructor(onLeave: () => void) {
    this.#onLeave = onLeave;
  }

  show(value: T): void {
    this.#newest = { value };
    this.#wake?.();
  }

  fail(cause: unknown): void {
    this.#error = { cause };
    this.#leave();
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    while (this.#newest === undefined && !this.#hasLeft) {
      await new Promise<void>(resolve => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    const error = this.#error;
    this.#error = undefined;
    if (error !== undefined) throw error.cause;
    const newest = this.#newest;
    this.#newest = undefined;
    return newest === undefined || this.#hasLeft
      ? { done: true, value: undefined }
      : { done: false, value: newest.value };
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.#leave();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #leave(): void {
    if (!this.#hasLeft) this.#onLeave();
    this.#hasLeft = true;
    this.#wake?.();
  }
}
