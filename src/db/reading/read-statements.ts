import type { Pool } from 'pg';
import type { JsonObject, VoucherStatus } from '../../core/model.ts';
import type { RecordKey } from '../recording/intake-statements.ts';
import { versionNumber } from '../version-columns.ts';

/** Ids of syncs that belong to some vouchers, the newest first: `perVoucher` of each, and `atMost` together. */
export async function syncIdsOfVouchers(
  pool: Pool,
  voucherIds: readonly string[],
  options: { targetSystem: string | null; perVoucher: number; atMost: number },
): Promise<{ id: string; voucherId: string }[]> {
  const { rows } = await pool.query<{ id: string; voucherId: string }>(
    `select l.id::text, v.id::text as "voucherId" from unnest($1::bigint[]) v (id) cross join lateral (
       select l.id from fin_data_sync_logs l
       where l.voucher_id = v.id and ($2::text is null or exists (
         select 1 from data_subscriptions s where s.id = l.subscription_id and s.target_system = $2))
       order by l.id desc limit $3) l limit $4`,
    [voucherIds, options.targetSystem, options.perVoucher, options.atMost],
  );
  return rows;
}

/** Some versions of a voucher, the oldest first. */
export interface VersionsPage {
  readonly voucherId: string;
  readonly limit: number;
  /** Versions above this one; null: from the first. */
  readonly above: string | null;
}

/** Ids of events, by the number of the page that they are on, in the order of their versions; `atMost` together. */
export async function eventIdsOfPages(
  pool: Pool,
  pages: readonly VersionsPage[],
  atMost: number,
): Promise<{ id: string; page: number }[]> {
  const { rows } = await pool.query<{ id: string; page: number }>(
    `select e.id::text, p.n::int - 1 as page
     from unnest($1::bigint[], $2::bigint[], $3::int[]) with ordinality p (voucher_id, above, size, n) cross join lateral (
       (select e.id, e.source_version::bigint as version from fin_voucher_events e
        where e.voucher_id = p.voucher_id and e.source_version > coalesce(p.above, -1)
        order by e.source_version limit p.size)
       union all
       (select e.id, e.source_version_wide from fin_voucher_events e
        where e.voucher_id = p.voucher_id and e.source_version_wide > coalesce(p.above, -1)
        order by e.source_version_wide limit p.size)
       order by version limit p.size) e limit $4`,
    [
      pages.map(({ voucherId }) => voucherId),
      pages.map(({ above }) => above),
      pages.map(({ limit }) => limit),
      atMost,
    ],
  );
  return rows;
}

/** Says how many versions some vouchers have. */
export async function eventCounts(pool: Pool, voucherIds: readonly string[]): Promise<Map<string, number>> {
  const { rows } = await pool.query<{ id: string; count: number }>(
    `select voucher_id::text as id, count(*)::int as count from fin_voucher_events
     where voucher_id = any($1) group by 1`,
    [voucherIds],
  );
  return new Map(rows.map(row => [row.id, row.count]));
}

/** Business data of one row; null where it is more than was to be read. */
export interface DataRow {
  readonly id: string;
  readonly bytes: number;
  readonly data: JsonObject | null;
}

/** Business data of some events, of those that have no more than `bytes` together. */
export const dataOfEvents = dataReader('fin_voucher_events', 'data');

/** Business data of some vouchers, of those that have no more than `bytes` together. */
export const dataOfVouchers = dataReader('fin_business_vouchers', 'business_data');

/** The lengths stand beside the values, so what is beyond the bound is not even read. */
function dataReader(table: string, column: string) {
  return async (pool: Pool, ids: readonly string[], bytes: number): Promise<DataRow[]> => {
    const { rows } = await pool.query<DataRow>(
      `select id::text, octet_length(${column}::text) as bytes,
         case when sum(octet_length(${column}::text)) over (order by id) <= $2 then ${column} end as data
       from ${table} where id = any($1)`,
      [ids, bytes],
    );
    return rows;
  };
}

/** Says how many syncs of each subscription are not over. */
export async function backlogs(pool: Pool, subscriptionIds: readonly string[]): Promise<Map<string, number>> {
  const { rows } = await pool.query<{ id: string; count: number }>(
    `select subscription_id::text as id, count(*)::int as count from fin_open_syncs
     where subscription_id = any($1) group by 1`,
    [subscriptionIds],
  );
  return new Map(rows.map(row => [row.id, row.count]));
}

/** A subscription's payload query, and whose it is. */
export interface StoredPayloadQuery {
  readonly id: string;
  readonly name: string;
  readonly targetSystem: string;
  readonly payloadQuery: string;
}

/** The payload queries of all subscriptions that are not deleted. */
export async function storedPayloadQueries(pool: Pool): Promise<StoredPayloadQuery[]> {
  const { rows } = await pool.query<StoredPayloadQuery>(
    `select id::text, name, target_system as "targetSystem", payload_query as "payloadQuery"
     from data_subscriptions where payload_query is not null and deleted_at is null order by data_subscriptions.id`,
  );
  return rows;
}

/**
 * SQL: whether a voucher `v` was ever sent to a target system, deleted subscriptions counted. A look into an index for
 * each subscription of the system, however many syncs there are.
 */
function wasSentTo(targetSystem: string): string {
  return `exists (select 1 from data_subscriptions s where s.target_system = ${targetSystem} and (
    exists (select 1 from fin_done_syncs d where d.voucher_id = v.id and d.subscription_id = s.id offset 0)
    or exists (select 1 from fin_open_syncs o where o.subscription_id = s.id and o.voucher_id = v.id offset 0)))`;
}

/** Holds what a consumer compares its copy with. */
export interface VoucherVersionRow {
  /** Its place among the records asked for. */
  readonly n: number;
  readonly sourceVersion: number;
  readonly digest: string;
  readonly status: VoucherStatus;
  /** Milliseconds since 1970. */
  readonly updatedAt: number;
}

/**
 * The versions of some records, those that are there and may be seen.
 * @param visible null: all
 */
export async function voucherVersions(
  pool: Pool,
  keys: readonly RecordKey[],
  visible: { sourceSystem: string | null; targetSystem: string | null },
): Promise<VoucherVersionRow[]> {
  const { rows } = await pool.query<VoucherVersionRow>({
    name: 'voucher-versions',
    text: `select k.n::int - 1 as n, ${versionNumber('v')} as "sourceVersion", v.digest, v.status,
             (extract(epoch from v.updated_at) * 1000)::float8 as "updatedAt"
           from unnest($1::text[], $2::text[], $3::text[]) with ordinality k (source_system, source_module, source_id, n)
           cross join lateral (
             select v.id, v.source_version, v.source_version_wide, v.digest, v.status, v.updated_at from fin_business_vouchers v
             where v.source_system = k.source_system and v.source_module = k.source_module and v.source_id = k.source_id limit 1) v
           where ($4::text is null or k.source_system = $4) and ($5::text is null or ${wasSentTo('$5')})`,
    values: [
      keys.map(key => key.sourceSystem),
      keys.map(key => key.sourceModule),
      keys.map(key => key.sourceId),
      visible.sourceSystem,
      visible.targetSystem,
    ],
  });
  return rows;
}

/** Gives those of some vouchers that were ever sent to a target system. */
export async function vouchersSentTo(
  pool: Pool,
  voucherIds: readonly string[],
  targetSystem: string,
): Promise<Set<string>> {
  const { rows } = await pool.query<{ id: string }>(
    `select v.id::text from unnest($1::bigint[]) v (id) where ${wasSentTo('$2')}`,
    [voucherIds, targetSystem],
  );
  return new Set(rows.map(row => row.id));
}
