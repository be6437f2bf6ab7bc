import { randomUUID } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type { Logger } from '../../core/logger.ts';
import type { Tracer } from '../../core/tracing.ts';
import type { Database } from '../../db/database.ts';
import type { ClaimedRow, ClaimRequest, DuePlace } from '../../db/delivery/claim-statements.ts';
import {
  type ClaimedSync,
  type DuePart,
  releaseClaims,
  renewLeases,
} from '../../db/delivery/shard-statements.ts';
import { statementKind } from '../../db/traced-client.ts';
import type { ChangeListener } from '../reading/sync-changes.ts';
import type { RefusedBatch } from './batch-split.ts';
import type { DrainMode } from './drain-mode.ts';
import type { ShardClaims } from './shard-claims.ts';
import { traceparentsOf } from './traced-delivery.ts';

/** A claimed sync that waits for a slot. */
interface HeldClaim {
  readonly sync: ClaimedSync;
  /** When its lease runs out at the earliest, by this process's clock. */
  leaseUntil: number;
  /** The part of a refused batch that it is in, which goes as a request of its own; null: none. */
  readonly of: RefusedBatch | null;
}

/** Holds what goes into one request. */
export interface RequestRoom {
  /** Events at most. */
  readonly events: number;
  /** Bytes at most, where there are several events. */
  readonly bytes: number;
  readonly sizeOf: (sync: ClaimedSync) => number;
}

/** Room for one event, of whatever size. */
export const oneEvent: RequestRoom = { events: 1, bytes: Number.POSITIVE_INFINITY, sizeOf: () => 0 };

/** Holds what claiming needs. */
interface HeldClaimsDeps {
  readonly db: Database;
  readonly claims: ShardClaims;
  readonly clock: Clock;
  readonly log: Logger;
  readonly changes: ChangeListener;
  readonly tracer: Tracer | null;
}

const parts: readonly DuePart[] = ['prompt', 'batch'];

/** Holds what a drain has claimed: what waits for a slot, and what is under way. Keeps the leases of both. */
export class HeldClaims {
  readonly #deps: HeldClaimsDeps;
  readonly #shard: string;
  readonly #mode: DrainMode;
  readonly #waiting: Record<DuePart, HeldClaim[]> = { prompt: [], batch: [] };
  readonly #underWay = new Set<ClaimedSync>();
  /**
   * Says where claims begin, by the last one that found a place; null: at the shard's beginning. A night's batch always
   * does.
   */
  #from: DuePlace | null = null;
  /** When a claim last began at the shard's beginning, by the steady clock, and whether the last one did. */
  #wholeAt = Number.NEGATIVE_INFINITY;
  #wasWhole = true;
  /** No lease of what waits runs out before. */
  #lapsesAt = Number.POSITIVE_INFINITY;

  constructor(deps: HeldClaimsDeps, shard: string, mode: DrainMode) {
    this.#deps = deps;
    this.#shard = shard;
    this.#mode = mode;
  }

