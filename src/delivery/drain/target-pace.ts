import { limits } from '../../core/limits.ts';

/** A pace as it is shared among the shards and processes of a subscription: what its row holds. */
export interface SharedPace {
  /** Milliseconds since the hold ended; below 0: until it ends. Null: there was none, or it was cleared. */
  readonly sinceMs: number | null;
  /** Requests a second right after the hold, of this shard; null: no pace was learned. */
  readonly perSecond: number | null;
  /** Another with each hold. */
  readonly mark: string | null;
}

/** One request, as the pace saw it begin. */
export interface PacedRequest {
  readonly begunAt: number;
  /** True: it is the one request that is tried after a hold. */
  readonly isTrial: boolean;
}

/** Sets how long a learned pace is kept after a hold, milliseconds; it has grown many times over by then. */
const keptMs = 300_000;

/** The slowest learned pace, requests a second. */
const leastPerSecond = 0.1;

/** Holds that end closer together than this are one, milliseconds: the same one, told by another process. */
const sameHoldMs = 500;

/** Sets how long after a hold the rate at which it came is reached again, seconds; then growth gets faster. */
const plateauSeconds = 15;

/** The rate right after a hold, as a share of the one at which the target asked for a pause: at least, and at most. */
const leastShare = 0.6;
const mostShare = 0.8;

/**
 * The pace that a target takes, learned from its answers. A target that asks for a pause is held: nothing is sent until
 * the date that it gave, then one request is tried, and then as many a second as it took before, growing as CUBIC (RFC
 * 9438) does: fast up to the rate that was too much, slowly around it, then faster and faster. Pure: the time is passed in.
 */
export class TargetPace {
  #heldFrom = Number.NEGATIVE_INFINITY;
  #heldUntil = Number.NEGATIVE_INFINITY;
  #isHalfOpen = false;
  #isTrying = false;
  /** Requests a second right after the last hold; null: as many as there are. */
  #base: number | null = null;
  /** Requests that the target took since counting began. */
  #taken = 0;
  /** True when it took any before the last hold. */
  #hadTaken = false;
  #countedFrom: number | null = null;
  /** Holds in a row between which the target took nothing. */
  #barren = 0;
  #nextAt = Number.NEGATIVE_INFINITY;
  #mark: string | null = null;

  /** Milliseconds until the next request may begin; Infinity: once the one that is tried is answered. */
  waitMs(now: number): number {
    if (now < this.#heldUntil) return this.#heldUntil - now;
    if (this.#isHalfOpen) return this.#isTrying ? Number.POSITIVE_INFINITY : 0;
    return this.#base === null ? 0 : Math.max(0, this.#nextAt - now);
  }

  /** A request begins. */
  begin(now: number): PacedRequest {
    const isTrial = this.#isHalfOpen;
    this.#isTrying = isTrial;
    this.#countedFrom ??= now;
    const rate = this.rateAt(now);
    if (rate !== null) this.#nextAt = Math.max(this.#nextAt, now) + 1_000 / rate;
    return { begunAt: now, isTrial };
  }

  /** Requests a second that may begin; null: as many as there are. */
  rateAt(now: number): number | null {
    if (this.#base === null) return null;
    const seconds = Math.max(0, now - this.#heldUntil) / 1_000;
    if (seconds * 1_000 > keptMs) this.#base = null;
    return this.#base === null ? null : this.#base * (1.25 + 0.25 * (seconds / plateauSeconds - 1) ** 3);
  }

  /** Tells whether the target took other requests beside this one: since the hold before it, or since the beginning. */
  gotThrough({ begunAt }: PacedRequest): boolean {
    return begunAt < this.#heldFrom ? this.#hadTaken : this.#taken > 0;
  }

  /** The target took something, whatever else it said beside. */
  tookSome(): void {
    this.#taken += 1;
    this.#hadTaken = true;
    this.#barren = 0;
  }

  /** The target has answered, and asks for no pause. */
  took({ isTrial }: PacedRequest): void {
    if (!isTrial) return;
    this.#isHalfOpen = false;
    this.#isTrying = false;
  }

  /** A request came to nothing that says anything of the target: where it was the one that is tried, another one is. */
  cameToNothing({ isTrial }: PacedRequest): void {
    if (isTrial) this.#isTrying = false;
  }

  /**
   * The target asks for a pause, or is held because it is away.
   * @param askedMs how long by its own word; null: it did not say
   * @returns how long it is held from now, milliseconds, and the rate after that; null: it is held for so long already
   */
  hold(
    now: number,
    { begunAt, isTrial }: PacedRequest,
    askedMs: number | null,
  ): { holdMs: number; perSecond: number | null } | null {
    if (isTrial) this.#isTrying = false;
    const holdMs = this.#lengthOf(askedMs);
    const until = now + holdMs;
    if (begunAt < this.#heldFrom || now < this.#heldUntil) {
      // It was under way when the hold began, and says the same once more.
      const laterMs = until - this.#heldUntil;
      this.#heldUntil = Math.max(until, this.#heldUntil);
      return laterMs < sameHoldMs ? null : { holdMs, perSecond: this.#base };
    }
    this.#base = this.#rateAfter(now, until);
    this.#barren = this.#taken > 0 ? 0 : this.#barren + 1;
    this.#close(now, until);
    return { holdMs, perSecond: this.#base };
  }

  /** Takes over what other shards and processes have learned, and forgets all where it was cleared. */
  adopt(now: number, { sinceMs, perSecond, mark }: SharedPace): void {
    if (mark === this.#mark) return;
    this.#mark = mark;
    if (sinceMs === null) {
      this.#isHalfOpen = false;
      this.#base = null;
      this.#heldUntil = Number.NEGATIVE_INFINITY;
      return;
    }
    const until = now - sinceMs;
    // Its own hold, as it was written down.
    if (Math.abs(until - this.#heldUntil) < sameHoldMs) return;
    this.#base = perSecond;
    if (until > now) this.#close(now, Math.max(until, this.#heldUntil));
    else this.#heldUntil = Math.max(until, this.#heldUntil);
  }

  #close(now: number, until: number): void {
    this.#hadTaken = this.#taken > 0;
    this.#heldFrom = now;
    this.#heldUntil = until;
    this.#isHalfOpen = true;
    this.#taken = 0;
    this.#countedFrom = until;
    this.#nextAt = until;
  }

  /** The target's own date, or ever longer; and never so short that a target which says `0` is asked without end. */
  #lengthOf(askedMs: number | null): number {
    const doubled = 2 ** Math.min(this.#barren, 20);
    if (askedMs === null) return Math.min(limits.holdFirstMs * doubled, limits.holdMaxMs);
    return Math.max(askedMs, Math.min(limits.holdLeastMs * doubled, limits.holdMaxMs));
  }

  /** Gives what it took in the time, the pause that it now asks for included. */
  #rateAfter(now: number, until: number): number | null {
    const rate = this.rateAt(now);
    if (this.#taken === 0) return rate === null ? null : Math.max(rate / 2, leastPerSecond);
    const taken = (this.#taken * 1_000) / (until - Math.min(this.#countedFrom ?? now, now));
    const bounded = rate === null ? taken : Math.min(Math.max(taken, rate * leastShare), rate * mostShare);
    return Math.max(bounded, leastPerSecond);
  }
}
