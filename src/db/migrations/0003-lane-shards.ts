import { Migration } from '@mikro-orm/migrations';

const shards = `
alter table data_subscriptions add column lanes int not null default 1 check (lanes between 1 and 16);
comment on column data_subscriptions.lanes is 'How many drains its events are spread over, by source record.';
`;

const schedules = `
create table schedules (
  name text primary key,
  begun timestamptz not null,
  done timestamptz not null,
  holder uuid,
  lease_until timestamptz not null default '-infinity',
  ended_at timestamptz,
  missed bigint not null default 0,
  error text
) with (fillfactor = 50);
comment on table schedules is 'What runs once over all schedulers: the last run by the instant at which it was due, and who holds it under a lease.';
comment on column schedules.begun is 'The last run that was begun; later than done: it is under way, or its process died.';
comment on column schedules.missed is 'Runs that were due and never begun, because no scheduler was up or the run before took longer.';
comment on column schedules.error is 'Why the last run that is over failed; null: it did not.';
`;

/** Lanes of one subscription on several workers, and schedules that run once over all schedulers. */
export class Migration0003LaneShards extends Migration {
  override up(): void {
    this.addSql(shards);
    this.addSql(schedules);
  }
}
