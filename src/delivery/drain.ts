import { randomUUID } from 'node:crypto';
import type { Vault } from '../access/vault.ts';
import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import { Latch } from '../core/latch.ts';
import { limits } from '../core/limits.ts';
import type { Logger } from '../core/logger.ts';
import type { AttemptResult } from '../core/model.ts';
import type { Random } from '../core/random.ts';
import type { Database } from '../db/database.ts';
import { type ClaimedSync, claimDue, nextDueInMs, readLane, releaseClaims, renewLeases } from '../db/lane-statements.ts';
import type { Breaker } from './breaker.ts';
import { judge } from './judge.ts';
import { type Lane, openLane, type Transport } from './lane.ts';
import { OutcomeWriter } from './outcome-writer.ts';
import { RateLimit } from './rate-limit.ts';

/** What a drain works with. */
export interface DrainDeps {
  readonly db: Database;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly transport: Transport;
  readonly breaker: Breaker;
}

/**
 * Why a drain ended: nothing is due (`idle`), its turn is over though more may be due (`turn-over`), the lane is
 * paused, suspended, deleted or has no webhook (`closed`), or the process stops (`stopped`).
 */
export type DrainEnd = 'idle' | 'turn-over' | 'closed' | 'stopped';

/** A claimed sync that waits for a slot. */
interface Held {
  readonly sync: ClaimedSync;
  /** When its lease runs out at the earliest, by this process's clock. */
  leaseUntil: number;
}

/** How long settings read from the database are used, milliseconds. A pause does not wait for it: claims check the state. */
const settingsForMs = 250;

/** How long to wait before looking again where something is due that can't be claimed (another holds it), milliseconds. */
const heldByOtherMs = 250;

/** Pause after a failed query, milliseconds. */
const databaseAwayMs = 500;

/**
 * Empties one lane: claims ahead, sends within the window, writes outcomes. The window slides: each answer frees
 * its own slot. Lives from a wake-up until the lane has been empty for a moment.
 */
export class LaneDrain {
  readonly #deps: DrainDeps;
  readonly #id: string;
  readonly #token = randomUUID();
  readonly #change: Latch;
  readonly #outcomes: OutcomeWriter;
  readonly #giveUp = new AbortController();
  readonly #startedAt: number;
  #lane: Lane | undefined;
  #laneReadAt = Number.NEGATIVE_INFINITY;
  #limiter: { perSecond: number; limit: RateLimit } | undefined;
  #cancelPump: (() => void) | undefined;
  #buffer: Held[] = [];
  readonly #inFlight = new Map<string, ClaimedSync>();
  #requests = 0;
  #moreLikely = true;
  #lastWorkAt: number;
  #lastSuccessAt = Number.NEGATIVE_INFINITY;
  #end: DrainEnd | undefined;

  constructor(deps: DrainDeps, subscriptionId: string) {
    this.#deps = deps;
    this.#id = subscriptionId;
    this.#change = new Latch(deps.clock);
    this.#startedAt = deps.clock.now();
    this.#lastWorkAt = this.#startedAt;
    const onWritten = () => this.#wake();
    this.#outcomes = new OutcomeWriter(deps, { subscriptionId, onWritten, giveUp: this.#giveUp.signal });
  }

  /** Says that the lane has new work. Cheap; call it as often as you like. */
  poke(): void {
    this.#wake();
  }

