import type { ClientBase, Pool } from 'pg';
import type { Numbers } from './numbers.ts';

type Db = Pick<ClientBase | Pool, 'query'>;

/** Which database this is, as the server itself says. */
export interface DatabaseIdentity {
  readonly server: string;
  readonly timeline: number;
  readonly database: string;
  /** Microseconds since 1970. */
  readonly startedAt: string;
}

/** The same as hubs last saw it. */
export interface KnownLineage extends DatabaseIdentity {
  /** False: the row was written by nobody here, so it came out of a dump. */
  readonly isOwn: boolean;
  /** Null: the server is none of ours, or its file system does not say. */
  readonly fileMark: string | null;
  /** Milliseconds since 1970. */
  readonly seenAt: number;
  /** Milliseconds since then, by the database's clock. */
  readonly seenMs: number;
  readonly numbers: Numbers;
  readonly versionBase: number;
}

const ms = (column: string) => `(extract(epoch from ${column}) * 1000)::float8`;

const identityColumns = `system_identifier::text as server,
  case when not pg_is_in_recovery() then ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int end as timeline,
  (select oid::text from pg_database where datname = current_database()) as database,
  (extract(epoch from pg_postmaster_start_time()) * 1000000)::bigint::text as "startedAt"`;

/** Asks the server which database this is; null: a standby, which may be promoted at any time. */
export async function readIdentity(db: Db): Promise<DatabaseIdentity | null> {
  const { rows } = await db.query<Omit<DatabaseIdentity, 'timeline'> & { timeline: number | null }>(
    `select ${identityColumns} from pg_control_system()`,
  );
  const row = rows[0];
  if (row === undefined) throw new Error('The server does not say which database it is.');
  return row.timeline === null ? null : { ...row, timeline: row.timeline };
}

/** Reads and locks what hubs last saw; null: no hub has been here. */
export async function lockLineage(client: ClientBase): Promise<KnownLineage | null> {
  const { rows } = await client.query<KnownLineage>(
    `select server, timeline, database, started_at::text as "startedAt", xmin::text::bigint = mod(written_by, 4294967296) as "isOwn",
       file_mark as "fileMark", ${ms('seen_at')} as "seenAt", ${ms('(clock_timestamp() - seen_at)')} as "seenMs",
       numbers, version_base as "versionBase"
     from database_lineage for update`,
  );
  return rows[0] ?? null;
}

/** The last number of each sequence. */
export async function readNumbers(db: Db): Promise<Numbers> {
  const { rows } = await db.query<{ numbers: Numbers | null }>(`select ${numbersSql} as numbers`);
  return rows[0]?.numbers ?? {};
}

const numbersSql = `(select jsonb_object_agg(sequencename, coalesce(last_value, 0)) from pg_sequences
  where schemaname = current_schema() and data_type = 'bigint'::regtype)`;

/** Moves sequences. It holds at once, and also where the transaction is rolled back. */
export async function moveNumbers(client: ClientBase, numbers: Numbers): Promise<void> {
  await client.query(
    `select setval(format('%I.%I', current_schema(), sequence)::regclass, last)
     from unnest($1::text[], $2::bigint[]) moved (sequence, last)`,
    [Object.keys(numbers), Object.values(numbers)],
  );
}

/** Writes what this hub sees now, with the numbers as they are now. */
export async function writeLineage(
  client: ClientBase,
  seen: DatabaseIdentity & { readonly fileMark: string | null; readonly versionBase: number },
): Promise<void> {
  await client.query(
    `insert into database_lineage (server, timeline, database, started_at, file_mark, version_base, written_by, seen_at, numbers)
     values ($1, $2, $3, $4, $5, $6, pg_current_xact_id()::text::bigint, clock_timestamp(), ${numbersSql})
     on conflict (single) do update set server = excluded.server, timeline = excluded.timeline, database = excluded.database,
       started_at = excluded.started_at, file_mark = excluded.file_mark, version_base = excluded.version_base,
       written_by = excluded.written_by, seen_at = excluded.seen_at, numbers = excluded.numbers`,
    [seen.server, seen.timeline, seen.database, seen.startedAt, seen.fileMark, seen.versionBase],
  );
}

/** Holds what a beat finds. */
export interface Beat {
  readonly isOwn: boolean;
  readonly numbers: Numbers;
  readonly versionBase: number;
}

/**
 * Notes how far the numbers are, where nobody has for `everyMs`. What it gives is on disk: numbers that are seen lower
 * later on belong to an older database. Null: the row is gone.
 */
export async function noteNumbers(pool: Pool, everyMs: number): Promise<Beat | null> {
  const before = await pool.query<Beat>(
    `select xmin::text::bigint = mod(written_by, 4294967296) as "isOwn", numbers, version_base as "versionBase" from database_lineage`,
  );
  const known = before.rows[0];
  if (known === undefined || !known.isOwn) return known ?? null;
  const { rows } = await pool.query<{ numbers: Numbers }>(
    `update database_lineage set seen_at = clock_timestamp(), numbers = ${numbersSql}, written_by = pg_current_xact_id()::text::bigint
     where seen_at < clock_timestamp() - make_interval(secs => $1::float8 / 1000) or seen_at > clock_timestamp()
     returning numbers`,
    [everyMs],
  );
  return rows[0] === undefined ? known : { ...known, numbers: rows[0].numbers };
}

/** What processes keep in memory of subscriptions and event types is of the database that was. */
export async function forgetCachedVersions(client: ClientBase, by: number): Promise<void> {
  await client.query('update hub_state set version = version + $1', [by]);
}
