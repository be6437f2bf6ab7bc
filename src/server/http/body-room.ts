import type { Clock } from '../../core/clock.ts';
import { limits } from '../../core/limits.ts';

/** A body that waits for room. */
interface Waiter {
  readonly keyId: string;
  readonly bytes: number;
  /** Aborts when there is room, which is the body's then. */
  readonly served: AbortController;
}

/**
 * Bounds the bytes of the request bodies that a process holds at once, all together and those of one key. A body has
 * its room from before its first byte is read until the request is answered. One that waits for room stays in the
 * caller's connection, unread.
 */
export class BodyRoom {
  readonly #clock: Clock;
  readonly #perKey = new Map<string, number>();
  /** In the order in which they came. */
  readonly #waiting = new Set<Waiter>();
  #used = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Waits for room. @returns what gives it back, however often it is called; null: there was none in time */
  async take(keyId: string, bytes: number): Promise<(() => void) | null> {
    if (this.#waiting.size === 0 && this.#fits(bytes) && this.#fitsKey(keyId, bytes))
      this.#reserve(keyId, bytes);
    else if (!(await this.#wait(keyId, bytes))) return null;
    let isHeld = true;
    return () => {
      if (isHeld) this.#giveBack(keyId, bytes);
      isHeld = false;
    };
  }

  async #wait(keyId: string, bytes: number): Promise<boolean> {
    const waiter = { keyId, bytes, served: new AbortController() };
    this.#waiting.add(waiter);
    this.#serve();
    await this.#clock.sleep(limits.bodyWaitMs, waiter.served.signal);
    this.#waiting.delete(waiter);
    return waiter.served.signal.aborted;
  }

  /**
   * Gives room in the order of coming. Bodies of a key that has its share are passed over; nobody overtakes a large one
   * else.
   */
  #serve(): void {
    for (const waiter of this.#waiting) {
      if (!this.#fits(waiter.bytes)) return;
      if (!this.#fitsKey(waiter.keyId, waiter.bytes)) continue;
      this.#reserve(waiter.keyId, waiter.bytes);
      this.#waiting.delete(waiter);
      waiter.served.abort();
    }
  }

  #fits(bytes: number): boolean {
    return this.#used + bytes <= limits.bodiesBytes;
  }

  #fitsKey(keyId: string, bytes: number): boolean {
    return (this.#perKey.get(keyId) ?? 0) + bytes <= limits.bodiesBytesPerKey;
  }

  #reserve(keyId: string, bytes: number): void {
    this.#used += bytes;
    this.#perKey.set(keyId, (this.#perKey.get(keyId) ?? 0) + bytes);
  }

  #giveBack(keyId: string, bytes: number): void {
    this.#used -= bytes;
    const left = (this.#perKey.get(keyId) ?? 0) - bytes;
    if (left > 0) this.#perKey.set(keyId, left);
    else this.#perKey.delete(keyId);
    this.#serve();
  }
}