  /** Says how many of each part wait for a slot. */
  get waiting(): Record<DuePart, number> {
    return { prompt: this.#waiting.prompt.length, batch: this.#waiting.batch.length };
  }

  /** Says how many wait, of both parts. */
  get total(): number {
    return this.#waiting.prompt.length + this.#waiting.batch.length;
  }

  /** Claims due syncs. @returns how many it got */
  async claim(what: Pick<ClaimRequest, 'subscriptionId' | 'shard' | 'part' | 'limit'>): Promise<number> {
    // The lease begins no earlier than it is asked for.
    const now = this.#deps.clock.steady();
    const leaseUntil = now + limits.leaseMs;
    // What fell due before the place, in a long transaction or given back by another process, is found by a whole look.
    const from = what.part === 'batch' || now - this.#wholeAt >= limits.wholeShardMs ? null : this.#from;
    const { tracer } = this.#deps;
    const startedAt = tracer === null ? 0 : Date.now();
    const syncs = await this.#deps.claims.claim({
      ...what,
      token: randomUUID(),
      leaseMs: limits.leaseMs,
      states: this.#mode.states,
      transport: this.#mode.kind,
      attachmentId: this.#mode.attachmentId,
      from,
    });
    if (what.part === 'prompt') this.#noteLook(now, from, syncs);
    if (tracer !== null) traceClaim(tracer, syncs, startedAt);
    for (const sync of syncs) this.#waiting[what.part].push({ sync, leaseUntil, of: null });
    this.#lapsesAt = Math.min(this.#lapsesAt, leaseUntil);
    this.#deps.changes.note(syncs.map(sync => sync.id));
    return syncs.length;
  }

  /** Milliseconds until a claim must look at the whole shard before the shard may rest; Infinity: the last one did. */
  wholeLookInMs(now: number): number {
    return this.#wasWhole ? Number.POSITIVE_INFINITY : Math.max(0, this.#wholeAt + limits.wholeShardMs - now);
  }

  /** Forgets what waits and was not renewed in time: it may be another process's by now, and is not ours to send. */
  dropLapsed(): void {
    const now = this.#deps.clock.steady();
    if (now < this.#lapsesAt) return;
    for (const part of parts) this.#waiting[part] = this.#waiting[part].filter(held => held.leaseUntil > now);
    this.#noteLeases();
  }

  /** The longest waiting of a part. */
  next(part: DuePart): ClaimedSync | undefined {
    return this.#waiting[part][0]?.sync;
  }

  /** Takes the longest waiting of a part that go together in one request; each is under way until `done`. */
  take(part: DuePart, room: RequestRoom): ClaimedSync[] {
    const count = room.events === 1 ? 1 : countTogether(this.#waiting[part], room);
    const syncs = this.#waiting[part].splice(0, count).map(held => held.sync);
    for (const sync of syncs) this.#underWay.add(sync);
    return syncs;
  }

  /** Events of a refused batch are to be sent again before all others, as a request of their own. Their claims stand. */
  sendAgain(half: RefusedBatch): void {
    // They were under way until now, and renewed with the others: a third of the lease is left at least.
    const leaseUntil = this.#deps.clock.steady() + limits.leaseMs / 3;
    for (const sync of half.syncs) this.#underWay.delete(sync);
    this.#waiting[half.part].unshift(...half.syncs.map(sync => ({ sync, leaseUntil, of: half })));
    this.#lapsesAt = Math.min(this.#lapsesAt, leaseUntil);
  }

  done(sync: ClaimedSync): void {
    this.#underWay.delete(sync);
  }

  /** Prolongs the leases. Never rejects: what could not be renewed runs out. */
  async renew(): Promise<void> {
    const waiting = parts.flatMap(part => this.#waiting[part]);
    const claims = [...waiting.map(held => held.sync), ...this.#underWay];
    if (claims.length === 0) return;
    const askedAt = this.#deps.clock.steady();
    try {
      const tokens = [...new Set(claims.map(sync => sync.token))];
      const renewed = await renewLeases(this.#deps.db.pool, tokens, limits.leaseMs);
      // What was lost counts as run out; what was claimed since was not asked about and keeps its own lease.
      for (const held of waiting)
        held.leaseUntil = renewed.has(held.sync.token) ? askedAt + limits.leaseMs : askedAt;
      this.#noteLeases();
    } catch (error) {
      this.#deps.log.warn({ shard: this.#shard, error: messageOf(error) }, 'leases could not be renewed');
    }
  }

  #noteLook(askedAt: number, from: DuePlace | null, found: readonly ClaimedRow[]): void {
    this.#wasWhole = from === null;
    if (this.#wasWhole) this.#wholeAt = askedAt;
    for (const { id, dueFrom } of found) if (dueFrom !== null) this.#from = { at: dueFrom, id };
  }

  #noteLeases(): void {
    const leases = parts.flatMap(part => this.#waiting[part].map(({ leaseUntil }) => leaseUntil));
    this.#lapsesAt = Math.min(...leases, Number.POSITIVE_INFINITY);
  }

  /** Gives back what waits: due at once, nothing used up. Never rejects. */
  async giveBack(): Promise<void> {
    const unsent = parts.flatMap(part => this.#waiting[part].splice(0)).map(held => held.sync);
    if (unsent.length === 0) return;
    try {
      await releaseClaims(this.#deps.db.pool, unsent);
    } catch (error) {
      this.#deps.log.warn(
        { shard: this.#shard, error: messageOf(error) },
        'unsent syncs go back when their lease runs out',
      );
    }
  }
}

/**
 * Says how many of what waits go into one request. What is tried again goes apart from what is tried for the first time: one
 * event that always fails takes no new ones with it.
 */
function countTogether(waiting: readonly HeldClaim[], { events, bytes, sizeOf }: RequestRoom): number {
  const [first] = waiting;
  if (first === undefined) return 0;
  let left = bytes - sizeOf(first.sync);
  let count = 1;
  for (const { sync, of } of waiting.slice(1, events)) {
    left -= sizeOf(sync);
    const goesWith = of === first.of && (of !== null || sync.retryCount > 0 === first.sync.retryCount > 0);
    if (left < 0 || !goesWith) break;
    count += 1;
  }
  return count;
}

/** Tells whom a claim is for is known once it has been made: so its span begins in the past. One that gave nothing is none. */
function traceClaim(tracer: Tracer, syncs: readonly ClaimedSync[], startedAt: number): void {
  const parents = traceparentsOf(syncs);
  if (parents.length > 0) tracer.start('shard-claim', { ...statementKind, parents, startedAt }).end();
}
