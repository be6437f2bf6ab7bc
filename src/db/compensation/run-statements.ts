import type { Pool, PoolClient } from 'pg';
import type { CompensationKind, CompensationState } from '../../core/model.ts';
import type { VoucherCriteria } from '../reading/filters.ts';
import type { SyncPosition, SyncWalk } from './walk-statements.ts';

/** A run as it is read. */
export interface CompensationRunRow {
  readonly id: string;
  readonly kind: CompensationKind;
  readonly state: CompensationState;
  /** Rows it goes through, as they were counted at its start; those done with; those of them that it changed. */
  readonly total: number;
  readonly lookedAt: number;
  readonly count: number;
  readonly errorMessage: string | null;
  readonly startedAt: Date;
  readonly completedAt: Date | null;
}

/** Holds what a run was asked for. Dates come out of the database as texts. */
export type RunCriteria =
  | { readonly walk: SyncWalk }
  | { readonly resync: { readonly subscriptionId: string; readonly vouchers: VoucherCriteria } };

/** A run that this process drives. */
export interface HeldRun {
  readonly id: string;
  readonly kind: CompensationKind;
  readonly holder: string;
  /** Says whose syncs alone it may touch; null: anyone's. */
  readonly targetSystem: string | null;
  readonly criteria: RunCriteria;
  readonly position: SyncPosition;
  readonly count: number;
}

const held = `id::text, kind, holder::text, target_system as "targetSystem", criteria, position, count::int`;

/**
 * Begins a run; forgets those that were over a month ago, and of the same system's those beyond a number.
 * @returns undefined: as many of the system's are running as may
 */
export async function insertRun(
  pool: Pool,
  run: Pick<HeldRun, 'kind' | 'holder' | 'targetSystem' | 'criteria' | 'position'> & { total: number },
  { leaseMs, atOnce, kept }: { leaseMs: number; atOnce: number; kept: number },
): Promise<HeldRun | undefined> {
  const { rows } = await pool.query<HeldRun>(
    `with old as (delete from compensation_runs where completed_at < now() - interval '30 days' or completed_at is not null
       and id <= (select o.id from compensation_runs o where o.target_system is not distinct from $3 order by o.id desc offset $9 limit 1)
       and target_system is not distinct from $3)
     insert into compensation_runs (kind, holder, target_system, criteria, position, total, lease_until)
     select $1, $2, $3, $4, $5, $6, now() + $7 * interval '1 millisecond'
     where (select count(*) from compensation_runs r where r.state = 'running' and r.target_system is not distinct from $3) < $8
     returning ${held}`,
    [
      run.kind,
      run.holder,
      run.targetSystem,
      JSON.stringify(run.criteria),
      JSON.stringify(run.position),
      run.total,
      leaseMs,
      atOnce,
      kept,
    ],
  );
  return rows[0];
}

/** Notes a part that was done, in the transaction that did it. @returns false: another process has taken the run */
export async function advanceRun(
  client: PoolClient,
  run: Pick<HeldRun, 'id' | 'holder'>,
  step: { lookedAt: number; count: number; position: SyncPosition | null; done: boolean },
  leaseMs: number,
): Promise<boolean> {
  const { rowCount } = await client.query(
    `update compensation_runs
     set looked_at = looked_at + $3, count = count + $4, position = coalesce($5, position), lease_until = now() + $7 * interval '1 millisecond',
         state = case when $6 then 'done' else state end, completed_at = case when $6 then now() end
     where id = $1 and holder = $2 and state = 'running'`,
    [
      run.id,
      run.holder,
      step.lookedAt,
      step.count,
      step.position === null ? null : JSON.stringify(step.position),
      step.done,
      leaseMs,
    ],
  );
  return rowCount === 1;
}

/** Gives a run up. */
export async function failRun(
  pool: Pool,
  run: Pick<HeldRun, 'id' | 'holder'>,
  message: string,
): Promise<void> {
  await pool.query(
    `update compensation_runs set state = 'failed', error_message = $3, completed_at = now()
     where id = $1 and holder = $2 and state = 'running'`,
    [run.id, run.holder, message],
  );
}

/** Leaves a run for another process to take at once. */
export async function leaveRun(pool: Pool, run: Pick<HeldRun, 'id' | 'holder'>): Promise<void> {
  await pool.query(`update compensation_runs set lease_until = now() where id = $1 and holder = $2`, [
    run.id,
    run.holder,
  ]);
}

/** Takes a run whose process has left it or died; undefined: there is none. */
export async function takeAbandonedRun(
  pool: Pool,
  holder: string,
  leaseMs: number,
): Promise<HeldRun | undefined> {
  const { rows } = await pool.query<HeldRun>(
    `update compensation_runs set holder = $1, lease_until = now() + $2 * interval '1 millisecond'
     where id = (select id from compensation_runs where state = 'running' and lease_until <= now() order by id limit 1 for update skip locked)
     returning ${held}`,
    [holder, leaseMs],
  );
  return rows[0];
}

/** The newest runs. @param targetSystem only those that were begun by this system; null: any */
export async function listRuns(
  pool: Pool,
  targetSystem: string | null,
  first: number,
): Promise<CompensationRunRow[]> {
  const { rows } = await pool.query<
    Omit<CompensationRunRow, 'startedAt' | 'completedAt'> & { startedAt: number; completedAt: number | null }
  >(
    `select id::text, kind, state, total::int, looked_at::int as "lookedAt", count::int, error_message as "errorMessage",
       (extract(epoch from started_at) * 1000)::float8 as "startedAt", (extract(epoch from completed_at) * 1000)::float8 as "completedAt"
     from compensation_runs where $1::text is null or target_system = $1 order by compensation_runs.id desc limit $2`,
    [targetSystem, first],
  );
  return rows.map(row => ({
    ...row,
    startedAt: new Date(row.startedAt),
    completedAt: row.completedAt === null ? null : new Date(row.completedAt),
  }));
}
