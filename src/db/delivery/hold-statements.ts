import type { Pool } from 'pg';

/** Holds that lie further apart than this are not one: in between the target was not asked. Milliseconds, as SQL. */
const apart = "interval '15 minutes'";

/**
 * Holds an active subscription: its target asked for a pause. Other shards and processes read it with the settings.
 * @param perSecond requests a second after the hold, of the whole subscription; null: no pace is known
 * @returns how long the target has taken nothing between one hold and the next, milliseconds
 */
export async function holdSubscription(
  pool: Pool,
  subscriptionId: string,
  holdMs: number,
  perSecond: number | null,
): Promise<number> {
  const { rows } = await pool.query<{ ms: number }>({
    name: 'shard-hold',
    text: `update data_subscriptions
           set held_until = greatest(held_until, now() + $2 * interval '1 millisecond'), pace_per_second = coalesce($3::float8, pace_per_second),
             held_since = case when held_since > coalesce(last_success_at, '-infinity') and held_until > now() - ${apart} then held_since else now() end
           where id = $1 and state = 'active' and deleted_at is null
           returning (extract(epoch from now() - held_since) * 1000)::float8 as ms`,
    values: [subscriptionId, holdMs, perSecond],
  });
  return rows[0]?.ms ?? 0;
}
