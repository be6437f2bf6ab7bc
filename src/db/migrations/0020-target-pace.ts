import { Migration } from '@mikro-orm/migrations';

/** What targets say of themselves: a pause that one asks for, the pace that it takes, and how large a request may be. */
const pace = `
alter table data_subscriptions add column held_until timestamptz;
alter table data_subscriptions add column held_since timestamptz;
alter table data_subscriptions add column pace_per_second float8;
alter table data_subscriptions add column batch_max_bytes int not null default 1048576;
comment on column data_subscriptions.held_until is 'Nothing is sent before: the target asked for a pause (429, or 503 with Retry-After). Null: it never did, or it was resumed.';
comment on column data_subscriptions.held_since is 'When the holds began between which the target took nothing.';
comment on column data_subscriptions.pace_per_second is 'Requests a second that the target took when it last asked for a pause.';
comment on column data_subscriptions.batch_max_bytes is 'Most bytes of one request with several events.';
`;

/** The pace of targets, and the bound of a batch in bytes. */
export class Migration0020TargetPace extends Migration {
  override up(): void {
    this.addSql(pace);
  }
}
