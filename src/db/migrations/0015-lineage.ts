import { Migration } from '@mikro-orm/migrations';

/**
 * The row of `database_lineage` is made by the first hub, not here: a copy of a migrated, unused database is then no
 * restored one.
 */
const tables = `
create table database_lineage (
  single boolean primary key default true check (single),
  server text not null,
  timeline int not null,
  database text not null,
  started_at bigint not null,
  file_mark text,
  written_by bigint not null,
  seen_at timestamptz not null,
  numbers jsonb not null,
  version_base int not null default 0
) with (fillfactor = 50);
comment on table database_lineage is 'One row: which database this is, as hubs last saw it. It tells when a backup was restored or a standby promoted.';
comment on column database_lineage.server is 'PostgreSQL''s system identifier: another one after a dump was restored into a new server.';
comment on column database_lineage.timeline is 'PostgreSQL''s timeline: another one after a promotion or a point-in-time recovery.';
comment on column database_lineage.database is 'The oid of the database: another one where it was made anew on the same server.';
comment on column database_lineage.started_at is 'When the server was started, microseconds since 1970: files are replaced only while it is down.';
comment on column database_lineage.file_mark is 'When a file of the embedded server was born: another time where the folder is a copy. Null: the file system does not say.';
comment on column database_lineage.written_by is 'The transaction that wrote the row, which is also its xmin unless the row came from a dump.';
comment on column database_lineage.numbers is 'The last number of each sequence at seen_at.';
comment on column database_lineage.version_base is 'Source versions that the hub counts itself begin no lower; raised by each restore.';

create table database_restores (
  noticed_at timestamptz primary key,
  seen_at timestamptz not null,
  reason text not null,
  settled_at timestamptz
);
comment on table database_restores is 'Each time that the database turned out to be an older one: what was recorded between seen_at and noticed_at may be missing.';
comment on column database_restores.settled_at is 'When a person said that everything is back; null: it still has to be looked at.';
`;

/** It tells a restored database from the one that it was, so that no number is given twice. */
export class Migration0015Lineage extends Migration {
  override up(): void {
    this.addSql(tables);
  }
}
