import type { Pool } from 'pg';
import { type Coverage, coverageValues, isCovered } from '../reading/coverage.ts';
import { eventAt, versionNumber } from '../version-columns.ts';

/** A record that a consumer may hold wrongly. */
export interface Suspect {
  readonly sourceSystem: string;
  readonly sourceModule: string;
  readonly sourceId: string;
  /** Holds what the consumer holds; null: nothing. */
  readonly actualVersion: number | null;
  readonly actualDigest: string | null;
}

/** Says how the hub stands with a suspect at the moment. */
export interface SuspectStanding {
  /** Null: the hub knows no such record. */
  readonly voucherId: string | null;
  readonly sourceVersion: number | null;
  readonly digest: string | null;
  /** True when the subscription covers the current version. */
  readonly covered: boolean;
  /** An event of it is on its way to the subscription: PENDING, PROCESSING or RETRYING. */
  readonly underWay: boolean;
  /** When the last sync of it to the subscription was over; null: none is. Milliseconds since 1970, as the next. */
  readonly settledAtMs: number | null;
  readonly updatedAtMs: number | null;
  /** What the consumer holds is a version that was recorded, with that content. */
  readonly wasRecorded: boolean;
}

/** Says how the hub stands with suspects, in their order. */
export async function readStandings(
  pool: Pool,
  subscription: Coverage & { readonly id: string },
  suspects: readonly Suspect[],
): Promise<SuspectStanding[]> {
  const { rows } = await pool.query<SuspectStanding>({
    name: 'consistency-standing',
    text: `select v.id::text as "voucherId", ${versionNumber('v')} as "sourceVersion", v.digest, coalesce(${isCovered('v')}, false) as covered,
             exists (select 1 from fin_open_syncs o where o.subscription_id = $4 and o.voucher_id = v.id) as "underWay",
             (extract(epoch from v.updated_at) * 1000)::float8 as "updatedAtMs", (select (extract(epoch from max(d.sync_completed_at)) * 1000)::float8 from fin_done_syncs d
               where d.voucher_id = v.id and d.subscription_id = $4) as "settledAtMs",
             exists (select 1 from (${eventAt('v.id', 's.version')}) e where e.digest = s.digest) as "wasRecorded"
           from unnest($5::text[], $6::text[], $7::text[], $8::bigint[], $9::text[])
             with ordinality s (source_system, source_module, source_id, version, digest, n)
           left join lateral (
             select id, source_version, source_version_wide, digest, event_type, source_system, company_id, updated_at from fin_business_vouchers v
             where v.source_system = s.source_system and v.source_module = s.source_module and v.source_id = s.source_id limit 1) v on true
           order by s.n`,
    values: [
      ...coverageValues(subscription),
      subscription.id,
      suspects.map(s => s.sourceSystem),
      suspects.map(s => s.sourceModule),
      suspects.map(s => s.sourceId),
      suspects.map(s => s.actualVersion),
      suspects.map(s => s.actualDigest),
    ],
  });
  return rows;
}

/** Says how many of some vouchers have an event on its way to a subscription. */
export async function countUnderWay(
  pool: Pool,
  subscriptionId: string,
  voucherIds: readonly string[],
): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    `select count(*)::int as count from unnest($2::bigint[]) v (id)
     where exists (select 1 from fin_open_syncs o where o.subscription_id = $1 and o.voucher_id = v.id offset 0)`,
    [subscriptionId, voucherIds],
  );
  return rows[0]?.count ?? 0;
}
