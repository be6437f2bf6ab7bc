import type { Pool } from 'pg';

/**
 * Gives another date to some of the events that wait for a batch, as long as any has another one. Those under way,
 * due already or being tried again stay as they are.
 * @param dueAt null: now
 * @returns how many
 */
export async function redateBatch(
  pool: Pool,
  subscriptionId: string,
  dueAt: Date | null,
  limit: number,
): Promise<number> {
  // From either side towards the new date: what was given it is not passed over again at the next call.
  const side = (condition: string, order: string) => `
    select o.id from fin_open_syncs o
    where o.subscription_id = $1 and o.mode = 'batch' and o.claim_token is null and o.attempt_count = 0
      and o.next_attempt_at > now() and o.next_attempt_at < 'infinity' and ${condition}
    order by o.next_attempt_at ${order}, o.id ${order} limit $3 for update skip locked`;
  const { rowCount } = await pool.query(
    `with later as materialized (${side('o.next_attempt_at > coalesce($2::timestamptz, now())', 'desc')}),
       earlier as materialized (${side('o.next_attempt_at < $2::timestamptz', 'asc')})
     update fin_open_syncs o set next_attempt_at = coalesce($2::timestamptz, now())
     from (select id from later union all select id from earlier limit $3) r where o.id = r.id`,
    [subscriptionId, dueAt, limit],
  );
  return rowCount ?? 0;
}
