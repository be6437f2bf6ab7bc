import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync } from 'node:fs';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { freePort } from '../../src/db/embedded/server-settings.ts';
import { once, until } from './wait.ts';

const run = promisify(execFile);

/** Programs of the oldest PostgreSQL that the hub runs on, where Debian's package puts them. */
export const oldestPostgresBin = '/usr/lib/postgresql/15/bin';

/** Why tests that need a program of Debian's are skipped; false where they are not. CI has them all. */
export function without(program: string): string | false {
  if (existsSync(program)) return false;
  if (process.env.CI === 'true') throw new Error(`${program} is not installed; .ci/run installs it.`);
  return `${program} is not installed`;
}

/** Tells whom servers run as that refuse to be root; empty where we are not root. */
const account: { uid?: number; gid?: number } = (() => {
  if (process.getuid?.() !== 0) return {};
  const idOf = (option: string) => Number(execFileSync('id', [option, 'nobody']).toString());
  return { uid: idOf('-u'), gid: idOf('-g') };
})();

/** A server of the operating system's own programs. */
export interface DebianServer extends AsyncDisposable {
  /** Its maintenance database. */
  readonly url: string;
  /** A folder that the server's user may write. */
  readonly folder: string;
  /** Gives what it has logged, for failures. */
  log(): Promise<string>;
}

/**
 * Starts a PostgreSQL in a temporary folder.
 * @param options.replicaOf the url of a server of the same version that it streams from
 * @param options.backupOf the url of a server of the same version whose files it is a copy of, as they are now
 */
export async function startPostgres(options: {
  bin: string;
  replicaOf?: string;
  backupOf?: string;
  settings?: Record<string, string>;
}): Promise<DebianServer> {
  const folder = await ownFolder('hub-postgres-');
  const data = path.join(folder, 'data');
  const program = (name: string, args: string[]) =>
    run(path.join(options.bin, name), args, { ...account, cwd: folder });
  const origin = options.replicaOf ?? options.backupOf;
  if (origin === undefined) {
    const locale = ['--encoding=UTF8', '--locale=C.UTF-8'];
    await program('initdb', [`--pgdata=${data}`, '--username=hub', '--auth=trust', '--no-sync', ...locale]);
  } else {
    const source = [
      `--dbname=${origin}`,
      '--checkpoint=fast',
      ...(options.replicaOf === undefined ? [] : ['--write-recovery-conf']),
      '--no-sync',
    ];
    await program('pg_basebackup', [`--pgdata=${data}`, ...source]);
  }
  const port = await freePort();
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    port: String(port),
    timezone: 'UTC',
    // Several files of tests at once, each with hubs of its own.
    max_connections: '400',
    ...options.settings,
  };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const server = await serve(path.join(options.bin, 'postgres'), ['-D', data, ...args], folder);
  const url = `postgres://hub:trusted@127.0.0.1:${port}/postgres`;
  return started(server, { url, folder, stopBy: 'SIGINT' });
}

const poolName = 'hubpool';

/** Starts a PgBouncer in transaction mode before a server: three connections of the server's for all clients. */
export async function startPgBouncer(target: string): Promise<DebianServer> {
  const { hostname, port, pathname } = new URL(target);
  const folder = await ownFolder('hub-pgbouncer-');
  const listens = await freePort();
  const file = path.join(folder, 'pgbouncer.ini');
  const settings = {
    listen_addr: '127.0.0.1',
    listen_port: listens,
    unix_socket_dir: '',
    auth_type: 'any',
    pool_mode: 'transaction',
    default_pool_size: 3,
    max_client_conn: 200,
  };
  // By a name of its own, as operators may give it.
  const database = `${poolName} = host=${hostname} port=${port} dbname=${pathname.slice(1)} user=hub password=${new URL(target).password}`;
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
  await writeFile(file, ['[databases]', database, '[pgbouncer]', ...lines, ''].join('\n'));
  const server = await serve(pgBouncer, [file], folder);
  const url = new URL(target);
  url.port = String(listens);
  url.pathname = `/${poolName}`;
  return started(server, { url: url.href, folder, stopBy: 'SIGTERM' });
}

/** Says where Debian's package puts PgBouncer. */
export const pgBouncer = '/usr/sbin/pgbouncer';

async function ownFolder(prefix: string): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), prefix));
  if (account.uid !== undefined && account.gid !== undefined) chownSync(folder, account.uid, account.gid);
  return folder;
}

async function serve(file: string, args: string[], folder: string): Promise<ChildProcess> {
  await using log = await open(path.join(folder, 'log'), 'a');
  return spawn(file, args, { ...account, cwd: folder, stdio: ['ignore', log.fd, log.fd] });
}

async function started(
  server: ChildProcess,
  { url, folder, stopBy }: { url: string; folder: string; stopBy: NodeJS.Signals },
): Promise<DebianServer> {
  const log = () => readFile(path.join(folder, 'log'), 'utf8');
  const answers = async () => {
    if (server.exitCode !== null) throw new Error(`${server.spawnfile} ended: ${await log()}`);
    const client = new Client({ connectionString: url });
    client.on('error', () => {});
    return client.connect().then(
      () => client.end().then(() => true),
      () => false,
    );
  };
  await until(`${server.spawnfile} answers`, answers);
  return {
    url,
    folder,
    log,
    async [Symbol.asyncDispose]() {
      if (server.exitCode === null && server.signalCode === null) {
        const exit = once(server, 'exit');
        server.kill(stopBy);
        await exit;
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}
