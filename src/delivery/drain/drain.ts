import { messageOf } from '../../core/errors.ts';
import { Latch } from '../../core/latch.ts';
import { limits } from '../../core/limits.ts';
import type { ClaimedSync, LanePart } from '../../db/delivery/lane-statements.ts';
import type { Outcome } from '../outcome/judge.ts';
import type { LaneOutcomes } from '../outcome/lane-outcomes.ts';
import { BatchPace, batchLimit } from './batch-pace.ts';
import type { DrainDeps } from './drain-deps.ts';
import type { DrainedLane, DrainMode, Held } from './drain-mode.ts';
import { DrainRequests } from './drain-requests.ts';
import { DrainTarget } from './drain-target.ts';
import { HeldClaims } from './held-claims.ts';
import type { Lane } from './lane.ts';
import { LaneSettings } from './lane-settings.ts';
import { NextRetry } from './next-retry.ts';

/**
 * Why a drain ended: nothing is due (`idle`), its turn is over though more may be due (`turn-over`), the lane is
 * paused, suspended, deleted, without a webhook or an attached consumer's (`closed`), the subscription has another
 * number of shards by now, and this is none of them (`resharded`), or it was stopped (`stopped`).
 */
export type DrainEnd = 'idle' | 'turn-over' | 'closed' | 'resharded' | 'stopped';

/** Sets how long to wait for an answer before looking again whether the lane is open, milliseconds. */
const answerLookMs = 250;

/** Sets how long a drain that does not claim ahead leaves room for fewer than is worth a statement, milliseconds. */
const smallRoomMs = 20;

/** Sets how long a drain that stays waits for a poke on an empty or closed lane, milliseconds. */
const stayMs = 60_000;

/** Pause after a failed query, milliseconds. */
const databaseAwayMs = 500;

/**
 * Empties one lane: claims ahead, sends within the window, writes outcomes. The window slides: each answer frees
 * its own slot. Lives from a wake-up until the lane has been empty for a moment, or as long as its consumer is attached.
 */
export class LaneDrain {
  readonly #deps: DrainDeps;
  readonly #id: string;
  readonly #mode: DrainMode;
  readonly #isCrowded: () => boolean;
  readonly #change: Latch;
  readonly #outcomes: LaneOutcomes;
  readonly #giveUp = new AbortController();
  readonly #startedAt: number;
  readonly #settings: LaneSettings;
  readonly #target: DrainTarget;
  readonly #sender: DrainRequests;
  #cancelPump: (() => void) | undefined;
  readonly #claims: HeldClaims;
  readonly #batch = new BatchPace();
  #requests = 0;
  #moreLikely = true;
  /** Waiting syncs at which it is worth claiming more. */
  #refillAt = 0;
  #filledAt = Number.NEGATIVE_INFINITY;
  readonly #nextRetry: NextRetry;
  #lastWorkAt: number;
  #end: DrainEnd | undefined;

