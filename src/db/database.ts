import { Migrator } from '@mikro-orm/migrations';
import { type EntityManager, MikroORM } from '@mikro-orm/postgresql';
import type { Pool, PoolClient } from 'pg';
import type { Logger } from '../core/logger.ts';
import { entities } from './entities.ts';
import { Migration0001VouchersAndDeliveries } from './migrations/0001-vouchers-and-deliveries.ts';
import { Migration0002Audit } from './migrations/0002-audit.ts';
import { makePartitions } from './partitions.ts';
import { Migration0003LaneShards } from './migrations/0003-lane-shards.ts';

/** The schema that BullMQ keeps its tables in when the queue is on PostgreSQL. */
export const queueSchema = 'bullmq';

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
        tableName: 'hub_migrations',
        migrationsList: [
          { name: '0001-vouchers-and-deliveries', class: Migration0001VouchersAndDeliveries },
          { name: '0002-audit', class: Migration0002Audit },
          { name: '0003-lane-shards', class: Migration0003LaneShards },
        ],
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

  /** Brings the tables up to date; hubs that start together wait for one another. */
  async migrate(): Promise<void> {
    await this.orm.em.fork().transactional(async em => {
      await em.execute('set local statement_timeout = 0');
      await em.execute('select pg_advisory_xact_lock(?)', [migrationLock]);
      const transaction = em.getTransactionContext();
      await this.orm.migrator.up(transaction === undefined ? {} : { transaction });
    });
    // Not only by the scheduler: where a row's month is missing, no outcome can be written.
    await this.transaction(client => makePartitions(client));
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
