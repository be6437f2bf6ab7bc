import type { Pool } from 'pg';
import type { SyncStatus } from '../core/model.ts';
import { cancelFrom, openStatus, reopenFrom } from './sync-rows.ts';

/** Makes syncs due now, with all their retries before them again. Only those still in one of `statuses`. */
export async function queueSyncsAgain(
  pool: Pool,
  ids: readonly string[],
  statuses: readonly SyncStatus[],
): Promise<{ subscriptionId: string }[]> {
  const alive = (alias: string) =>
    `exists (select 1 from data_subscriptions s where s.id = ${alias}.subscription_id and s.deleted_at is null)`;
  const { rows } = await pool.query<{ subscriptionId: string }>(
    `with hurried as (
       update fin_open_syncs o set retry_count = 0, next_attempt_at = now()
       where o.id = any($1) and o.claim_token is null and ${openStatus} = any($2) and ${alive('o')}
       returning o.subscription_id),
     again as (delete from fin_done_syncs d where d.id = any($1) and d.status = any($2) and ${alive('d')} returning d.*),
     reopened as (${reopenFrom('again')} returning subscription_id)
     select subscription_id::text as "subscriptionId" from hurried union all select subscription_id::text from reopened`,
    [ids, statuses],
  );
  return rows;
}

/** Cancels syncs that are still in one of `statuses`. @returns how many */
export async function cancelSyncs(
  pool: Pool,
  ids: readonly string[],
  statuses: readonly SyncStatus[],
): Promise<number> {
  const { rowCount } = await pool.query(
    `with failed as (
       update fin_done_syncs set status = 'cancelled', sync_completed_at = now(), failed_by_connection = false
       where id = any($1) and status = any($2) and status = 'failed' returning id),
     cancelled as (delete from fin_open_syncs o where o.claim_token is null and o.id = any($1) and ${openStatus} = any($2) returning o.*),
     moved as (${cancelFrom('cancelled')} returning id)
     select id from failed union all select id from moved`,
    [ids, statuses],
  );
  return rowCount ?? 0;
}

/** Adds a compensation sync of the current version of each voucher, unless one of that version is on its way. @returns their ids */
export async function addCompensation(
  pool: Pool,
  subscriptionId: string,
  voucherIds: readonly string[],
): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    // The vouchers are locked like at intake, so that a newer version can't slip in between with a lower sync id.
    `with current as materialized (
       select v.id, v.source_version from fin_business_vouchers v where v.id = any($2) order by v.id for update)
     insert into fin_open_syncs (event_id, voucher_id, subscription_id, event_type, source_system, mode)
     select e.id, e.voucher_id, $1, e.event_type, e.source_system, 'compensation'
     from current c join fin_voucher_events e on e.voucher_id = c.id and e.source_version = c.source_version
     where not exists (
       select 1 from fin_open_syncs o where o.subscription_id = $1 and o.voucher_id = e.voucher_id and o.event_id = e.id)
     order by e.id
     returning id::text`,
    [subscriptionId, voucherIds],
  );
  return rows.map(row => row.id);
}
