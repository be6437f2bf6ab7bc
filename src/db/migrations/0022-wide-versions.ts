import { Migration } from '@mikro-orm/migrations';

/**
 * Versions beyond 32 bits stand in columns beside the old ones, as another type would rewrite the tables, and hubs of
 * the version before would read texts. What they find beside a wide version is in `db/version-columns.ts`.
 */
const columns = `
alter table fin_business_vouchers add column source_version_wide bigint;
comment on column fin_business_vouchers.source_version_wide is 'The version where it is greater than 2147483647, which then stands in source_version; null: source_version has it.';

alter table fin_voucher_events add column source_version_wide bigint;
alter table fin_voucher_events alter column source_version drop not null;
create unique index fin_voucher_events_wide on fin_voucher_events (voucher_id, source_version_wide) where source_version_wide is not null;
comment on column fin_voucher_events.source_version_wide is 'The version where it is greater than 2147483647, and source_version is null then; null: source_version has it.';

alter table consistency_differences add column expected_version_wide bigint;
alter table consistency_differences add column actual_version_wide bigint;
comment on column consistency_differences.expected_version_wide is 'The version where 32 bits do not hold it; null: expected_version has it.';
comment on column consistency_differences.actual_version_wide is 'The version where 32 bits do not hold it; null: actual_version has it.';
`;

/** It is `hub_recorded_event`, which hubs of the version before send, with the wide version. */
const rowType = `
create type hub_recorded_wide_event as (
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
  source_version_wide bigint,
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
`;

/** A view keeps its columns and their types, so what holds every version stands at its end. */
const views = `
create or replace view analyst_vouchers as
  select id, voucher_no, voucher_date, source_system, source_module, source_type, source_id, source_reference_no,
    source_version, event_type, company_id, counterparty_type, counterparty_id, counterparty_name, direction, amount, currency,
    summary, business_data, status, digest, created_by, created_at, updated_at,
    coalesce(source_version_wide, source_version) as version
  from fin_business_vouchers;
comment on column analyst_vouchers.source_version is 'The newest version recorded; 2147483647 where it is greater: use version.';
comment on column analyst_vouchers.version is 'The newest version recorded, however large.';

create or replace view analyst_events as
  select id, event_type, voucher_id, source_version, source_system, digest, data, voucher, occurred_at, recorded_at,
    coalesce(source_version_wide, source_version) as version
  from fin_voucher_events;
comment on column analyst_events.source_version is 'The version of the voucher; null where it is greater than 2147483647: use version.';
comment on column analyst_events.version is 'The version of the voucher, however large.';
`;

/** Versions of source records up to 2^53-1, e.g. milliseconds since 1970. */
export class Migration0022WideVersions extends Migration {
  override up(): void {
    this.addSql(columns);
    this.addSql(rowType);
    this.addSql(views);
  }
}
