import type { Client } from 'pg';
import type { Clock } from '../../core/clock.ts';
import { HubError, messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import { folderLocks } from '../lock-numbers.ts';
import type { ConnectOptions, EmbeddedServer, ServerConnection } from './server.ts';

/** Sets how long the lock of a hub that was just killed, or is just stopping, is waited for, milliseconds. */
const patienceMs = 3_000;

/** Waits between tries to get a lost lock back, milliseconds. */
const regainFirstMs = 100;
const regainMaxMs = 5_000;

const nameBegin = 'voucher-hub, process ';

interface LockOptions {
  readonly dataDir: string;
  readonly log: Logger;
  readonly clock: Clock;
}

/**
 * The right to a data folder: an advisory lock on a connection of its own. It falls away with the process, however
 * that ends, as no file would.
 */
export class FolderLock {
  /** The port the server had when the lock was taken; it keeps it. */
  readonly port: number;
  readonly #server: EmbeddedServer;
  readonly #options: LockOptions;
  readonly #closing = new AbortController();
  #client: Client | undefined;
  #regaining: Promise<void> = Promise.resolve();

  private constructor(server: EmbeddedServer, options: LockOptions, held: ServerConnection) {
    this.#server = server;
    this.#options = options;
    this.port = held.port;
    this.#keep(held.client);
  }

  /** Takes the lock, starting the server where need be; a `CONFLICT` when another hub has it. */
  static async take(server: EmbeddedServer, options: LockOptions): Promise<FolderLock> {
    return new FolderLock(server, options, await acquire(server, options, {}));
  }

  /** Makes a database, if there is none of this name. Under the lock nobody else does so too. */
  async ensureDatabase(name: string): Promise<void> {
    const client = this.#client;
    if (client === undefined)
      throw new HubError('UNAVAILABLE', 'The connection to the embedded PostgreSQL was lost.');
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [name]);
    if (rowCount === 0) await client.query(`create database ${client.escapeIdentifier(name)}`);
  }

  /**
   * Ends the watch over the lock, runs `last` if the lock is ours, and gives it back. `last` is skipped when the
   * folder has meanwhile become another hub's.
   */
  async release(last: () => Promise<void>): Promise<void> {
    this.#closing.abort();
    await this.#regaining;
    const client = this.#client ?? (await this.#lastTry());
    if (client === undefined) return;
    try {
      await last();
    } finally {
      await client.end().catch(() => undefined);
    }
  }

  #keep(client: Client): void {
    this.#client = client;
    client.once('end', () => {
      this.#client = undefined;
      if (this.#closing.signal.aborted) return;
      this.#options.log.warn('The connection that holds the data folder was lost; taking it again');
      this.#regaining = this.#regain();
    });
  }

  async #regain(): Promise<void> {
    const { signal } = this.#closing;
    const { clock, log } = this.#options;
    for (let waitMs = regainFirstMs; !signal.aborted; waitMs = Math.min(waitMs * 2, regainMaxMs)) {
      await clock.sleep(waitMs, signal);
      try {
        const { client } = await acquire(this.#server, this.#options, { port: this.port, signal });
        this.#keep(client);
        log.info('The data folder is held again');
        return;
      } catch (err) {
        if (!signal.aborted) log.error({ err }, 'The data folder could not be taken again');
      }
    }
  }

  /** At the end: the lock if it is free right now, without starting a server for it. */
  async #lastTry(): Promise<Client | undefined> {
    try {
      const outcome = await this.#server.tryConnect(this.port, nameBegin + process.pid);
      if (!('client' in outcome)) return undefined;
      if (await tryLock(outcome.client)) return outcome.client;
      await outcome.client.end();
    } catch (err) {
      this.#options.log.debug({ err }, 'The data folder is not ours at the end');
    }
    return undefined;
  }
}

/** Connects and takes the lock. A server that goes down meanwhile (its hub is stopping) is started again. */
async function acquire(
  server: EmbeddedServer,
  options: LockOptions,
  to: Omit<ConnectOptions, 'applicationName'>,
): Promise<ServerConnection> {
  const giveUpAt = options.clock.now() + patienceMs;
  for (let round = 1; ; round++) {
    const connection = await server.connect({ ...to, applicationName: nameBegin + process.pid });
    try {
      while (!(await tryLock(connection.client))) {
        to.signal?.throwIfAborted();
        if (options.clock.now() >= giveUpAt)
          throw conflict(options.dataDir, await holderOf(connection.client));
        await options.clock.sleep(50, to.signal);
      }
      return connection;
    } catch (error) {
      await connection.client.end().catch(() => undefined);
      if (error instanceof HubError || to.signal?.aborted || round === 5) throw error;
      options.log.debug(
        { reason: messageOf(error) },
        'The database went away while the data folder was awaited',
      );
    }
  }
}

async function tryLock(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ locked: boolean }>('select pg_try_advisory_lock($1) as locked', [
    folderLocks.folder,
  ]);
  return rows[0]?.locked === true;
}

async function holderOf(client: Client): Promise<string | undefined> {
  const { rows } = await client.query<{ name: string }>(
    `select activity.application_name as name
       from pg_locks as held join pg_stat_activity as activity on activity.pid = held.pid
      where held.locktype = 'advisory' and held.granted and held.classid = 0 and held.objid = $1`,
    [folderLocks.folder],
  );
  return rows[0]?.name.startsWith(nameBegin) ? rows[0].name.slice(nameBegin.length) : undefined;
}

function conflict(dataDir: string, holder: string | undefined): HubError {
  const who = holder === undefined ? '' : ` (process ${holder})`;
  const message = `Another hub is running on the data folder ${dataDir}${who}. Stop it, or give this one a folder of its own with HUB_DATA_DIR.`;
  return new HubError('CONFLICT', message);
}
