import { Gauge } from 'prom-client';
import type { Clock } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type { Logger } from '../../core/logger.ts';
import type { Database } from '../../db/database.ts';
import { type MeterRow, readMeters } from '../../db/monitoring/meter-statements.ts';
import type { MetricReadings } from '../alerts/readings.ts';
import type { Meters } from './meters.ts';

const labelNames = ['subscription_id', 'subscription'] as const;
type Label = (typeof labelNames)[number];

/** Holds what is counted of the last hour by alerts, in the words of their rules. */
const hourMs = 3_600_000;
const byRule = {
  failures_in_row: [
    'voucher_hub_subscription_failures_in_row',
    'The newest syncs that FAILED without a success between them.',
  ],
  data_refused: [
    'voucher_hub_subscription_refused_last_hour',
    'Data that does not fit the consumer, in the last hour.',
  ],
  consistency: [
    'voucher_hub_subscription_consistency_differences',
    'Differences that the last consistency check found.',
  ],
} as const;

/** Gauges from the database: the same in every process, so take their maximum, not their sum. */
export class SubscriptionMeters {
  readonly #deps: { db: Database; clock: Clock; log: Logger; readings: MetricReadings };
  readonly #meters: Meters;
  readonly #gauges: ReadonlyMap<string, Gauge<Label>>;
  readonly #states: Gauge<Label | 'state'>;
  readonly #ended: Gauge<Label | 'status'>;
  readonly #up: Gauge;
  #readAt = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;

  constructor(deps: { db: Database; clock: Clock; log: Logger; readings: MetricReadings }, meters: Meters) {
    this.#deps = deps;
    this.#meters = meters;
    const registers = [meters.registry];
    const gauges = [
      ...Object.keys(fromRow).map(name => [name, helpOf[name] ?? '']),
      ...Object.values(byRule),
    ];
    this.#gauges = new Map(
      gauges.map(([name = '', help = '']) => [name, new Gauge({ name, help, labelNames, registers })]),
    );
    this.#states = new Gauge({
      name: 'voucher_hub_subscription_state',
      help: 'Subscriptions in each state; suspended is an open circuit breaker.',
      labelNames: [...labelNames, 'state'],
      registers,
    });
    this.#ended = new Gauge({
      name: 'voucher_hub_syncs_last_hour',
      help: 'Syncs that were delivered or FAILED in the last hour.',
      labelNames: [...labelNames, 'status'],
      registers,
    });
    this.#up = new Gauge({
      name: 'voucher_hub_database_up',
      help: '1: the database answered when it was last read for these metrics.',
      registers,
    });
  }

  /** The text of /metrics; reads the database anew where what was read is old. */
  async text(): Promise<string> {
    const now = this.#deps.clock.steady();
    if (now - this.#readAt >= limits.meterReadMs) {
      this.#readAt = now;
      this.#reading = this.#read();
    }
    await this.#reading;
    return this.#meters.registry.metrics();
  }

  /** Never rejects: without a database the process's own counters are served all the same. */
  async #read(): Promise<void> {
    const { db, clock, log, readings } = this.#deps;
    try {
      const shown = { shown: limits.meteredSubscriptions, most: limits.alertCount };
      const rows = await readMeters(db.pool, shown);
      this.#showShards(rows);
      const names = new Map(rows.map(({ id, name }) => [id, name]));
      const snapshot = readings.snapshot(clock.now());
      for (const rule of ['failures_in_row', 'data_refused', 'consistency'] as const)
        this.#showRule(rule, names, await snapshot.read(rule, { windowMs: hourMs, minimum: 1 }));
      this.#up.set(1);
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'metrics wait for the database');
      for (const gauge of this.#all()) gauge.reset();
      this.#up.set(0);
    }
  }

  #all(): { reset(): void }[] {
    return [...this.#gauges.values(), this.#states, this.#ended];
  }

  #showShards(rows: readonly MeterRow[]): void {
    for (const gauge of this.#all()) gauge.reset();
    for (const row of rows) {
      const labels = { subscription_id: row.id, subscription: row.name };
      for (const [name, read] of Object.entries(fromRow)) this.#gauges.get(name)?.set(labels, read(row));
      for (const [state, count] of Object.entries(row.states)) this.#states.set({ ...labels, state }, count);
      this.#ended.set({ ...labels, status: 'success' }, row.succeeded);
      this.#ended.set({ ...labels, status: 'failed' }, row.failed);
    }
  }

  /** Of the subscriptions that are not shown, the worst. */
  #showRule(
    rule: keyof typeof byRule,
    names: ReadonlyMap<string, string>,
    found: readonly { subscriptionId: string | null; value: number | null }[],
  ): void {
    const worst = new Map([...names.keys()].map(id => [id, 0]));
    for (const { subscriptionId, value } of found) {
      if (subscriptionId === null || value === null) continue;
      const id = names.has(subscriptionId) ? subscriptionId : 'other';
      worst.set(id, Math.max(worst.get(id) ?? 0, value));
    }
    const gauge = this.#gauges.get(byRule[rule][0]);
    for (const [id, value] of worst)
      gauge?.set({ subscription_id: id, subscription: names.get(id) ?? 'other' }, value);
  }
}

const fromRow: Readonly<Record<string, (row: MeterRow) => number>> = {
  voucher_hub_subscription_due_syncs: row => row.due,
  voucher_hub_subscription_backlog_syncs: row => row.backlog,
  voucher_hub_subscription_retrying_syncs: row => row.retrying,
  voucher_hub_subscription_oldest_seconds: row => row.oldestSeconds,
  voucher_hub_subscription_attached_consumers: row => row.consumers,
  voucher_hub_subscription_latency_seconds_last_hour: row => row.latencySeconds,
  voucher_hub_subscription_event_latency_seconds_last_hour: row => row.eventLatencySeconds,
  voucher_hub_subscription_measured_last_hour: row => row.measured,
};

/** The names of all gauges from the database. */
export const subscriptionMeterNames: readonly string[] = [
  ...Object.keys(fromRow),
  ...Object.values(byRule).map(([name]) => name),
  'voucher_hub_subscription_state',
  'voucher_hub_syncs_last_hour',
  'voucher_hub_database_up',
];

const helpOf: Readonly<Record<string, string>> = {
  voucher_hub_subscription_due_syncs:
    'Due now for a webhook that takes them, up to 10,000 a shard: what workers are for.',
  voucher_hub_subscription_backlog_syncs:
    'Not over yet, without BATCH events that wait for their hour; up to 10,000 a shard.',
  voucher_hub_subscription_retrying_syncs: 'Of the backlog, those that were tried before.',
  voucher_hub_subscription_oldest_seconds: 'How long the oldest of the backlog has waited.',
  voucher_hub_subscription_attached_consumers: 'Consumers attached over graphql-ws.',
  voucher_hub_subscription_latency_seconds_last_hour:
    'Latencies of what was delivered in the last hour, added up; from recorded to delivered.',
  voucher_hub_subscription_event_latency_seconds_last_hour:
    'The same from the event (occurredAt) to delivered.',
  voucher_hub_subscription_measured_last_hour: 'How many these are: BATCH events do not count.',
};
