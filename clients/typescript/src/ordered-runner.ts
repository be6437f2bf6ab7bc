interface Task {
  readonly run: () => Promise<void>;
}

/** Runs tasks one after the other within a key, and so many at once across keys. */
export class OrderedRunner {
  readonly #concurrency: number;
  /** Holds what waits, by key. A key that has a task running is here too, with an empty list. */
  readonly #waiting = new Map<string, Task[]>();
  /** Keys with something to run and nothing running, in the order of their turn. */
  #ready: string[] = [];
  #running = 0;
  #whenIdle: (() => void)[] = [];

  /** @throws {RangeError} unless concurrency is 1 or more */
  constructor(concurrency: number) {
    if (!(concurrency >= 1)) throw new RangeError(`concurrency: ${concurrency}; 1 or more.`);
    this.#concurrency = concurrency;
  }

  /** Queues a task behind those of its key. It must not reject. */
  add(key: string, run: () => Promise<void>): void {
    const queue = this.#waiting.get(key);
    if (queue !== undefined) {
      // Empty and known: one of this key runs, and its end makes the key ready.
      queue.push({ run });
      return;
    }
    this.#waiting.set(key, [{ run }]);
    this.#ready.push(key);
    this.#fill();
  }

  /** Forgets every task that has not begun. */
  clearWaiting(): void {
    for (const key of this.#ready) this.#waiting.delete(key);
    for (const queue of this.#waiting.values()) queue.length = 0;
    this.#ready = [];
    this.#tellIdle();
  }

  /** Resolves when nothing runs or waits. */
  idle(): Promise<void> {
    return new Promise(resolve => {
      this.#whenIdle.push(resolve);
      this.#tellIdle();
    });
  }

  #fill(): void {
    while (this.#running < this.#concurrency) {
      const key = this.#ready.shift();
      if (key === undefined) return;
      const task = this.#waiting.get(key)?.shift();
      if (task !== undefined) void this.#start(key, task);
    }
  }

  async #start(key: string, task: Task): Promise<void> {
    this.#running += 1;
    try {
      await task.run();
    } finally {
      this.#running -= 1;
      if (this.#waiting.get(key)?.length === 0) this.#waiting.delete(key);
      else this.#ready.push(key);
      this.#fill();
      this.#tellIdle();
    }
  }

  #tellIdle(): void {
    if (this.#running > 0 || this.#waiting.size > 0) return;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }
}
