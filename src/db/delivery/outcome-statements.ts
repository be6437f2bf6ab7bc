import type { Pool } from 'pg';
import type { AttemptEvidence, SyncStatus } from '../../core/model.ts';
import { binaryRows, type RowColumn } from '../recording/binary-rows.ts';
import { closeFrom, sharedOf } from './sync-rows.ts';

/** Holds what became of one claimed sync, as it is written. */
export interface OutcomeWrite {
  readonly id: string;
  readonly token: string;
  /** `split`: its batch was refused as a whole; it stays claimed, and is sent again in a smaller one. */
  readonly status: Extract<SyncStatus, 'success' | 'retrying' | 'failed'> | 'split';
  readonly retryCount: number;
  /** Milliseconds from now until the next attempt; null: none. */
  readonly delayMs: number | null;
  readonly failedByConnection: boolean;
  /** True: the consumer refused the data for good. A code of its own does not say so by itself. */
  readonly refused: boolean;
  /** Failed pushes, and sockets closed in a row, this attempt among them. */
  readonly failedPushes: number;
  readonly closedSockets: number;
  readonly startedAt: Date;
  readonly durationMs: number;
  readonly statusCode: number | null;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly responseExcerpt: string | null;
  /** Null: nothing was sent. */
  readonly evidence: AttemptEvidence | null;
}

const outcomeSql = `
  with relaxed as materialized (select set_config('synchronous_commit', 'off', true)),
  r as materialized (select r.* from relaxed cross join unnest($1::hub_sync_outcome_2[]) r),
  ended as (
    delete from fin_open_syncs o using r where o.id = r.sync_id and o.claim_token = r.token and r.status in ('success', 'failed')
    returning ${sharedOf('o')}, r.*),
  again as (
    update fin_open_syncs o
    set retry_count = r.retries, failed_pushes = r.pushes, closed_sockets = r.sockets, attempt_count = o.attempt_count + 1, claim_token = case when r.status = 'split' then o.claim_token end,
        next_attempt_at = case when r.status = 'split' then o.next_attempt_at else now() + r.delay_ms * interval '1 millisecond' end, error_code = r.code, error_message = r.message
    from r where o.id = r.sync_id and o.claim_token = r.token and r.status in ('retrying', 'split')
    returning o.id, o.subscription_id, o.transport, o.attempt_count, r.*),
  moved as (${closeFrom('ended')}),
  logged as (
    insert into fin_data_sync_attempts
      (sync_id, subscription_id, number, transport, started_at, duration_ms, status_code, error_code, error_message, response_excerpt, body_digest, receipt, receipt_valid)
    select id, subscription_id, attempt_count + 1, transport, started_at, duration_ms, status_code, code, message, excerpt, digest, receipt, receipt_valid from ended
    union all
    select id, subscription_id, attempt_count, transport, started_at, duration_ms, status_code, code, message, excerpt, digest, receipt, receipt_valid from again)
  select sync_id::text as id from r where sync_id not in (select id from ended union all select id from again)`;

/**
 * Writes outcomes and their attempts in one statement. A row whose claim was lost to another meanwhile (the
 * fencing token differs) is left as it is.
 *
 * The commit does not wait for the disk: an outcome lost in a crash of the database (not of the hub) is a sync
 * that is delivered once more, with the same id.
 * @returns the ids that were written
 */
export async function writeOutcomes(pool: Pool, outcomes: readonly OutcomeWrite[]): Promise<Set<string>> {
  const values = [binaryRows(outcomes, outcomeColumns)];
  const { rows } = await pool.query<{ id: string }>({ name: 'outcome-write', text: outcomeSql, values });
  const written = new Set(outcomes.map(outcome => outcome.id));
  // As a rule there is none of these to read.
  for (const { id } of rows) written.delete(id);
  return written;
}

/** The columns of the type `hub_sync_outcome_2`, in its order. */
export const outcomeColumns: readonly RowColumn<OutcomeWrite>[] = [
  { name: 'sync_id', type: 'bigint', of: o => o.id },
  { name: 'token', type: 'uuid', of: o => o.token },
  { name: 'status', type: 'text', of: o => o.status },
  { name: 'retries', type: 'int', of: o => o.retryCount },
  { name: 'delay_ms', type: 'float8', of: o => o.delayMs },
  { name: 'by_connection', type: 'bool', of: o => o.failedByConnection },
  { name: 'started_at', type: 'timestamptz', of: o => o.startedAt.getTime() },
  { name: 'duration_ms', type: 'int', of: o => Math.round(o.durationMs) },
  { name: 'status_code', type: 'int', of: o => o.statusCode },
  { name: 'code', type: 'text', of: o => o.errorCode },
  { name: 'message', type: 'text', of: o => o.errorMessage },
  { name: 'excerpt', type: 'text', of: o => o.responseExcerpt },
  { name: 'pushes', type: 'int', of: o => o.failedPushes },
  { name: 'sockets', type: 'int', of: o => o.closedSockets },
  { name: 'digest', type: 'bytea', of: o => o.evidence?.bodyDigest ?? null },
  { name: 'receipt', type: 'text', of: o => o.evidence?.receipt?.value ?? null },
  { name: 'receipt_valid', type: 'bool', of: o => o.evidence?.receipt?.valid ?? null },
  { name: 'refused', type: 'bool', of: o => o.refused },
];

/** Notes when subscriptions last delivered. One that is just being written to is passed over: it will deliver again. */
export async function noteSuccesses(pool: Pool, subscriptionIds: readonly string[]): Promise<void> {
  await pool.query({
    name: 'shard-success',
    text: `update data_subscriptions set last_success_at = now()
           where id in (select id from data_subscriptions where id = any($1::bigint[]) for no key update skip locked)`,
    values: [subscriptionIds],
  });
}
