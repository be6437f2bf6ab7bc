import type { PoolClient } from 'pg';
import { hubLocks } from '../lock-numbers.ts';

/** Partitions are made for this many months to come: so long may all schedulers be away. */
const monthsAhead = 3;

/** Taking out what is kept reads the month through, which may have tens of millions of rows. Milliseconds. */
const keepMs = 3_600_000;

const day = 24 * 3_600_000;

/** The tables that are kept by the month (UTC); their partitions are `<table>_<year>_<month>`. */
const monthlyTables = ['fin_over_syncs', 'fin_data_sync_attempts'] as const;

/** A month of a table. */
export interface Partition {
  readonly table: (typeof monthlyTables)[number];
  readonly name: string;
  /** The month's first instant and the next one's. */
  readonly from: Date;
  readonly to: Date;
}

/**
 * Makes the partitions that are missing for the month before, this one and the next three, by the database's
 * clock, which is the one that rows go by (the month before is there for one that is set back), and by another.
 * @param now the other clock's; left out: none
 * @returns the names of those that were made
 */
export async function makePartitions(client: PoolClient, now?: Date): Promise<string[]> {
  if ((await missingPartitions(client, now)).length === 0) return [];
  await client.query('select pg_advisory_xact_lock($1)', [hubLocks.partitions]);
  const missing = await missingPartitions(client, now);
  for (const { table, name, from, to } of missing) {
    // Attached rather than created as a partition: that would wait for all who use the table, and hold up the others.
    await client.query(
      `create table ${name} (like ${table} including defaults including constraints);
       alter table ${table} attach partition ${name} for values from ('${from.toISOString()}') to ('${to.toISOString()}')`,
    );
  }
  return missing.map(({ name }) => name);
}

/**
 * The partitions whose month was over `days` days ago, the oldest first; by the database's clock as well, so that a
 * process whose clock is wrong drops nothing that is young.
 */
export async function expiredPartitions(client: PoolClient, now: Date, days: number): Promise<Partition[]> {
  const { at, names } = await readPartitions(client);
  const before = Math.min(at.getTime(), now.getTime()) - days * day;
  return [...names]
    .flatMap(name => partitionNamed(name) ?? [])
    .filter(({ to }) => to.getTime() <= before)
    .sort((a, b) => a.from.getTime() - b.from.getTime());
}

/**
 * Drops a partition; attempts of syncs that are not over are kept. Gives up (`lock_not_available`) where the table
 * is not free within `lockTimeoutMs`, since what comes after it waits behind it. In a transaction of its own.
 * @returns how many rows were kept; null: another process has dropped it meanwhile
 */
export async function dropPartition(
  client: PoolClient,
  { table, name }: Partition,
  lockTimeoutMs: number,
): Promise<number | null> {
  await client.query(`set local statement_timeout = ${keepMs}`);
  await client.query('select pg_advisory_xact_lock($1)', [hubLocks.partitions]);
  const { names } = await readPartitions(client);
  if (!names.has(name)) return null;
  await client.query(`set local lock_timeout = ${lockTimeoutMs}`);
  const kept = table === 'fin_data_sync_attempts' ? await keepUnfinished(client, name) : 0;
  await client.query(`drop table ${name}`);
  await client.query('insert into dropped_months (name) values ($1) on conflict do nothing', [name]);
  return kept;
}

/** Deletes attempts that had been kept beyond their month, where their sync is over by now. @returns how many */
export async function forgetKeptAttempts(client: PoolClient): Promise<number> {
  const { rowCount } = await client.query(
    `delete from fin_kept_attempts a
     where not exists (select 1 from fin_open_syncs o where o.id = a.sync_id)
       and not exists (select 1 from fin_failed_syncs f where f.id = a.sync_id)`,
  );
  return rowCount ?? 0;
}

const attemptColumns =
  'id, subscription_id, sync_id, number, transport, started_at, duration_ms, status_code, error_code, error_message, response_excerpt, body_digest, receipt, receipt_valid';

async function keepUnfinished(client: PoolClient, name: string): Promise<number> {
  const copy = {
    text: `insert into fin_data_sync_attempts (${attemptColumns}, logged_at)
           select ${attemptColumns}, '-infinity' from ${name}
           where sync_id in (select id from fin_open_syncs union all select id from fin_failed_syncs)`,
    query_timeout: keepMs,
  };
  const { rowCount } = await client.query(copy);
  return rowCount ?? 0;
}

async function missingPartitions(client: PoolClient, now: Date | undefined): Promise<Partition[]> {
  const { at, names } = await readPartitions(client);
  const wanted = [at, now ?? at].flatMap(monthsAround).filter(({ name }) => !names.has(name));
  return [...new Map(wanted.map(partition => [partition.name, partition])).values()];
}

async function readPartitions(client: PoolClient): Promise<{ at: Date; names: Set<string> }> {
  const { rows } = await client.query<{ ms: number; names: string[] }>(
    `select (extract(epoch from now()) * 1000)::float8 as ms, coalesce(array_agg(relname::text) filter (where relname is not null), '{}') as names
     from unnest($1::text[]) t (name) join pg_inherits on inhparent = t.name::regclass join pg_class on pg_class.oid = inhrelid`,
    [monthlyTables],
  );
  return { at: new Date(rows[0]?.ms ?? 0), names: new Set(rows[0]?.names) };
}

function monthsAround(instant: Date): Partition[] {
  const months = Array.from({ length: monthsAhead + 2 }, (_, n) => n - 1);
  return monthlyTables.flatMap(table =>
    months.map(n => partitionOf(table, instant.getUTCFullYear(), instant.getUTCMonth() + n)),
  );
}

/** @param month from 0; beyond 11 it is in a year after */
function partitionOf(table: Partition['table'], year: number, month: number): Partition {
  const from = new Date(Date.UTC(year, month));
  const name = `${table}_${from.toISOString().slice(0, 7).replace('-', '_')}`;
  return { table, name, from, to: new Date(Date.UTC(year, month + 1)) };
}

/** Null for what holds no month. */
function partitionNamed(name: string): Partition | null {
  const table = monthlyTables.find(one => name.startsWith(one));
  const [, year, month] = /_(\d{4})_(\d{2})$/.exec(name) ?? [];
  if (table === undefined || year === undefined || month === undefined) return null;
  return partitionOf(table, Number(year), Number(month) - 1);
}
