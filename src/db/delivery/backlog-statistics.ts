import type { Pool } from 'pg';

/** Rows below which it does not matter how claims are planned. */
const fewRows = 1_000;
/** Sets how many times as many rows as the planner knows of are too many. */
const growth = 5;

/**
 * Analyzes the open syncs where they have outgrown what the planner knows of them. A claim that was planned while there
 * were none reads the whole backlog each time, and autovacuum looks only once a minute. One that is at it already is
 * not waited for.
 * @returns whether it did
 */
export async function analyzeGrownBacklog(pool: Pool): Promise<boolean> {
  const { rows } = await pool.query<{ grown: boolean }>({
    name: 'backlog-grown',
    text: `select s.n_live_tup > ${fewRows} and s.n_live_tup > ${growth} * greatest(c.reltuples, 0) as grown
           from pg_class c join pg_stat_user_tables s on s.relid = c.oid where c.oid = 'fin_open_syncs'::regclass`,
  });
  if (rows[0]?.grown !== true) return false;
  await pool.query('analyze (skip_locked) fin_open_syncs');
  return true;
}
