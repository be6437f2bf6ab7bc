/** Holds what a lab waits for at the moment, each in words. */
export class Waits {
  readonly #waits = new Set<{ readonly what: string }>();

  /** Notes a wait while it lasts. */
  async during<T>(what: string, work: Promise<T>): Promise<T> {
    const wait = { what };
    this.#waits.add(wait);
    try {
      return await work;
    } finally {
      this.#waits.delete(wait);
    }
  }

  /** The waits that last, the oldest first. */
  texts(): string[] {
    return [...this.#waits].map(({ what }) => what);
  }
}
