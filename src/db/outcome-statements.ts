import type { Pool } from 'pg';
import type { AttemptEvidence, SyncStatus } from '../core/model.ts';
import { closeFrom, sharedOf } from './sync-rows.ts';

/** What became of one claimed sync, as it is written. */
export interface OutcomeWrite {
  readonly id: string;
  readonly token: string;
  readonly status: Extract<SyncStatus, 'success' | 'retrying' | 'failed'>;
  readonly retryCount: number;
  /** Milliseconds from now until the next attempt; null: none. */
  readonly delayMs: number | null;
  readonly failedByConnection: boolean;
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

/**
 * Writes outcomes and their attempts in one statement. A row whose claim was lost to another meanwhile (the
 * fencing token differs) is left as it is.
 *
 * The commit does not wait for the disk: an outcome lost in a crash of the database (not of the hub) is a sync
 * that is delivered once more, with the same id.
 * @returns the ids that were written
 */
export async function writeOutcomes(pool: Pool, outcomes: readonly OutcomeWrite[]): Promise<Set<string>> {
  const { rows } = await pool.query<{ id: string }>({
    name: 'outcome-write',
    text: `with r as materialized (
             select * from unnest($1::bigint[], $2::uuid[], $3::text[], $4::int[], $5::float8[], $6::bool[], $7::timestamptz[], $8::int[],
               $9::int[], $10::text[], $11::text[], $12::text[], $13::int[], $14::int[], $15::bytea[], $16::text[], $17::bool[])
             as r (sync_id, token, status, retries, delay_ms, by_connection, started_at, duration_ms, status_code, code, message, excerpt,
               pushes, sockets, digest, receipt, receipt_valid)),
           ended as (
             delete from fin_open_syncs o using r where o.id = r.sync_id and o.claim_token = r.token and r.status <> 'retrying'
             returning ${sharedOf('o')}, r.*),
           again as (
             update fin_open_syncs o
             set retry_count = r.retries, failed_pushes = r.pushes, closed_sockets = r.sockets, attempt_count = o.attempt_count + 1, claim_token = null,
                 next_attempt_at = now() + r.delay_ms * interval '1 millisecond', error_code = r.code, error_message = r.message
             from r where o.id = r.sync_id and o.claim_token = r.token and r.status = 'retrying'
             returning o.id, o.subscription_id, o.transport, o.attempt_count, r.*),
           moved as (${closeFrom('ended')}),
           logged as (
             insert into fin_data_sync_attempts
               (sync_id, subscription_id, number, transport, started_at, duration_ms, status_code, error_code, error_message, response_excerpt, body_digest, receipt, receipt_valid)
             select id, subscription_id, attempt_count + 1, transport, started_at, duration_ms, status_code, code, message, excerpt, digest, receipt, receipt_valid from ended
             union all
             select id, subscription_id, attempt_count, transport, started_at, duration_ms, status_code, code, message, excerpt, digest, receipt, receipt_valid from again),
           relaxed as materialized (select set_config('synchronous_commit', 'off', true))
           select id::text from ended cross join relaxed union all select id::text from again`,
    values: columnsOf(outcomes),
  });
  return new Set(rows.map(row => row.id));
}

function columnsOf(outcomes: readonly OutcomeWrite[]): unknown[] {
  return [
    outcomes.map(o => o.id),
    outcomes.map(o => o.token),
    outcomes.map(o => o.status),
    outcomes.map(o => o.retryCount),
    outcomes.map(o => o.delayMs),
    outcomes.map(o => o.failedByConnection),
    outcomes.map(o => o.startedAt),
    outcomes.map(o => Math.round(o.durationMs)),
    outcomes.map(o => o.statusCode),
    outcomes.map(o => o.errorCode),
    outcomes.map(o => o.errorMessage),
    outcomes.map(o => o.responseExcerpt),
    outcomes.map(o => o.failedPushes),
    outcomes.map(o => o.closedSockets),
    outcomes.map(o => o.evidence?.bodyDigest ?? null),
    outcomes.map(o => o.evidence?.receipt?.value ?? null),
    outcomes.map(o => o.evidence?.receipt?.valid ?? null),
  ];
}

/** Notes when subscriptions last delivered. One that is just being written to is passed over: it will deliver again. */
export async function noteSuccesses(pool: Pool, subscriptionIds: readonly string[]): Promise<void> {
  await pool.query({
    name: 'lane-success',
    text: `update data_subscriptions set last_success_at = now()
           where id in (select id from data_subscriptions where id = any($1::bigint[]) for no key update skip locked)`,
    values: [subscriptionIds],
  });
}
