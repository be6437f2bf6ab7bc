import { existsSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { Client } from 'pg';
import { systemClock } from '../src/core/clock.ts';
import { createLogger } from '../src/core/logger.ts';
import { prepareCluster } from '../src/db/embedded/cluster.ts';
import { findPostmaster } from '../src/db/embedded/postmaster.ts';
import { EmbeddedServer } from '../src/db/embedded/server.ts';
import { until } from '../test/support/wait.ts';
import type { AtOnce } from './at-once.ts';
import { takePort } from './ports.ts';

const log = createLogger({ level: 'silent', pretty: false });
const applicationName = 'fault-lab';

/** Sets how long PostgreSQL may take to end after SIGQUIT, milliseconds. */
const quitWithinMs = 2_000;

/** Sets how long a statement of the lab's own may wait, for a lock above all, milliseconds. */
const patienceMs = 60_000;

/** The lab's PostgreSQL. */
export interface LabDatabase extends AsyncDisposable {
  readonly port: number;
  /** The hub's database, without a proxy between. */
  readonly url: string;
  start(): Promise<void>;
  /** In good order: connections are cut, nothing is lost. */
  stop(): Promise<void>;
  /** At once: what was not yet written is lost, as where the machine loses power but for its disks. */
  crash(): Promise<void>;
  /** Runs a statement of the lab's own. */
  run(sql: string): Promise<Record<string, unknown>[]>;
  /** Opens a transaction that sees the database as it is now; ends with what is given back. */
  holdSnapshot(): Promise<AsyncDisposable>;
}

/** Starts a PostgreSQL in a folder of its own. */
export async function startDatabase(folder: string, atOnce: AtOnce): Promise<LabDatabase> {
  const dataDir = path.join(folder, 'database');
  await mkdir(dataDir, { mode: 0o711 });
  const cluster = await prepareCluster({ dataDir, log, clock: systemClock });
  atOnce.defer(() => killAtOnce(cluster.pgData));
  const server = new EmbeddedServer(cluster);
  const port = await takePort();
  const start = async () => (await server.connect({ applicationName, port })).client.end();
  const { client } = await server.connect({ applicationName, port });
  await client.query('create database hub');
  await client.end();
  const url = server.urlOf('hub', port);
  const isGone = async () => (await findPostmaster(cluster)) === undefined;
  return {
    port,
    url,
    start,
    stop: () => server.stop(),
    async crash() {
      const found = await findPostmaster(cluster);
      if (found !== undefined) process.kill(found.pid, 'SIGQUIT');
      await until('PostgreSQL is gone', isGone);
    },
    run: sql => run(url, sql),
    holdSnapshot: () => holdSnapshot(url),
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

/**
 * Ends the server without an event being heard. Not by SIGKILL at first: that leaves its shared memory behind, and
 * PostgreSQL ends within a moment of SIGQUIT as well.
 */
function killAtOnce(pgData: string): void {
  const file = path.join(pgData, 'postmaster.pid');
  if (!existsSync(file)) return;
  const pid = Number.parseInt(readFileSync(file, 'utf8'), 10);
  if (!(pid > 0)) return;
  process.kill(pid, 'SIGQUIT');
  const giveUpAt = performance.now() + quitWithinMs;
  const nap = new Int32Array(new SharedArrayBuffer(4));
  while (existsSync(file) && performance.now() < giveUpAt) Atomics.wait(nap, 0, 0, 20);
  if (existsSync(file)) process.kill(pid, 'SIGKILL');
}

async function holdSnapshot(url: string): Promise<AsyncDisposable> {
  const client = await connect(url);
  await client.query('begin isolation level repeatable read');
  await client.query('select count(*) from fin_open_syncs');
  // Its session may have been ended meanwhile.
  return { [Symbol.asyncDispose]: () => client.end().catch(() => {}) };
}

async function connect(url: string): Promise<Client> {
  const client = new Client({
    connectionString: url,
    application_name: applicationName,
    connectionTimeoutMillis: patienceMs,
    statement_timeout: patienceMs,
  });
  client.on('error', () => {});
  await client.connect();
  return client;
}

async function run(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = await connect(url);
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}
