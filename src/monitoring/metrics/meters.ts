import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { RecordOutcome, SyncStatus, TransportKind } from '../../core/model.ts';

/** Seconds: the buckets of what an attempt takes. */
const attemptBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

/** One attempt at a delivery, as far as it is counted. */
interface MeteredAttempt {
  /** `split`: its batch was refused as a whole, and it is tried again in a smaller one. */
  readonly status: Extract<SyncStatus, 'success' | 'retrying' | 'failed'> | 'split';
  readonly durationMs: number;
}

/** Holds what this process counts, for Prometheus. The names are in docs/operations.md. */
export class Meters {
  readonly registry = new Registry();
  readonly #recorded: Counter<'outcome'>;
  readonly #attempts: Counter<'transport' | 'result'>;
  readonly #durations: Histogram<'transport'>;
  readonly #wrongKeys: Counter;
  readonly #droppedConnections: Counter;
  readonly #droppedLogLines: Counter;

  constructor() {
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry });
    this.#recorded = new Counter({
      name: 'voucher_hub_vouchers_recorded_total',
      help: 'Vouchers that publishers sent to this process, by what came of them.',
      labelNames: ['outcome'],
      registers,
    });
    this.#attempts = new Counter({
      name: 'voucher_hub_delivery_attempts_total',
      help: 'Attempts by this process to deliver an event, by what came of them.',
      labelNames: ['transport', 'result'],
      registers,
    });
    this.#durations = new Histogram({
      name: 'voucher_hub_delivery_attempt_duration_seconds',
      help: 'How long attempts by this process took, from the request (or push) to its answer.',
      labelNames: ['transport'],
      buckets: attemptBuckets,
      registers,
    });
    this.#wrongKeys = new Counter({
      name: 'voucher_hub_wrong_keys_total',
      help: 'Times that a caller of this process gave an API key that is unknown or revoked.',
      registers,
    });
    this.#droppedConnections = new Counter({
      name: 'voucher_hub_connections_dropped_total',
      help: 'Connections to this process that had shown no key and were closed to make room.',
      registers,
    });
    this.#droppedLogLines = new Counter({
      name: 'voucher_hub_log_lines_dropped_total',
      help: 'Lines of the log of this process that could not be written: nobody reads them, or the disk is full.',
      registers,
    });
    // A series that begins at its first event would hide that event from `rate`.
    for (const outcome of ['created', 'updated', 'duplicate', 'stale', 'refused'] as const)
      this.#recorded.inc({ outcome }, 0);
    for (const transport of ['webhook', 'websocket'] as const)
      for (const result of ['success', 'retrying', 'failed'] as const)
        this.#attempts.inc({ transport, result }, 0);
  }

  /** A publisher's voucher was taken, or refused. */
  recorded(outcome: RecordOutcome | 'refused'): void {
    this.#recorded.inc({ outcome });
  }

  /** Attempts whose outcome is written. */
  attempted(transport: TransportKind, attempts: readonly MeteredAttempt[]): void {
    const durations = this.#durations.labels({ transport });
    const counts = { success: 0, retrying: 0, failed: 0 };
    for (const { status, durationMs } of attempts) {
      counts[status === 'split' ? 'retrying' : status] += 1;
      durations.observe(durationMs / 1_000);
    }
    for (const [result, count] of Object.entries(counts))
      if (count > 0) this.#attempts.inc({ transport, result }, count);
  }

  /** A caller gave a key that is unknown or revoked. */
  wrongKey(): void {
    this.#wrongKeys.inc();
  }

  /** A connection that had shown no key was closed to make room. */
  connectionDropped(): void {
    this.#droppedConnections.inc();
  }

  /** A line of the log could not be written. */
  logLineDropped(): void {
    this.#droppedLogLines.inc();
  }

  /** Has the gauge of open connections read from here. */
  watchConnections(read: () => { keyed: number; unkeyed: number }): void {
    this.registry.registerMetric(
      new Gauge({
        name: 'voucher_hub_connections',
        help: 'Connections of callers to this process, by whether they have shown a good key.',
        labelNames: ['key'],
        registers: [],
        collect() {
          const { keyed, unkeyed } = read();
          this.set({ key: 'shown' }, keyed);
          this.set({ key: 'none' }, unkeyed);
        },
      }),
    );
  }
}
