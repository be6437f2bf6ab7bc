import type { Vault } from '../../access/vault.ts';
import type { Clock } from '../../core/clock.ts';
import type { Database } from '../../db/database.ts';
import {
  type DeliverySettingsRow,
  readDeliverySettings,
  type Shard,
} from '../../db/delivery/shard-statements.ts';
import { type DeliverySettings, openDeliverySettings, shareOf } from './delivery-settings.ts';
import type { DrainedShard, DrainMode } from './drain-mode.ts';
import { RateLimit } from './rate-limit.ts';
import type { TargetPace } from './target-pace.ts';

/** The settings of a shard as its drain uses them: read again and again, so that a change or a pause holds at once. */
export class ShardSettings {
  readonly #deps: { db: Database; vault: Vault; clock: Clock };
  readonly #id: string;
  readonly #index: number | null;
  readonly #mode: DrainMode;
  readonly #pace: TargetPace;
  #settings: DeliverySettings | undefined;
  #readAt = Number.NEGATIVE_INFINITY;
  #changes = 0;
  #limiter: { perSecond: number; limit: RateLimit } | undefined;

  constructor(deps: { db: Database; vault: Vault; clock: Clock }, shard: DrainedShard, pace: TargetPace) {
    this.#deps = deps;
    this.#id = shard.subscriptionId;
    this.#index = shard.index;
    this.#mode = shard.mode;
    this.#pace = pace;
  }

  /** Holds the settings in force; undefined: the shard takes nothing now. */
  get current(): DeliverySettings | undefined {
    return this.#settings;
  }

  /** Says of which records to claim. */
  get records(): { subscriptionId: string; shard: Shard | null } {
    const shard = this.#index === null ? null : { index: this.#index, shards: this.#settings?.shards ?? 1 };
    return { subscriptionId: this.#id, shard };
  }

  /** True when this shard is one of the subscription's: the number of its shards may change at any time. */
  get isOneOfThem(): boolean {
    // An attached consumer takes from all of them.
    if (this.#settings === undefined || this.#mode.stays) return true;
    const { shards } = this.#settings;
    return this.#index === null ? shards === 1 : shards > 1 && this.#index < shards;
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
    const row = await readDeliverySettings(this.#deps.db.pool, this.#id);
    if (this.#readAt > now) return true;
    // What changed during the read may not be in it.
    this.#readAt = asOf === this.#changes ? now : Number.NEGATIVE_INFINITY;
    this.#settings =
      row !== undefined && !row.isRequeueing && this.#mode.isOpen(row)
        ? shareOf(openDeliverySettings(row, this.#deps.vault), this.#index)
        : undefined;
    if (row !== undefined && this.#mode.kind === 'webhook') this.#adopt(now, row);
    const perSecond = this.#settings?.rateLimitPerSecond ?? null;
    if (perSecond === null) this.#limiter = undefined;
    else if (this.#limiter?.perSecond !== perSecond)
      this.#limiter = { perSecond, limit: new RateLimit(perSecond) };
    return row !== undefined;
  }

  #adopt(now: number, row: DeliverySettingsRow): void {
    const { heldSinceMs, holdMark, pacePerSecond } = row;
    const share = this.#index === null ? 1 : row.shards;
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

  /** The subscription counts as closed while `closing` writes so; then it is read again. */
  async closedBy(closing: () => Promise<void>): Promise<void> {
    this.#settings = undefined;
    this.#readAt = Number.POSITIVE_INFINITY;
    try {
      await closing();
    } finally {
      this.#readAt = Number.NEGATIVE_INFINITY;
    }
  }
}
