/** Holds what SQLite's parameters may be. */
export type SqliteValue = string | number | bigint | null;

/** Holds what is needed of a database handle of `node:sqlite` or of `better-sqlite3`. */
export interface SqliteDatabase {
  exec(sql: string): unknown;
  prepare(sql: string): SqliteStatement;
}

/** Holds what is needed of a prepared statement of either. */
export interface SqliteStatement {
  run(...values: SqliteValue[]): { changes: number | bigint };
  get(...values: SqliteValue[]): unknown;
  all(...values: SqliteValue[]): unknown[];
  iterate(...values: SqliteValue[]): Iterable<unknown>;
}

/** The end of each handle's queue of transactions. */
const queues = new WeakMap<SqliteDatabase, Promise<void>>();

/**
 * Runs work in a transaction and commits; rolls back where it throws. A handle has one transaction at a time, so
 * others on the same handle wait for their turn (do not start one within another).
 * @throws what the work throws, or the database
 */
export function sqliteTransaction<T, Db extends SqliteDatabase>(
  db: Db,
  work: (tx: Db) => T | Promise<T>,
): Promise<T> {
  const before = queues.get(db) ?? Promise.resolve();
  const result = before.then(() => transact(db, work));
  queues.set(
    db,
    result.then(
      () => {},
      () => {},
    ),
  );
  return result;
}

async function transact<T, Db extends SqliteDatabase>(db: Db, work: (tx: Db) => T | Promise<T>): Promise<T> {
  // Immediate: two processes that both read first and write then would fail instead of wait.
  db.exec('begin immediate');
  try {
    const result = await work(db);
    db.exec('commit');
    return result;
  } catch (error) {
    rollBack(db);
    throw error;
  }
}

function rollBack(db: SqliteDatabase): void {
  try {
    db.exec('rollback');
  } catch {
    // SQLite has rolled back by itself (a full disk, say).
  }
}

/** A row of either driver, which type them differently. */
export function rowOf(row: unknown): Record<string, unknown> | null {
  return typeof row === 'object' && row !== null ? { ...row } : null;
}

/** Every row as a plain object. */
export function rowsOf(rows: Iterable<unknown>): Record<string, unknown>[] {
  return Array.from(rows, row => rowOf(row) ?? {});
}