  /** Claims no more; `run` then resolves once what is under way is answered and written, or `giveUp` aborts. */
  stop(giveUp: AbortSignal): void {
    this.#end ??= 'stopped';
    giveUp.addEventListener('abort', () => this.#giveUp.abort(), { once: true });
    if (giveUp.aborted) this.#giveUp.abort();
    this.#change.raise();
  }

  /** Runs until the lane is empty, its turn over, or it is stopped. Call it once. */
  async run(): Promise<DrainEnd> {
    const stopRenewing = this.#deps.clock.every(limits.leaseMs / 3, () => void this.#renew());
    try {
      while (this.#end === undefined) await this.#step();
      await this.#finish();
      return this.#end;
    } finally {
      stopRenewing();
      this.#cancelPump?.();
    }
  }

  async #step(): Promise<void> {
    if (this.#deps.clock.now() - this.#startedAt > limits.drainTurnMs) {
      this.#end ??= 'turn-over';
      return;
    }
    try {
      await this.#refreshLane();
      if (this.#end !== undefined) return;
      const claimed = await this.#fill();
      this.#pump();
      if (claimed > 0) return;
      if (this.#isBusy()) await this.#change.wait(limits.leaseMs);
      else await this.#idle();
    } catch (error) {
      this.#deps.log.warn({ lane: this.#id, error: messageOf(error) }, 'lane waits for the database');
      await this.#change.wait(databaseAwayMs);
    }
  }

  async #refreshLane(): Promise<void> {
    const now = this.#deps.clock.now();
    if (now - this.#laneReadAt < settingsForMs) return;
    const row = await readLane(this.#deps.db.pool, this.#id);
    this.#laneReadAt = now;
    if (row === undefined || row.state !== 'active' || row.webhookUrl === null) {
      this.#lane = undefined;
      this.#end ??= 'closed';
      return;
    }
    this.#lane = openLane(row, this.#deps.vault);
    const perSecond = this.#lane.rateLimitPerSecond;
    if (perSecond === null) this.#limiter = undefined;
    else if (this.#limiter?.perSecond !== perSecond) this.#limiter = { perSecond, limit: new RateLimit(perSecond) };
  }

  /** Claims what there is room for, once half of the buffer is free. */
  async #fill(): Promise<number> {
    const lane = this.#lane;
    if (lane === undefined || !this.#moreLikely || this.#outcomes.pending > limits.outcomeBatch * 4) return 0;
    const window = lane.maxInFlight * lane.batchSize;
    const target = Math.max(lane.batchSize, Math.min(window * 4, limits.claimAhead));
    const wanted = target - this.#buffer.length;
    if (wanted < target / 2) return 0;
    this.#moreLikely = false;
    const askedAt = this.#deps.clock.now();
    const { pool } = this.#deps.db;
    const claim = { subscriptionId: this.#id, token: this.#token, limit: wanted, leaseMs: limits.leaseMs, states: ['active'] as const };
    const syncs = await claimDue(pool, claim);
    if (syncs.length === 0) return 0;
    for (const sync of syncs) this.#buffer.push({ sync, leaseUntil: askedAt + limits.leaseMs });
    this.#lastWorkAt = this.#deps.clock.now();
    if (syncs.length === wanted) this.#moreLikely = true;
    return syncs.length;
  }

  /** Starts as many requests as the window and the rate limit allow. */
  #pump(): void {
    const lane = this.#lane;
    const now = this.#deps.clock.now();
    // What was not renewed in time may be another process's by now: it is not ours to send.
    if ((this.#buffer[0]?.leaseUntil ?? now + 1) <= now) this.#buffer = this.#buffer.filter(held => held.leaseUntil > now);
    while (lane !== undefined && this.#end === undefined && this.#buffer.length > 0 && this.#requests < lane.maxInFlight) {
      const waitMs = this.#limiter?.limit.take(now) ?? 0;
      if (waitMs > 0) {
        this.#cancelPump?.();
        this.#cancelPump = this.#deps.clock.after(waitMs, () => this.#pump());
        return;
      }
      void this.#send(lane, this.#buffer.splice(0, lane.batchSize).map(held => held.sync));
    }
  }

  async #send(lane: Lane, syncs: readonly ClaimedSync[]): Promise<void> {
    this.#requests += 1;
    for (const sync of syncs) this.#inFlight.set(sync.id, sync);
    const results = await this.#deps.transport.deliver(lane, syncs).catch((error: unknown) => this.#fault(error, syncs.length));
    this.#requests -= 1;
    this.#lastWorkAt = this.#deps.clock.now();
    for (const [at, sync] of syncs.entries()) {
      this.#inFlight.delete(sync.id);
      const result = results[at];
      if (result === undefined) continue;
      const laneSucceededSince = this.#lastSuccessAt >= result.startedAt;
      const { decision, write } = judge({ lane, sync, result, token: this.#token, laneSucceededSince }, this.#deps.random);
      this.#outcomes.add(write);
      if (decision.next === 'success') this.#lastSuccessAt = this.#lastWorkAt;
      else if (decision.next === 'fail' && decision.lane !== 'keep') await this.#close(decision.lane, result.errorCode);
    }
    this.#pump();
    if (this.#buffer.length * 2 < limits.claimAhead) this.#change.raise();
  }

  /** A transport never rejects; should it all the same, its syncs go by the policy and the lane goes on. */
  #fault(error: unknown, count: number): AttemptResult[] {
    this.#deps.log.error({ lane: this.#id, err: error }, 'fault of a transport');
    const fault: AttemptResult = {
      verdict: 'answer',
      statusCode: null,
      errorCode: 'HUB_FAULT',
      errorMessage: 'A fault of the hub; its log has the cause.',
      retryAfterMs: null,
      responseExcerpt: null,
      startedAt: this.#deps.clock.now(),
      durationMs: 0,
    };
    return Array.from({ length: count }, () => fault);
  }

  async #close(how: 'suspend' | 'pause', errorCode: string | null): Promise<void> {
    this.#end ??= 'closed';
    this.#change.raise();
    try {
      await (how === 'suspend' ? this.#deps.breaker.suspend(this.#id, errorCode) : this.#deps.breaker.pauseGone(this.#id));
    } catch (error) {
      // The next sync that fails for the same cause tries again.
      this.#deps.log.error({ lane: this.#id, err: error }, 'the lane could not be closed');
    }
  }

  async #idle(): Promise<void> {
    const dueMs = await nextDueInMs(this.#deps.db.pool, this.#id);
    const lingerMs = this.#lastWorkAt + limits.drainLingerMs - this.#deps.clock.now();
    const soon = dueMs !== null && dueMs <= limits.drainAwaitRetryMs;
    const waitMs = soon ? (dueMs > 0 ? dueMs + 1 : heldByOtherMs) : lingerMs;
    if (waitMs <= 0) {
      this.#end ??= 'idle';
      return;
    }
    await this.#change.wait(waitMs);
    this.#moreLikely = true;
  }

  async #renew(): Promise<void> {
    const waiting = [...this.#buffer];
    const ids = [...waiting.map(held => held.sync.id), ...this.#inFlight.keys()];
    if (ids.length === 0) return;
    const askedAt = this.#deps.clock.now();
    try {
      const renewed = new Set(await renewLeases(this.#deps.db.pool, this.#token, ids, limits.leaseMs));
      // What was lost counts as run out; what was claimed since was not asked about and keeps its own lease.
      for (const held of waiting) held.leaseUntil = renewed.has(held.sync.id) ? askedAt + limits.leaseMs : askedAt;
    } catch (error) {
      this.#deps.log.warn({ lane: this.#id, error: messageOf(error) }, 'leases could not be renewed');
    }
  }

  /** Gives back what was not sent, and waits until what was sent is answered and written. */
  async #finish(): Promise<void> {
    const unsent = this.#buffer.splice(0).map(held => held.sync.id);
    if (unsent.length > 0) {
      await releaseClaims(this.#deps.db.pool, this.#token, unsent).catch((error: unknown) =>
        this.#deps.log.warn({ lane: this.#id, error: messageOf(error) }, 'unsent syncs go back when their lease runs out'),
      );
    }
    while (this.#requests > 0 && !this.#giveUp.signal.aborted) await this.#change.wait(settingsForMs);
    await this.#outcomes.flush();
  }

  #isBusy(): boolean {
    return this.#requests > 0 || this.#buffer.length > 0 || this.#outcomes.pending > 0;
  }

  #wake(): void {
    this.#moreLikely = true;
    this.#change.raise();
  }
}
