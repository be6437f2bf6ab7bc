import type { Clock } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type { Logger } from '../../core/logger.ts';
import type { AttemptResult } from '../../core/model.ts';
import type { Database } from '../../db/database.ts';
import { holdSubscription } from '../../db/delivery/hold-statements.ts';
import type { ClaimedSync } from '../../db/delivery/shard-statements.ts';
import { isExcused, signOf, type TargetSign } from '../outcome/policy.ts';
import { AwayWatch, type AwayWatches } from './away-watch.ts';
import type { DeliverySettings } from './delivery-settings.ts';
import type { DrainedShard } from './drain-mode.ts';
import { type PacedRequest, TargetPace } from './target-pace.ts';

interface DrainTargetDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly log: Logger;
  readonly watches: AwayWatches;
}

/** Holds what a request says of its target, and so of the events in it. */
export interface TargetReading {
  /** True: it counts as away, and its subscription must be suspended. */
  readonly isAway: boolean;
  /** Tells whether what came of an event was the target's doing alone, so that it uses up no retry. */
  excuses(sync: ClaimedSync, result: AttemptResult): boolean;
}

/** The target of a drain: its pace, and whether it is away though it answers. */
export class DrainTarget {
  readonly pace = new TargetPace();
  readonly #deps: DrainTargetDeps;
  readonly #shard: DrainedShard;
  readonly #onHeld: (errorCode: string | null, tooLong: boolean) => void;
  readonly #watch: AwayWatch;

  /** @param onHeld called once a hold is written down; `tooLong`: the target has taken nothing for `limits.heldMaxMs` */
  constructor(
    deps: DrainTargetDeps,
    shard: DrainedShard,
    onHeld: (errorCode: string | null, tooLong: boolean) => void,
  ) {
    this.#deps = deps;
    this.#shard = shard;
    this.#onHeld = onHeld;
    // Each attached consumer is a target of its own.
    this.#watch = this.#isWebhook ? deps.watches.of(shard.subscriptionId) : new AwayWatch();
  }

  get #isWebhook(): boolean {
    return this.#shard.mode.kind === 'webhook';
  }

  /** Milliseconds that the target's pause goes on; Infinity: until the one request that is tried is answered. */
  get pauseMs(): number {
    return this.pace.waitMs(this.#deps.clock.steady());
  }

  begin(): PacedRequest {
    return this.pace.begin(this.#deps.clock.steady());
  }

  /** Reads what a request came to: holds the subscription where the target asks for a pause. */
  read(
    request: PacedRequest,
    settings: DeliverySettings,
    syncs: readonly ClaimedSync[],
    results: readonly AttemptResult[],
  ): TargetReading {
    if (results.some(({ verdict }) => verdict === 'accepted')) this.pace.tookSome();
    const gotThrough = this.pace.gotThrough(request);
    const excuses = (sync: ClaimedSync, result: AttemptResult) =>
      isExcused(result, { gotThrough, pauses: sync.attemptCount - sync.retryCount }) ||
      (!this.#isWebhook && request.isTrial && signOf(result) === 'away');
    const sign = signOfRequest(results);
    const isOfEvents =
      sign === 'throttling' &&
      gotThrough &&
      !syncs.some((sync, n) => {
        const result = results[n];
        return result !== undefined && excuses(sync, result);
      });
    this.#pace(request, isOfEvents ? 'there' : sign, settings, results);
    const [first] = syncs;
    if (first === undefined || (sign !== 'away' && sign !== 'there')) return { isAway: false, excuses };
    const isAway = this.#watch.note(first.id, sign === 'away');
    if (!isAway || this.#isWebhook) return { isAway, excuses };
    // Where there is a webhook, events go there after two failed pushes.
    if (settings.webhookUrl === null) this.#hold(request, settings, null, results);
    return { isAway: false, excuses };
  }

  #pace(
    request: PacedRequest,
    sign: TargetSign,
    settings: DeliverySettings,
    results: readonly AttemptResult[],
  ): void {
    if (sign === 'there') this.pace.took(request);
    else if (sign === 'throttling' || (sign === 'away' && request.isTrial))
      this.#hold(request, settings, longestAsked(results), results);
    else this.pace.cameToNothing(request);
  }

  #hold(
    request: PacedRequest,
    settings: DeliverySettings,
    askedMs: number | null,
    results: readonly AttemptResult[],
  ): void {
    const held = this.pace.hold(this.#deps.clock.steady(), request, askedMs);
    if (held === null || !this.#isWebhook) return;
    const shards = this.#shard.index === null ? 1 : settings.shards;
    const perSecond = held.perSecond === null ? null : held.perSecond * shards;
    void this.#tell(held.holdMs, perSecond, results[0]?.errorCode ?? null);
  }

  /** Writes the hold into the subscription's row, for other shards and processes. Never rejects. */
  async #tell(holdMs: number, perSecond: number | null, errorCode: string | null): Promise<void> {
    const { db, log } = this.#deps;
    const { subscriptionId } = this.#shard;
    try {
      const heldForMs = await holdSubscription(db.pool, subscriptionId, holdMs, perSecond);
      log.debug(
        { shard: subscriptionId, hold_ms: Math.round(holdMs), per_second: perSecond },
        'target asks for a pause: subscription held',
      );
      this.#onHeld(errorCode, heldForMs > limits.heldMaxMs);
    } catch (error) {
      log.debug({ shard: subscriptionId, error: messageOf(error) }, 'a hold is known to this process alone');
    }
  }
}

/** The sign of a whole request. Of items that are judged one by one, most must ask for a slower pace. */
function signOfRequest(results: readonly AttemptResult[]): TargetSign {
  const signs = results.map(signOf).filter(sign => sign !== 'nothing');
  const [first] = signs;
  if (first === undefined) return 'nothing';
  if (signs.every(sign => sign === first)) return first;
  return signs.filter(sign => sign === 'throttling').length * 2 > signs.length ? 'throttling' : 'there';
}

function longestAsked(results: readonly AttemptResult[]): number | null {
  const asked = results.map(({ retryAfterMs }) => retryAfterMs).filter(ms => ms !== null);
  return asked.length === 0 ? null : Math.max(...asked);
}
