import type { ClaimedSync, DuePart } from '../../db/delivery/shard-statements.ts';
import { judge, type Outcome, splitOutcome } from '../outcome/judge.ts';
import type { ShardOutcomes } from '../outcome/shard-outcomes.ts';
import { BatchSplits, isForSplitting } from './batch-split.ts';
import type { DeliverySettings } from './delivery-settings.ts';
import type { DrainDeps } from './drain-deps.ts';
import type { DrainMode } from './drain-mode.ts';
import type { DrainTarget } from './drain-target.ts';
import { type HeldClaims, oneEvent, type RequestRoom } from './held-claims.ts';
import { deliverSafely } from './hub-fault.ts';

/** Says why a subscription must be closed. */
export interface SubscriptionClosing {
  readonly how: 'suspend' | 'pause';
  readonly errorCode: string | null;
}

/** Holds what the requests of a drain share with it. */
interface DrainParts {
  readonly mode: DrainMode;
  readonly target: DrainTarget;
  readonly claims: HeldClaims;
  readonly outcomes: ShardOutcomes;
  readonly giveUp: AbortSignal;
}

/** The requests of a drain: sends what was claimed, judges what came of it, and splits batches that are refused as a whole. */
export class DrainRequests {
  readonly #deps: DrainDeps;
  readonly #parts: DrainParts;
  readonly #splits = new BatchSplits();
  /** By the clock that attempts are logged by. */
  #lastSuccessAt = Number.NEGATIVE_INFINITY;

  constructor(deps: DrainDeps, parts: DrainParts) {
    this.#deps = deps;
    this.#parts = parts;
  }

  /** Sends one request, and hands its outcomes on to be written. @returns set: the subscription must be closed */
  async send(
    settings: DeliverySettings,
    syncs: readonly ClaimedSync[],
    part: DuePart,
  ): Promise<SubscriptionClosing | undefined> {
    const { mode, target, claims, outcomes, giveUp } = this.#parts;
    const request = target.begin();
    const results = await deliverSafely(mode.transport, settings, syncs, this.#deps);
    const reading = target.read(request, settings, syncs, results);
    const [first] = results;
    let closing: SubscriptionClosing | undefined;
    if (reading.isAway) closing = { how: 'suspend', errorCode: first?.errorCode ?? null };
    const isSplit = isForSplitting(syncs, results, settings.retry);
    if (isSplit) this.#split(settings, part, syncs, first?.statusCode ?? null);
    for (const [at, sync] of syncs.entries()) {
      const result = results[at];
      if (!isSplit) claims.done(sync);
      // What this process's own end cut off says nothing of the target: its lease runs out, and no retry is used up.
      if (result === undefined || (result.verdict === 'response' && giveUp.aborted)) continue;
      if (isSplit) {
        outcomes.add(splitOutcome(sync, result));
        continue;
      }
      const succeededSince = this.#lastSuccessAt >= result.startedAt;
      const excused = reading.excuses(sync, result);
      const attempt = { settings, sync, result, succeededSince, excused };
      const { decision, write } = judge(attempt, this.#deps.random);
      outcomes.add(write);
      if (decision.next === 'success') this.#lastSuccessAt = this.#deps.clock.now();
      else if (decision.next === 'fail' && decision.subscription !== 'keep')
        closing = { how: decision.subscription, errorCode: result.errorCode };
    }
    return closing;
  }

  /** Says how much goes into one request. */
  roomOf(settings: DeliverySettings): RequestRoom {
    const { mode } = this.#parts;
    const events = mode.batchOf(settings);
    if (events === 1) return oneEvent;
    const sizeOf = (sync: ClaimedSync) => mode.transport.sizeOf?.(settings, sync) ?? 0;
    return { events, bytes: this.#deps.sizes.of(settings), sizeOf };
  }

  /** Outcomes are in the log, or never will be: the halves of batches that were refused are sent. */
  written(outcomes: readonly Outcome[]): void {
    const ids = outcomes.filter(({ status }) => status === 'split').map(({ id }) => id);
    for (const half of this.#splits.written(ids).toReversed()) this.#parts.claims.sendAgain(half);
  }

  /** A batch was refused as a whole: its halves go once the attempt is in the log, and its events stay claimed. */
  #split(
    settings: DeliverySettings,
    part: DuePart,
    syncs: readonly ClaimedSync[],
    statusCode: number | null,
  ): void {
    if (statusCode === 413) {
      const { sizeOf } = this.roomOf(settings);
      const bytes = syncs.reduce((sum, sync) => sum + sizeOf(sync), 0);
      this.#deps.sizes.refused(settings, bytes);
    }
    this.#splits.begin({ part, syncs });
  }
}
