import { setImmediate as breathe } from 'node:timers/promises';
import type {
  ConsistencyEntry,
  ConsistencyFilter,
  ConsistencyNode,
  ConsistencySource,
} from '../consistency.ts';
import { entryOf } from './pg-consistency.ts';
import { rowOf, rowsOf, type SqliteDatabase } from './sqlite.ts';
import { tableNames } from './tables.ts';

/** Answers the hub's consistency checks from the records that an `Inbox` has seen take effect. */
export function sqliteConsistency(db: SqliteDatabase, options: { prefix?: string } = {}): ConsistencySource {
  return sqliteTableConsistency(db, tableNames(options.prefix).records);
}

/**
 * The same from any table with the columns of `RecordRow`. SQLite has no XOR, neither operator nor aggregate: the
 * hashes under a prefix come from the index alone, one after the other, and are put together here.
 */
export function sqliteTableConsistency(db: SqliteDatabase, table: string): ConsistencySource {
  // Two halves of 32 bits: JavaScript's numbers hold 53, and BigInts are slow to make.
  const hashes = `select (h >> 32) & 4294967295 as high, h & 4294967295 as low from ${table}`;
  const records = `select source_system, source_module, source_id, source_version, digest from ${table}`;
  return {
    async nodes(prefixes, filter) {
      const nodes: ConsistencyNode[] = [];
      for (const prefix of prefixes) {
        const { where, values } = conditions(prefix, filter);
        nodes.push(nodeOf(prefix, db.prepare(`${hashes} ${where}`).iterate(...values)));
        // These calls hold the thread: others come in between two prefixes.
        await breathe();
      }
      return nodes;
    },
    async entries(prefixes, filter, limit) {
      const entries: ConsistencyEntry[] = [];
      for (const prefix of prefixes) {
        const { where, values } = conditions(prefix, filter);
        const rows = db
          .prepare(`${records} ${where} order by k limit ?`)
          .all(...values, limit - entries.length);
        entries.push(...rowsOf(rows).map(entryOf));
      }
      return entries;
    },
  };
}

/** Only the bounds that there are: one that bounds nothing still sways SQLite to the wrong index. */
function conditions(prefix: string, { from, to }: ConsistencyFilter): { where: string; values: string[] } {
  // 'g' comes after every hex digit.
  const bounds: [string, string | null][] = [
    ['k >= ?', prefix],
    ['k < ?', `${prefix}g`],
    ['voucher_date >= ?', from],
    ['voucher_date <= ?', to],
  ];
  const set = bounds.filter(([, value]) => value !== null);
  return {
    where: `where ${set.map(([condition]) => condition).join(' and ')}`,
    values: set.map(([, value]) => value ?? ''),
  };
}

function nodeOf(prefix: string, rows: Iterable<unknown>): ConsistencyNode {
  let [count, high, low] = [0, 0, 0];
  for (const row of rows) {
    const halves = rowOf(row);
    high ^= Number(halves?.high);
    low ^= Number(halves?.low);
    count += 1;
  }
  return { prefix, count, digest: hex32(high) + hex32(low) };
}

function hex32(bits: number): string {
  // `>>> 0`: XOR gives signed numbers.
  return (bits >>> 0).toString(16).padStart(8, '0');
}
