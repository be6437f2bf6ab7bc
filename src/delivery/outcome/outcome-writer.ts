import type { Clock } from '../../core/clock.ts';
import { isDataFault, messageOf } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type { Logger } from '../../core/logger.ts';
import type { TransportKind } from '../../core/model.ts';
import { errorTypeOf, type Tracer, traceIdOf } from '../../core/tracing.ts';
import type { Database } from '../../db/database.ts';
import { noteSuccesses, writeOutcomes } from '../../db/delivery/outcome-statements.ts';
import { statementKind } from '../../db/traced-client.ts';
import { traceparentsOf } from '../drain/traced-delivery.ts';
import type { ChangeListener } from '../reading/sync-changes.ts';
import type { Outcome } from './judge.ts';
import { type OutcomeOwner, ShardOutcomes } from './shard-outcomes.ts';

/** First and longest pause between tries while the database is away, milliseconds. The longest holds up a stop. */
const retryFirstMs = 100;
const retryMaxMs = 500;

/** Outcomes in one statement that show that the process is busy. */
const crowd = 24;

/** Sets how often a shard's last success is written at most, milliseconds. */
const noteSuccessEveryMs = 1_000;

/** Says who counts attempts. */
export interface AttemptMeter {
  attempted(transport: TransportKind, attempts: readonly Outcome[]): void;
}

/** An outcome, and whose it is. */
interface WaitingOutcome {
  readonly outcome: Outcome;
  readonly shard: ShardOutcomes;
}

/**
 * Writes the outcomes of all shards of this process, many a statement, a shard's in the order they came. While the
 * database is away it keeps trying: what was delivered must be known as delivered, or it is delivered twice.
 */
export class OutcomeWriter {
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #changes: ChangeListener;
  readonly #meter: AttemptMeter;
  readonly #tracer: Tracer | null;
  readonly #successNotedAt = new WeakMap<ShardOutcomes, number>();
  #waiting: WaitingOutcome[] = [];
  #statements = 0;
  #timer: (() => void) | undefined;
  #lingerMs: number = limits.outcomeLingerMs;

  constructor(deps: {
    db: Database;
    clock: Clock;
    log: Logger;
    changes: ChangeListener;
    meter: AttemptMeter;
    tracer: Tracer | null;
  }) {
    this.#db = deps.db;
    this.#clock = deps.clock;
    this.#log = deps.log;
    this.#changes = deps.changes;
    this.#meter = deps.meter;
    this.#tracer = deps.tracer;
  }

  /** The outcomes of one shard. Each is written within `limits.outcomeLingerBusyMs`, while the database answers. */
  open(owner: OutcomeOwner): ShardOutcomes {
    return new ShardOutcomes(owner, {
      add: (outcome, shard) => {
        this.#waiting.push({ outcome, shard });
        this.#schedule();
      },
      hurry: () => this.#start(),
    });
  }

  /**
   * Under load a statement costs more than its rows: what comes while one is under way waits for more of it. But one
   * that takes long keeps no other shard waiting.
   */
  #schedule(): void {
    if (this.#waiting.length === 0) return;
    if (this.#waiting.length >= limits.outcomeBatch) return this.#start();
    const lingerMs = Math.max(this.#lingerMs, this.#statements > 0 ? limits.outcomeLingerBehindMs : 0);
    this.#timer ??= this.#clock.after(lingerMs, () => this.#start());
  }

  #start(): void {
    this.#timer?.();
    this.#timer = undefined;
    if (this.#waiting.length === 0 || this.#statements >= limits.outcomeStatements) return;
    const batch = this.#waiting.splice(0, limits.outcomeBatch);
    this.#lingerMs = batch.length < crowd ? limits.outcomeLingerMs : limits.outcomeLingerBusyMs;
    this.#statements += 1;
    void this.#write(batch).finally(() => {
      this.#statements -= 1;
      if (this.#waiting.some(({ shard }) => shard.isAwaited)) this.#start();
      else this.#schedule();
    });
  }

  /** Writes until it is written, or those whose it is give up. Never rejects. */
  async #write(batch: readonly WaitingOutcome[]): Promise<void> {
    let left = batch;
    for (let delayMs = retryFirstMs; left.length > 0; delayMs = Math.min(delayMs * 2, retryMaxMs)) {
      try {
        const written = await this.#statement(left.map(({ outcome }) => outcome));
        this.#changes.note(written);
        return await this.#tell(left, written);
      } catch (error) {
        if (isDataFault(error)) return this.#writeByHalves(left, error);
        left = this.#withoutGivenUp(left, error);
        if (left.length === 0) return;
        this.#log.warn({ syncs: left.length, error: messageOf(error) }, 'outcomes wait for the database');
        await this.#clock.sleep(delayMs);
      }
    }
  }

