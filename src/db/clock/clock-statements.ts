import type { Pool } from 'pg';
import { limits } from '../../core/limits.ts';

/** A process whose clock is not the database's. */
export interface ClockOff {
  readonly host: string;
  /** Negative: it is behind. */
  readonly aheadMs: number;
}

/** Gives what the database's clock says, milliseconds since 1970. */
export async function readDatabaseTime(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ ms: number }>(
    'select extract(epoch from clock_timestamp())::float8 * 1000 as ms',
  );
  const [row] = rows;
  if (row === undefined) throw new Error('The database gave no time.');
  return row.ms;
}

/** Writes how far a process's clock is off; what processes that are gone left behind goes. */
export async function writeClock(
  pool: Pool,
  { node, host, aheadMs }: ClockOff & { readonly node: string },
): Promise<void> {
  await pool.query(
    `with gone as (delete from hub_clocks where measured_at < now() - interval '1 hour' and node <> $1)
     insert into hub_clocks (node, host, ahead_ms) values ($1, $2, $3)
     on conflict (node) do update set ahead_ms = excluded.ahead_ms, measured_at = clock_timestamp()`,
    [node, host, aheadMs],
  );
}

/** The process keeps time again. */
export async function deleteClock(pool: Pool, node: string): Promise<void> {
  await pool.query('delete from hub_clocks where node = $1', [node]);
}

/** The clocks of processes that were heard of lately, the farthest off first. */
export async function clocksOff(pool: Pick<Pool, 'query'>): Promise<ClockOff[]> {
  const { rows } = await pool.query<ClockOff>(
    `select host, ahead_ms as "aheadMs" from hub_clocks
     where measured_at > now() - $1 * interval '1 millisecond'
     order by abs(ahead_ms) desc, host limit 20`,
    [limits.clockKnownMs],
  );
  return rows;
}
