import type { Clock } from './clock.ts';

/** A flag that one loop waits for and others raise. Raised while nobody waits, it is seen by the next wait. */
export class Latch {
  readonly #clock: Clock;
  #raised = false;
  #wake: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Wakes the waiter, or the next one. */
  raise(): void {
    this.#raised = true;
    this.#wake?.();
  }

  /** Resolves once raised, or after `timeoutMs`; lowers the flag. */
  async wait(timeoutMs: number): Promise<void> {
    if (!this.#raised) {
      await new Promise<void>(resolve => {
        const cancel = this.#clock.after(timeoutMs, resolve);
        this.#wake = () => {
          cancel();
          resolve();
        };
      });
      this.#wake = undefined;
    }
    this.#raised = false;
  }
}
