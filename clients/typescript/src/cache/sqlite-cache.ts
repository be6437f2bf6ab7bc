import { recordHash, signedHash } from '../digest.ts';
import { rowOf, rowsOf, type SqliteDatabase, type SqliteValue } from '../sql/sqlite.ts';
import { sqliteTableConsistency } from '../sql/sqlite-consistency.ts';
import { recordColumns, recordRow, recordValues, tableNames } from '../sql/tables.ts';
import { type CachedVoucher, type CacheStore, heldOf } from './cache-store.ts';

/** Copies on SQLite, by `node:sqlite` or `better-sqlite3`. @param options.prefix of the table's name; default `hub_` */
export function sqliteCache(db: SqliteDatabase, options: { prefix?: string } = {}): CacheStore {
  const table = tableNames(options.prefix).cache;
  const columns = 'k, source_version, digest, voucher, data';
  const changes = (sql: string, values: SqliteValue[]) => Number(db.prepare(sql).run(...values).changes);
  return {
    ...sqliteTableConsistency(db, table),
    async createTables() {
      db.exec(createTable(table));
    },
    async read(k) {
      const row = rowOf(db.prepare(`select ${columns} from ${table} where k = ?`).get(k));
      return row === null ? null : heldOf(row);
    },
    async put(copy, force) {
      if (changes(putSql(table), [...valuesOf(copy), force ? 1 : 0]) === 1) return 'applied';
      const held = await this.read(recordRow(copy.voucher).k);
      return held !== null && held.source_version > copy.voucher.source_version ? 'stale' : 'duplicate';
    },
    async replace(copy, held) {
      const { k, source_version, digest, voucher_date, h } = recordRow(copy.voucher);
      return (
        changes(
          `update ${table} set source_version = ?, digest = ?, voucher_date = ?, h = ?, voucher = ?, data = ?
           where k = ? and source_version = ? and digest = ?`,
          [source_version, digest, voucher_date, h, ...jsonOf(copy), k, held.source_version, held.digest],
        ) === 1
      );
    },
    async setDigest(held, digest) {
      const h = signedHash(recordHash(held.k, held.source_version, digest));
      const sql = `update ${table} set digest = ?, h = ? where k = ? and source_version = ? and digest = ?`;
      return changes(sql, [digest, h, held.k, held.source_version, held.digest]) === 1;
    },
    async page(afterK, limit) {
      const sql = `select ${columns} from ${table} where k > ? order by k limit ?`;
      return rowsOf(db.prepare(sql).all(afterK, limit)).map(heldOf);
    },
  };
}

function createTable(table: string): string {
  return `
    create table if not exists ${table} (
      k text not null primary key,
      source_system text not null,
      source_module text not null,
      source_id text not null,
      source_version integer not null,
      digest text not null,
      voucher_date text not null,
      h integer not null,
      voucher text not null,
      data text not null
    );
    create index if not exists ${table}_k on ${table} (k, voucher_date, h);
    create index if not exists ${table}_voucher_date on ${table} (voucher_date, k, h);`;
}

function putSql(table: string): string {
  return `
    insert into ${table} as held (${recordColumns}, voucher, data) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    on conflict (k) do update set source_version = excluded.source_version, digest = excluded.digest,
      voucher_date = excluded.voucher_date, h = excluded.h, voucher = excluded.voucher, data = excluded.data
    where held.source_version < excluded.source_version
      or (held.source_version = excluded.source_version and (held.digest <> excluded.digest or ?))`;
}

function valuesOf(copy: CachedVoucher): SqliteValue[] {
  return [...recordValues(recordRow(copy.voucher)), ...jsonOf(copy)];
}

function jsonOf({ voucher, data }: CachedVoucher): [string, string] {
  return [JSON.stringify(voucher), JSON.stringify(data)];
}
