import { Migration } from '@mikro-orm/migrations';

/**
 * What a change of a subscription makes to be done to its backlog is marked with the change, and done in parts after it.
 * A hub of the version before marks nothing and does it at once, as it did.
 */
const marks = `
alter table data_subscriptions
  add column redating boolean not null default false,
  add column requeue_before timestamptz;
comment on column data_subscriptions.redating is 'True while events that wait for a batch are being given the date of the changed mode or schedule.';
comment on column data_subscriptions.requeue_before is 'Set while syncs that had failed for the connection until then are being queued again: nothing is claimed meanwhile.';
`;

/** Work on long backlogs goes on where a process ended. */
export class Migration0018BacklogWork extends Migration {
  override up(): void {
    this.addSql(marks);
  }
}
