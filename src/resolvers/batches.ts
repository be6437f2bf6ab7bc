import DataLoader from 'dataloader';
import { limits } from '../core/limits.ts';
import type { JsonObject } from '../core/model.ts';
import type { Database } from '../db/database.ts';
import type { DataRow } from '../db/reading/read-statements.ts';
import type { OperationBudget } from './operation-budget.ts';
import type { Reading } from './reading.ts';

/** A unit of work of the ORM. */
type Manager = ReturnType<Database['fork']>;

/** A loader whose batches are of bounded size. */
export function batch<T>(load: (ids: readonly string[]) => Promise<(T | Error)[]>): DataLoader<string, T> {
  return new DataLoader(load, { maxBatchSize: limits.loaderBatch });
}

/** Units of work of one operation, one a database. */
export function rowsById(reading: Reading) {
  const managers = new Map<Database, Manager>();
  const managerOf = (db: Database) => {
    const em = managers.get(db) ?? db.fork();
    managers.set(db, em);
    return em;
  };
  const managed = <T>(work: (em: Manager) => Promise<T>) => reading.follow(db => work(managerOf(db)));
  /** Rows by id; those that the replica does not have yet, from the primary. */
  const byId = <T extends { id: string }>(find: (em: Manager, ids: string[]) => Promise<T[]>) =>
    batch(async (ids: readonly string[]) => {
      const found = new Map((await managed(em => find(em, [...ids]))).map(row => [row.id, row]));
      const missing = ids.filter(id => !found.has(id));
      if (missing.length > 0 && reading.current !== reading.primary)
        for (const row of await find(managerOf(reading.primary), missing)) found.set(row.id, row);
      return ids.map(id => found.get(id) ?? gone(id));
    });
  return { managed, byId };
}

/**
 * Business data by id, no more of it than the operation's budget has room for. One statement at a time: each may read all
 * that is left.
 */
export function dataBatch(
  reading: Reading,
  budget: OperationBudget,
  read: (pool: Database['pool'], ids: readonly string[], bytes: number) => Promise<DataRow[]>,
): DataLoader<string, JsonObject> {
  const load = async (ids: readonly string[]): Promise<(JsonObject | Error)[]> => {
    const rows = await reading.follow(db => read(db.pool, ids, budget.dataLeft));
    const known = new Set(rows.map(row => row.id));
    const missing = ids.filter(id => !known.has(id));
    if (missing.length > 0 && reading.current !== reading.primary)
      rows.push(...(await read(reading.primary.pool, missing, budget.dataLeft)));
    budget.takeData(rows.reduce((sum, { bytes }) => sum + bytes, 0));
    const found = new Map(rows.map(row => [row.id, row.data]));
    return ids.map(id => found.get(id) ?? gone(id));
  };
  let last: Promise<unknown> = Promise.resolve();
  return batch(ids => {
    const loaded = last.then(() => load(ids));
    last = loaded.catch(() => {});
    return loaded;
  });
}

function gone(id: string): Error {
  return new Error(`Row ${id} is gone.`);
}
