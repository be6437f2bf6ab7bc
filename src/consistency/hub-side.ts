import { xorHashes } from '@voucher-hub/client/wire';
import type { Pool } from 'pg';
import { limits } from '../core/limits.ts';
import {
  type CoveredVoucher,
  type DateRange,
  listVouchers,
  sumDays,
  sumLeaves,
  sumRecords,
  type TreeNode,
} from '../db/consistency/tree.ts';
import type { Coverage } from '../db/reading/coverage.ts';
import { emptyNode, type HubSide } from './compare.ts';

/** Digits of the prefixes whose sums are kept. */
const keptDigits = 2;

/** The hub's side of a check, as it was folded in. */
export class StoredSide implements HubSide {
  readonly #pool: Pool;
  readonly #coverage: Coverage;
  readonly #range: DateRange;
  #leaves: Promise<TreeNode[]> | undefined;

  constructor(pool: Pool, coverage: Coverage, range: DateRange) {
    this.#pool = pool;
    this.#coverage = coverage;
    this.#range = range;
  }

  /** Short prefixes are sums of kept sums; longer ones are asked for only where something differs. */
  async nodes(prefixes: readonly string[]): Promise<Map<string, TreeNode>> {
    const [first = ''] = prefixes;
    if (first.length > keptDigits) {
      const rows = await sumRecords(this.#pool, this.#coverage, this.#range, prefixes);
      return new Map(rows.map(node => [node.prefix, node]));
    }
    this.#leaves ??= this.#readLeaves();
    const groups = Map.groupBy(await this.#leaves, leaf => leaf.prefix.slice(0, first.length));
    return new Map(prefixes.map(prefix => [prefix, sumOf(prefix, groups.get(prefix) ?? [])]));
  }

  vouchers(prefixes: readonly string[]): Promise<CoveredVoucher[]> {
    const limit = limits.consistencyDifferences + 1;
    return listVouchers(this.#pool, this.#coverage, this.#range, prefixes, limit);
  }

  async #readLeaves(): Promise<TreeNode[]> {
    const { months, days } = splitRange(this.#range);
    const parts = await Promise.all([
      months === null ? [] : sumLeaves(this.#pool, this.#coverage, months),
      ...days.map(some => sumDays(this.#pool, this.#coverage, some)),
    ]);
    return parts.flat();
  }
}

/** A range of days as whole months (by their first days; null: none) and the days before and behind them. */
export function splitRange({ from, to }: DateRange): {
  months: DateRange | null;
  days: { from: string; to: string }[];
} {
  // Beyond these there is no month to name.
  if ((from !== null && from > '9999-12-01') || (to !== null && to < '0001-01-31'))
    return { months: null, days: allDays({ from, to }) };
  const first = from === null || from.endsWith('-01') ? from : monthAfter(from);
  const last = to === null || isMonthsEnd(to) ? monthOf(to) : monthBefore(to);
  const months = first !== null && last !== null && first > last ? null : { from: first, to: last };
  if (months === null && from !== null && to !== null) return { months, days: allDays({ from, to }) };
  const days: { from: string; to: string }[] = [];
  if (from !== null && first !== null && from < first) days.push({ from, to: dayBefore(first) });
  if (to !== null && last !== null && monthOf(to) !== last) days.push({ from: monthOf(to) ?? to, to });
  return { months, days };
}

/** The first and the last day that are written in four digits bound what has no bound. */
function allDays({ from, to }: DateRange): { from: string; to: string }[] {
  const days = { from: from ?? '0001-01-01', to: to ?? lastDay };
  return days.from > days.to ? [] : [days];
}

const lastDay = '9999-12-31';

function sumOf(prefix: string, leaves: readonly TreeNode[]): TreeNode {
  if (leaves.length === 0) return emptyNode(prefix);
  return {
    prefix,
    count: leaves.reduce((sum, { count }) => sum + count, 0),
    digest: xorHashes(leaves.map(({ digest }) => digest)),
  };
}

function monthOf(day: string | null): string | null {
  return day === null ? null : `${day.slice(0, 7)}-01`;
}

function monthAfter(day: string): string {
  return shifted(day.slice(0, 7), { months: 1 });
}

function monthBefore(day: string): string {
  return shifted(day.slice(0, 7), { months: -1 });
}

function dayBefore(day: string): string {
  return shifted(day, { days: -1 });
}

function isMonthsEnd(day: string): boolean {
  return day === lastDay || shifted(day, { days: 1 }).endsWith('-01');
}

/** Days of the calendar, without hours, so in UTC. */
function shifted(day: string, by: { months?: number; days?: number }): string {
  const at = new Date(`${day.length === 7 ? `${day}-01` : day}T00:00:00Z`);
  at.setUTCMonth(at.getUTCMonth() + (by.months ?? 0));
  at.setUTCDate(at.getUTCDate() + (by.days ?? 0));
  return at.toISOString().slice(0, 10);
}
