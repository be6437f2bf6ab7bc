import type { Pool } from 'pg';
import { type DuePart, partOf } from './shard-statements.ts';
import { isHead, reopenFrom } from './sync-rows.ts';

/** Suspends an active subscription; its first probe is due after `probeMs`. @returns false: it was not active */
export async function suspendSubscription(
  pool: Pool,
  subscriptionId: string,
  probeMs: number,
): Promise<boolean> {
  const { rowCount } = await pool.query(
    `update data_subscriptions set state = 'suspended', probes = 0, probe_at = now() + $2 * interval '1 millisecond', updated_at = now()
     where id = $1 and state = 'active' and deleted_at is null`,
    [subscriptionId, probeMs],
  );
  return rowCount === 1;
}

/** Pauses a subscription that is not paused. @returns false: it was */
export async function pauseSubscription(
  pool: Pool,
  subscriptionId: string,
  by: 'consumer' | 'person',
): Promise<boolean> {
  const { rowCount } = await pool.query(
    `update data_subscriptions set state = 'paused', paused_by_consumer = $2, probe_at = null, updated_at = now()
     where id = $1 and state <> 'paused' and deleted_at is null`,
    [subscriptionId, by === 'consumer'],
  );
  return rowCount === 1;
}

/**
 * Makes a subscription active, and marks that what had failed because of the connection is to be queued again (`requeueFailed`).
 * @param only the states it may be in before; null: any
 * @returns false: the subscription was in another state
 */
export async function resumeSubscription(
  pool: Pool,
  subscriptionId: string,
  only: readonly string[] | null,
): Promise<boolean> {
  const { rowCount } = await pool.query(
    `update data_subscriptions
     set state = 'active', probes = 0, probe_at = null, held_until = null, held_since = null, pace_per_second = null, updated_at = now(),
         requeue_before = case when exists (
           select 1 from fin_failed_syncs d where d.subscription_id = $1 and d.failed_by_connection offset 0) then now() else requeue_before end
     where id = $1 and deleted_at is null and ($2::text[] is null or state = any($2))`,
    [subscriptionId, only],
  );
  return rowCount === 1;
}

/** Takes the suspended subscriptions whose probe is due, and sets each one's next probe (doubling up to `maxMs`). */
export async function takeProbesDue(pool: Pool, firstMs: number, maxMs: number): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    `update data_subscriptions
     set probes = probes + 1, probe_at = now() + least($1 * power(2, least(probes + 1, 20)), $2) * interval '1 millisecond'
     where state = 'suspended' and deleted_at is null and probe_at <= now() returning id::text`,
    [firstMs, maxMs],
  );
  return rows.map(row => row.id);
}

/** Puts off the next probe of a suspended subscription, whose target named a date. */
export async function postponeProbe(pool: Pool, subscriptionId: string, byMs: number): Promise<void> {
  await pool.query(
    `update data_subscriptions set probe_at = greatest(probe_at, now() + $2 * interval '1 millisecond')
     where id = $1 and state = 'suspended'`,
    [subscriptionId, byMs],
  );
}

/**
 * Sees to it that a suspended subscription has a sync to probe with: where nothing waits that may be tried, one that
 * failed because of the connection is made due.
 */
export async function prepareProbe(pool: Pool, subscriptionId: string): Promise<void> {
  await pool.query(
    `with head as (
       select h.id from ((${probeHead('prompt')}) union all (${probeHead('batch')})) h order by h.next_attempt_at, h.id limit 1),
     made_due as (
       update fin_open_syncs o set next_attempt_at = now() from head where o.id = head.id and o.next_attempt_at > now()),
     again as (
       delete from fin_failed_syncs d where not exists (select 1 from head) and d.id = (
         select min(id) from fin_failed_syncs where subscription_id = $1 and failed_by_connection)
       returning d.*)
     ${reopenFrom('again')}`,
    [subscriptionId],
  );
}

function probeHead(part: DuePart): string {
  return `select o.id, o.next_attempt_at from fin_open_syncs o where o.subscription_id = $1 and ${partOf[part]} and o.claim_token is null
    and (o.attempt_count > 0 or o.next_attempt_at <= now()) and ${isHead}
    order by o.next_attempt_at, o.id limit 1`;
}
