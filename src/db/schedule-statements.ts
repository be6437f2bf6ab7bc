import type { Pool } from 'pg';

/** A run of a schedule, named by the instant at which it was due: so processes whose clocks differ mean the same. */
export interface RunKey {
  readonly name: string;
  readonly due: Date;
  /** Fences: only its holder may renew and end the run. */
  readonly holder: string;
}

/** Holds what became of trying to take a run. */
export interface RunTaken {
  readonly taken: boolean;
  /** The last run that is over, by when it was due: milliseconds since 1970. */
  readonly done: number;
  /** The last run that was begun; later than `done`: it is under way, or its process died. */
  readonly begun: number;
}

/** Makes a schedule known. @param done the run that counts as its last one */
export async function insertSchedule(pool: Pool, name: string, done: Date): Promise<void> {
  await pool.query(
    'insert into schedules (name, begun, done) values ($1, $2, $2) on conflict (name) do nothing',
    [name, done],
  );
}

/**
 * Takes a run, if it is neither over nor under the lease of another. Undefined: the schedule is not known.
 * @param times.aheadMs a later run that is over and is so far ahead does not count; null: any counts
 */
export async function takeRun(
  pool: Pool,
  run: RunKey,
  times: { leaseMs: number; aheadMs: number | null },
): Promise<RunTaken | undefined> {
  const { rows } = await pool.query<RunTaken>({
    name: 'schedule-take',
    text: `with taken as (
             update schedules set begun = $2, holder = $3, lease_until = now() + $4 * interval '1 millisecond'
             where name = $1 and lease_until <= now()
               and (done < $2 or done > $2::timestamptz + $5::float8 * interval '1 millisecond') returning name)
           select exists (select 1 from taken) as taken, (extract(epoch from done) * 1000)::float8 as done,
             (extract(epoch from begun) * 1000)::float8 as begun
           from schedules where name = $1`,
    values: [run.name, run.due, run.holder, times.leaseMs, times.aheadMs],
  });
  return rows[0];
}

/** Prolongs a run's lease. @returns false: it ran out, and the run is another's */
export async function renewRun(pool: Pool, run: RunKey, leaseMs: number): Promise<boolean> {
  const { rowCount } = await pool.query({
    name: 'schedule-renew',
    text: `update schedules set lease_until = now() + $3 * interval '1 millisecond' where name = $1 and holder = $2`,
    values: [run.name, run.holder, leaseMs],
  });
  return rowCount === 1;
}

/** Notes that a run is over, and how. @param missed runs that were due since the one before and never begun */
export async function endRun(
  pool: Pool,
  run: RunKey,
  { missed, error }: { missed: number; error: string | null },
): Promise<void> {
  await pool.query({
    name: 'schedule-end',
    text: `update schedules
           set done = begun, holder = null, lease_until = '-infinity', ended_at = now(), missed = missed + $3, error = $4
           where name = $1 and holder = $2`,
    values: [run.name, run.holder, missed, error],
  });
}

/** Gives a run back that was cut off: another scheduler begins it anew at once. */
export async function giveRunBack(pool: Pool, run: RunKey): Promise<void> {
  await pool.query(
    `update schedules set holder = null, lease_until = '-infinity' where name = $1 and holder = $2`,
    [run.name, run.holder],
  );
}
