import { Migrator } from '@mikro-orm/migrations';
import { type EntityManager, MikroORM, SqlSchemaGenerator } from '@mikro-orm/postgresql';
import type { Pool, PoolClient } from 'pg';
import type { Logger } from '../core/logger.ts';
import type { Tracer } from '../core/tracing.ts';
import { ensureAnalysts } from './analysts.ts';
import {
  adaptClient,
  connectionOptions,
  defaultTimeoutMs,
  inspectRoute,
  sessionSql,
  timeoutSettings,
} from './connections.ts';
import { entities } from './entities.ts';
import type { Lineage } from './lineage/lineage.ts';
import { hubLocks } from './lock-numbers.ts';
import { checkApplied, migrations } from './migrations.ts';
import { makePartitions } from './monitoring/partitions.ts';
import { checkPooled } from './pooled-checks.ts';
import { traceClient } from './traced-client.ts';

/** The schema that BullMQ keeps its tables in when the queue is on PostgreSQL. */
export const queueSchema = 'bullmq';

/** Which migrations the database has had. */
const migrationTable = 'hub_migrations';

/** Sets how long a migration waits for a table that is in use, milliseconds. */
const migrationLockTimeoutMs = 10_000;

/** Holds what to connect to, and how. */
export interface DatabaseOptions {
  readonly url: string;
  readonly poolSize: number;
  readonly log: Logger;
  readonly timeoutMs?: number;
  /** Left out or null: statements are no spans. */
  readonly tracer?: Tracer | null;
  /** Checks every connection before it is used; left out: what connects writes nothing that has a number. */
  readonly lineage?: Lineage;
}

/**
 * The migrator makes a database that is not there, by way of the one called `postgres`: a mistyped name would be a new,
 * empty hub, and a pooler's alias of the database looks like one that is not there.
 */
class DatabaseKept extends SqlSchemaGenerator {
  override ensureDatabase(): Promise<boolean> {
    return Promise.resolve(false);
  }
}

function keepDatabase(orm: MikroORM): void {
  orm.config.registerExtension('@mikro-orm/schema-generator', () => new DatabaseKept(orm.em));
}

function ormOptions({ url, poolSize, log }: DatabaseOptions) {
  return {
    clientUrl: url,
    entities,
    extensions: [Migrator],
    pool: { min: 0, max: poolSize },
    migrations: {
      tableName: migrationTable,
      migrationsList: [...migrations],
      snapshot: false,
      transactional: true,
      allOrNothing: true,
    },
    // The schema generator would drop what it does not know; it is never called, and this is the second fence.
    schemaGenerator: { ignoreSchema: [queueSchema] },
    logger: (message: string) => log.debug({ orm: message }, 'orm'),
  };
}

/** The database: the ORM for what is read by shape, and its own pool for the hot statements. One pool for both. */
export class Database implements AsyncDisposable {
  readonly orm: MikroORM;
  readonly pool: Pool;

  private constructor(orm: MikroORM, pool: Pool) {
    this.orm = orm;
    this.pool = pool;
  }

  /**
   * Connects, without migrating.
   * @param options.poolSize most connections, 4 or more
   * @param options.timeoutMs how long a statement may take
   */
  static async connect(options: DatabaseOptions): Promise<Database> {
    const { log, timeoutMs = defaultTimeoutMs, tracer = null, lineage } = options;
    const route = await inspectRoute(options.url);
    const orm = await MikroORM.init({
      ...ormOptions(options),
      driverOptions: {
        ...connectionOptions(timeoutMs, route),
        ...(lineage === undefined ? {} : { onConnect: (client: PoolClient) => lineage.check(client) }),
        // Not later: the ORM has made its first connection by the time that it is ready.
        onPoolCreated: (pool: Pool) => {
          pool.on('connect', client => {
            adaptClient(client, timeoutMs, route);
            if (tracer !== null) traceClient(client, tracer);
          });
          if (lineage !== undefined && route.pooled) checkPooled(pool, lineage);
        },
      },
    });
    keepDatabase(orm);
    const pool = await orm.em.getConnection().getNativeClient();
    const database = new Database(orm, pool);
    if (route.pooled) await database.#checkRoleTimeouts(timeoutMs, log);
    return database;
  }

