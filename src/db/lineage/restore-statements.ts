import type { ClientBase, Pool } from 'pg';

/** A restore, as it was noticed. */
export interface DatabaseRestoreRow {
  /** All times are milliseconds since 1970. */
  readonly noticedAt: number;
  /** What was recorded from then until it was noticed may be missing. */
  readonly seenAt: number;
  readonly reason: string;
  /** Null: it still has to be looked at. */
  readonly settledAt: number | null;
}

const ms = (column: string) => `(extract(epoch from ${column}) * 1000)::float8`;

const restoreColumns = `${ms('noticed_at')} as "noticedAt", ${ms('seen_at')} as "seenAt", reason, ${ms('settled_at')} as "settledAt"`;

/** Writes down a restore. @param seenAt milliseconds since 1970: what was recorded since may be missing */
export async function insertRestore(client: ClientBase, seenAt: number, reason: string): Promise<void> {
  await client.query(
    `insert into database_restores (noticed_at, seen_at, reason) values (clock_timestamp(), least(to_timestamp($1::float8 / 1000), clock_timestamp()), $2)`,
    [seenAt, reason],
  );
}

/** Restores, the latest first. */
export async function readRestores(pool: Pool, most: number): Promise<DatabaseRestoreRow[]> {
  const { rows } = await pool.query<DatabaseRestoreRow>(
    `select ${restoreColumns} from database_restores order by noticed_at desc limit $1`,
    [most],
  );
  return rows;
}

/** Settles all restores that still have to be looked at. */
export async function settleRestores(pool: Pool): Promise<DatabaseRestoreRow[]> {
  const { rows } = await pool.query<DatabaseRestoreRow>(
    `update database_restores set settled_at = now() where settled_at is null returning ${restoreColumns}`,
  );
  return rows;
}

/** Restores that nobody has settled, of those that were noticed since a time, milliseconds since 1970. */
export async function openRestores(pool: Pool, since: number): Promise<DatabaseRestoreRow[]> {
  const { rows } = await pool.query<DatabaseRestoreRow>(
    `select ${restoreColumns} from database_restores
     where settled_at is null and noticed_at > to_timestamp($1::float8 / 1000) order by noticed_at desc`,
    [since],
  );
  return rows;
}
