import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { Logger } from '../core/logger.ts';
import type { Database } from '../db/database.ts';
import { type ClaimedSync, releaseClaims, renewLeases } from '../db/lane-statements.ts';

/** A claimed sync that waits for a slot. */
interface Held {
  readonly sync: ClaimedSync;
  /** When its lease runs out at the earliest, by this process's clock. */
  leaseUntil: number;
}

/** What a drain has claimed: what waits for a slot, and what is under way. Keeps the leases of both. */
export class HeldClaims {
  readonly #deps: { db: Database; clock: Clock; log: Logger };
  readonly #lane: string;
  #waiting: Held[] = [];
  readonly #underWay = new Set<ClaimedSync>();

  constructor(deps: { db: Database; clock: Clock; log: Logger }, lane: string) {
    this.#deps = deps;
    this.#lane = lane;
  }

  /** How many wait for a slot. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** @param askedAt when the claim was asked for: the lease began no earlier */
  add(syncs: readonly ClaimedSync[], askedAt: number): void {
    for (const sync of syncs) this.#waiting.push({ sync, leaseUntil: askedAt + limits.leaseMs });
  }

  /** Forgets what waits and was not renewed in time: it may be another process's by now, and is not ours to send. */
  dropLapsed(): void {
    const now = this.#deps.clock.steady();
    if (this.#waiting.some(held => held.leaseUntil <= now))
      this.#waiting = this.#waiting.filter(held => held.leaseUntil > now);
  }

  /** Takes the longest waiting, `count` at most, to be sent; each is under way until `done`. */
  take(count: number): ClaimedSync[] {
    const syncs = this.#waiting.splice(0, count).map(held => held.sync);
    for (const sync of syncs) this.#underWay.add(sync);
    return syncs;
  }

  done(sync: ClaimedSync): void {
    this.#underWay.delete(sync);
  }

  /** Prolongs the leases. Never rejects: what could not be renewed runs out. */
  async renew(): Promise<void> {
    const waiting = [...this.#waiting];
    const claims = [...waiting.map(held => held.sync), ...this.#underWay];
    if (claims.length === 0) return;
    const askedAt = this.#deps.clock.steady();
    try {
      const tokens = [...new Set(claims.map(sync => sync.token))];
      const renewed = await renewLeases(this.#deps.db.pool, tokens, limits.leaseMs);
      // What was lost counts as run out; what was claimed since was not asked about and keeps its own lease.
      for (const held of waiting)
        held.leaseUntil = renewed.has(held.sync.token) ? askedAt + limits.leaseMs : askedAt;
    } catch (error) {
      this.#deps.log.warn({ lane: this.#lane, error: messageOf(error) }, 'leases could not be renewed');
    }
  }

  /** Gives back what waits: due at once, nothing used up. Never rejects. */
  async giveBack(): Promise<void> {
    const unsent = this.#waiting.splice(0).map(held => held.sync);
    if (unsent.length === 0) return;
    try {
      await releaseClaims(this.#deps.db.pool, unsent);
    } catch (error) {
      this.#deps.log.warn(
        { lane: this.#lane, error: messageOf(error) },
        'unsent syncs go back when their lease runs out',
      );
    }
  }
}
