import type { Pool } from 'pg';
import { deliveryCodeOf, type HubCode } from '../core/delivery-codes.ts';
import { limits } from '../core/limits.ts';
import {
  type FailureCount,
  failureCounts,
  failuresInRow,
  type KnownSubscription,
  knownSubscriptions,
  type OpenCounts,
  type OutcomeCounts,
  openCounts,
  outcomeCounts,
} from '../db/reading-statements.ts';
import { causesOf } from './causes.ts';
import type { MetricReadings, MetricSnapshot, Reading } from './readings.ts';
import type { RuleName } from './rules.ts';

/** Differences that each subscription's last consistency check found. */
export type ReadDifferences = () => Promise<readonly { subscriptionId: string; differences: number }[]>;

/** For what fails most, milliseconds. */
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
  readonly #failuresAsked = new Map<number, Promise<FailureCount[]>>();
  #openAsked: Promise<OpenCounts[]> | undefined;
  #knownAsked: Promise<KnownSubscription[]> | undefined;

  constructor(pool: Pool, at: number, differences: ReadDifferences) {
    this.#pool = pool;
    this.#at = at;
    this.#differences = differences;
  }

  read(metric: RuleName, options: Options): Promise<readonly Reading[]> {
    switch (metric) {
      case 'success_rate':
        return this.#successRate(options);
      case 'latency':
        return this.#latency(options);
      case 'failures':
        return this.#failures(options, () => true, true);
      case 'data_refused':
        return this.#failures(options, isRefusal, false);
      case 'payload_query':
        return this.#failures(
          options,
          ({ errorCode }) => errorCode === ('PAYLOAD_QUERY_INVALID' satisfies HubCode),
          false,
        );
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
      case 'cannot_evaluate':
        return Promise.resolve([]);
    }
  }

  async causes(): Promise<ReadonlyMap<string, string>> {
    const counts = await this.#failureCounts(causeWindowMs);
    return causesOf(counts, counts.length === 0 ? [] : await this.#known());
  }

  async #successRate({ windowMs, minimum }: Options): Promise<Reading[]> {
    return (await this.#outcomes(windowMs)).map(({ subscriptionId, succeeded, failed }) => {
      const total = succeeded + failed;
      return { subscriptionId, value: total >= Math.max(minimum, 1) ? (100 * succeeded) / total : null };
    });
  }

  async #latency({ windowMs, minimum }: Options): Promise<Reading[]> {
    return (await this.#outcomes(windowMs)).map(({ subscriptionId, succeeded, latencySeconds }) => ({
      subscriptionId,
      value: succeeded >= minimum ? latencySeconds : null,
    }));
  }

  async #failures(
    { windowMs }: Options,
    isMeant: (failure: FailureCount) => boolean,
    withOverall: boolean,
  ): Promise<Reading[]> {
    const counts = new Map<string, number>();
    for (const failure of await this.#failureCounts(windowMs)) {
      if (!isMeant(failure)) continue;
      counts.set(failure.subscriptionId, (counts.get(failure.subscriptionId) ?? 0) + failure.count);
    }
    return withOverall ? withSum(counts) : readingsOf(counts);
  }

  async #open(metric: 'backlog' | 'retrying'): Promise<Reading[]> {
    this.#openAsked ??= openCounts(this.#pool, new Date(this.#at), limits.alertCount);
    const counts = await this.#openAsked;
    return withSum(new Map(counts.map(count => [count.subscriptionId, count[metric]])));
  }

  async #inRow(): Promise<Reading[]> {
    const counts = await failuresInRow(
      this.#pool,
      limits.failuresInRow,
      new Date(this.#at - limits.failuresInRowMs),
    );
    return counts.map(({ subscriptionId, count }) => ({ subscriptionId, value: count }));
  }

  async #standing(metric: 'suspended' | 'gone'): Promise<Reading[]> {
    const known = await this.#known();
    return known.filter(one => one[metric]).map(({ id }) => ({ subscriptionId: id, value: 1 }));
  }

  async #consistency(): Promise<Reading[]> {
    const found = await this.#differences();
    return found.map(({ subscriptionId, differences }) => ({ subscriptionId, value: differences }));
  }

  /** Rules that rest on the same rows share one statement. */
  #known(): Promise<KnownSubscription[]> {
    this.#knownAsked ??= knownSubscriptions(this.#pool);
    return this.#knownAsked;
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

/** A code that is not in the catalogue is a consumer's own: whether it refuses the data stands beside it. */
function isRefusal({ errorCode, refused }: FailureCount): boolean {
  return deliveryCodeOf(errorCode)?.isRefusal ?? refused;
}

function readingsOf(counts: ReadonlyMap<string, number>): Reading[] {
  return [...counts].map(([subscriptionId, value]) => ({ subscriptionId, value }));
}

function withSum(counts: ReadonlyMap<string, number>): Reading[] {
  const sum = [...counts.values()].reduce((all, one) => all + one, 0);
  return [...readingsOf(counts), { subscriptionId: null, value: sum }];
}
