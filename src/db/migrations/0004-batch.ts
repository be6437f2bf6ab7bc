import { Migration } from '@mikro-orm/migrations';

const batches = 'alter table data_subscriptions add column batch_cron text';

const compensation = `
alter table fin_open_syncs add column compensations int not null default 0;
alter table fin_done_syncs add column compensations int not null default 0;
comment on column fin_done_syncs.compensations is 'How often the hourly compensation has tried it again since a person last did.';
create index fin_failed_syncs_connection on fin_failed_syncs (subscription_id, id) where failed_by_connection;

create table compensation_runs (
  id bigint primary key generated always as identity,
  kind text not null check (kind in ('retry', 'cancel', 'resync')),
  target_system text,
  criteria jsonb not null,
  state text not null default 'running' check (state in ('running', 'done', 'failed')),
  position jsonb not null,
  total bigint not null,
  looked_at bigint not null default 0,
  count bigint not null default 0,
  error_message text,
  holder uuid not null,
  lease_until timestamptz not null,
  started_at timestamptz not null default now(),
  completed_at timestamptz
) with (fillfactor = 50);
comment on table compensation_runs is 'Compensation by hand: how far it is, so that it is seen, and goes on after a crash.';
`;

/** Batches of a schedule of their own, and compensation that is seen and bounded. */
export class Migration0004Batch extends Migration {
  override up(): void {
    this.addSql(batches);
    this.addSql(compensation);
  }
}
