import type { Pool } from 'pg';

/** Ids of syncs that belong to some vouchers, the newest first, `perVoucher` of each. */
export async function syncIdsOfVouchers(
  pool: Pool,
  voucherIds: readonly string[],
  options: { targetSystem: string | null; perVoucher: number },
): Promise<{ id: string; voucherId: string }[]> {
  const { rows } = await pool.query<{ id: string; voucherId: string }>(
    `select l.id::text, v.id::text as "voucherId" from unnest($1::bigint[]) v (id) cross join lateral (
       select l.id from fin_data_sync_logs l
       where l.voucher_id = v.id and ($2::text is null or exists (
         select 1 from data_subscriptions s where s.id = l.subscription_id and s.target_system = $2))
       order by l.id desc limit $3) l`,
    [voucherIds, options.targetSystem, options.perVoucher],
  );
  return rows;
}

/** Ids of the events of some vouchers, the oldest version first, `perVoucher` of each. */
export async function eventIdsOfVouchers(
  pool: Pool,
  voucherIds: readonly string[],
  perVoucher: number,
): Promise<{ id: string; voucherId: string }[]> {
  const { rows } = await pool.query<{ id: string; voucherId: string }>(
    `select e.id::text, v.id::text as "voucherId" from unnest($1::bigint[]) v (id) cross join lateral (
       select e.id from fin_voucher_events e where e.voucher_id = v.id order by e.source_version limit $2) e`,
    [voucherIds, perVoucher],
  );
  return rows;
}

/** How many syncs of each subscription are not over. */
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
     from data_subscriptions where payload_query is not null and deleted_at is null order by id`,
  );
  return rows;
}

/** Those of some vouchers that were ever sent to a target system. */
export async function vouchersSentTo(
  pool: Pool,
  voucherIds: readonly string[],
  targetSystem: string,
): Promise<Set<string>> {
  const { rows } = await pool.query<{ id: string }>(
    `select v.id::text from unnest($1::bigint[]) v (id) where exists (
       select 1 from fin_data_sync_logs l join data_subscriptions s on s.id = l.subscription_id
       where l.voucher_id = v.id and s.target_system = $2)`,
    [voucherIds, targetSystem],
  );
  return new Set(rows.map(row => row.id));
}