  constructor(deps: DrainDeps, lane: DrainedLane) {
    const { subscriptionId, mode, isCrowded } = lane;
    this.#deps = deps;
    this.#id = subscriptionId;
    this.#mode = mode;
    this.#isCrowded = isCrowded;
    this.#target = new DrainTarget(deps, lane, (errorCode, tooLong) => this.#held(errorCode, tooLong));
    this.#settings = new LaneSettings(deps, lane, this.#target.pace);
    this.#change = new Latch(deps.clock);
    this.#claims = new HeldClaims(deps, subscriptionId, mode);
    this.#nextRetry = new NextRetry(deps, mode.kind);
    this.#startedAt = deps.clock.steady();
    this.#lastWorkAt = this.#startedAt;
    const onDropped = (outcomes: readonly Outcome[]) => {
      mode.onDropped(outcomes);
      this.#sender.written(outcomes);
    };
    const owner = { subscriptionId, transport: mode.kind, giveUp: this.#giveUp.signal, onDropped };
    this.#outcomes = deps.outcomes.open({ ...owner, onWritten: outcomes => this.#written(outcomes) });
    const parts = { mode, target: this.#target, claims: this.#claims, outcomes: this.#outcomes };
    this.#sender = new DrainRequests(deps, { ...parts, giveUp: this.#giveUp.signal });
  }

  /** Says that the lane has new work. Cheap; call it as often as you like. */
  poke(): void {
    this.#expectMore();
    this.#change.raise();
  }

  /** Says that the lane's settings or state have changed. */
  reread(): void {
    this.#settings.expire();
    this.poke();
  }

  /** Claims no more; `run` then resolves once what is under way is answered and written, or `giveUp` aborts. */
  stop(giveUp: AbortSignal): void {
    this.#end ??= 'stopped';
    giveUp.addEventListener('abort', () => this.#giveUp.abort(), { once: true });
    if (giveUp.aborted) this.#giveUp.abort();
    this.#change.raise();
  }

  /**
   * Runs until the lane is empty, its turn over, or it is stopped. Call it once.
   * @param onBegun called after the first look at the lane
   */
  async run(onBegun?: () => void): Promise<DrainEnd> {
    const stopRenewing = this.#deps.clock.every(limits.leaseMs / 3, () => void this.#claims.renew());
    try {
      while (this.#end === undefined) {
        if (this.#deps.clock.steady() - this.#startedAt > limits.drainTurnMs && this.#isCrowded())
          this.#end = 'turn-over';
        else await this.#step();
        onBegun?.();
      }
      if (this.#end === 'closed') this.#mode.onClosed();
      await this.#finish();
      return this.#end;
    } finally {
      stopRenewing();
      this.#cancelPump?.();
    }
  }

  async #step(): Promise<void> {
    try {
      if (!(await this.#settings.refresh())) this.#end ??= 'closed';
      else if (!this.#settings.isOneOfThem) this.#end ??= 'resharded';
      if (this.#end !== undefined) return;
      if (this.#settings.lane === undefined) return await this.#standBack();
      if (this.#mode.stays && this.#target.pauseMs > 0) return await this.#standAside();
      this.#pump();
      // What is not of a batch is claimed first, to the last.
      const claimed = (await this.#fill()) || (await this.#fillBatch());
      this.#pump();
      if (claimed > 0) this.#lastWorkAt = this.#deps.clock.steady();
      else if (this.#isBusy()) await this.#waitBusy();
      else await this.#idle();
    } catch (error) {
      this.#deps.log.warn({ lane: this.#id, error: messageOf(error) }, 'lane waits for the database');
      await this.#change.wait(databaseAwayMs);
    }
  }

  /** Says how many shards the subscription has, as far as is known. */
  get lanes(): number {
    return this.#settings.lane?.lanes ?? 1;
  }

  /** Claims what there is room for, once half of the buffer is free. */
  async #fill(): Promise<number> {
    const lane = this.#settings.lane;
    const now = this.#deps.clock.steady();
    if (this.#nextRetry.hasCome(now) || this.#claims.wholeLookInMs(now) <= 0) this.#expectMore();
    if (lane === undefined || !this.#moreLikely || this.#outcomes.pending > limits.outcomeBatch * 4) return 0;
    const { wanted, least, refillAt } = this.#mode.appetite(lane, this.#stock());
    this.#refillAt = refillAt;
    // Who claims ahead has enough until then, and each outcome that is written pokes: that would be a claim each time.
    const mayBeFew = this.#mode.stays && wanted >= 1 && now - this.#filledAt >= smallRoomMs;
    if (wanted < least && !mayBeFew) return 0;
    this.#moreLikely = false;
    this.#filledAt = now;
    const limit = 2 ** Math.floor(Math.log2(wanted));
    const count = await this.#claims.claim({ ...this.#settings.records, part: 'prompt', limit });
    if (count === limit) this.#moreLikely = true;
    return count;
  }

  /** Claims the next part of a nightly batch, when its time has come. */
  async #fillBatch(): Promise<number> {
    const now = this.#deps.clock.steady();
    const { lane, records } = this.#settings;
    if (lane === undefined || !this.#batch.isDue(now, this.#claims.waiting.batch)) return 0;
    const limit = batchLimit(this.#mode.batchRoom(lane, this.#stock()));
    const count = limit === 0 ? 0 : await this.#claims.claim({ ...records, part: 'batch', limit });
    this.#batch.claimed(now, count, limit);
    return count;
  }

  /** Starts as many requests as the window and the rate limit allow. */
  #pump(): void {
    const lane = this.#settings.lane;
    this.#claims.dropLapsed();
    // The lane may have been paused since its settings were read: the next step reads them again, and then pumps.
    if (!this.#settings.areFresh) return this.#change.raise();
    if (lane === undefined || this.#end !== undefined) return;
    for (;;) {
      const part = this.#nextPart(this.#mode.windowOf(lane));
      const next = part === undefined ? undefined : this.#claims.next(part);
      if (part === undefined || next === undefined || !this.#mode.takes(next)) return;
      const waitMs = this.#settings.takeTurn();
      if (waitMs > 0) {
        this.#cancelPump?.();
        this.#cancelPump = this.#deps.clock.after(Math.min(waitMs, stayMs), () => this.#pump());
        return;
      }
      void this.#send(lane, this.#claims.take(part, this.#sender.roomOf(lane)), part);
    }
  }

  /** Gives what goes next: a nightly batch never keeps anything else waiting. */
  #nextPart(window: number): LanePart | undefined {
    if (this.#requests >= window) return undefined;
    const { prompt, batch } = this.#claims.waiting;
    if (prompt > 0) return 'prompt';
    return batch > 0 && this.#batch.hasSlot(window) ? 'batch' : undefined;
  }

  async #send(lane: Lane, syncs: readonly ClaimedSync[], part: LanePart): Promise<void> {
    this.#requests += 1;
    if (part === 'batch') this.#batch.began(this.#deps.clock.steady());
    const closing = await this.#sender.send(lane, syncs, part);
    this.#lastWorkAt = this.#deps.clock.steady();
    if (closing !== undefined) await this.#close(closing.how, closing.errorCode);
    // Only now: a drain that ends waits for its requests, and so for what they came to.
    this.#requests -= 1;
    if (part === 'batch') this.#batch.ended();
    this.#pump();
    // The loop is woken only where it has something to do: to claim, to close, to idle.
    const isLow = this.#moreLikely && this.#claims.waiting.prompt <= this.#refillAt;
    if (isLow || this.#settings.lane === undefined || this.#end !== undefined || !this.#isBusy())
      this.#change.raise();
  }

  async #close(how: 'suspend' | 'pause', errorCode: string | null): Promise<void> {
    await this.#settings.closedBy(() => this.#deps.breaker.trip(this.#id, how, errorCode));
    this.#change.raise();
  }

  /** The lane is closed. Ends once what was sent is answered: if the lane is reopened before, it goes on at once. */
  async #standBack(): Promise<void> {
    await this.#claims.giveBack();
    if (this.#mode.stays) await this.#change.wait(stayMs);
    else if (this.#requests === 0) this.#end ??= 'closed';
    else await this.#change.wait(answerLookMs);
  }

  /** An attached consumer is held: what it does not get yet, another one of the subscription may. */
  async #standAside(): Promise<void> {
    await this.#claims.giveBack();
    this.#expectMore();
    await this.#change.wait(Math.min(this.#target.pauseMs, stayMs));
  }

  /** Waits while requests are under way: for an answer, a poke, or the next retry, which a slow answer must not hold up. */
  async #waitBusy(): Promise<void> {
    const retryMs = await this.#nextRetry.inMs(this.#settings.records);
    const lane = this.#settings.lane;
    const hasRoom = this.#moreLikely && lane !== undefined && this.#requests < this.#mode.windowOf(lane);
    const longest = hasRoom && this.#mode.stays ? smallRoomMs : limits.leaseMs;
    const now = this.#deps.clock.steady();
    // Where more is expected already, it is room that is waited for.
    const wholeLookMs = this.#moreLikely ? Number.POSITIVE_INFINITY : this.#claims.wholeLookInMs(now);
    await this.#change.wait(
      Math.min(retryMs, longest, wholeLookMs, this.#batch.waitMs(now, this.#claims.waiting.batch)),
    );
  }

  async #idle(): Promise<void> {
    const dueMs = await this.#nextRetry.ask(this.#settings.records);
    // A poke that came during the query may be about what the query could not see yet.
    if (this.#moreLikely) return;
    const now = this.#deps.clock.steady();
    const lingerMs = this.#mode.stays ? stayMs : this.#lastWorkAt + limits.drainLingerMs - now;
    const soon = dueMs <= limits.drainAwaitRetryMs;
    // What is left waits for its consumer; the next look finds whether it is still there.
    if (!soon && this.#settings.lane?.attached === true && !this.#mode.stays) {
      this.#end ??= 'closed';
      return;
    }
    const waitMs = soon ? dueMs : lingerMs;
    const wholeLookMs = this.#claims.wholeLookInMs(now);
    const batchMs = this.#batch.waitMs(now, this.#claims.waiting.batch);
    if (waitMs > 0) await this.#change.wait(Math.min(waitMs, wholeLookMs, batchMs));
    else if (wholeLookMs < Number.POSITIVE_INFINITY) await this.#change.wait(wholeLookMs);
    else this.#end ??= 'idle';
    this.#expectMore();
  }

  /** The target asked for a pause. A long one is not waited for here: the reconciler wakes the lane when it is over. */
  #held(errorCode: string | null, tooLong: boolean): void {
    if (tooLong) return void this.#close('suspend', errorCode);
    this.#settings.expire();
    this.#change.raise();
  }

  #expectMore(): void {
    this.#moreLikely = true;
    this.#batch.poke();
  }

  #stock(): Held {
    return { ...this.#claims.waiting, underWay: this.#requests };
  }

  /** Gives back what was not sent, and waits until what was sent is answered and written. */
  async #finish(): Promise<void> {
    await this.#claims.giveBack();
    while (this.#requests > 0 && !this.#giveUp.signal.aborted) await this.#change.wait(answerLookMs);
    await this.#outcomes.flush();
    // The halves of a batch that was refused last are not sent any more.
    await this.#claims.giveBack();
  }

  #written(outcomes: readonly Outcome[]): void {
    this.#sender.written(outcomes);
    this.#nextRetry.note(Math.min(...outcomes.map(({ delayMs }) => delayMs ?? Number.POSITIVE_INFINITY)));
    this.#mode.onWritten(outcomes, this.#settings.lane);
    this.poke();
  }

  #isBusy(): boolean {
    return this.#requests + this.#claims.total + this.#outcomes.pending > 0;
  }
}
