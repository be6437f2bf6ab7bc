import { messageOf } from '../../core/errors.ts';
import { Latch } from '../../core/latch.ts';
import { limits } from '../../core/limits.ts';
import type { ClaimedSync, DuePart } from '../../db/delivery/shard-statements.ts';
import type { Outcome } from '../outcome/judge.ts';
import type { ShardOutcomes } from '../outcome/shard-outcomes.ts';
import { BatchPace, batchLimit } from './batch-pace.ts';
import type { DeliverySettings } from './delivery-settings.ts';
import type { DrainDeps } from './drain-deps.ts';
import type { DrainedShard, DrainMode, DrainStock } from './drain-mode.ts';
import { DrainRequests } from './drain-requests.ts';
import { DrainTarget } from './drain-target.ts';
import { HeldClaims } from './held-claims.ts';
import { NextRetry } from './next-retry.ts';
import { ShardSettings } from './shard-settings.ts';

/**
 * Why a drain ended: nothing is due (`idle`), its turn is over though more may be due (`turn-over`), the shard is
 * paused, suspended, deleted, without a webhook or an attached consumer's (`closed`), the subscription has another
 * number of shards by now, and this is none of them (`resharded`), or it was stopped (`stopped`).
 */
export type DrainEnd = 'idle' | 'turn-over' | 'closed' | 'resharded' | 'stopped';

/** Sets how long to wait for an answer before looking again whether the subscription is open, milliseconds. */
const answerLookMs = 250;

/** Sets how long a drain that does not claim ahead leaves room for fewer than is worth a statement, milliseconds. */
const smallRoomMs = 20;

/** Sets how long a drain that stays waits for a notification on an empty or closed shard, milliseconds. */
const stayMs = 60_000;

/** Pause after a failed query, milliseconds. */
const databaseAwayMs = 500;

/**
 * Empties one shard: claims ahead, sends within the window, writes outcomes. The window slides: each answer frees
 * its own slot. Lives from a wake-up until the shard has been empty for a moment, or as long as its consumer is attached.
 */
export class Drain {
  readonly #deps: DrainDeps;
  readonly #id: string;
  readonly #mode: DrainMode;
  readonly #isCrowded: () => boolean;
  readonly #change: Latch;
  readonly #outcomes: ShardOutcomes;
  readonly #giveUp = new AbortController();
  readonly #startedAt: number;
  readonly #settings: ShardSettings;
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

