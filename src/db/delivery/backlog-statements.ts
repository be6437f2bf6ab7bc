import type { Pool } from 'pg';
import { limits } from '../../core/limits.ts';
import type { SyncMode } from '../../core/model.ts';
import { cancelOpen, reopenFrom, toldFrom } from './sync-rows.ts';

/*
 * Work on the backlog of a subscription, in parts of `limits.backlogPart` syncs: a statement each, so that nobody waits
 * for more. What is to be done stands in the subscription's row (migration 0018), so any process can go on.
 */

/** SQL: the first waiting syncs of a subscription, locked, as many as one statement cancels. */
const waitingOf = (subscriptionId: string) => `
  select w.ctid from fin_open_syncs w where w.subscription_id = ${subscriptionId} and w.claim_token is null
  order by w.subscription_id, w.voucher_id, w.id limit ${limits.backlogPart} for update skip locked`;

/**
 * Cancels some of what deleted subscriptions still have waiting: what the deletion has not come to, as its process ended,
 * and what was under way then and was given back since.
 * @returns their ids; fewer than `limits.backlogPart`: that was all
 */
export function cancelOfDeleted(pool: Pool): Promise<string[]> {
  return idsOf(
    pool,
    cancelOpen(
      `o.ctid = any(array(select w.ctid from data_subscriptions s cross join lateral (${waitingOf('s.id')}) w where s.deleted_at is not null limit ${limits.backlogPart}))`,
    ),
  );
}

/** Cancels some of what one subscription has waiting. @returns as `cancelOfDeleted` */
export function cancelOf(pool: Pool, subscriptionId: string): Promise<string[]> {
  return idsOf(pool, cancelOpen(`o.ctid = any(array(${waitingOf('$1')}))`), [subscriptionId]);
}

async function idsOf(pool: Pool, text: string, values: unknown[] = []): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(text, values);
  return rows.map(row => row.id);
}

/** A subscription whose waiting batch events are to be given another date, as of a version of its settings. */
export interface Redating {
  readonly id: string;
  readonly version: string;
  readonly mode?: SyncMode | null;
  readonly batchCron?: string | null;
}

/**
 * Gives another date to some of the events that wait for a batch. Those under way, due already or being tried again stay
 * as they are. Ends where the settings have changed since: two that give different dates would never end.
 * @param dueAt null: now
 * @returns whether there may be more
 */
export async function redateBatch(
  pool: Pool,
  { id, version }: Redating,
  dueAt: Date | null,
): Promise<boolean> {
  // From either side towards the new date: what was given it is not passed over again at the next call.
  const side = (condition: string, order: string) => `
    select o.id from fin_open_syncs o
    where o.subscription_id = $1 and o.mode = 'batch' and o.claim_token is null and o.attempt_count = 0
      and o.next_attempt_at > now() and o.next_attempt_at < 'infinity' and ${condition} and exists (select from subscription)
    order by o.next_attempt_at ${order}, o.id ${order} limit ${limits.backlogPart} for update skip locked`;
  const { rows } = await pool.query<{ more: boolean }>(
    `with subscription as materialized (
         select id from data_subscriptions where id = $1 and redating and version = $3 and deleted_at is null),
       later as materialized (${side('o.next_attempt_at > coalesce($2::timestamptz, now())', 'desc')}),
       earlier as materialized (${side('o.next_attempt_at < $2::timestamptz', 'asc')}),
       redated as (
         update fin_open_syncs o set next_attempt_at = coalesce($2::timestamptz, now())
         from (select id from later union all select id from earlier limit ${limits.backlogPart}) r where o.id = r.id
         returning o.id),
       finished as (
         update data_subscriptions s set redating = false from subscription
         where s.id = subscription.id and s.version = $3 and (select count(*) from redated) < ${limits.backlogPart})
     select count(*) = ${limits.backlogPart} as more from redated`,
    [id, dueAt, version],
  );
  return rows[0]?.more ?? false;
}

/**
 * Queues again some of what had failed because of the connection before a subscription was resumed, the earliest first. Claims
 * give nothing before all of it is back, so that no later version of a record goes out before an earlier one.
 * @returns the ids that watchers may be told of, and whether there may be more
 */
export async function requeueFailed(pool: Pool, id: string): Promise<{ told: string[]; more: boolean }> {
  const { rows } = await pool.query<{ id: string | null; more: boolean }>(
    `with subscription as materialized (
         select id, requeue_before from data_subscriptions
         where id = $1 and requeue_before is not null and deleted_at is null for no key update),
       page as materialized (
         select d.id from fin_failed_syncs d
         where d.subscription_id = $1 and d.failed_by_connection and d.sync_completed_at <= (select requeue_before from subscription)
         order by d.id limit ${limits.backlogPart} for update skip locked),
       again as (
         delete from fin_failed_syncs d where d.id = any(array(select id from page)) returning d.*),
       reopened as (${reopenFrom('again')} returning id),
       finished as (
         update data_subscriptions s set requeue_before = null from subscription
         where s.id = subscription.id and (select count(*) from page) < ${limits.backlogPart})
     select (select count(*) from page) = ${limits.backlogPart} as more, t.id
     from (values (1)) one left join (${toldFrom('reopened')}) t on true`,
    [id],
  );
  return { told: rows.flatMap(row => row.id ?? []), more: rows[0]?.more ?? false };
}

/** A subscription whose backlog is being worked on. */
export interface UnfinishedBacklog extends Redating {
  readonly redating: boolean;
  readonly isRequeueing: boolean;
}

/** Some subscriptions whose backlog is being worked on, or was when its process ended; others at each call. */
export async function unfinishedBacklogs(pool: Pool): Promise<UnfinishedBacklog[]> {
  const { rows } = await pool.query<UnfinishedBacklog>(
    `select id::text, version::text, mode, batch_cron as "batchCron", redating, requeue_before is not null as "isRequeueing"
     from data_subscriptions where deleted_at is null and (redating or requeue_before is not null)
     order by random() limit ${limits.backlogTurns}`,
  );
  return rows;
}