  /**
   * Brings the tables up to date; hubs that start together wait for one another. On connections of its own, without
   * bounds: to build an index takes as long as it takes.
   * @param options.url past a pooler
   * @returns the migrations of a newer version that the database has had, and that this one may run beside
   * @throws HubError UNAVAILABLE where it may not
   */
  static async migrate(options: { url: string; log: Logger }): Promise<string[]> {
    const orm = await MikroORM.init({
      ...ormOptions({ ...options, poolSize: 2 }),
      driverOptions: { application_name: 'voucher-hub migration', keepAlive: true },
    });
    keepDatabase(orm);
    try {
      const newer = await orm.em.fork().transactional(async em => {
        await em.execute(sessionSql);
        await em.execute('select pg_advisory_xact_lock(?)', [hubLocks.migration]);
        // A table that is in use is waited for no longer than this: behind us everybody else would wait too.
        await em.execute(`set local lock_timeout = ${migrationLockTimeoutMs}`);
        const unknown = checkApplied(await appliedMigrations(em));
        const transaction = em.getTransactionContext();
        await orm.migrator.up(transaction === undefined ? {} : { transaction });
        return unknown;
      });
      await restoreAnalysts(await orm.em.getConnection().getNativeClient(), options.log);
      // Not only by the scheduler: where a row's month is missing, no outcome can be written.
      await inTransaction(await orm.em.getConnection().getNativeClient(), client => makePartitions(client));
      await orm.close(true);
      return newer;
    } catch (error) {
      // Not waited for: the ORM never gives back a session that was ended under its transaction, and closing waits for it.
      void orm.close(true).catch(() => {});
      throw error;
    }
  }

  /** Behind a pooler only the role can set what bounds a statement on the server. */
  async #checkRoleTimeouts(timeoutMs: number, log: Logger): Promise<void> {
    const statements = await roleTimeoutsMissing(this.pool, timeoutMs);
    if (statements.length === 0) return;
    log.warn(
      { statements },
      'DATABASE_URL is a pooler, which takes no time-outs from the hub: set them for the role',
    );
  }

  /**
   * Names this installation where it shares a Redis with others: by the server and the database, so that a copy of
   * the database is another installation.
   */
  async installationId(): Promise<string> {
    const { rows } = await this.pool.query<{ id: string }>(
      `select system_identifier || '-' || oid as id from pg_control_system(), pg_database where datname = current_database()`,
    );
    const id = rows[0]?.id;
    if (id === undefined) throw new Error('The database has no name.');
    return id;
  }

  /** A fresh unit of work: one for each GraphQL operation or job, never shared. */
  fork(): EntityManager {
    return this.orm.em.fork();
  }

  /** Runs `work` in one transaction on one connection; rolls back when it throws. */
  transaction<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    return inTransaction(this.pool, work);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.orm.close(true);
    // The ORM ends the pool only where it has run a statement itself; left open, it keeps a process for ten seconds.
    if (!this.pool.ending) await this.pool.end();
  }
}

/** The statements that set the time-outs which a role lacks: behind a pooler nothing else bounds a statement on the server. */
export async function roleTimeoutsMissing(
  db: Pick<Pool, 'query'>,
  timeoutMs = defaultTimeoutMs,
): Promise<string[]> {
  const wanted = timeoutSettings(timeoutMs);
  const { rows } = await db.query<{ name: string; role: string }>(
    `select name, current_user as role from pg_settings where name = any($1) and setting = '0'`,
    [Object.keys(wanted)],
  );
  const missing = Object.entries(wanted).filter(([name]) => rows.some(row => row.name === name));
  const role = rows[0]?.role ?? '';
  return missing.map(([name, ms]) => `alter role "${role}" set ${name} = '${ms}ms'`);
}

/** Hubs that start together wait for one another. That analysts can't be let in keeps no hub from starting. */
async function restoreAnalysts(pool: Pool, log: Logger): Promise<void> {
  const restored = inTransaction(pool, async client => {
    await client.query('select pg_advisory_xact_lock($1)', [hubLocks.migration]);
    await ensureAnalysts(client);
  });
  await restored.catch((err: unknown) =>
    log.warn({ err }, "the analysts' role could not be made ready; `hub doctor` says what to do"),
  );
}

async function appliedMigrations(em: EntityManager): Promise<string[]> {
  const [found] = await em.execute<{ there: boolean }[]>('select to_regclass(?) is not null as there', [
    migrationTable,
  ]);
  if (found?.there !== true) return [];
  const rows = await em.execute<{ name: string }[]>(`select name from ${migrationTable} order by id`);
  return rows.map(({ name }) => name);
}

async function inTransaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch((rollbackError: unknown) => {
      broken = rollbackError instanceof Error ? rollbackError : new Error(String(rollbackError));
    });
    throw error;
  } finally {
    client.release(broken);
  }
}
