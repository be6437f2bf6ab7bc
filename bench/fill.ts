import type { Pool } from 'pg';
import { makePartitions } from '../src/db/monitoring/partitions.ts';

/**
 * Puts events into the pool by SQL, as intake would leave them: a benchmark of draining should not wait for
 * recording. The bodies are of the size of a real invoice (about 1 KiB).
 * @param status what the syncs are: due, or long done
 */
export async function fill(
  db: Pool,
  subscriptionId: string,
  count: number,
  status: 'pending' | 'success',
): Promise<void> {
  const block = 50_000;
  for (let done = 0; done < count; done += block) {
    await db.query(sql[status], [subscriptionId, Math.min(block, count - done)]);
  }
  await db.query(
    'vacuum (analyze) fin_open_syncs, fin_done_syncs, fin_voucher_events, fin_business_vouchers',
  );
}

/** Months that an old history is spread over: about as many as are kept. */
const months = 13;

/** Puts finished syncs and their attempts into the months before, by SQL; without their events, which nothing reads. */
export async function fillOldMonths(db: Pool, subscriptionId: string, count: number): Promise<void> {
  const client = await db.connect();
  try {
    for (let n = 1; n <= months; n += 1) {
      await client.query('begin');
      await makePartitions(client, new Date(Date.now() - n * monthMs));
      await client.query('commit');
      await client.query(oldMonthSql, [subscriptionId, Math.ceil(count / months), n]);
    }
  } finally {
    client.release();
  }
  await db.query('vacuum (analyze) fin_done_syncs, fin_data_sync_attempts');
}

const monthMs = 30 * 24 * 3_600_000;

const oldMonthSql = `
  with done as (
    insert into fin_done_syncs (id, event_id, voucher_id, subscription_id, event_type, source_system, mode, status, retry_count,
      attempt_count, created_at, sync_started_at, sync_completed_at)
    select nextval(pg_get_serial_sequence('fin_open_syncs', 'id')), n, n, $1::bigint, 'invoice_recorded', 'bench', 'realtime', 'success', 0, 1, t, t, t
    from generate_series(1, $2::int) n, (select now() - $3::int * interval '30 days' as t) old
    returning id, sync_completed_at)
  insert into fin_data_sync_attempts (sync_id, number, transport, started_at, duration_ms, status_code, logged_at)
  select id, 1, 'webhook', sync_completed_at, 3, 200, sync_completed_at from done`;

const eventsSql = `
  with v as (
    insert into fin_business_vouchers (id, voucher_no, voucher_date, source_system, source_module, source_type, source_id, source_version,
      event_type, direction, amount, currency, business_data, status, digest)
    select id, 'B' || id, '2025-12-19', 'bench', 'invoice', 'sales_invoice', 'B' || id, 1, 'invoice_recorded', 'debit', 100.00, 'CNY',
      '{"invoice_no": "1"}', 'approved', md5(id::text)
    from (select nextval('fin_business_vouchers_id_seq') as id from generate_series(1, $2::int)) s
    returning id),
  e as (
    insert into fin_voucher_events (event_type, voucher_id, source_version, source_system, digest, data, voucher, occurred_at)
    select 'invoice_recorded', id, 1, 'bench', md5(id::text),
      ('{"invoice_no": "' || id || '", "items": [' || array_to_string(array_fill('{"name": "WHITE METAL LANTERN", "quantity": "6", "sku": "71053", "unit_price": "3.39"}'::text, array[6]), ', ') || ']}')::json,
      ('{"amount": "139.12", "company_id": "1", "counterparty_id": "17850", "counterparty_name": "United Kingdom", "counterparty_type": "customer", "currency": "GBP", "digest": "' || md5(id::text) || '", "direction": "debit", "source_id": "' || id || '", "source_module": "invoice", "source_reference_no": "536365", "source_system": "bench", "source_type": "sales_invoice", "source_version": 1, "status": "approved", "summary": "Invoice", "voucher_date": "2010-12-01", "voucher_no": "B' || id || '"}')::json, now()
    from v returning id, voucher_id)`;

/** The events, and a sync of each: due, or long done. */
const sql = {
  pending: `${eventsSql}
    insert into fin_open_syncs (event_id, voucher_id, subscription_id, event_type, source_system, mode)
    select id, voucher_id, $1::bigint, 'invoice_recorded', 'bench', 'realtime' from e`,
  success: `${eventsSql}
    insert into fin_done_syncs (id, event_id, voucher_id, subscription_id, event_type, source_system, mode, status, retry_count,
      attempt_count, created_at, sync_started_at, sync_completed_at)
    select nextval(pg_get_serial_sequence('fin_open_syncs', 'id')), id, voucher_id, $1::bigint, 'invoice_recorded', 'bench', 'realtime',
      'success', 0, 1, now(), now(), now()
    from e`,
};
