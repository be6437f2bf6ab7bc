import { Migrator } from '@mikro-orm/migrations';
import { type EntityManager, MikroORM } from '@mikro-orm/postgresql';
import type { Pool, PoolClient } from 'pg';
import type { Logger } from '../core/logger.ts';
import { entities } from './entities.ts';
import { checkApplied, migrations } from './migrations.ts';
import { makePartitions } from './partitions.ts';

/** The schema that BullMQ keeps its tables in when the queue is on PostgreSQL. */
export const queueSchema = 'bullmq';

/** Which migrations the database has had. */
const migrationTable = 'hub_migrations';

/** Any number, the same in every hub: the lock under which migrations run. */
const migrationLock = 4_207_001;

/** Statements that wait longer than this are given up, milliseconds; nothing the hub runs takes so long. */
const statementTimeoutMs = 60_000;

/** How long to wait for a connection before saying that the database is away, milliseconds. */
const connectTimeoutMs = 5_000;

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
   */
  static async connect(options: { url: string; poolSize: number; log: Logger }): Promise<Database> {
    const orm = await MikroORM.init({
      clientUrl: options.url,
      entities,
      extensions: [Migrator],
      pool: { min: 0, max: options.poolSize },
      driverOptions: {
        connectionTimeoutMillis: connectTimeoutMs,
        statement_timeout: statementTimeoutMs,
        idle_in_transaction_session_timeout: statementTimeoutMs,
        keepAlive: true,
        application_name: 'voucher-hub',
      },
      migrations: {
        tableName: migrationTable,
        migrationsList: [...migrations],
        snapshot: false,
        transactional: true,
        allOrNothing: true,
      },
      // The schema generator would drop what it does not know; it is never called, and this is the second fence.
      schemaGenerator: { ignoreSchema: [queueSchema] },
      logger: message => options.log.debug({ orm: message }, 'orm'),
    });
    const pool = await orm.em.getConnection().getNativeClient();
    return new Database(orm, pool);
  }

  /**
   * Brings the tables up to date; hubs that start together wait for one another.
   * @returns the migrations of a newer version that the database has had, and that this one may run beside
   * @throws HubError UNAVAILABLE where it may not
   */
  async migrate(): Promise<string[]> {
    const newer = await this.orm.em.fork().transactional(async em => {
      await em.execute('set local statement_timeout = 0');
      await em.execute('select pg_advisory_xact_lock(?)', [migrationLock]);
      const unknown = checkApplied(await appliedMigrations(em));
      const transaction = em.getTransactionContext();
      await this.orm.migrator.up(transaction === undefined ? {} : { transaction });
      return unknown;
    });
    // Not only by the scheduler: where a row's month is missing, no outcome can be written.
    await this.transaction(client => makePartitions(client));
    return newer;
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
  async transaction<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.pool.connect();
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

  async [Symbol.asyncDispose](): Promise<void> {
    await this.orm.close(true);
  }
}

async function appliedMigrations(em: EntityManager): Promise<string[]> {
  const [found] = await em.execute<{ there: boolean }[]>('select to_regclass(?) is not null as there', [
    migrationTable,
  ]);
  if (found?.there !== true) return [];
  const rows = await em.execute<{ name: string }[]>(`select name from ${migrationTable} order by id`);
  return rows.map(({ name }) => name);
}
