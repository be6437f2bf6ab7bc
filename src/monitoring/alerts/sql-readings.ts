import type { Pool } from 'pg';
import { limits } from '../../core/limits.ts';
import { restoreLimits } from '../../core/restore-limits.ts';
import { clocksOff } from '../../db/clock/clock-statements.ts';
import { openRestores } from '../../db/lineage/restore-statements.ts';
import {
  type FailureCount,
  failedVouchers,
  failureCounts,
  failuresInRow,
  type KnownSubscription,
  knownSubscriptions,
  type LatencySums,
  latencySums,
  type OpenCounts,
  type OutcomeCounts,
  openCounts,
  outcomeCounts,
} from '../../db/monitoring/reading-statements.ts';
import { missingSpan } from '../audit/restores.ts';
import { explain } from './explain.ts';
import { isMeantBy } from './failure-kinds.ts';
import type { Behind, Explanation, MetricReading, MetricReadings, MetricSnapshot } from './readings.ts';
import { metrics, type RuleName } from './rules.ts';

/** Differences that each subscription's last consistency check found. */
export type ReadDifferences = () => Promise<readonly { subscriptionId: string; differences: number }[]>;

/** For what fails most, and the vouchers of it, milliseconds. */
const causeWindowMs = 3_600_000;

type Options = Parameters<MetricSnapshot['read']>[1];

/** Reads metrics by SQL on the sync log, bounded by their windows. */
export class SqlReadings implements MetricReadings {
  readonly #pool: Pool;
  readonly #differences: ReadDifferences;

  constructor(pool: Pool, differences: ReadDifferences) {
    this.#pool = pool;
    this.#differences = differences;
  }

  snapshot(at: number): MetricSnapshot {
    return new SqlSnapshot(this.#pool, at, this.#differences);
  }
}

class SqlSnapshot implements MetricSnapshot {
  readonly #pool: Pool;
  readonly #at: number;
  readonly #differences: ReadDifferences;
  readonly #outcomesAsked = new Map<number, Promise<OutcomeCounts[]>>();
  readonly #latenciesAsked = new Map<number, Promise<LatencySums[]>>();
  readonly #failuresAsked = new Map<number, Promise<FailureCount[]>>();
  #openAsked: Promise<OpenCounts[]> | undefined;
  #knownAsked: Promise<KnownSubscription[]> | undefined;

  constructor(pool: Pool, at: number, differences: ReadDifferences) {
    this.#pool = pool;
    this.#at = at;
    this.#differences = differences;
  }

  read(metric: RuleName, options: Options): Promise<readonly MetricReading[]> {
    switch (metric) {
      case 'success_rate':
        return this.#successRate(options);
      case 'latency':
        return this.#latency(options);
      case 'failures':
        return this.#failures(options, metric, true);
      case 'data_refused':
      case 'payload_query':
        return this.#failures(options, metric, false);
      case 'backlog':
      case 'retrying':
        return this.#open(metric);
      case 'failures_in_row':
        return this.#inRow();
      case 'suspended':
      case 'gone':
        return this.#standing(metric);
      case 'consistency':
        return this.#consistency();
      case 'clock_skewed':
        return this.#clocks();
      case 'database_restored':
        return this.#restored();
      case 'cannot_evaluate':
        return Promise.resolve([]);
    }
  }

  async explain(alerts: readonly (Behind & { readonly windowMs: number })[]): Promise<Explanation[]> {
    const isAbout = (behind: 'failures' | 'standing') =>
      alerts.some(({ rule }) => metrics[rule].behind === behind);
    const failures = isAbout('failures') ? await this.#failureCounts(causeWindowMs) : [];
    const latencies = new Map<number, readonly LatencySums[]>();
    for (const { rule, windowMs } of alerts)
      if (rule === 'latency') latencies.set(windowMs, await this.#latencies(windowMs));
    const input = {
      known: await this.#known(),
      open: isAbout('standing') ? await this.#openCounts() : [],
      failures,
      vouchers: await this.#vouchers(alerts, failures),
      latencies: (windowMs: number) => latencies.get(windowMs) ?? [],
    };
    return alerts.map(alert => explain(alert, input));
  }

  /** Of the subscriptions that fire, and for those that fire together of those that fail most. */
  async #vouchers(alerts: readonly Behind[], failures: readonly FailureCount[]) {
    const about = alerts.filter(({ rule }) => metrics[rule].behind === 'failures');
    if (failures.length === 0 || about.length === 0) return [];
    const most = failures.toSorted((a, b) => b.count - a.count).map(one => one.subscriptionId);
    const ids = new Set([
      ...(about.some(({ subscriptionId }) => subscriptionId === null) ? most.slice(0, 3) : []),
      ...about.flatMap(({ subscriptionId }) => subscriptionId ?? []),
    ]);
    return failedVouchers(this.#pool, [...ids].slice(0, limits.alertsExplained), {
      from: new Date(this.#at - causeWindowMs),
      most: limits.alertVouchers,
    });
  }

