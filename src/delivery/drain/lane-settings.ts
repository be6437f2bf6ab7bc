import type { Vault } from '../../access/vault.ts';
import type { Clock } from '../../core/clock.ts';
import type { Database } from '../../db/database.ts';
import { type LaneRow, readLane, type Shard } from '../../db/delivery/lane-statements.ts';
import type { DrainedLane, DrainMode } from './drain-mode.ts';
import { type Lane, openLane, shareOf } from './lane.ts';
import { RateLimit } from './rate-limit.ts';
import type { TargetPace } from './target-pace.ts';

/** A lane's settings as a drain uses them: read again and again, so that a change or a pause holds at once. */
export class LaneSettings {
  readonly #deps: { db: Database; vault: Vault; clock: Clock };
  readonly #id: string;
  readonly #shard: number | null;
  readonly #mode: DrainMode;
  readonly #pace: TargetPace;
  #lane: Lane | undefined;
  #readAt = Number.NEGATIVE_INFINITY;
  #changes = 0;
  #limiter: { perSecond: number; limit: RateLimit } | undefined;

  constructor(deps: { db: Database; vault: Vault; clock: Clock }, lane: DrainedLane, pace: TargetPace) {
    this.#deps = deps;
    this.#id = lane.subscriptionId;
    this.#shard = lane.shard;
    this.#mode = lane.mode;
    this.#pace = pace;
  }

  /** The lane; undefined: it takes nothing now. */
  get lane(): Lane | undefined {
    return this.#lane;
  }

  /** Of which records to claim. */
  get records(): { subscriptionId: string; shard: Shard | null } {
    const shard = this.#shard === null ? null : { shard: this.#shard, lanes: this.#lane?.lanes ?? 1 };
    return { subscriptionId: this.#id, shard };
  }

  /** True when this lane is one of the subscription's: the number of its shards may change at any time. */
  get isOneOfThem(): boolean {
    // An attached consumer takes from all of them.
    if (this.#lane === undefined || this.#mode.stays) return true;
    const { lanes } = this.#lane;
    return this.#shard === null ? lanes === 1 : lanes > 1 && this.#shard < lanes;
  }

  /** True when they were read lately enough to begin an attempt by them. */
  get areFresh(): boolean {
    return this.#deps.clock.steady() - this.#readAt < this.#mode.settingsForMs;
  }

  /** Reads them where they are not fresh. @returns false: the subscription is no more */
  async refresh(): Promise<boolean> {
    const now = this.#deps.clock.steady();
    if (this.areFresh) return true;
    const asOf = this.#changes;
    const row = await readLane(this.#deps.db.pool, this.#id);
    if (this.#readAt > now) return true;
    // What changed during the read may not be in it.
    this.#readAt = asOf === this.#changes ? now : Number.NEGATIVE_INFINITY;
    this.#lane =
      row !== undefined && !row.isRequeueing && this.#mode.isOpen(row)
        ? shareOf(openLane(row, this.#deps.vault), this.#shard)
        : undefined;
    if (row !== undefined && this.#mode.kind === 'webhook') this.#adopt(now, row);
    const perSecond = this.#lane?.rateLimitPerSecond ?? null;
    if (perSecond === null) this.#limiter = undefined;
    else if (this.#limiter?.perSecond !== perSecond)
      this.#limiter = { perSecond, limit: new RateLimit(perSecond) };
    return row !== undefined;
  }

  #adopt(now: number, row: LaneRow): void {
    const { heldSinceMs, holdMark, pacePerSecond } = row;
    const share = this.#shard === null ? 1 : row.lanes;
    const perSecond = pacePerSecond === null ? null : pacePerSecond / share;
    this.#pace.adopt(now, { sinceMs: heldSinceMs, perSecond, mark: holdMark });
  }

  /** Says that they have changed: they are read again before anything else is begun. */
  expire(): void {
    this.#changes += 1;
    if (this.#readAt !== Number.POSITIVE_INFINITY) this.#readAt = Number.NEGATIVE_INFINITY;
  }

  /** Takes one of the requests that pace and rate limit allow. @returns 0, or the milliseconds to wait for it */
  takeTurn(): number {
    const now = this.#deps.clock.steady();
    const paceMs = this.#pace.waitMs(now);
    return paceMs > 0 ? paceMs : (this.#limiter?.limit.take(now) ?? 0);
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
