import { recordHash, signedHash } from '../digest.ts';
import { createInTurn, type PgClient, wideVersions } from '../sql/pg.ts';
import { pgTableConsistency } from '../sql/pg-consistency.ts';
import { recordColumns, recordRow, recordValues, tableNames } from '../sql/tables.ts';
import { type CachedVoucher, type CacheStore, heldOf } from './cache-store.ts';

/** Copies on PostgreSQL 14 or later. @param db pg's Pool @param options.prefix of the table's name; default `hub_` */
export function pgCache(db: PgClient, options: { prefix?: string } = {}): CacheStore {
  const table = tableNames(options.prefix).cache;
  // As text, whatever the pool's own parsers make of jsonb.
  // A bigint would come as a text; a float8 holds every version exactly.
  const columns =
    'k, source_version::float8 as source_version, digest, voucher::text as voucher, data::text as data';
  const rows = async (sql: string, values: unknown[]) => (await db.query(sql, values)).rows;
  const changes = async (sql: string, values: unknown[]) => (await db.query(sql, values)).rowCount ?? 0;
  return {
    ...pgTableConsistency(db, table),
    createTables: () => createInTurn(db, createTable(table)),
    async read(k) {
      const [row] = await rows(`select ${columns} from ${table} where k = $1`, [k]);
      return row === undefined ? null : heldOf(row);
    },
    async put(copy, force) {
      if ((await changes(putSql(table), [...valuesOf(copy), force])) === 1) return 'applied';
      const held = await this.read(recordRow(copy.voucher).k);
      return held !== null && held.source_version > copy.voucher.source_version ? 'stale' : 'duplicate';
    },
    async replace(copy, held) {
      const sql = `update ${table} set (${recordColumns}, voucher, data) = ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        where k = $1 and source_version = $11 and digest = $12`;
      return (await changes(sql, [...valuesOf(copy), held.source_version, held.digest])) === 1;
    },
    async setDigest(held, digest) {
      const h = String(signedHash(recordHash(held.k, held.source_version, digest)));
      const sql = `update ${table} set digest = $2, h = $3 where k = $1 and source_version = $4 and digest = $5`;
      return (await changes(sql, [held.k, digest, h, held.source_version, held.digest])) === 1;
    },
    async page(afterK, limit) {
      const sql = `select ${columns} from ${table} where k > $1 order by k limit $2`;
      return (await rows(sql, [afterK, limit])).map(heldOf);
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
      source_version bigint not null,
      digest text not null,
      voucher_date date not null,
      h bigint not null,
      voucher jsonb not null,
      data jsonb not null,
      primary key (k) include (voucher_date, h)
    );
    ${wideVersions(table)}
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
