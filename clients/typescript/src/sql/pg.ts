/** Holds what is needed of pg's Pool or Client. */
export interface PgClient {
  query(
    text: string,
    values?: unknown[],
  ): Promise<{ rows: Record<string, unknown>[]; rowCount: number | null }>;
}

/** Holds what is needed of pg's Pool. */
export interface PgPool {
  connect(): Promise<PgClient & { release(error?: boolean): void }>;
}

/**
 * Runs work in a transaction of its own and commits; rolls back where it throws.
 * @throws what the work throws, or the database
 */
export async function pgTransaction<T, Client extends PgClient & { release(error?: boolean): void }>(
  pool: { connect(): Promise<Client> },
  work: (tx: Client) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  let broken = true;
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    broken = false;
    return result;
  } catch (error) {
    broken = !(await rolledBack(client));
    throw error;
  } finally {
    client.release(broken);
  }
}

/**
 * Runs statements that make tables where they are missing. One process at a time: PostgreSQL's `if not exists` fails
 * where two make the same table at once.
 */
export async function createInTurn(db: PgClient, statements: string): Promise<void> {
  // Several statements in one query are one transaction, which the lock ends with.
  await db.query(`select pg_advisory_xact_lock(hashtext('voucher hub client')); ${statements}`);
}

/** Makes room for versions beyond 32 bits in a table of an earlier version of this package. */
export function wideVersions(table: string): string {
  return `do $$ begin
      if exists (select from pg_attribute where attrelid = '${table}'::regclass and attname = 'source_version' and atttypid = 'integer'::regtype) then
        alter table ${table} alter column source_version type bigint;
      end if;
    end $$;`;
}

async function rolledBack(client: PgClient): Promise<boolean> {
  try {
    await client.query('rollback');
    return true;
  } catch {
    return false;
  }
}
