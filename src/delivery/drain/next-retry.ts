import type { Clock } from '../../core/clock.ts';
import { limits } from '../../core/limits.ts';
import type { TransportKind } from '../../core/model.ts';
import type { Database } from '../../db/database.ts';
import { nextDueInMs, type Shard } from '../../db/delivery/shard-statements.ts';

/** Sets how long to wait before looking again where something fell due that could not be claimed just now, milliseconds. */
const heldByOtherMs = 250;

/** When the next sync of a shard falls due, as far as is known. */
export class NextRetry {
  readonly #deps: { db: Database; clock: Clock };
  readonly #kind: TransportKind;
  /** By the steady clock; undefined: the database must be asked. */
  #at: number | undefined;

  constructor(deps: { db: Database; clock: Clock }, kind: TransportKind) {
    this.#deps = deps;
    this.#kind = kind;
  }

  /** Tells whether it has come; it is asked for anew then. */
  hasCome(now: number): boolean {
    if (this.#at === undefined || this.#at > now) return false;
    this.#at = undefined;
    return true;
  }

  /** A retry was written that is due in so many milliseconds; Infinity: none was. */
  note(delayMs: number): void {
    if (this.#at !== undefined) this.#at = Math.min(this.#at, this.#deps.clock.steady() + delayMs);
  }

  /** Milliseconds until then, 1 at least; the database is asked where that is not known. */
  async inMs(records: { subscriptionId: string; shard: Shard | null }): Promise<number> {
    this.#at ??= (await this.ask(records)) + this.#deps.clock.steady();
    return Math.max(this.#at - this.#deps.clock.steady(), 1);
  }

  /** Asks the database. @returns milliseconds; `limits.leaseMs`: nothing is due before */
  async ask(records: { subscriptionId: string; shard: Shard | null }): Promise<number> {
    const dueMs = await nextDueInMs(this.#deps.db.pool, records, this.#kind);
    return dueMs === null ? limits.leaseMs : dueMs > 0 ? dueMs + 1 : heldByOtherMs;
  }
}
