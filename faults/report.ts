import Table from 'cli-table3';
import type { Received } from './history.ts';
import { kinds } from './kinds.ts';
import { isOfHub, recoveryOf } from './recovery.ts';
import type { RunResult } from './run.ts';

/** Violations shown in a report; the count says how many there are. */
const shownViolations = 20;

/** Without colours and lines between rows: it is read in logs too. */
const plain = { style: { head: [], border: [], compact: true } };

/** The figures of a run, as `--json` prints them. */
export interface Report {
  readonly seed: number;
  readonly minutes: number;
  readonly queue: string;
  readonly hubs: number;
  readonly events: { acknowledged: number; unacknowledged: number };
  /** Calls that were not acknowledged, by code; each was made again. */
  readonly refusals: Record<string, number>;
  readonly ways: readonly WayFigures[];
  readonly faults: readonly KindFigures[];
  readonly drainedSeconds: number;
  readonly violations: { count: number; shown: readonly string[] };
  /** The folder with the hubs' logs; null where it was not kept. */
  readonly logsIn: string | null;
}

interface WayFigures {
  readonly subscription: string;
  readonly way: string;
  readonly arrivals: number;
  readonly duplicates: number;
  readonly success: number;
  readonly failed: number;
}

interface KindFigures {
  readonly kind: string;
  readonly count: number;
  /** Seconds; null for faults that are done to one consumer alone. */
  readonly medianRecovery: number | null;
  readonly longestRecovery: number | null;
}

/** Sums a run up. */
export function reportOf(result: RunResult): Report {
  const { history, options, scene, refusals, violations, drainedMs, logsIn } = result;
  const acknowledged = history.published.filter(({ acknowledgedAt }) => acknowledgedAt !== null).length;
  return {
    ...options,
    hubs: scene.nodes.length,
    events: { acknowledged, unacknowledged: history.published.length - acknowledged },
    refusals: Object.fromEntries(refusals),
    ways: waysOf(result),
    faults: faultsOf(result),
    drainedSeconds: seconds(drainedMs),
    violations: {
      count: violations.length,
      shown: violations.slice(0, shownViolations).map(({ rule, what }) => `${rule}: ${what}`),
    },
    logsIn: logsIn ?? null,
  };
}

function waysOf({ history }: RunResult): WayFigures[] {
  const seen = new Set<string>();
  const isAgain = ({ syncId }: Received) => seen.size === seen.add(syncId).size;
  const again = new Set(history.received.filter(isAgain));
  return history.subscriptions.flatMap(({ id, name }) => {
    const syncs = history.syncs.filter(sync => sync.subscriptionId === id);
    const arrivals = Map.groupBy(
      history.received.filter(({ subscriptionId }) => subscriptionId === id),
      ({ way }) => way,
    );
    return [...arrivals].map(([way, found], at) => ({
      subscription: name,
      way,
      arrivals: found.length,
      duplicates: found.filter(arrival => again.has(arrival)).length,
      // Of the subscription, whichever way they went.
      success: at === 0 ? syncs.filter(({ status }) => status === 'SUCCESS').length : 0,
      failed: at === 0 ? syncs.filter(({ status }) => status === 'FAILED').length : 0,
    }));
  });
}

function faultsOf(result: RunResult): KindFigures[] {
  const byKind = Map.groupBy(result.done, ({ fault }) => fault.kind);
  const recover = recoveryOf(result.history);
  return kinds.flatMap(({ name }) => {
    const found = byKind.get(name) ?? [];
    if (found.length === 0) return [];
    const times = isOfHub(name) ? found.map(recover).sort((a, b) => a - b) : [];
    const [median, longest] = [times[Math.floor(times.length / 2)], times.at(-1)];
    return {
      kind: name,
      count: found.length,
      medianRecovery: median === undefined ? null : seconds(median),
      longestRecovery: longest === undefined ? null : seconds(longest),
    };
  });
}

function seconds(ms: number): number {
  return Math.round(ms / 100) / 10;
}

function secondsText(time: number | null): string {
  return time === null ? '' : `${time.toFixed(1)} s`;
}

/** A report for people. */
export function reportText(report: Report): string {
  const faults = new Table({ ...plain, head: ['fault', 'times', 'recovery, median', 'longest'] });
  for (const { kind, count, medianRecovery, longestRecovery } of report.faults)
    faults.push([kind, count, secondsText(medianRecovery), secondsText(longestRecovery)]);
  const ways = new Table({
    ...plain,
    head: ['subscription', 'way', 'arrivals', 'duplicates', 'SUCCESS', 'FAILED'],
  });
  for (const { subscription, way, arrivals, duplicates, success, failed } of report.ways)
    ways.push([subscription, way, arrivals, duplicates, success, failed]);
  const { acknowledged, unacknowledged } = report.events;
  const refused = Object.entries(report.refusals).map(([code, count]) => `${code} ${count}`);
  const { count, shown } = report.violations;
  return [
    `Queue on ${report.queue}, ${report.hubs} hubs, ${report.minutes} min, seed ${report.seed}`,
    faults.toString(),
    ways.toString(),
    `${acknowledged} events acknowledged, ${unacknowledged} not. Calls made again: ${refused.join(', ') || 'none'}.`,
    `All shards were empty ${report.drainedSeconds} s after the load ended.`,
    count === 0 ? '✓ Nothing was lost, invented, reordered or logged wrongly.' : `✗ ${count} violations:`,
    ...shown.map(line => `  ${line}`),
    ...(count > shown.length ? [`  … and ${count - shown.length} more`] : []),
    ...(report.logsIn === null ? [] : [`The hubs' logs are in ${report.logsIn}`]),
  ].join('\n');
}
