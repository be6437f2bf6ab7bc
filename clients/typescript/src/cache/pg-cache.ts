import { recordHash, signedHash } from '../digest.ts';
import type { PgClient } from '../sql/pg.ts';
import { pgTableConsistency } from '../sql/pg-consistency.ts';
import { recordColumns, recordRow, recordValues, tableNames } from '../sql/tables.ts';
import { type CachedVoucher, type CacheStore, heldOf } from './cache-store.ts';

/** Copies on PostgreSQL 14 or later. @param db pg's Pool @param options.prefix of the table's name; default `hub_` */
export function pgCache(db: PgClient, options: { prefix?: string } = {}): CacheStore {
  const table = tableNames(options.prefix).cache;
  // As text, whatever the pool's own parsers make of jsonb.
  const columns = 'k, source_version, digest, voucher::text as voucher, data::text as data';
  return {
    ...pgTableConsistency(db, table),
    async createTables() {
      await db.query(createTable(table));
    },
    async read(k) {
      const { rows } = await db.query(`select ${columns} from ${table} where k = $1`, [k]);
      return rows[0] === undefined ? null : heldOf(rows[0]);
    },
    async put(copy, force) {
      const { rowCount } = await db.query(putSql(table), [...valuesOf(copy), force]);
      if (rowCount === 1) return 'applied';
      const held = await this.read(recordRow(copy.voucher).k);
      return held !== null && held.source_version > copy.voucher.source_version ? 'stale' : 'duplicate';
    },
    async replace(copy, held) {
      const { k, source_version, digest, voucher_date, h } = recordRow(copy.voucher);
      const { rowCount } = await db.query(
        `update ${table} set source_version = $1, digest = $2, voucher_date = $3, h = $4, voucher = $5, data = $6
         where k = $7 and source_version = $8 and digest = $9`,
        [
          source_version,
          digest,
          voucher_date,
          String(h),
          ...jsonOf(copy),
          k,
          held.source_version,
          held.digest,
        ],
      );
      return rowCount === 1;
    },
    async setDigest(held, digest) {
      const h = signedHash(recordHash(held.k, held.source_version, digest));
      const { rowCount } = await db.query(
        `update ${table} set digest = $2, h = $3 where k = $1 and source_version = $4 and digest = $5`,
        [held.k, digest, String(h), held.source_version, held.digest],
      );
      return rowCount === 1;
    },
    async page(afterK, limit) {
      const { rows } = await db.query(`select ${columns} from ${table} where k > $1 order by k limit $2`, [
        afterK,
        limit,
      ]);
      return rows.map(heldOf);
    },
  };
}

function createTable(table: string): string {
  return `
    create table if not exists ${table} (
      k text collate "C" not null,
      source_system text not null,
      source_module text not null,
      source_id text not null,
      source_version integer not null,
      digest text not null,
      voucher_date date not null,
      h bigint not null,
      voucher jsonb not null,
      data jsonb not null,
      primary key (k) include (voucher_date, h)
    );
    create index if not exists ${table}_voucher_date on ${table} (voucher_date, k, h);`;
}

function putSql(table: string): string {
  return `
    insert into ${table} as held (${recordColumns}, voucher, data)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
    on conflict (k) do update set source_version = excluded.source_version, digest = excluded.digest,
      voucher_date = excluded.voucher_date, h = excluded.h, voucher = excluded.voucher, data = excluded.data
    where held.source_version < excluded.source_version
      or (held.source_version = excluded.source_version and (held.digest <> excluded.digest or $11::boolean))`;
}

function valuesOf(copy: CachedVoucher): unknown[] {
  return [...recordValues(recordRow(copy.voucher)).map(String), ...jsonOf(copy)];
}

/** JSON as text: the driver would make arrays of PostgreSQL out of lists. */
function jsonOf({ voucher, data }: CachedVoucher): [string, string] {
  return [JSON.stringify(voucher), JSON.stringify(data)];
}
