import { Migration } from '@mikro-orm/migrations';

/**
 * No foreign keys between vouchers, events, syncs and attempts: one statement writes all of them in a transaction,
 * nothing deletes from them but retention (whole partitions), and the checks cost a fifth of a recording. A
 * voucher_no is made from its id, so it needs no index to be unique.
 */
const tables = `
create table event_types (
  name text primary key,
  description text,
  mode text not null check (mode in ('realtime', 'batch', 'compensation')),
  schema jsonb,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table api_keys (
  id bigint generated always as identity primary key,
  name text not null,
  role text not null check (role in ('publisher', 'subscriber', 'analyst', 'admin')),
  system text,
  key_hash text not null unique,
  created_at timestamptz not null default now(),
  last_used_at timestamptz,
  revoked_at timestamptz
);

create table data_subscriptions (
  id bigint generated always as identity primary key,
  name text not null,
  target_system text not null,
  event_types text[] not null,
  source_systems text[],
  company_ids text[],
  mode text check (mode in ('realtime', 'batch', 'compensation')),
  state text not null default 'active' check (state in ('active', 'paused', 'suspended')),
  webhook_url text,
  batch_size int not null,
  max_in_flight int not null,
  rate_limit_per_second int,
  timeout_ms int not null,
  max_retries int not null,
  base_delay_ms int not null,
  max_delay_ms int not null,
  jitter double precision not null,
  secret text not null,
  next_secret text,
  next_secret_at timestamptz,
  probes int not null default 0,
  probe_at timestamptz,
  last_success_at timestamptz,
  version bigint not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz
) with (fillfactor = 70);
create unique index data_subscriptions_name on data_subscriptions (target_system, name) where deleted_at is null;

create table hub_state (
  name text primary key,
  version bigint not null
);
insert into hub_state values ('subscriptions', 1), ('event_types', 1);

create sequence fin_business_vouchers_id_seq;
create table fin_business_vouchers (
  id bigint primary key,
  voucher_no text not null,
  voucher_date date not null,
  source_system text not null,
  source_module text not null,
  source_type text not null,
  source_id text not null,
  source_reference_no text,
  source_version int not null,
  event_type text not null,
  company_id text,
  counterparty_type text,
  counterparty_id text,
  counterparty_name text,
  direction text not null check (direction in ('debit', 'credit')),
  amount numeric not null,
  currency text not null,
  summary text,
  business_data json not null,
  status text not null check (status in ('draft', 'approved', 'voided')),
  digest text not null,
  created_by text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (source_system, source_module, source_id)
);
create index fin_business_vouchers_updated on fin_business_vouchers (updated_at, id);
create index fin_business_vouchers_date on fin_business_vouchers (voucher_date, id);
create index fin_business_vouchers_source_id on fin_business_vouchers (source_id);
create index fin_business_vouchers_counterparty on fin_business_vouchers (counterparty_id, id);

create table fin_voucher_events (
  id bigint generated always as identity primary key,
  event_type text not null,
  voucher_id bigint not null,
  source_version int not null,
  source_system text not null,
  digest text not null,
  data json not null,
  voucher json not null,
  occurred_at timestamptz not null,
  recorded_at timestamptz not null default now(),
  unique (voucher_id, source_version)
);

create table fin_data_sync_logs (
  id bigint generated always as identity primary key,
  event_id bigint not null,
  voucher_id bigint not null,
  subscription_id bigint not null,
  event_type text not null,
  source_system text not null,
  mode text not null check (mode in ('realtime', 'batch', 'compensation')),
  status text not null default 'pending' check (status in ('pending', 'processing', 'retrying', 'success', 'failed', 'cancelled')),
  transport text check (transport in ('webhook', 'websocket')),
  retry_count int not null default 0,
  attempt_count int not null default 0,
  next_attempt_at timestamptz,
  claim_token uuid,
  lease_until timestamptz,
  error_code text,
  error_message text,
  failed_by_connection boolean not null default false,
  created_at timestamptz not null default now(),
  sync_started_at timestamptz,
  sync_completed_at timestamptz
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
comment on table fin_data_sync_logs is 'One event on its way to one subscription, from recorded to done.';
create index fin_data_sync_logs_due on fin_data_sync_logs (subscription_id, next_attempt_at, id) where status in ('pending', 'retrying');
create index fin_data_sync_logs_unfinished on fin_data_sync_logs (subscription_id, voucher_id, id) where status in ('pending', 'processing', 'retrying');
create index fin_data_sync_logs_leased on fin_data_sync_logs (lease_until) where status = 'processing';
create index fin_data_sync_logs_failed on fin_data_sync_logs (subscription_id, id) where status = 'failed';
create index fin_data_sync_logs_subscription on fin_data_sync_logs (subscription_id, id);
create index fin_data_sync_logs_voucher on fin_data_sync_logs (voucher_id, id);
create index fin_data_sync_logs_started on fin_data_sync_logs using brin (sync_started_at);

create table fin_data_sync_attempts (
  sync_id bigint not null,
  number int not null,
  transport text not null check (transport in ('webhook', 'websocket')),
  started_at timestamptz not null,
  duration_ms int not null,
  status_code int,
  error_code text,
  error_message text,
  response_excerpt text,
  primary key (sync_id, number)
);
`;

const catalogue = `
insert into event_types (name, description, mode) values
  ('l1_confirmed', 'A first-level delivery contract is confirmed', 'realtime'),
  ('invoice_recorded', 'An invoice is recorded', 'realtime'),
  ('invoice_updated', 'An invoice is changed', 'realtime'),
  ('l2_settlement_created', 'A second-level settlement statement is created', 'realtime'),
  ('supplier_changed', 'The master data of a supplier changed', 'batch'),
  ('product_updated', 'The master data of a product changed', 'batch'),
  ('history_corrected', 'Data of an earlier period is put right', 'batch');
`;

/** The first form of every table. */
export class Migration0001VouchersAndDeliveries extends Migration {
  override up(): void {
    this.addSql(tables);
    this.addSql(catalogue);
  }
}
