import type { Pool } from 'pg';
import { limits } from '../../core/limits.ts';
import type { SubscriptionState, TransportKind } from '../../core/model.ts';
import { isParked } from './parking-statements.ts';
import {
  type ClaimedSync,
  claimedColumns,
  claimedTypes,
  type DuePart,
  mayTake,
  partOf,
  type Shard,
} from './shard-statements.ts';
import { inShard, isHead } from './sync-rows.ts';

/** A place in the order in which a shard's syncs fall due. */
export interface DuePlace {
  /** As PostgreSQL writes it: to the microsecond. */
  readonly at: string;
  readonly id: string;
}

/** A sync that a claim took. */
export interface ClaimedRow extends ClaimedSync {
  /** Set where nothing that is due and unclaimed stands before it in its shard: from when on a later claim may look. */
  readonly dueFrom: string | null;
  /** True when so many due syncs of the shard are held back by earlier ones of their records that they should be parked. */
  readonly isCrowded: boolean;
}

/** Holds what to claim, and how. */
export interface ClaimRequest {
  readonly subscriptionId: string;
  /** Null: of all records. */
  readonly shard: Shard | null;
  readonly part: DuePart;
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
  /** Drains in other states give nothing: a pause holds from the moment that it is committed. */
  readonly states: readonly SubscriptionState[];
  readonly transport: TransportKind;
  /** The attachment that claims; null: a webhook's drain. */
  readonly attachmentId: string | null;
  /** From where to look; null: from the shard's beginning. */
  readonly from: DuePlace | null;
}

/** SQL: whether a sync `o` of a subscription is due and nobody's, of those from a place on. */
function isDue(part: DuePart, id: string, from: string): string {
  return `o.subscription_id = ${id} and ${partOf[part]} and o.next_attempt_at <= now() and (o.next_attempt_at, o.id) >= (${from}) and o.claim_token is null`;
}

/**
 * Sets how far back a claim looks at least, as SQL: what is written in a longer transaction is found by the next look
 * at the whole shard.
 */
const longestWrite = "interval '1 second'";

/** SQL: the first sync `o` of which `condition` holds, whether it may be claimed or not, and from when on to look. */
function firstDue(condition: string): string {
  return `select o.id, least(o.next_attempt_at, now() - ${longestWrite})::text as at from fin_open_syncs o
    where ${condition} order by o.next_attempt_at, o.id limit 1`;
}

/**
 * SQL: whether claims may begin at a place from now on. Not while syncs of the shard are parked: when one goes back, it is
 * due since before that place.
 */
function mayMoveOn(id: string): string {
  return `not exists (select 1 from fin_open_syncs p where p.subscription_id = ${id} and ${isParked('p')} offset 0)`;
}

/**
 * SQL: whether many due syncs are held back. A claim that got fewer than it asked for has left only such, and they are
 * counted up to what is worth it; where one got all, it is a sign that it passed over the first of all that was due.
 */
function isCrowded(ours: string, got: { count: string; isFirst: string }, limit: number): string {
  return `case when ${got.count} < ${limit}
    then exists (select 1 from fin_open_syncs o where ${ours} order by o.next_attempt_at, o.id limit 1 offset ${limit + limits.parkAtLeast})
    else not ${got.isFirst} end`;
}

/** SQL: whether anything may be claimed of a subscription, whatever its state. */
const mayClaim = (alias: string) => `${alias}.deleted_at is null and ${alias}.requeue_before is null`;

/** Gives the place before the first sync of a shard. */
const beginning: DuePlace = { at: '-infinity', id: '0' };

/** SQL: what a claim hands on of a sync `o` that it took. */
const claimedRow =
  'o.id, o.event_id, o.voucher_id, o.event_type, o.mode, o.retry_count, o.attempt_count, o.failed_pushes, o.closed_sockets, o.traceparent';

/**
 * Claims due syncs of a shard, the longest due first, and never one that has an earlier open one for the same
 * source record. The lease is the claim's, one for all that it took, so that to hold and to renew is one row.
 *
 * What is locked is updated by its place (`ctid`), without a second look into an index. A row that another statement
 * changed just before it was locked stands elsewhere by then: it is passed over, and is there for the next claim.
 *
 * What was delivered stands dead in the index while any transaction is open that is older, an analyst's for an hour; to
 * step over all of it at each claim would take ever longer. So a claim says where the next one may begin.
 *
 * The commit does not wait for the disk: a claim lost in a crash of the database is a sync that is due again.
 */
