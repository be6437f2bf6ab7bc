import type { Vault } from '../access/vault.ts';
import type { Clock } from '../core/clock.ts';
import type { Database } from '../db/database.ts';
import { readLane } from '../db/lane-statements.ts';
import type { DrainMode } from './drain-mode.ts';
import { type Lane, openLane } from './lane.ts';
import { RateLimit } from './rate-limit.ts';

/** A lane's settings as a drain uses them: read again and again, so that a change or a pause holds at once. */
export class LaneSettings {
  readonly #deps: { db: Database; vault: Vault; clock: Clock };
  readonly #id: string;
  readonly #mode: DrainMode;
  #lane: Lane | undefined;
  #readAt = Number.NEGATIVE_INFINITY;
  #changes = 0;
  #limiter: { perSecond: number; limit: RateLimit } | undefined;

  constructor(deps: { db: Database; vault: Vault; clock: Clock }, id: string, mode: DrainMode) {
    this.#deps = deps;
    this.#id = id;
    this.#mode = mode;
  }

  /** The lane; undefined: it takes nothing now. */
  get lane(): Lane | undefined {
    return this.#lane;
  }

  /** Whether they were read lately enough to begin an attempt by them. */
  get areFresh(): boolean {
    return this.#deps.clock.now() - this.#readAt < this.#mode.settingsForMs;
  }

  /** Reads them where they are not fresh. @returns false: the subscription is no more */
  async refresh(): Promise<boolean> {
    const now = this.#deps.clock.now();
    if (this.areFresh) return true;
    const asOf = this.#changes;
    const row = await readLane(this.#deps.db.pool, this.#id);
    if (this.#readAt > now) return true;
    // What changed during the read may not be in it.
    this.#readAt = asOf === this.#changes ? now : Number.NEGATIVE_INFINITY;
    this.#lane = row !== undefined && this.#mode.isOpen(row) ? openLane(row, this.#deps.vault) : undefined;
    const perSecond = this.#lane?.rateLimitPerSecond ?? null;
    if (perSecond === null) this.#limiter = undefined;
    else if (this.#limiter?.perSecond !== perSecond)
      this.#limiter = { perSecond, limit: new RateLimit(perSecond) };
    return row !== undefined;
  }

  /** Says that they have changed: they are read again before anything else is begun. */
  expire(): void {
    this.#changes += 1;
    if (this.#readAt !== Number.POSITIVE_INFINITY) this.#readAt = Number.NEGATIVE_INFINITY;
  }

  /** Takes one of the requests that the rate limit allows. @returns 0, or the milliseconds to wait for it */
  takeTurn(): number {
    return this.#limiter?.limit.take(this.#deps.clock.now()) ?? 0;
  }

  /** The lane counts as closed while `closing` writes so; then it is read again. */
  async closedBy(closing: () => Promise<void>): Promise<void> {
    this.#lane = undefined;
    this.#readAt = Number.POSITIVE_INFINITY;
    try {
      await closing();
    } finally {
      this.#readAt = Number.NEGATIVE_INFINITY;
    }
  }
}
