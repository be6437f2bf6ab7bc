import { limits } from '../../core/limits.ts';

/** A piece of work that waits for its turn. */
interface WaitingTurn {
  readonly fields: number;
  readonly begin: () => void;
}

/**
 * Shares the event loop out among the answers that are being made: so many fields in one of its turns, and then others
 * have theirs. Without it a long list holds up everything else in the process.
 */
export class Turns {
  #taken = 0;
  #isTurnOver = true;
  readonly #waiting: WaitingTurn[] = [];

  /** @returns undefined: go on at once; else when it is time */
  take(fields: number): Promise<void> | undefined {
    if (this.#waiting.length === 0 && this.#taken < limits.turnFields) {
      this.#begin(fields);
      return undefined;
    }
    return new Promise(begin => void this.#waiting.push({ fields, begin }));
  }

  #begin(fields: number): void {
    this.#taken += fields;
    if (!this.#isTurnOver) return;
    this.#isTurnOver = false;
    setImmediate(() => this.#next());
  }

  #next(): void {
    this.#taken = 0;
    this.#isTurnOver = true;
    let next = this.#waiting.shift();
    while (next !== undefined) {
      next.begin();
      this.#begin(next.fields);
      next = this.#taken < limits.turnFields ? this.#waiting.shift() : undefined;
    }
  }
}
