import { Migration } from '@mikro-orm/migrations';

const subscriptions = `
alter table data_subscriptions add column consistency_url text;
alter table data_subscriptions add column auto_fix boolean not null default false;
comment on column data_subscriptions.auto_fix is 'Whether scheduled checks send again what differs.';
`;

/**
 * What a check compares: each voucher's place and hash, and their sums. Kept by folding the events in behind intake,
 * which writes nothing for it.
 */
const tree = `
create table consistency_records (
  voucher_id bigint not null,
  source_system text not null,
  event_type text not null,
  company_id text,
  voucher_date date not null,
  k bigint not null,
  h bigint not null
) with (fillfactor = 90);
create index consistency_records_k on consistency_records (k);
comment on table consistency_records is 'Each voucher as it was last folded in (consistency protocol). One index, as it is written with each recording.';
comment on column consistency_records.k is 'The first 8 bytes of k less 2^63, so that its order is that of the hex digits.';

create table consistency_leaves (
  source_system text not null,
  event_type text not null,
  company_id text,
  month date not null,
  leaf smallint not null,
  records bigint not null,
  digest bigint not null,
  unique nulls not distinct (source_system, event_type, company_id, month, leaf)
) with (fillfactor = 50);
comment on table consistency_leaves is 'Count and XOR of h of consistency_records by selectors, month and the first byte of k.';

create table consistency_fold (
  single boolean primary key default true check (single),
  last_event_id bigint not null
);
insert into consistency_fold (last_event_id) values (0);
comment on table consistency_fold is 'The last event that is folded into consistency_records and consistency_leaves.';
`;

const reports = `
create table consistency_reports (
  id bigint primary key generated always as identity,
  subscription_id bigint not null,
  state text not null default 'running' check (state in ('running', 'done', 'failed')),
  date_from date,
  date_to date,
  auto_fix boolean not null,
  checked int not null default 0,
  requests int not null default 0,
  bytes_exchanged bigint not null default 0,
  difference_count int not null default 0,
  repaired_count int not null default 0,
  error_message text,
  started_at timestamptz not null default now(),
  completed_at timestamptz,
  lease_until timestamptz not null
);
create unique index consistency_reports_running on consistency_reports (subscription_id) where state = 'running';
create index consistency_reports_subscription on consistency_reports (subscription_id, id);
comment on column consistency_reports.lease_until is 'While it is running: later than this, the process that ran it is gone.';

create table consistency_differences (
  report_id bigint not null,
  n int not null,
  kind text not null check (kind in ('missing', 'stale', 'divergent', 'unexpected')),
  source_system text not null,
  source_module text not null,
  source_id text not null,
  voucher_id bigint,
  expected_version int,
  expected_digest text,
  actual_version int,
  actual_digest text,
  repaired boolean not null default false,
  primary key (report_id, n)
);
`;

const questions = `
create table consistency_listeners (
  id uuid primary key,
  subscription_id bigint not null,
  key_id bigint not null,
  lease_until timestamptz not null
) with (fillfactor = 50);
create index consistency_listeners_subscription on consistency_listeners (subscription_id);
comment on table consistency_listeners is 'Attached consumers that answer consistency questions, each while its lease is renewed.';

create table consistency_questions (
  id uuid primary key,
  subscription_id bigint not null,
  question json not null,
  listener_id uuid,
  key_id bigint,
  answer json,
  asked_at timestamptz not null default now()
);
create index consistency_questions_open on consistency_questions (subscription_id) where listener_id is null;
comment on table consistency_questions is 'Questions to attached consumers, each until its answer is read: who asks and who pushes may be different nodes.';
`;

/** The hub's side of the consistency protocol. */
export class Migration0005Consistency extends Migration {
  override up(): void {
    this.addSql(subscriptions);
    this.addSql(tree);
    this.addSql(reports);
    this.addSql(questions);
  }
}