  async #statement(batch: readonly Outcome[]): Promise<Set<string>> {
    const parents = this.#tracer === null ? [] : traceparentsOf(batch);
    if (this.#tracer === null || parents.length === 0) return writeOutcomes(this.#db.pool, batch);
    const span = this.#tracer.start('outcome-write', { ...statementKind, parents });
    try {
      return await writeOutcomes(this.#db.pool, batch);
    } catch (error) {
      span.fail(errorTypeOf(error));
      throw error;
    } finally {
      span.end();
    }
  }

  /** One outcome that the database refuses must not keep all others waiting: find it by halves. */
  async #writeByHalves(batch: readonly WaitingOutcome[], error: unknown): Promise<void> {
    const half = batch.length >> 1;
    if (half === 0) return this.#drop(batch, error);
    await this.#write(batch.slice(0, half));
    await this.#write(batch.slice(half));
  }

  #withoutGivenUp(batch: readonly WaitingOutcome[], error: unknown): readonly WaitingOutcome[] {
    const hasGivenUp = ({ shard }: WaitingOutcome) => shard.hasGivenUp;
    // Those that are still to have their turn too: a stop does not wait for a try of each.
    this.#drop([...batch, ...this.#waiting].filter(hasGivenUp), error);
    this.#waiting = this.#waiting.filter(one => !hasGivenUp(one));
    return batch.filter(one => !hasGivenUp(one));
  }

  /** Their leases run out, and they are delivered again. */
  #drop(batch: readonly WaitingOutcome[], error: unknown): void {
    for (const [shard, outcomes] of byShard(batch)) {
      this.#log.error(
        { shard: shard.subscriptionId, syncs: outcomes.length, err: error },
        'outcomes could not be written; their syncs will be delivered again',
      );
      shard.dropped(outcomes);
    }
  }

  async #tell(batch: readonly WaitingOutcome[], written: ReadonlySet<string>): Promise<void> {
    const shards = byShard(batch);
    for (const [shard, outcomes] of shards) {
      this.#report(shard, outcomes, written);
      this.#meter.attempted(
        shard.transport,
        outcomes.filter(({ id }) => written.has(id)),
      );
      shard.written(outcomes);
    }
    await this.#noteSuccesses(shards);
  }

  async #noteSuccesses(shards: ReadonlyMap<ShardOutcomes, readonly Outcome[]>): Promise<void> {
    const now = this.#clock.steady();
    const ids: string[] = [];
    for (const [shard, outcomes] of shards) {
      const notedAt = this.#successNotedAt.get(shard) ?? Number.NEGATIVE_INFINITY;
      if (now - notedAt < noteSuccessEveryMs || !outcomes.some(({ status }) => status === 'success'))
        continue;
      this.#successNotedAt.set(shard, now);
      ids.push(shard.subscriptionId);
    }
    if (ids.length === 0) return;
    try {
      await noteSuccesses(this.#db.pool, ids);
    } catch (error) {
      this.#log.debug({ error: messageOf(error) }, 'last successes were not noted; the next ones will be');
    }
  }

  #report(shard: ShardOutcomes, outcomes: readonly Outcome[], written: ReadonlySet<string>): void {
    const tellsAll = this.#log.isLevelEnabled('debug');
    for (const outcome of outcomes) {
      if (!tellsAll && outcome.alert === null && written.has(outcome.id)) continue;
      const line = {
        shard: shard.subscriptionId,
        sync: outcome.id,
        status: outcome.status,
        error_code: outcome.errorCode,
        duration_ms: Math.round(outcome.durationMs),
        retry: outcome.retryCount,
        ...(this.#tracer === null || outcome.traceparent === null
          ? {}
          : { trace_id: traceIdOf(outcome.traceparent) }),
      };
      if (!written.has(outcome.id))
        this.#log.warn(line, 'late result refused: the sync was given to another meanwhile');
      else if (outcome.alert === 'critical') this.#log.error({ ...line, alert: 'critical' }, 'sync failed');
      else if (outcome.alert === 'warning') this.#log.warn({ ...line, alert: 'warning' }, 'sync failed');
      else this.#log.debug(line, 'sync attempted');
    }
  }
}

function byShard(batch: readonly WaitingOutcome[]): Map<ShardOutcomes, Outcome[]> {
  const shards = new Map<ShardOutcomes, Outcome[]>();
  for (const { outcome, shard } of batch) {
    const known = shards.get(shard);
    if (known === undefined) shards.set(shard, [outcome]);
    else known.push(outcome);
  }
  return shards;
}
