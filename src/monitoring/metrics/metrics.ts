import { badInput } from '../../core/errors.ts';
import { percentile } from '../../core/latency.ts';
import { limits } from '../../core/limits.ts';
import type { Database } from '../../db/database.ts';
import {
  type FailedLag,
  type Lag,
  type MetricScope,
  type MetricWindow,
  type PointCount,
  readFailedLag,
  readLag,
  readOpen,
  readWindow,
} from '../../db/monitoring/metric-statements.ts';

/** One point of a timeline. */
export interface MetricPointFigures {
  /** Its first instant. */
  readonly at: Date;
  readonly succeeded: number;
  readonly failed: number;
  readonly averageLatencySeconds: number | null;
  readonly averageEventLatencySeconds: number | null;
}

/** The figures of a window, as GraphQL shows them. */
export interface Metrics {
  readonly from: Date;
  readonly to: Date;
  readonly total: number;
  readonly succeeded: number;
  readonly failed: number;
  /** 0 to 100; null: nothing was synced. */
  readonly successRate: number | null;
  readonly averageLatencySeconds: number | null;
  /** From the event; the others are from its recording. */
  readonly averageEventLatencySeconds: number | null;
  readonly p50LatencySeconds: number | null;
  readonly p95LatencySeconds: number | null;
  readonly p99LatencySeconds: number | null;
  readonly failuresLastHour: number;
  readonly backlog: number;
  readonly oldestPendingSeconds: number | null;
  readonly retrying: number;
  readonly failuresByErrorCode: readonly { readonly errorCode: string; readonly count: number }[];
  readonly timeline: readonly MetricPointFigures[];
  /** Says how far consumers are behind; read when first asked for. */
  readonly lag: () => Promise<Lag>;
  /** Gives what FAILED, which consumers do not know either; read when first asked for. */
  readonly failedLag: () => Promise<FailedLag>;
}

/** Steps of timelines, minutes. */
const steps = [1, 2, 5, 10, 15, 30, 60, 120, 180, 240, 360, 720, 1_440, 2_880, 5_760, 10_080];

/** Says how a window of so many minutes is read. @throws HubError BAD_USER_INPUT */
export function windowOf(minutes: number, timeZone: string): MetricWindow {
  if (minutes < 1 || minutes > limits.metricWindow)
    throw badInput('windowMinutes', `windowMinutes: 1 to ${limits.metricWindow}, a year.`);
  const startsAt = minutes <= limits.metricMinuteWindow ? 'minute' : 'hour';
  const least = Math.max(minutes / limits.metricPoints, startsAt === 'hour' ? 60 : 1);
  const stepMinutes = steps.find(step => step >= least) ?? limits.metricWindow;
  return { minutes, stepMinutes, timeZone, startsAt };
}

/** Reads the figures of a window. @param scope which subscriptions */
export async function readMetrics(db: Database, scope: MetricScope, window: MetricWindow): Promise<Metrics> {
  const [figures, open] = await Promise.all([
    db.transaction(client => readWindow(client, scope, window)),
    readOpen(db.pool, scope, limits.metricBacklog),
  ]);
  const sum = addUp(figures.points);
  const total = sum.succeeded + sum.failed;
  const latencies = new Map<number, number>();
  for (const { bucket, count } of figures.latencies)
    latencies.set(bucket, (latencies.get(bucket) ?? 0) + count);
  let lag: Promise<Lag> | undefined;
  let failedLag: Promise<FailedLag> | undefined;
  const bounds = { most: limits.lagSyncs, oldestAmong: limits.metricBacklog };
  return {
    from: figures.from,
    to: figures.to,
    total,
    succeeded: sum.succeeded,
    failed: sum.failed,
    successRate: total === 0 ? null : (100 * sum.succeeded) / total,
    averageLatencySeconds: averageOf(sum),
    averageEventLatencySeconds: eventAverageOf(sum),
    p50LatencySeconds: percentile(latencies, 0.5),
    p95LatencySeconds: percentile(latencies, 0.95),
    p99LatencySeconds: percentile(latencies, 0.99),
    failuresLastHour: figures.failures.reduce((all, { lastHour }) => all + lastHour, 0),
    backlog: open.backlog,
    oldestPendingSeconds: open.oldestSeconds,
    retrying: open.retrying,
    failuresByErrorCode: failuresByCode(figures.failures),
    timeline: timelineOf(figures.points, figures.from),
    lag: () => {
      lag ??= readLag(db.pool, scope, bounds);
      return lag;
    },
    failedLag: () => {
      failedLag ??= readFailedLag(db.pool, scope, bounds);
      return failedLag;
    },
  };
}

type Counts = Omit<PointCount, 'at'>;

function addUp(points: readonly Counts[]): Counts {
  const sum = { succeeded: 0, failed: 0, measured: 0, latencySeconds: 0, eventLatencySeconds: 0 };
  for (const point of points) {
    sum.succeeded += point.succeeded;
    sum.failed += point.failed;
    sum.measured += point.measured;
    sum.latencySeconds += point.latencySeconds;
    sum.eventLatencySeconds += point.eventLatencySeconds;
  }
  return sum;
}

function averageOf({ measured, latencySeconds }: Counts): number | null {
  return measured === 0 ? null : latencySeconds / measured;
}

function eventAverageOf({ measured, eventLatencySeconds }: Counts): number | null {
  return measured === 0 ? null : eventLatencySeconds / measured;
}

/** The first point is cut off by the window's start. Points in which nothing was over are left out. */
function timelineOf(points: readonly PointCount[], from: Date): MetricPointFigures[] {
  return [...Map.groupBy(points, ({ at }) => Math.max(at, from.getTime()))]
    .map(([at, parts]) => ({ at: new Date(at), ...addUp(parts) }))
    .filter(({ succeeded, failed }) => succeeded + failed > 0)
    .toSorted((a, b) => a.at.getTime() - b.at.getTime())
    .map(({ at, ...sum }) => ({
      at,
      succeeded: sum.succeeded,
      failed: sum.failed,
      averageLatencySeconds: averageOf(sum),
      averageEventLatencySeconds: eventAverageOf(sum),
    }));
}

/** The most frequent first; what is beyond the limit is one, `OTHER`. */
function failuresByCode(
  failures: readonly { errorCode: string; count: number }[],
): { errorCode: string; count: number }[] {
  const counts = [...Map.groupBy(failures, ({ errorCode }) => errorCode)]
    .map(([errorCode, parts]) => ({ errorCode, count: parts.reduce((all, part) => all + part.count, 0) }))
    .filter(({ count }) => count > 0)
    .toSorted((a, b) => b.count - a.count || (a.errorCode < b.errorCode ? -1 : 1));
  const rest = counts.slice(limits.metricErrorCodes).reduce((all, { count }) => all + count, 0);
  const named = counts.slice(0, limits.metricErrorCodes);
  return rest === 0 ? named : [...named, { errorCode: 'OTHER', count: rest }];
}
