import { Migration } from '@mikro-orm/migrations';

/**
 * Beside a FAILED sync stands whether its consumer refused the data for good. The code does not say so: a consumer's
 * `reject` makes up its own, and one that is retryable ends FAILED by the same code once its retries are used up.
 */
const refusals = `
alter table fin_done_syncs add column refused boolean;
comment on column fin_done_syncs.refused is 'Whether the consumer refused the data for good; null: not known.';
create type hub_sync_outcome_2 as (
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
  receipt_valid boolean,
  refused boolean
);
`;

/** Tells refusals from retries that are used up. */
export class Migration0019Refusals extends Migration {
  override up(): void {
    this.addSql(refusals);
  }
}
