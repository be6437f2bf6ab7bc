import { rowOf, type SqliteDatabase } from '../sql/sqlite.ts';
import { recordColumns, recordValues, tableNames } from '../sql/tables.ts';
import type { InboxStore } from './inbox.ts';

/** The inbox on SQLite, by `node:sqlite` or `better-sqlite3`. @param options.prefix of the tables' names; default `hub_` */
export function sqliteInbox(options: { prefix?: string } = {}): InboxStore<SqliteDatabase> {
  const { inbox, records } = tableNames(options.prefix);
  const createTables = createSql(inbox, records);
  return {
    createTables,
    async createTablesIn(tx) {
      tx.exec(createTables);
      const hasHash = tx.prepare('select 1 from pragma_table_info(?) where name = ?').get(inbox, 'h');
      // A table of a version that did not keep it.
      if (rowOf(hasHash) === null) tx.exec(`alter table ${inbox} add column h integer`);
    },
    async claim(tx, syncId, row, force) {
      const news = tx
        .prepare(`insert into ${inbox} (sync_id, h) values (?, ?) on conflict do nothing`)
        .run(syncId, row.h);
      if (Number(news.changes) > 0) {
        const { changes } = tx.prepare(claimSql(records)).run(...recordValues(row), force ? 1 : 0);
        if (Number(changes) > 0) return 'applied';
      }
      // Compared by the database: a handle may give a number of 64 bits as it can't be held.
      const known = rowOf(
        tx.prepare(`select h is null or h = ? as same from ${inbox} where sync_id = ?`).get(row.h, syncId),
      );
      if (Number(known?.same) === 0) return 'reused';
      const held = rowOf(tx.prepare(`select source_version from ${records} where k = ?`).get(row.k));
      return Number(held?.source_version) > row.source_version ? 'stale' : 'duplicate';
    },
    async prune(tx, olderThanDays, limit) {
      const { changes } = tx
        .prepare(
          `delete from ${inbox} where sync_id in (select sync_id from ${inbox}
             where received_at < datetime('now', ?) order by received_at limit ?)`,
        )
        .run(`-${olderThanDays} days`, limit);
      return Number(changes);
    },
  };
}

function claimSql(records: string): string {
  return `
    insert into ${records} as held (${recordColumns}) values (?, ?, ?, ?, ?, ?, ?, ?)
    on conflict (k) do update set source_version = excluded.source_version, digest = excluded.digest,
      voucher_date = excluded.voucher_date, h = excluded.h
    where held.source_version < excluded.source_version
      or (held.source_version = excluded.source_version and (held.digest <> excluded.digest or ?))`;
}

function createSql(inbox: string, records: string): string {
  return `
    create table if not exists ${inbox} (
      sync_id integer primary key,
      received_at text not null default current_timestamp,
      h integer
    );
    create index if not exists ${inbox}_received_at on ${inbox} (received_at);
    create table if not exists ${records} (
      k text not null primary key,
      source_system text not null,
      source_module text not null,
      source_id text not null,
      source_version integer not null,
      digest text not null,
      voucher_date text not null,
      h integer not null
    );
    create index if not exists ${records}_k on ${records} (k, voucher_date, h);
    create index if not exists ${records}_voucher_date on ${records} (voucher_date, k, h);`;
}
