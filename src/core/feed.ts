/**
 * A queue that one side fills and one reader empties by `for await`. Whoever fills it bounds it: it is used where
 * the number of items is bounded by construction (a window), or small.
 */
export class Feed<T> implements AsyncIterableIterator<T> {
  readonly #items: T[] = [];
  readonly #onReturn: () => void;
  #end: { error: Error | null } | undefined;
  #wake: (() => void) | undefined;

  /** @param onReturn called once, when the reader leaves or the feed ends */
  constructor(onReturn: () => void) {
    this.#onReturn = onReturn;
  }

  /** Adds an item; nothing after the end. */
  push(item: T): void {
    if (this.#end !== undefined) return;
    this.#items.push(item);
    this.#wake?.();
  }

  /** Ends it: the reader gets `error` at once, or without one comes to an end. What waits is not read any more. */
  end(error: Error | null = null): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    this.#items.length = 0;
    this.#wake?.();
    this.#onReturn();
  }

  /** The next item; throws the error that it ended with, once. */
  async next(): Promise<IteratorResult<T, undefined>> {
    while (this.#items.length === 0 && this.#end === undefined) {
      await new Promise<void>(resolve => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    const item = this.#items.shift();
    if (item !== undefined) return { done: false, value: item };
    const error = this.#end?.error ?? null;
    if (error === null) return { done: true, value: undefined };
    this.#end = { error: null };
    throw error;
  }

  /** The reader leaves. */
  async return(): Promise<IteratorResult<T, undefined>> {
    this.end();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
