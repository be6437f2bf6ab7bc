import { closeSync, openSync } from 'node:fs';
import { open, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { errorCodeOf, HubError, messageOf } from '../../core/errors.ts';
import { type Cluster, databaseUser } from './cluster.ts';
import { findPostmaster } from './postmaster.ts';
import { freePort, serverSettings } from './server-settings.ts';

/** A log longer than this is put aside at a start, bytes; so there are never much more than two of it. */
const logBytes = 10 * 1_048_576;

/** Sets how long a server may stay silent before we give up, milliseconds; while it recovers, it is not silent. */
const patienceMs = 30_000;

/** Sets how long a server that fails for a passing reason is started again, milliseconds. */
const relaunchMs = 15_000;

/** Failures of a start that pass: another server is just starting or ending on the folder, or took the port. */
const passing =
  /lock file .* (already exists|is empty)|shared memory block .* still in use|could not bind|could not create any TCP/;

/** The server has no room yet: it starts, recovers or stops. */
const cannotConnectNow = '57P03';

interface Launch {
  ended: boolean;
  /** Says where in the log this start's lines begin. */
  readonly logFrom: number;
}

/** Says where to connect, and whether to go on. */
export interface ConnectOptions {
  readonly applicationName: string;
  /** The only port that will do; left out: the running server's, or any free one. */
  readonly port?: number;
  readonly signal?: AbortSignal;
}

/** A connection to the embedded server, and the port it is on. */
export interface ServerConnection {
  readonly client: Client;
  readonly port: number;
}

/** The PostgreSQL server of a cluster: adopted if it runs, started if it does not. */
export class EmbeddedServer {
  readonly #cluster: Cluster;
  readonly #logPath: string;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#logPath = join(cluster.dataDir, 'postgres.log');
  }

  /** A connection string for one of the server's databases. */
  urlOf(database: string, port: number): string {
    return `postgres://${databaseUser}:${this.#cluster.password}@127.0.0.1:${port}/${database}`;
  }

  /** Connects to the maintenance database, starting the server where none runs and waiting until it is ready. */
  async connect(options: ConnectOptions): Promise<ServerConnection> {
    const { clock } = this.#cluster;
    const startedAt = clock.now();
    let giveUpAt = startedAt + patienceMs;
    let launch: Launch | undefined;
    let failures = 0;
    let lastError: unknown;
    while (clock.now() < giveUpAt) {
      options.signal?.throwIfAborted();
      const running = await findPostmaster(this.#cluster);
      if (running?.port !== undefined) {
        this.#requirePort(options.port, running.port);
        const outcome = await this.tryConnect(running.port, options.applicationName);
        if ('client' in outcome) return outcome;
        lastError = outcome.error;
        if (errorCodeOf(lastError) === cannotConnectNow) giveUpAt = clock.now() + patienceMs;
      } else if (running === undefined && (launch === undefined || launch.ended)) {
        if (launch !== undefined) await this.#failed(launch, ++failures, clock.now() - startedAt);
        launch = await this.#launch(options.port ?? (await freePort()));
      }
      await clock.sleep(25 * (failures + 1), options.signal);
    }
    const message = `The embedded PostgreSQL does not answer (${messageOf(lastError)}). Its log is ${this.#logPath}.`;
    throw new HubError('UNAVAILABLE', message, { cause: lastError });
  }

  /** One try to connect; says why not, unless waiting cannot help. */
  async tryConnect(port: number, applicationName: string): Promise<ServerConnection | { error: unknown }> {
    const client = new Client({
      connectionString: this.urlOf('postgres', port),
      application_name: applicationName,
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
    });
    // An error on an idle connection would end the process; who minds the loss listens to `end`.
    client.on('error', err =>
      this.#cluster.log.debug({ err }, 'A connection to the embedded PostgreSQL failed'),
    );
    try {
      await client.connect();
      return { client, port };
    } catch (error) {
      await client.end().catch(() => undefined);
      if (!errorCodeOf(error)?.startsWith('28')) return { error };
      const message = `The embedded PostgreSQL refuses the password in ${this.#cluster.pgData}/hub-password: ${messageOf(error)}`;
      throw new HubError('UNAVAILABLE', message, { cause: error });
    }
  }

  /**
   * Stops the server in good order within 7 s; failing that at once, which the next start recovers from. By process
   * number: `pg_ctl stop` would go on to stop the server that a waiting hub starts the moment ours is gone.
   */
  async stop(): Promise<void> {
    const { program, log, clock } = this.#cluster;
    const pid = (await findPostmaster(this.#cluster))?.pid;
    if (pid === undefined) return;
    const steps = [
      { signal: 'INT', waitMs: 7_000 },
      { signal: 'QUIT', waitMs: 2_000 },
    ];
    for (const { signal, waitMs } of steps) {
      const giveUpAt = clock.now() + waitMs;
      await program
        .run('pg_ctl', ['kill', signal, String(pid)])
        .catch((err: unknown) => log.debug({ err }, 'The embedded PostgreSQL could not be signalled'));
      while (clock.now() < giveUpAt) {
        if ((await findPostmaster(this.#cluster))?.pid !== pid) return;
        await clock.sleep(20);
      }
      log.warn({ pid, signal }, 'The embedded PostgreSQL did not stop in time');
    }
  }

  #requirePort(wanted: number | undefined, actual: number): void {
    if (wanted === undefined || wanted === actual) return;
    const message = `Another hub has started the database of ${this.#cluster.dataDir} anew, on port ${actual}. This one cannot go on: stop it.`;
    throw new HubError('CONFLICT', message);
  }

  async #launch(port: number): Promise<Launch> {
    const { program, pgData, log } = this.#cluster;
    const size = await this.#rotateLog();
    const launch: Launch = { ended: false, logFrom: size };
    const logFile = openSync(this.#logPath, 'a', 0o600);
    try {
      const child = program.serve(['-D', pgData, '-p', String(port), ...serverSettings()], logFile);
      child.once('exit', () => {
        launch.ended = true;
      });
      child.once('error', err => {
        log.error({ err }, 'The embedded PostgreSQL cannot be started');
        launch.ended = true;
      });
    } finally {
      closeSync(logFile);
    }
    return launch;
  }

  /** Returns when it is worth another try. */
  async #failed(launch: Launch, failures: number, forMs: number): Promise<void> {
    const said = await this.#logSince(launch.logFrom);
    if (passing.test(said) ? forMs < relaunchMs : failures < 3) return;
    throw new HubError(
      'UNAVAILABLE',
      `The embedded PostgreSQL does not start. Its log (${this.#logPath}) says: ${said}`,
    );
  }

  async #rotateLog(): Promise<number> {
    const size = await stat(this.#logPath).then(
      found => found.size,
      () => 0,
    );
    if (size <= logBytes) return size;
    await rename(this.#logPath, `${this.#logPath}.1`).catch(() => undefined);
    return 0;
  }

  async #logSince(position: number): Promise<string> {
    await using file = await open(this.#logPath, 'r');
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4_096), 0, 4_096, position);
    return buffer.toString('utf8', 0, bytesRead).trim();
  }
}
