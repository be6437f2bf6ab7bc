import type { Pool } from 'pg';
import type { SyncStatus } from '../core/model.ts';

/** Makes syncs due now, with all their retries before them again. Only those still in one of `statuses`. */
export async function queueSyncsAgain(
  pool: Pool,
  ids: readonly string[],
  statuses: readonly SyncStatus[],
): Promise<{ subscriptionId: string }[]> {
  const { rows } = await pool.query<{ subscriptionId: string }>(
    `update fin_data_sync_logs l
     set status = case when attempt_count > 0 then 'retrying' else 'pending' end, retry_count = 0, next_attempt_at = now(),
         failed_by_connection = false, sync_completed_at = null
     from data_subscriptions s
     where l.id = any($1) and l.status = any($2) and s.id = l.subscription_id and s.deleted_at is null
     returning l.subscription_id::text as "subscriptionId"`,
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
    `update fin_data_sync_logs set status = 'cancelled', sync_completed_at = now(), next_attempt_at = null, failed_by_connection = false
     where id = any($1) and status = any($2)`,
    [ids, statuses],
  );
  return rowCount ?? 0;
}

/** Adds a compensation sync of the current version of each voucher, unless one of that version is on its way. @returns how many */
export async function addCompensation(
  pool: Pool,
  subscriptionId: string,
  voucherIds: readonly string[],
): Promise<number> {
  const { rowCount } = await pool.query(
    // The vouchers are locked like at intake, so that a newer version can't slip in between with a lower sync id.
    `with current as materialized (
       select v.id, v.source_version from fin_business_vouchers v where v.id = any($2) order by v.id for update)
     insert into fin_data_sync_logs (event_id, voucher_id, subscription_id, event_type, source_system, mode, next_attempt_at)
     select e.id, e.voucher_id, $1, e.event_type, e.source_system, 'compensation', now()
     from current c join fin_voucher_events e on e.voucher_id = c.id and e.source_version = c.source_version
     where not exists (
       select 1 from fin_data_sync_logs l where l.subscription_id = $1 and l.voucher_id = e.voucher_id and l.event_id = e.id
         and l.status in ('pending', 'processing', 'retrying'))
     order by e.id`,
    [subscriptionId, voucherIds],
  );
  return rowCount ?? 0;
}
