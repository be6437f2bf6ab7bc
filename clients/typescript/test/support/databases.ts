import { after } from 'node:test';
import { Client, Pool } from 'pg';
import {
  type CacheStore,
  type ConsistencySource,
  type Effect,
  type HandleOptions,
  type HubEvent,
  Inbox,
  type InboxOptions,
  pgCache,
  pgConsistency,
  pgInbox,
  pgTransaction,
  type SqliteDatabase,
  sqliteCache,
  sqliteConsistency,
  sqliteInbox,
  sqliteTransaction,
} from '../../src/index.ts';

/** Runs statements of the consumer's own. Values are written into the text: tests only. */
export type Run = (sql: string) => Promise<Record<string, unknown>[]>;

/** What happens within one transaction of a test. */
export interface InTransaction {
  readonly run: Run;
  handle(event: HubEvent, effect: (run: Run) => unknown, options?: HandleOptions): Promise<Effect>;
  prune(limit: number): Promise<number>;
}

/** One database with the client's tables in it, whatever its dialect. */
export interface TestStore {
  readonly cache: CacheStore;
  readonly consistency: ConsistencySource;
  readonly run: Run;
  /** Brings the inbox's tables up to date. */
  createTables(): Promise<void>;
  transaction<T>(work: (tx: InTransaction) => Promise<T>): Promise<T>;
}

let made = 0;

/** A fresh PostgreSQL database. On a server of the run, else on one of its own. */
async function createDatabase(): Promise<string> {
  const server = process.env.HUB_TEST_POSTGRES_URL;
  if (server === undefined) {
    const { createEmptyDatabase } = await import('../../../../test/support/postgres.ts');
    return createEmptyDatabase();
  }
  const name = `client_${process.pid}_${++made}`;
  await administer(server, `create database ${name}`);
  after(() => administer(server, `drop database if exists ${name} with (force)`).catch(() => {}));
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

async function administer(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(sql).finally(() => client.end());
}

async function openPg(options?: InboxOptions): Promise<TestStore> {
  const pool = new Pool({ connectionString: await createDatabase(), max: 8 });
  // The database is dropped with the connections that are idle in it.
  pool.on('error', () => {});
  after(() => pool.end());
  const inbox = new Inbox(pgInbox(), options);
  const cache = pgCache(pool);
  // As when many processes of a consumer start at once, for the first time or again.
  for (let times = 0; times < 2; times++)
    await Promise.all([1, 2, 3, 4].flatMap(() => [inbox.createTables(pool), cache.createTables()]));
  return {
    cache,
    consistency: pgConsistency(pool),
    run: async sql => (await pool.query(sql)).rows,
    createTables: () => inbox.createTables(pool),
    transaction: work =>
      pgTransaction(pool, tx => {
        const run: Run = async sql => (await tx.query(sql)).rows;
        return work({
          run,
          handle: (event, effect, how) => inbox.handle(tx, event, () => effect(run), how),
          prune: limit => inbox.prune(tx, limit),
        });
      }),
  };
}

async function openSqlite(db: SqliteDatabase, options?: InboxOptions): Promise<TestStore> {
  const inbox = new Inbox(sqliteInbox(), options);
  const cache = sqliteCache(db);
  await inbox.createTables(db);
  await inbox.createTables(db);
  await cache.createTables();
  const run: Run = async sql => {
    if (/^\s*select/i.test(sql))
      return db
        .prepare(sql)
        .all()
        .map(row => Object.assign({}, row));
    db.exec(sql);
    return [];
  };
  return {
    cache,
    consistency: sqliteConsistency(db),
    run,
    createTables: () => inbox.createTables(db),
    transaction: work =>
      sqliteTransaction(db, tx =>
        work({
          run,
          handle: (event, effect, how) => inbox.handle(tx, event, () => effect(run), how),
          prune: limit => inbox.prune(tx, limit),
        }),
      ),
  };
}

async function openNodeSqlite(options?: InboxOptions): Promise<TestStore> {
  const { DatabaseSync } = await import('node:sqlite');
  return openSqlite(new DatabaseSync(':memory:'), options);
}

async function openBetterSqlite(options?: InboxOptions): Promise<TestStore> {
  const { default: Database } = await import('better-sqlite3');
  return openSqlite(new Database(':memory:'), options);
}

/** This release of better-sqlite3 and node:sqlite both begin with Node 22; Node 20 takes older ones of the former. */
const hasSqlite = Number(process.versions.node.split('.')[0]) >= 22;

/** Every database that the client has an adapter for and this Node can run. */
export const databases: Record<string, (options?: InboxOptions) => Promise<TestStore>> = {
  PostgreSQL: openPg,
  ...(hasSqlite ? { 'better-sqlite3': openBetterSqlite, 'node:sqlite': openNodeSqlite } : {}),
};
