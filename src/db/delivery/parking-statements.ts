import type { Pool } from 'pg';
import { limits } from '../../core/limits.ts';
import { type DuePart, partOf } from './shard-statements.ts';
import { isHead } from './sync-rows.ts';

/** SQL: whether a sync is parked. It is the condition of an index, so it must be written as it is. */
export const isParked = (alias: string) => `${alias}.next_attempt_at = 'infinity'`;

/** SQL: when an open sync is due, or was before it was parked. */
export const dueAtOf = (alias: string) =>
  `case when ${isParked(alias)} then ${alias}.parked_due_at else ${alias}.next_attempt_at end`;

/**
 * Parks due syncs of a shard that stand behind an earlier one of their record: claims do not meet them any more, and
 * each goes back when it is its turn (migration 0017). Fewer than `limits.parkAtLeast` stay where they are, since to pass
 * over them costs less than to park them.
 *
 * An earlier sync of the record is locked, so that it can't end before this is committed: its end then finds what was
 * parked. It is not locked against claims.
 * @returns how many were parked
 */
export async function parkBlocked(pool: Pool, subscriptionId: string, part: DuePart): Promise<number> {
  const { rowCount } = await pool.query({
    name: `shard-park-${part}`,
    text: `with page as materialized (
             select o.id from fin_open_syncs o
             where o.subscription_id = $1 and ${partOf[part]} and o.next_attempt_at <= now() and o.claim_token is null
             order by o.next_attempt_at, o.id limit ${limits.parkAtOnce}),
           blocked as materialized (
             select o.ctid, o.id, o.voucher_id from fin_open_syncs o
             where o.id = any(array(select id from page)) and o.next_attempt_at <= now() and o.claim_token is null and not ${isHead}
             for no key update skip locked),
           earlier as materialized (
             select e.voucher_id, e.id
             from (select distinct voucher_id from blocked where (select count(*) from blocked) >= ${limits.parkAtLeast}) r
             cross join lateral (
               select e.voucher_id, e.id from fin_open_syncs e
               where e.subscription_id = $1 and e.voucher_id = r.voucher_id
               order by e.id limit 1 for key share skip locked) e)
           update fin_open_syncs o set parked_due_at = o.next_attempt_at, next_attempt_at = 'infinity'
           from blocked b join earlier e on e.voucher_id = b.voucher_id and e.id < b.id
           where o.ctid = b.ctid`,
    values: [subscriptionId],
  });
  return rowCount ?? 0;
}

/** A record in a shard. */
export interface ParkedRecord {
  readonly subscriptionId: string;
  readonly voucherId: string;
}

/**
 * Lets go what is parked though nothing stands before it: a transaction that ended a sync and was rolled back at the
 * wrong moment leaves such. Looks at the records behind a place, some at a call.
 * @returns behind which record the next call goes on; null: it begins anew
 */
export async function unparkStranded(
  pool: Pool,
  { subscriptionId, voucherId }: ParkedRecord,
): Promise<ParkedRecord | null> {
  const next = (place: string) => `
    select p.subscription_id, p.voucher_id, p.id from fin_open_syncs p
    where ${isParked('p')} and (p.subscription_id, p.voucher_id) > (${place})
    order by p.subscription_id, p.voucher_id, p.id limit 1`;
  const { rows } = await pool.query<ParkedRecord & { looked: number }>(
    `with recursive records as (
       (select n.*, 1 as number from (${next('$1::bigint, $2::bigint')}) n)
       union all
       select n.*, r.number + 1 from records r cross join lateral (${next('r.subscription_id, r.voucher_id')}) n
       where r.number < ${limits.parkedRecordsLooked}),
     released as (
       update fin_open_syncs o set next_attempt_at = coalesce(o.parked_due_at, now()), parked_due_at = null
       where o.id = any(array(select id from records)) and ${isParked('o')} and ${isHead})
     select subscription_id::text as "subscriptionId", voucher_id::text as "voucherId", number as looked
     from records order by number desc limit 1`,
    [subscriptionId, voucherId],
  );
  const [last] = rows;
  return last === undefined || last.looked < limits.parkedRecordsLooked ? null : last;
}
