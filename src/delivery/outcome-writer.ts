import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { Logger } from '../core/logger.ts';
import type { TransportKind } from '../core/model.ts';
import { errorTypeOf, type Tracer, traceIdOf } from '../core/tracing.ts';
import type { Database } from '../db/database.ts';
import { noteSuccess, writeOutcomes } from '../db/outcome-statements.ts';
import { statementKind } from '../db/traced-client.ts';
import type { AttemptMeter } from './drain-deps.ts';
import type { Outcome } from './judge.ts';
import type { ChangeListener } from './sync-changes.ts';
import { traceparentsOf } from './traced-delivery.ts';

/** First and longest pause between tries while the database is away, milliseconds. */
const retryFirstMs = 100;
const retryMaxMs = 2_000;

/** Outcomes in one statement that show that the lane is busy. */
const crowd = 24;

/** How often a lane's last success is written at most, milliseconds. */
const noteSuccessEveryMs = 1_000;

/**
 * Writes the outcomes of one lane, many a statement, in the order they came. While the database is away it keeps
 * trying: what was delivered must be known as delivered, or it is delivered twice.
 */
export class OutcomeWriter {
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #changes: ChangeListener;
  readonly #meter: AttemptMeter;
  readonly #tracer: Tracer | null;
  readonly #transport: TransportKind;
  readonly #subscriptionId: string;
  readonly #onWritten: (outcomes: readonly Outcome[]) => void;
  readonly #giveUp: AbortSignal;
  #waiting: Outcome[] = [];
  #writing: Promise<void> | undefined;
  #timer: (() => void) | undefined;
  #lingerMs: number = limits.outcomeLingerMs;
  #successNotedAt = Number.NEGATIVE_INFINITY;

  /**
   * @param options.onWritten called after each statement, with what was in it
   * @param options.giveUp ends the trying: leases then run out and another process delivers again
   */
  constructor(
    deps: {
      db: Database;
      clock: Clock;
      log: Logger;
      changes: ChangeListener;
      meter: AttemptMeter;
      tracer: Tracer | null;
    },
    options: {
      subscriptionId: string;
      transport: TransportKind;
      onWritten: (outcomes: readonly Outcome[]) => void;
      giveUp: AbortSignal;
    },
  ) {
    this.#db = deps.db;
    this.#clock = deps.clock;
    this.#log = deps.log;
    this.#changes = deps.changes;
    this.#meter = deps.meter;
    this.#tracer = deps.tracer;
    this.#transport = options.transport;
    this.#subscriptionId = options.subscriptionId;
    this.#onWritten = options.onWritten;
    this.#giveUp = options.giveUp;
  }

  /** Outcomes that are not yet written. */
  get pending(): number {
    return this.#waiting.length;
  }

  /** Takes an outcome; it is written within `limits.outcomeLingerMs`. */
  add(outcome: Outcome): void {
    this.#waiting.push(outcome);
    if (this.#writing !== undefined) return;
    if (this.#waiting.length >= limits.outcomeBatch) this.#start();
    else this.#timer ??= this.#clock.after(this.#lingerMs, () => this.#start());
  }

  /** Resolves when nothing waits any more. */
  async flush(): Promise<void> {
    this.#start();
    await this.#writing;
  }

  #start(): void {
    this.#timer?.();
    this.#timer = undefined;
    if (this.#waiting.length === 0) return;
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined;
    });
  }

  async #writeAll(): Promise<void> {
    let delayMs = retryFirstMs;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, limits.outcomeBatch);
      try {
        const written = await this.#write(batch);
        this.#waiting.splice(0, batch.length);
        // Under load a statement costs more than its rows: it waits for more of them.
        this.#lingerMs = batch.length < crowd ? limits.outcomeLingerMs : limits.outcomeLingerBusyMs;
        delayMs = retryFirstMs;
        this.#report(batch, written);
        this.#changes.note(written);
        this.#meter.attempted(
          this.#transport,
          batch.filter(({ id }) => written.has(id)),
        );
        if (batch.some(outcome => outcome.status === 'success')) await this.#noteSuccess();
        this.#onWritten(batch);
      } catch (error) {
        if (this.#giveUp.aborted) {
          this.#log.error(
            { lane: this.#subscriptionId, syncs: this.#waiting.length, err: error },
            'outcomes could not be written; their syncs will be delivered again',
          );
          this.#waiting.length = 0;
          return;
        }
        this.#log.warn(
          { lane: this.#subscriptionId, error: messageOf(error) },
          'outcomes wait for the database',
        );
        await this.#clock.sleep(delayMs, this.#giveUp);
        delayMs = Math.min(delayMs * 2, retryMaxMs);
      }
    }
  }

  async #write(batch: readonly Outcome[]): Promise<Set<string>> {
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

  async #noteSuccess(): Promise<void> {
    const now = this.#clock.steady();
    if (now - this.#successNotedAt < noteSuccessEveryMs) return;
    this.#successNotedAt = now;
    await noteSuccess(this.#db.pool, this.#subscriptionId);
  }

  #report(batch: readonly Outcome[], written: ReadonlySet<string>): void {
    for (const outcome of batch) {
      const line = {
        lane: this.#subscriptionId,
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
