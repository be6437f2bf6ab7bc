import type { ConsistencyEntry, ConsistencySource } from '../consistency.ts';
import type { PgClient } from './pg.ts';
import { tableNames } from './tables.ts';

/** Answers the hub's consistency checks from the records that an `Inbox` has seen take effect. */
export function pgConsistency(db: PgClient, options: { prefix?: string } = {}): ConsistencySource {
  return pgTableConsistency(db, tableNames(options.prefix).records);
}

/** The same from any table with the columns of `RecordRow`. One statement a question, on the index of `k`. */
export function pgTableConsistency(db: PgClient, table: string): ConsistencySource {
  // In the C collation 'g' comes after every hex digit: from p to p || 'g' is all that begins with p.
  const held = `${table} r on r.k >= p.prefix collate "C" and r.k < (p.prefix || 'g') collate "C"
      and r.voucher_date >= coalesce($2::date, '-infinity') and r.voucher_date <= coalesce($3::date, 'infinity')`;
  return {
    async nodes(prefixes, { from, to }) {
      const { rows } = await db.query(
        `select p.prefix, count(r.k)::integer as count, lpad(to_hex(coalesce(bit_xor(r.h), 0)), 16, '0') as digest
         from unnest($1::text[]) with ordinality as p (prefix, place) left join ${held}
         group by p.place, p.prefix order by p.place`,
        [prefixes, from, to],
      );
      return rows.map(({ prefix, count, digest }) => ({
        prefix: String(prefix),
        count: Number(count),
        digest: String(digest),
      }));
    },
    async entries(prefixes, { from, to }, limit) {
      const { rows } = await db.query(
        `select r.source_system, r.source_module, r.source_id, r.source_version, r.digest
         from unnest($1::text[]) as p (prefix) join ${held} order by r.k limit $4`,
        [prefixes, from, to, limit],
      );
      return rows.map(entryOf);
    },
  };
}

/** A row as an entry, whatever the driver makes of its columns. */
export function entryOf(row: Record<string, unknown>): ConsistencyEntry {
  return {
    source_system: String(row.source_system),
    source_module: String(row.source_module),
    source_id: String(row.source_id),
    source_version: Number(row.source_version),
    digest: String(row.digest),
  };
}