  async #successRate({ windowMs, minimum }: Options): Promise<MetricReading[]> {
    return (await this.#outcomes(windowMs)).map(({ subscriptionId, succeeded, failed }) => {
      const total = succeeded + failed;
      return { subscriptionId, value: total >= Math.max(minimum, 1) ? (100 * succeeded) / total : null };
    });
  }

  /** From the event to the end, as the users define it; what that means of backdated events, `eventLatencySql` says. */
  async #latency({ windowMs, minimum }: Options): Promise<MetricReading[]> {
    const sums = await this.#latencies(windowMs);
    const all = {
      subscriptionId: null,
      measured: sums.reduce((sum, { measured }) => sum + measured, 0),
      seconds: sums.reduce((sum, { seconds }) => sum + seconds, 0),
    };
    return [...sums, all].map(({ subscriptionId, measured, seconds }) => ({
      subscriptionId,
      value: measured >= Math.max(minimum, 1) ? seconds / measured : null,
    }));
  }

  async #failures({ windowMs }: Options, rule: RuleName, withOverall: boolean): Promise<MetricReading[]> {
    const isMeant = isMeantBy(rule);
    const counts = new Map<string, number>();
    for (const failure of await this.#failureCounts(windowMs)) {
      if (!isMeant(failure)) continue;
      counts.set(failure.subscriptionId, (counts.get(failure.subscriptionId) ?? 0) + failure.count);
    }
    return withOverall ? withSum(counts) : readingsOf(counts);
  }

  async #open(metric: 'backlog' | 'retrying'): Promise<MetricReading[]> {
    const counts = await this.#openCounts();
    return withSum(new Map(counts.map(count => [count.subscriptionId, count[metric]])));
  }

  async #inRow(): Promise<MetricReading[]> {
    const counts = await failuresInRow(
      this.#pool,
      limits.failuresInRow,
      new Date(this.#at - limits.failuresInRowMs),
    );
    return counts.map(({ subscriptionId, count }) => ({ subscriptionId, value: count }));
  }

  async #standing(metric: 'suspended' | 'gone'): Promise<MetricReading[]> {
    const known = await this.#known();
    return known.filter(one => one[metric]).map(({ id }) => ({ subscriptionId: id, value: 1 }));
  }

  async #consistency(): Promise<MetricReading[]> {
    const found = await this.#differences();
    return found.map(({ subscriptionId, differences }) => ({ subscriptionId, value: differences }));
  }

  /** The clock that is farthest off. */
  async #clocks(): Promise<MetricReading[]> {
    const [farthest] = await clocksOff(this.#pool);
    if (farthest === undefined) return [];
    const seconds = farthest.aheadMs / 1_000;
    const cause = `${farthest.host} ${seconds < 0 ? '−' : '+'}${Math.abs(Math.round(seconds))} s`;
    return [{ subscriptionId: null, value: Math.abs(seconds), cause }];
  }

  /** All that nobody has settled are one alert, over the time from the first one's backup to the last one. */
  async #restored(): Promise<MetricReading[]> {
    const restores = await openRestores(this.#pool, this.#at - restoreLimits.restoreAlertMs);
    if (restores.length === 0) return [];
    const since = Math.min(...restores.map(({ seenAt }) => seenAt));
    const until = Math.max(...restores.map(({ noticedAt }) => noticedAt));
    return [{ subscriptionId: null, value: 1, cause: missingSpan(since, until) }];
  }

  /** Rules that rest on the same rows share one statement. */
  #known(): Promise<KnownSubscription[]> {
    this.#knownAsked ??= knownSubscriptions(this.#pool);
    return this.#knownAsked;
  }

  #openCounts(): Promise<OpenCounts[]> {
    this.#openAsked ??= openCounts(this.#pool, new Date(this.#at), limits.alertCount);
    return this.#openAsked;
  }

  #latencies(windowMs: number): Promise<LatencySums[]> {
    const [from, to] = this.#window(windowMs);
    return once(this.#latenciesAsked, windowMs, () => latencySums(this.#pool, from, to));
  }

  #outcomes(windowMs: number): Promise<OutcomeCounts[]> {
    const [from, to] = this.#window(windowMs);
    return once(this.#outcomesAsked, windowMs, () => outcomeCounts(this.#pool, from, to));
  }

  #failureCounts(windowMs: number): Promise<FailureCount[]> {
    const [from, to] = this.#window(windowMs);
    return once(this.#failuresAsked, windowMs, () => failureCounts(this.#pool, from, to));
  }

  #window(windowMs: number): [Date, Date] {
    return [new Date(this.#at - windowMs), new Date(this.#at)];
  }
}

function once<K, T>(asked: Map<K, Promise<T>>, key: K, read: () => Promise<T>): Promise<T> {
  const answer = asked.get(key) ?? read();
  asked.set(key, answer);
  return answer;
}

function readingsOf(counts: ReadonlyMap<string, number>): MetricReading[] {
  return [...counts].map(([subscriptionId, value]) => ({ subscriptionId, value }));
}

function withSum(counts: ReadonlyMap<string, number>): MetricReading[] {
  const sum = [...counts.values()].reduce((all, one) => all + one, 0);
  return [...readingsOf(counts), { subscriptionId: null, value: sum }];
}