export async function claimDue(pool: Pool, claim: ClaimRequest): Promise<ClaimedRow[]> {
  const { limit, shard, part, transport } = claim;
  const from = claim.from ?? beginning;
  // As subqueries, so that the planner never knows the values: else it plans each claim anew for them.
  const place = '(select $7::timestamptz), (select $8::bigint)';
  const isOurs = `${isDue(part, '$1', place)} ${shard === null ? '' : `and ${inShard('$9::int', '$10::int')}`}`;
  const got = {
    count: '(select count(*) from claimed)',
    isFirst: 'exists (select 1 from claimed where id = (select id from first))',
  };
  const { rows } = await pool.query<ClaimedRow>({
    types: claimedTypes,
    name: `shard-claim-${transport}-${part}-${limit}${shard === null ? '' : '-shard'}`,
    text: `with due as materialized (
             select o.ctid from fin_open_syncs o, data_subscriptions s
             where s.id = $1 and s.state = any($4) and ${mayClaim('s')} and ${mayTake(transport, '$1')} and ${isOurs} and ${isHead}
             order by o.next_attempt_at, o.id
             limit ${limit} for no key update of o skip locked),
           first as materialized (${firstDue(isOurs)}),
           claimed as (
             update fin_open_syncs o
             set claim_token = $2, transport = $5, sync_started_at = coalesce(o.sync_started_at, now())
             from due where o.ctid = due.ctid
             returning ${claimedRow}),
           held as (
             insert into lane_claims (token, subscription_id, attachment_id, lease_until, sync_ids)
             select $2, $1, $6::uuid, now() + $3 * interval '1 millisecond', array_agg(id) from claimed having count(*) > 0),
           relaxed as materialized (select set_config('synchronous_commit', 'off', true))
           select $2::text as token, case when c.id = (select id from first) and (select ${mayMoveOn('$1')}) then (select at from first) end as "dueFrom",
             (select ${isCrowded(isOurs, got, limit)}) as "isCrowded", ${claimedColumns('c', 'e')}
           from claimed c join fin_voucher_events e on e.id = c.event_id cross join relaxed`,
    values: [
      claim.subscriptionId,
      claim.token,
      claim.leaseMs,
      claim.states,
      transport,
      claim.attachmentId,
      from.at,
      from.id,
      ...(shard === null ? [] : [shard.index, shard.shards]),
    ],
  });
  return rows;
}

/** Holds what several shards ask for alike; each for all records of its subscription. */
export type JoinedClaim = Pick<ClaimRequest, 'part' | 'limit' | 'leaseMs' | 'states' | 'transport'>;

/** One shard of several. */
export type ClaimingShard = Pick<ClaimRequest, 'subscriptionId' | 'token' | 'attachmentId' | 'from'>;

/**
 * `claimDue` for several shards in one statement; the limit is each one's.
 * @returns what was claimed, of all shards, each one's in its order; `token` says whose
 */
export async function claimDueOfMany(
  pool: Pool,
  claim: JoinedClaim,
  shards: readonly ClaimingShard[],
): Promise<ClaimedRow[]> {
  const { limit, part, transport } = claim;
  const isOurs = isDue(part, 'a.subscription_id', 'a.from_at, a.from_id');
  const got = {
    count: 'g.count',
    isFirst:
      'exists (select 1 from first f join claimed c on c.id = f.id and c.token = f.token where f.token = a.token)',
  };
  const { rows } = await pool.query<ClaimedRow>({
    types: claimedTypes,
    name: `shards-claim-${transport}-${part}-${limit}`,
    text: `with a as materialized (
             select * from unnest($1::bigint[], $2::uuid[], $3::uuid[], $7::timestamptz[], $8::bigint[]) a (subscription_id, token, attachment_id, from_at, from_id)),
           due as materialized (
             select d.ctid, a.token, a.attachment_id
             from a
             join data_subscriptions s on s.id = a.subscription_id and s.state = any($5) and ${mayClaim('s')}
             cross join lateral (
               select o.ctid from fin_open_syncs o
               where ${mayTake(transport, 's.id')} and ${isOurs} and ${isHead}
               order by o.next_attempt_at, o.id
               limit ${limit} for no key update of o skip locked) d),
           first as materialized (select a.token, f.* from a cross join lateral (${firstDue(isOurs)}) f),
           claimed as (
             update fin_open_syncs o
             set claim_token = due.token, transport = $6, sync_started_at = coalesce(o.sync_started_at, now())
             from due where o.ctid = due.ctid
             returning ${claimedRow}, o.subscription_id, due.token, due.attachment_id),
           held as (
             insert into lane_claims (token, subscription_id, attachment_id, lease_until, sync_ids)
             select token, subscription_id, attachment_id, now() + $4 * interval '1 millisecond', array_agg(id)
             from claimed group by token, subscription_id, attachment_id),
           relaxed as materialized (select set_config('synchronous_commit', 'off', true)),
           crowds as materialized (
             select a.token, ${isCrowded(isOurs, got, limit)} as is_crowded, ${mayMoveOn('a.subscription_id')} as may_move_on
             from a join (select token, count(*) as count from claimed group by 1) g on g.token = a.token)
           select c.token::text as token, case when w.may_move_on then f.at end as "dueFrom", w.is_crowded as "isCrowded", ${claimedColumns('c', 'e')}
           from claimed c join fin_voucher_events e on e.id = c.event_id join crowds w on w.token = c.token
           left join first f on f.id = c.id and f.token = c.token cross join relaxed`,
    values: [
      shards.map(shard => shard.subscriptionId),
      shards.map(shard => shard.token),
      shards.map(shard => shard.attachmentId),
      claim.leaseMs,
      claim.states,
      transport,
      shards.map(({ from }) => (from ?? beginning).at),
      shards.map(({ from }) => (from ?? beginning).id),
    ],
  });
  return rows;
}
