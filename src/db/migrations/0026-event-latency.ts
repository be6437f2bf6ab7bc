import { Migration } from '@mikro-orm/migrations';

/** Latency from the event, beside that from its recording. A hub of the version before leaves the sum at 0. */
const sums = `
alter table sync_rollups add column event_latency_seconds double precision not null default 0;
comment on column sync_rollups.event_latency_seconds is 'Sum of the measured ones, from the event (occurred_at) to delivered; never less than latency_seconds, but where a hub of an older version counted.';
`;

/** How long it took from the event to the consumer. */
export class Migration0026EventLatency extends Migration {
  override up(): void {
    this.addSql(sums);
  }
}
