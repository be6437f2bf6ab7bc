import { limits } from '../../core/limits.ts';
import { shardSql } from '../../core/shard-key.ts';

/**
 * How the two tables of syncs are written, in one place: `fin_open_syncs` holds what is not over, `fin_done_syncs`
 * what is. A sync keeps its id when it moves. Readers use the view `fin_data_sync_logs`, which is both.
 */

/** The columns that go over from one table to the other as they are. */
const kept = [
  'id',
  'event_id',
  'voucher_id',
  'subscription_id',
  'event_type',
  'source_system',
  'mode',
  'transport',
  'attempt_count',
  'compensations',
  'created_at',
  'sync_started_at',
  'traceparent',
];
const shared = kept.join(', ');

/** SQL: the columns of open syncs that stay when they are over, of a table or alias. */
export function sharedOf(alias: string): string {
  return kept.map(name => `${alias}.${name}`).join(', ');
}

/** SQL: the status of an open sync, as the view says it. */
export function openStatusOf(alias: string): string {
  return `case when ${alias}.claim_token is not null then 'processing' when ${alias}.attempt_count > 0 then 'retrying' else 'pending' end`;
}

/**
 * SQL: true where an open sync `o` has no earlier open one of the same source record in its subscription: order per record.
 *
 * `offset 0` keeps it a look into the index, one a row. As a join, and with statistics from when the table was
 * small, it became a loop over the whole backlog for each row of the backlog.
 */
export const isHead = `not exists (
  select 1 from fin_open_syncs e
  where e.subscription_id = o.subscription_id and e.voucher_id = o.voucher_id and e.id < o.id offset 0)`;

/** SQL: the shards of a subscription that are in use: each has a request of its window at least. */
export const shardsInUse = 'least(lanes, max_in_flight)';

/**
 * SQL: true where an open sync `o` is of a shard. A `case`, because the planner takes that for half of the rows: of a
 * plain comparison it would expect next to nothing, and read the whole backlog to find it.
 */
export function inShard(shard: string, shards: string): string {
  return `case when ${shardSql('o.voucher_id', shards)} = ${shard} then true else false end`;
}

/** SQL: makes cancelled syncs of the open ones in `rows`, which were taken out. */
export function cancelFrom(rows: string): string {
  return `insert into fin_done_syncs (${shared}, retry_count, status, error_code, error_message, sync_completed_at)
    select ${shared}, retry_count, 'cancelled', error_code, error_message, now() from ${rows}`;
}

/**
 * SQL: opens the done syncs in `rows`, which were taken out: due at once, all their retries before them again.
 * @param compensations SQL: how often the hourly compensation counts as having tried them again
 */
export function reopenFrom(rows: string, compensations = 'compensations'): string {
  return `insert into fin_open_syncs (${shared}, error_code, error_message)
    select ${shared.replace('compensations', compensations)}, error_code, error_message from ${rows}`;
}

/** SQL: makes done syncs of those in `rows`: open ones that were taken out, with their attempt's outcome. */
export function closeFrom(rows: string): string {
  return `insert into fin_done_syncs (${shared}, retry_count, status, failed_by_connection, refused, error_code, error_message, sync_completed_at)
    select ${shared.replace('attempt_count', 'attempt_count + 1')}, retries, status, by_connection, refused, code, message, now() from ${rows}`;
}

/**
 * SQL: the ids in `rows`, for watchers. No more than one of them may leave unread: who would be told of more is
 * dropped by that, and whoever changes a million rows does not read their ids for it.
 */
export function toldFrom(rows: string): string {
  return `select id::text from ${rows} limit ${limits.watcherBacklog + 1}`;
}

/** SQL: cancels the open syncs `o` of which `condition` holds, unless someone holds them; gives `toldFrom` them. */
export function cancelOpen(condition: string): string {
  return `with cancelled as (delete from fin_open_syncs o where o.claim_token is null and ${condition} returning o.*),
    moved as (${cancelFrom('cancelled')} returning id)
    ${toldFrom('moved')}`;
}