  constructor(deps: DrainDeps, shard: DrainedShard) {
    const { subscriptionId, mode, isCrowded } = shard;
    this.#deps = deps;
    this.#id = subscriptionId;
    this.#mode = mode;
    this.#isCrowded = isCrowded;
    this.#target = new DrainTarget(deps, shard, (errorCode, tooLong) => this.#held(errorCode, tooLong));
    this.#settings = new ShardSettings(deps, shard, this.#target.pace);
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

  /** Says that the shard has new work. Cheap; call it as often as you like. */
  notify(): void {
    this.#expectMore();
    this.#change.raise();
  }

  /** Says that the subscription's settings or state have changed. */
  reread(): void {
    this.#settings.expire();
    this.notify();
  }

  /** Claims no more; `run` then resolves once what is under way is answered and written, or `giveUp` aborts. */
  stop(giveUp: AbortSignal): void {
    this.#end ??= 'stopped';
    giveUp.addEventListener('abort', () => this.#giveUp.abort(), { once: true });
    if (giveUp.aborted) this.#giveUp.abort();
    this.#change.raise();
  }

  /**
   * Runs until the shard is empty, its turn over, or it is stopped. Call it once.
   * @param onBegun called after the first look at the shard
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
      if (this.#settings.current === undefined) return await this.#waitWhileClosed();
      if (this.#mode.stays && this.#target.pauseMs > 0) return await this.#waitWhileHeld();
      this.#pump();
      // What is not of a batch is claimed first, to the last.
      const claimed = (await this.#fill()) || (await this.#fillBatch());
      this.#pump();
      if (claimed > 0) this.#lastWorkAt = this.#deps.clock.steady();
      else if (this.#isBusy()) await this.#waitBusy();
      else await this.#idle();
    } catch (error) {
      this.#deps.log.warn({ shard: this.#id, error: messageOf(error) }, 'shard waits for the database');
      await this.#change.wait(databaseAwayMs);
    }
  }

  /** Says how many shards the subscription has, as far as is known. */
  get shards(): number {
    return this.#settings.current?.shards ?? 1;
  }

  /** Claims what there is room for, once half of the buffer is free. */
  async #fill(): Promise<number> {
    const { current } = this.#settings;
    const now = this.#deps.clock.steady();
    if (this.#nextRetry.hasCome(now) || this.#claims.wholeLookInMs(now) <= 0) this.#expectMore();
    if (current === undefined || !this.#moreLikely || this.#outcomes.pending > limits.outcomeBatch * 4)
      return 0;
    const { wanted, least, refillAt } = this.#mode.appetite(current, this.#stock());
    this.#refillAt = refillAt;
    // Only push drains may claim a small batch here. Webhook drains still have buffered rows, and every written outcome
    // wakes this loop, so they would issue one claim query per outcome.
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
    const { current, records } = this.#settings;
    if (current === undefined || !this.#batch.isDue(now, this.#claims.waiting.batch)) return 0;
    const limit = batchLimit(this.#mode.batchRoom(current, this.#stock()));
    const count = limit === 0 ? 0 : await this.#claims.claim({ ...records, part: 'batch', limit });
    this.#batch.claimed(now, count, limit);
    return count;
  }

  /** Starts as many requests as the window and the rate limit allow. */
  #pump(): void {
    const { current } = this.#settings;
    this.#claims.dropLapsed();
    // The subscription may have been paused since its settings were read: the next step reads them again, and then pumps.
    if (!this.#settings.areFresh) return this.#change.raise();
    if (current === undefined || this.#end !== undefined) return;
    for (;;) {
      const part = this.#nextPart(this.#mode.windowOf(current));
      const next = part === undefined ? undefined : this.#claims.next(part);
      if (part === undefined || next === undefined || !this.#mode.takes(next)) return;
      const waitMs = this.#settings.takeTurn();
      if (waitMs > 0) {
        this.#cancelPump?.();
        this.#cancelPump = this.#deps.clock.after(Math.min(waitMs, stayMs), () => this.#pump());
        return;
      }
      void this.#send(current, this.#claims.take(part, this.#sender.roomOf(current)), part);
    }
  }

  /** Gives what goes next: a nightly batch never keeps anything else waiting. */
  #nextPart(window: number): DuePart | undefined {
    if (this.#requests >= window) return undefined;
    const { prompt, batch } = this.#claims.waiting;
    if (prompt > 0) return 'prompt';
    return batch > 0 && this.#batch.hasSlot(window) ? 'batch' : undefined;
  }

  async #send(settings: DeliverySettings, syncs: readonly ClaimedSync[], part: DuePart): Promise<void> {
    this.#requests += 1;
    if (part === 'batch') this.#batch.began(this.#deps.clock.steady());
    const closing = await this.#sender.send(settings, syncs, part);
    this.#lastWorkAt = this.#deps.clock.steady();
    if (closing !== undefined) await this.#close(closing.how, closing.errorCode);
    // Only now: a drain that ends waits for its requests, and so for what they came to.
    this.#requests -= 1;
    if (part === 'batch') this.#batch.ended();
    this.#pump();
    // The loop is woken only where it has something to do: to claim, to close, to idle.
    const isLow = this.#moreLikely && this.#claims.waiting.prompt <= this.#refillAt;
    const isOpen = this.#settings.current !== undefined && this.#end === undefined;
    if (isLow || !isOpen || !this.#isBusy()) this.#change.raise();
  }

  async #close(how: 'suspend' | 'pause', errorCode: string | null): Promise<void> {
    await this.#settings.closedBy(() => this.#deps.breaker.trip(this.#id, how, errorCode));
    this.#change.raise();
  }

  /** The subscription is closed. Ends once what was sent is answered: if it is reopened before, it goes on at once. */
  async #waitWhileClosed(): Promise<void> {
    await this.#claims.giveBack();
    if (this.#mode.stays) await this.#change.wait(stayMs);
    else if (this.#requests === 0) this.#end ??= 'closed';
    else await this.#change.wait(answerLookMs);
  }

  /** An attached consumer is held: what it does not get yet, another one of the subscription may. */
  async #waitWhileHeld(): Promise<void> {
    await this.#claims.giveBack();
    this.#expectMore();
    await this.#change.wait(Math.min(this.#target.pauseMs, stayMs));
  }

  /** Waits while requests are under way: for an answer, a notification, or the next retry, which a slow answer must not hold up. */
  async #waitBusy(): Promise<void> {
    const retryMs = await this.#nextRetry.inMs(this.#settings.records);
    const { current } = this.#settings;
    const window = current === undefined ? 0 : this.#mode.windowOf(current);
    const hasRoom = this.#moreLikely && this.#requests < window;
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
    // A notification that came during the query may be about what the query could not see yet.
    if (this.#moreLikely) return;
    const now = this.#deps.clock.steady();
    const lingerMs = this.#mode.stays ? stayMs : this.#lastWorkAt + limits.drainLingerMs - now;
    const soon = dueMs <= limits.drainAwaitRetryMs;
    // What is left waits for its consumer; the next look finds whether it is still there.
    if (!soon && this.#settings.current?.attached === true && !this.#mode.stays)
      return void (this.#end ??= 'closed');
    const waitMs = soon ? dueMs : lingerMs;
    const wholeLookMs = this.#claims.wholeLookInMs(now);
    const batchMs = this.#batch.waitMs(now, this.#claims.waiting.batch);
    if (waitMs > 0) await this.#change.wait(Math.min(waitMs, wholeLookMs, batchMs));
    else if (wholeLookMs < Number.POSITIVE_INFINITY) await this.#change.wait(wholeLookMs);
    else this.#end ??= 'idle';
    this.#expectMore();
  }

  /** The target asked for a pause. A long one is not waited for here: the reconciler wakes the shard when it is over. */
  #held(errorCode: string | null, tooLong: boolean): void {
    if (tooLong) return void this.#close('suspend', errorCode);
    this.#settings.expire();
    this.#change.raise();
  }

  #expectMore(): void {
    this.#moreLikely = true;
    this.#batch.notify();
  }

  #stock(): DrainStock {
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
    this.#mode.onWritten(outcomes, this.#settings.current);
    this.notify();
  }

  #isBusy(): boolean {
    return this.#requests + this.#claims.total + this.#outcomes.pending > 0;
  }
}
