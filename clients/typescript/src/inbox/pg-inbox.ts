import { createInTurn, type PgClient, wideVersions } from '../sql/pg.ts';
import { recordColumns, recordValues, tableNames } from '../sql/tables.ts';
import type { InboxStore } from './inbox.ts';

/** The inbox on PostgreSQL 14 or later. @param options.prefix of the tables' names; default `hub_` */
export function pgInbox(options: { prefix?: string } = {}): InboxStore<PgClient> {
  const { inbox, records } = tableNames(options.prefix);
  const createTables = createSql(inbox, records);
  return {
    createTables,
    createTablesIn: tx => createInTurn(tx, createTables),
    async claim(tx, syncId, row, force) {
      const values = [syncId, ...recordValues(row).map(String), force];
      const { rowCount } = await tx.query(claimSql(inbox, records), values);
      if (rowCount === 1) return 'applied';
      const { rows } = await tx.query(
        `select i.h is null or i.h = $2 as same, r.source_version from ${inbox} i left join ${records} r on r.k = $3
         where i.sync_id = $1`,
        [syncId, String(row.h), row.k],
      );
      if (rows[0]?.same === false) return 'reused';
      return Number(rows[0]?.source_version) > row.source_version ? 'stale' : 'duplicate';
    },
    async prune(tx, olderThanDays, limit) {
      const { rowCount } = await tx.query(
        // Skips what another transaction prunes right now, instead of waiting for its end.
        `delete from ${inbox} where sync_id in (select sync_id from ${inbox}
           where received_at < now() - make_interval(days => $1) order by received_at limit $2 for update skip locked)`,
        [olderThanDays, limit],
      );
      return rowCount ?? 0;
    },
  };
}

/** One statement, so that of two transactions with the same event or record one waits for the other's end. */
function claimSql(inbox: string, records: string): string {
  return `
    with news as (insert into ${inbox} (sync_id, h) values ($1, $9::bigint) on conflict do nothing returning sync_id)
    insert into ${records} as held (${recordColumns})
    select $2, $3, $4, $5, $6::bigint, $7, $8::date, $9::bigint where exists (select from news)
    on conflict (k) do update set source_version = excluded.source_version, digest = excluded.digest,
      voucher_date = excluded.voucher_date, h = excluded.h
    where held.source_version < excluded.source_version
      or (held.source_version = excluded.source_version and (held.digest <> excluded.digest or $10::boolean))`;
}

function createSql(inbox: string, records: string): string {
  return `
    create table if not exists ${inbox} (
      sync_id bigint primary key,
      received_at timestamptz not null default now(),
      h bigint
    );
    do $$ begin
      if not exists (select from pg_attribute where attrelid = '${inbox}'::regclass and attname = 'h') then
        alter table ${inbox} add column h bigint;
      end if;
    end $$;
    create index if not exists ${inbox}_received_at on ${inbox} (received_at);
    create table if not exists ${records} (
      k text collate "C" not null,
      source_system text not null,
      source_module text not null,
      source_id text not null,
      source_version bigint not null,
      digest text not null,
      voucher_date date not null,
      h bigint not null,
      primary key (k) include (voucher_date, h)
    );
    ${wideVersions(records)}
    create index if not exists ${records}_voucher_date on ${records} (voucher_date, k, h);`;
}
