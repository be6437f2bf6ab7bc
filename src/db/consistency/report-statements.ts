import type { Pool } from 'pg';
import { bothColumns } from '../version-columns.ts';

/** Holds what a check is to look at. */
export interface NewReport {
  readonly subscriptionId: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly autoFix: boolean;
}

/** Says how a check ended. */
export interface ReportEnd {
  readonly state: 'done' | 'failed';
  readonly checked: number;
  readonly requests: number;
  readonly bytesExchanged: number;
  readonly differenceCount: number;
  readonly repairedCount: number;
  readonly errorMessage: string | null;
}

/** A difference as it is written. */
export interface DifferenceWrite {
  readonly kind: string;
  readonly sourceSystem: string;
  readonly sourceModule: string;
  readonly sourceId: string;
  readonly voucherId: string | null;
  readonly expectedVersion: number | null;
  readonly expectedDigest: string | null;
  readonly actualVersion: number | null;
  readonly actualDigest: string | null;
}

/** Fails the checks whose process is gone. */
export async function failAbandonedReports(pool: Pool): Promise<void> {
  await pool.query(
    `update consistency_reports set state = 'failed', completed_at = now(), error_message = 'The process that ran this check ended before it.'
     where state = 'running' and lease_until < now()`,
  );
}

/** The differences of each subscription's last check that are not mended, where there are any. */
export async function lastDifferences(
  pool: Pool,
): Promise<{ subscriptionId: string; differences: number }[]> {
  const { rows } = await pool.query<{ subscriptionId: string; differences: number }>(
    // A check that failed says nothing, unless it was for too many differences.
    `select s.id::text as "subscriptionId", r.difference_count - r.repaired_count as differences
     from data_subscriptions s cross join lateral (
       select difference_count, repaired_count from consistency_reports r
       where r.subscription_id = s.id and (r.state = 'done' or r.state = 'failed' and r.difference_count > 0) order by r.id desc limit 1) r
     where s.deleted_at is null and r.difference_count > r.repaired_count`,
  );
  return rows;
}

/** Forgets reports that are older than so many days, and their differences. */
export async function dropReports(pool: Pool, days: number): Promise<void> {
  await pool.query(
    `with old as (delete from consistency_reports where started_at < now() - $1 * interval '1 day' returning id)
     delete from consistency_differences d using old where d.report_id = old.id`,
    [days],
  );
}

/** Begins a report. Undefined: a check of the subscription is running already. */
export async function startReport(
  pool: Pool,
  report: NewReport,
  leaseMs: number,
): Promise<string | undefined> {
  await failAbandonedReports(pool);
  const { rows } = await pool.query<{ id: string }>(
    `insert into consistency_reports (subscription_id, date_from, date_to, auto_fix, lease_until)
     values ($1, $2, $3, $4, now() + $5 * interval '1 millisecond')
     on conflict (subscription_id) where state = 'running' do nothing returning id::text`,
    [report.subscriptionId, report.from, report.to, report.autoFix, leaseMs],
  );
  return rows[0]?.id;
}

/** The checks of a subscription that began within a day, counted up to `most`. */
export async function reportsOfDay(pool: Pool, subscriptionId: string, most: number): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    `select count(*)::int as count from (select 1 from consistency_reports
     where subscription_id = $1 and started_at > now() - interval '1 day' limit $2) late`,
    [subscriptionId, most],
  );
  return rows[0]?.count ?? 0;
}

/** The check of a subscription that is running; undefined: it has ended meanwhile. */
export async function runningReport(pool: Pool, subscriptionId: string): Promise<string | undefined> {
  const { rows } = await pool.query<{ id: string }>(
    `select id::text from consistency_reports where subscription_id = $1 and state = 'running'`,
    [subscriptionId],
  );
  return rows[0]?.id;
}

/** Says that a check is running still, and what it has cost so far. */
export async function renewReport(
  pool: Pool,
  id: string,
  cost: { requests: number; bytes: number },
  leaseMs: number,
): Promise<void> {
  await pool.query(
    `update consistency_reports set requests = $2, bytes_exchanged = $3, lease_until = now() + $4 * interval '1 millisecond'
     where id = $1 and state = 'running'`,
    [id, cost.requests, cost.bytes, leaseMs],
  );
}

/** Says what a check that is running has found, and how much of it is mended so far. */
export async function noteProgress(
  pool: Pool,
  id: string,
  far: Pick<ReportEnd, 'checked' | 'differenceCount' | 'repairedCount'>,
): Promise<void> {
  await pool.query(
    `update consistency_reports set checked = $2, difference_count = $3, repaired_count = $4
     where id = $1 and state = 'running'`,
    [id, far.checked, far.differenceCount, far.repairedCount],
  );
}

/** Ends a report. */
export async function endReport(pool: Pool, id: string, end: ReportEnd): Promise<void> {
  await pool.query(
    `update consistency_reports set state = $2, checked = $3, requests = $4, bytes_exchanged = $5, difference_count = $6,
       error_message = $7, repaired_count = $8, completed_at = now() where id = $1`,
    [
      id,
      end.state,
      end.checked,
      end.requests,
      end.bytesExchanged,
      end.differenceCount,
      end.errorMessage,
      end.repairedCount,
    ],
  );
}

/** Writes what a check found, numbered from 0. */
export async function writeDifferences(
  pool: Pool,
  reportId: string,
  differences: readonly DifferenceWrite[],
): Promise<void> {
  await pool.query(
    `insert into consistency_differences (report_id, n, kind, source_system, source_module, source_id, voucher_id,
       expected_version, expected_version_wide, expected_digest, actual_version, actual_version_wide, actual_digest)
     select $1, n - 1, kind, source_system, source_module, source_id, voucher_id, ${bothColumns('expected_version')}, expected_digest, ${bothColumns('actual_version')}, actual_digest
     from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::text[], $9::bigint[], $10::text[]) with ordinality
       d (kind, source_system, source_module, source_id, voucher_id, expected_version, expected_digest, actual_version, actual_digest, n)`,
    [
      reportId,
      differences.map(d => d.kind),
      differences.map(d => d.sourceSystem),
      differences.map(d => d.sourceModule),
      differences.map(d => d.sourceId),
      differences.map(d => d.voucherId),
      differences.map(d => d.expectedVersion),
      differences.map(d => d.expectedDigest),
      differences.map(d => d.actualVersion),
      differences.map(d => d.actualDigest),
    ],
  );
}

/** Notes which differences of a report are mended. */
export async function markRepaired(pool: Pool, reportId: string, numbers: readonly number[]): Promise<void> {
  await pool.query(
    'update consistency_differences set repaired = true where report_id = $1 and n = any($2::int[])',
    [reportId, numbers],
  );
}
