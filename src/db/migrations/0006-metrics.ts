import { Migration } from '@mikro-orm/migrations';

/**
 * A number of its own for each sync that is over, from a sequence: counting goes from number to number, and no time or
 * clock decides what it has counted. The index is a BRIN, which a row that is appended costs nothing.
 */
const numbers = `
create sequence fin_done_syncs_done_no;
alter table fin_done_syncs add column done_no bigint not null default nextval('fin_done_syncs_done_no');
comment on column fin_done_syncs.done_no is 'In the order in which syncs were over, nearly: what metrics have counted goes by it.';
create index fin_over_syncs_done on fin_over_syncs using brin (done_no) with (pages_per_range = 32, autosummarize = on);
create index fin_failed_syncs_done on fin_failed_syncs (done_no);
`;

const rollups = `
create table sync_rollups (
  minutes smallint not null check (minutes in (1, 60, 1440)),
  subscription_id bigint not null,
  starts_at timestamptz not null,
  succeeded bigint not null,
  measured bigint not null,
  latency_seconds double precision not null,
  buckets smallint[] not null,
  counts bigint[] not null,
  primary key (minutes, subscription_id, starts_at)
) with (fillfactor = 70);
comment on table sync_rollups is 'What was delivered, by the minute, hour (UTC) and day (HUB_TIME_ZONE) of its end; subscription 0 is all of them together.';
comment on column sync_rollups.measured is 'Those whose latency counts: a BATCH event waits for its hour on purpose.';
comment on column sync_rollups.latency_seconds is 'Sum of the measured ones, from recorded to delivered.';
comment on column sync_rollups.buckets is 'Latencies that occurred: bucket b is up to 0.001 s times 1.1 to the power of b; counts says how many each.';

create table failure_rollups (
  minutes smallint not null check (minutes in (1, 60, 1440)),
  subscription_id bigint not null,
  starts_at timestamptz not null,
  error_code text not null,
  failed bigint not null,
  primary key (minutes, subscription_id, starts_at, error_code)
) with (fillfactor = 70);
comment on table failure_rollups is 'What FAILED and was not tried again since, like sync_rollups, by error code.';

create table rollup_progress (counted_to bigint not null);
insert into rollup_progress values (0);
comment on table rollup_progress is 'One row: rollups have counted the syncs with a done_no up to this.';

create table reopened_failures (
  done_no bigint not null,
  subscription_id bigint not null,
  error_code text,
  sync_completed_at timestamptz not null
);
comment on table reopened_failures is 'FAILED syncs that were tried again or cancelled, until the rollups have taken note of it.';

create function fin_failed_sync_is_reopened() returns trigger language plpgsql as $$
begin
  insert into reopened_failures values (old.done_no, old.subscription_id, old.error_code, old.sync_completed_at);
  return null;
end $$;
create trigger reopened after delete on fin_failed_syncs
  for each row execute function fin_failed_sync_is_reopened();
`;

/** Figures of what is over, kept by the minute, hour and day. */
export class Migration0006Metrics extends Migration {
  override up(): void {
    this.addSql(numbers);
    this.addSql(rollups);
  }
}
