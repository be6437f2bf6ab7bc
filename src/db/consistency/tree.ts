import type { Pool } from 'pg';
import { type Coverage, coverageValues, isCovered } from '../reading/coverage.ts';
import { versionNumber } from '../version-columns.ts';
import { placeOf } from './fold.ts';

/** Count and XOR of what stands under a prefix of hex digits. */
export interface TreeNode {
  readonly prefix: string;
  readonly count: number;
  /** 16 hex digits. */
  readonly digest: string;
}

/** Voucher dates, YYYY-MM-DD, both inclusive; null: no bound. */
export interface DateRange {
  readonly from: string | null;
  readonly to: string | null;
}

/** A voucher as it stands now. */
export interface CoveredVoucher {
  readonly voucherId: string;
  readonly sourceSystem: string;
  readonly sourceModule: string;
  readonly sourceId: string;
  readonly sourceVersion: number;
  readonly digest: string;
}

const sums = (count: string, digest: string) =>
  `${count}::float8 as count, lpad(to_hex(coalesce(bit_xor(${digest}), 0)), 16, '0') as digest`;

/** The nodes of two hex digits that hold anything, over whole months, from the kept sums. */
export async function sumLeaves(pool: Pool, coverage: Coverage, months: DateRange): Promise<TreeNode[]> {
  const { rows } = await pool.query<TreeNode>({
    name: 'consistency-leaves',
    text: `select lpad(to_hex(leaf::int), 2, '0') as prefix, ${sums('sum(records)', 'digest')} from consistency_leaves l
           where ${isCovered('l')} and ($4::date is null or month >= $4) and ($5::date is null or month <= $5) group by leaf`,
    values: [...coverageValues(coverage), months.from, months.to],
  });
  return rows;
}

/** The same over days, for parts of months: it reads their vouchers. */
export async function sumDays(
  pool: Pool,
  coverage: Coverage,
  days: { from: string; to: string },
): Promise<TreeNode[]> {
  const { rows } = await pool.query<TreeNode>({
    name: 'consistency-days',
    text: `select lpad(to_hex((r.k >> 56) + 128), 2, '0') as prefix, ${sums('count(*)', 'r.h')}
           from fin_business_vouchers v cross join lateral (
             select * from consistency_records r where r.k = ${placeOf('v')} and r.voucher_id = v.id offset 0) r
           where v.voucher_date between $4 and $5 and r.voucher_date between $4 and $5 and ${isCovered('r')} group by 1`,
    values: [...coverageValues(coverage), days.from, days.to],
  });
  return rows;
}

const within = `r.k between p.low and p.high and ${isCovered('r')}
  and ($4::date is null or r.voucher_date >= $4) and ($5::date is null or r.voucher_date <= $5)`;

/** The nodes of longer prefixes (16 hex digits at most), from the records under them. */
export async function sumRecords(
  pool: Pool,
  coverage: Coverage,
  range: DateRange,
  prefixes: readonly string[],
): Promise<TreeNode[]> {
  const { rows } = await pool.query<TreeNode>({
    name: 'consistency-nodes',
    text: `select p.prefix, n.count, n.digest from unnest($6::text[], $7::bigint[], $8::bigint[]) p (prefix, low, high)
           cross join lateral (
             select ${sums('count(*)', 'r.h')} from consistency_records r where ${within} offset 0) n`,
    values: [...coverageValues(coverage), range.from, range.to, prefixes, ...boundsOf(prefixes)],
  });
  return rows;
}

/** The vouchers under prefixes: found as they were folded in, given as they stand now. @param limit how many at most */
export async function listVouchers(
  pool: Pool,
  coverage: Coverage,
  range: DateRange,
  prefixes: readonly string[],
  limit: number,
): Promise<CoveredVoucher[]> {
  const { rows } = await pool.query<CoveredVoucher>({
    name: 'consistency-entries',
    text: `select v.id::text as "voucherId", v.source_system as "sourceSystem", v.source_module as "sourceModule",
             v.source_id as "sourceId", ${versionNumber('v')} as "sourceVersion", v.digest
           from unnest($6::bigint[], $7::bigint[]) p (low, high)
           cross join lateral (select voucher_id from consistency_records r where ${within} offset 0) r
           cross join lateral (select * from fin_business_vouchers v where v.id = r.voucher_id offset 0) v
           limit $8`,
    values: [...coverageValues(coverage), range.from, range.to, ...boundsOf(prefixes), limit],
  });
  return rows;
}

/** The first and the last place (see `consistency_records.k`) under each prefix of 16 hex digits at most. */
function boundsOf(prefixes: readonly string[]): [string[], string[]] {
  const place = (hex: string) => String(BigInt(`0x${hex}`) - (1n << 63n));
  return [
    prefixes.map(prefix => place(prefix.padEnd(16, '0'))),
    prefixes.map(prefix => place(prefix.padEnd(16, 'f'))),
  ];
}
