/**
 * Holds what must be done before this process is gone, whichever way it ends but by SIGKILL: a second Ctrl-C waits for nothing,
 * and the lab's processes, detached and perhaps stopped, would outlive it. Each deed is done at once, the last one first.
 * Dispose of it where all is ended in order.
 */
export class AtOnce implements Disposable {
  readonly #deeds: (() => void)[] = [];
  readonly #onExit = () => {
    for (const deed of this.#deeds.toReversed()) this.#do(deed);
  };

  constructor() {
    process.on('exit', this.#onExit);
  }

  /** @param deed must not wait for anything that is told by an event: none comes any more */
  defer(deed: () => void): void {
    this.#deeds.push(deed);
  }

  [Symbol.dispose](): void {
    process.off('exit', this.#onExit);
  }

  /** One that fails leaves the others to be done. */
  #do(deed: () => void): void {
    try {
      deed();
    } catch (error) {
      process.stderr.write(`Not everything could be ended: ${String(error)}\n`);
    }
  }
}
