import { Migration } from '@mikro-orm/migrations';

/**
 * What hot statements are given rows in: one array of a type that has all columns takes PostgreSQL a tenth of what an
 * array a column does. A statement that needs other columns takes a type of another name: hubs of the version before
 * still send these.
 */
const types = `
create type hub_recorded_event as (
  voucher json,
  place int,
  change text,
  id bigint,
  voucher_no text,
  voucher_date text,
  source_system text,
  source_module text,
  source_type text,
  source_id text,
  source_reference_no text,
  source_version int,
  event_type text,
  company_id text,
  counterparty_type text,
  counterparty_id text,
  counterparty_name text,
  direction text,
  amount text,
  currency text,
  summary text,
  business_data json,
  status text,
  digest text,
  created_by text,
  occurred_at text
);
create type hub_recorded_sync as (
  event int,
  voucher_id bigint,
  subscription_id bigint,
  event_type text,
  source_system text,
  mode text,
  due_at text,
  traceparent text
);
create type hub_sync_outcome as (
  sync_id bigint,
  token uuid,
  status text,
  retries int,
  delay_ms float8,
  by_connection boolean,
  started_at timestamptz,
  duration_ms int,
  status_code int,
  code text,
  message text,
  excerpt text,
  pushes int,
  sockets int,
  digest bytea,
  receipt text,
  receipt_valid boolean
);
`;

/** The types of rows that hot statements are given. */
export class Migration0011RowTypes extends Migration {
  override up(): void {
    this.addSql(types);
  }
}
