import type { Pool } from 'pg';
import type { SubscriptionState, TransportKind } from '../core/model.ts';
import {
  type ClaimedSync,
  claimedColumns,
  type LanePart,
  mayTake,
  partOf,
  type Shard,
} from './lane-statements.ts';
import { inShard, isHead } from './sync-rows.ts';

/** What to claim, and how. */
export interface ClaimRequest {
  readonly subscriptionId: string;
  /** Null: of all records. */
  readonly shard: Shard | null;
  readonly part: LanePart;
  /**
   * Fences: only its holder may write results. Another at each claim: who lost a sync and claims it again must not
   * take the first one's late result.
   */
  readonly token: string;
  /**
   * One of few, powers of two or a burst: each is a statement of its own. With a parameter the planner reckons with a
   * tenth of the backlog, and plans each claim anew.
   */
  readonly limit: number;
  /** Milliseconds, by the database's clock. */
  readonly leaseMs: number;
  /** Lanes in other states give nothing: a pause holds from the moment that it is committed. */
  readonly states: readonly SubscriptionState[];
  readonly transport: TransportKind;
  /** The attachment that claims; null: a webhook's drain. */
  readonly attachmentId: string | null;
}

/** SQL: whether a sync `o` of a subscription `s`, whose id is also `id`, may be claimed now. */
function isClaimable({ transport, part }: Pick<ClaimRequest, 'transport' | 'part'>, id: string): string {
  return `${mayTake(transport, id)} and o.subscription_id = ${id} and ${partOf[part]} and o.next_attempt_at <= now() and o.claim_token is null and ${isHead}`;
}

/** SQL: what a claim hands on of a sync `o` that it took. */
const claimedRow =
  'o.id, o.event_id, o.voucher_id, o.event_type, o.mode, o.retry_count, o.attempt_count, o.failed_pushes, o.closed_sockets, o.traceparent';

/**
 * Claims due syncs of a lane, the longest due first, and never one that has an earlier open one for the same
 * source record. The lease is the claim's, one for all that it took, so that to hold and to renew is one row.
 *
 * What is locked is updated by its place (`ctid`), without a second look into an index. A row that another statement
 * changed just before it was locked stands elsewhere by then: it is passed over, and is there for the next claim.
 *
 * The commit does not wait for the disk: a claim lost in a crash of the database is a sync that is due again.
 */
export async function claimDue(pool: Pool, claim: ClaimRequest): Promise<ClaimedSync[]> {
  const { limit, shard, part } = claim;
  const { rows } = await pool.query<ClaimedSync>({
    name: `lane-claim-${claim.transport}-${part}-${limit}${shard === null ? '' : '-shard'}`,
    text: `with due as materialized (
             select o.ctid from fin_open_syncs o, data_subscriptions s
             where s.id = $1 and s.state = any($4) and s.deleted_at is null and ${isClaimable(claim, '$1')}
               ${shard === null ? '' : `and ${inShard('$7::int', '$8::int')}`}
             order by o.next_attempt_at, o.id
             limit ${limit} for update of o skip locked),
           claimed as (
             update fin_open_syncs o
             set claim_token = $2, transport = $5, sync_started_at = coalesce(o.sync_started_at, now())
             from due where o.ctid = due.ctid
             returning ${claimedRow}),
           held as (
             insert into lane_claims (token, subscription_id, attachment_id, lease_until, sync_ids)
             select $2, $1, $6::uuid, now() + $3 * interval '1 millisecond', array_agg(id) from claimed having count(*) > 0),
           relaxed as materialized (select set_config('synchronous_commit', 'off', true))
           select $2::text as token, ${claimedColumns('c', 'e')}
           from claimed c join fin_voucher_events e on e.id = c.event_id cross join relaxed`,
    values: [
      claim.subscriptionId,
      claim.token,
      claim.leaseMs,
      claim.states,
      claim.transport,
      claim.attachmentId,
      ...(shard === null ? [] : [shard.shard, shard.lanes]),
    ],
  });
  return rows;
}

/** What several lanes ask for alike; each for all records of its subscription. */
export type JoinedClaim = Pick<ClaimRequest, 'part' | 'limit' | 'leaseMs' | 'states' | 'transport'>;

/** One lane of several. */
export type ClaimingLane = Pick<ClaimRequest, 'subscriptionId' | 'token' | 'attachmentId'>;

/**
 * `claimDue` for several lanes in one statement; the limit is each one's.
 * @returns what was claimed, of all lanes, each one's in its order; `token` says whose
 */
export async function claimDueOfMany(
  pool: Pool,
  claim: JoinedClaim,
  lanes: readonly ClaimingLane[],
): Promise<ClaimedSync[]> {
  const { limit, part, transport } = claim;
  const { rows } = await pool.query<ClaimedSync>({
    name: `lanes-claim-${transport}-${part}-${limit}`,
    text: `with due as materialized (
             select d.ctid, a.token, a.attachment_id
             from unnest($1::bigint[], $2::uuid[], $3::uuid[]) a (subscription_id, token, attachment_id)
             join data_subscriptions s on s.id = a.subscription_id and s.state = any($5) and s.deleted_at is null
             cross join lateral (
               select o.ctid from fin_open_syncs o
               where ${isClaimable(claim, 's.id')}
               order by o.next_attempt_at, o.id
               limit ${limit} for update of o skip locked) d),
           claimed as (
             update fin_open_syncs o
             set claim_token = due.token, transport = $6, sync_started_at = coalesce(o.sync_started_at, now())
             from due where o.ctid = due.ctid
             returning ${claimedRow}, o.subscription_id, due.token, due.attachment_id),
           held as (
             insert into lane_claims (token, subscription_id, attachment_id, lease_until, sync_ids)
             select token, subscription_id, attachment_id, now() + $4 * interval '1 millisecond', array_agg(id)
             from claimed group by token, subscription_id, attachment_id),
           relaxed as materialized (select set_config('synchronous_commit', 'off', true))
           select c.token::text as token, ${claimedColumns('c', 'e')}
           from claimed c join fin_voucher_events e on e.id = c.event_id cross join relaxed`,
    values: [
      lanes.map(lane => lane.subscriptionId),
      lanes.map(lane => lane.token),
      lanes.map(lane => lane.attachmentId),
      claim.leaseMs,
      claim.states,
      transport,
    ],
  });
  return rows;
}
