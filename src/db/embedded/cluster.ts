import { randomBytes } from 'node:crypto';
import {
  access,
  constants,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Clock } from '../../core/clock.ts';
import { errorCodeOf, HubError, messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import { PostgresProgram } from './programs.ts';

/** The database user of the embedded PostgreSQL. */
export const databaseUser = 'hub';

/** A leftover of initdb as old as this is nobody's, whatever process has its number now, milliseconds. */
const leftoverMs = 600_000;

const passwordFile = 'hub-password';

/** Folders in which this very process runs initdb: their number in the name says nothing about them. */
const underWay = new Set<string>();

/** A folder with an embedded PostgreSQL, and what it takes to run it. */
export interface Cluster {
  /** The hub's data folder, absolute and without links. */
  readonly dataDir: string;
  /** PostgreSQL's own folder in it. */
  readonly pgData: string;
  readonly program: PostgresProgram;
  readonly password: string;
  readonly log: Logger;
  readonly clock: Clock;
}

/** Finds the cluster in the data folder, or makes it. Says clearly why it cannot. */
export async function prepareCluster(options: {
  dataDir: string;
  log: Logger;
  clock: Clock;
}): Promise<Cluster> {
  const { log, clock } = options;
  const dataDir = await writableFolder(options.dataDir);
  const pgData = join(dataDir, 'postgres');
  const program = await PostgresProgram.find(pgData);
  await removeLeftovers(dataDir, log, clock);
  if ((await versionOf(pgData)) === undefined) {
    log.info({ folder: pgData }, 'Making the database for the first time');
    await createCluster(dataDir, pgData, program);
  }
  const version = await versionOf(pgData);
  if (version !== program.major) {
    const message = `The database in ${pgData} was made by PostgreSQL ${version}, and this hub brings ${program.major}. Serve it with PostgreSQL ${version} and set DATABASE_URL to that, or move the folder away to begin with an empty one.`;
    throw new HubError('UNAVAILABLE', message);
  }
  await program.ownAll(pgData);
  return { dataDir, pgData, program, log, clock, password: await readPassword(pgData) };
}

async function writableFolder(path: string): Promise<string> {
  const folder = resolve(path);
  try {
    // For root, others may pass through (not read): PostgreSQL runs as another user.
    await makeFolder(folder, process.getuid?.() === 0 ? 0o711 : 0o700);
    // By way of its own entry: a file has none, and is told as such (ENOTDIR).
    await access(`${folder}/.`, constants.R_OK | constants.W_OK | constants.X_OK);
    return await realpath(folder);
  } catch (cause) {
    const message = `The data folder ${folder} cannot be written (${errorCodeOf(cause) ?? messageOf(cause)}). Make it writable for this user, or choose another with HUB_DATA_DIR.`;
    throw new HubError('UNAVAILABLE', message, { cause });
  }
}

/** Not `recursive`: Node's own never comes back from file systems that take no folders (/proc). */
async function makeFolder(folder: string, mode: number): Promise<void> {
  try {
    await mkdir(folder, { mode });
  } catch (error) {
    const code = errorCodeOf(error);
    if (code === 'EEXIST') return;
    const parent = dirname(folder);
    const isParentThere = await access(parent).then(
      () => true,
      () => false,
    );
    if (code !== 'ENOENT' || isParentThere) throw error;
    await makeFolder(parent, mode);
    await mkdir(folder, { mode });
  }
}

/** The major version that made the cluster; none when there is no cluster yet. */
async function versionOf(pgData: string): Promise<string | undefined> {
  try {
    return (await readFile(join(pgData, 'PG_VERSION'), 'utf8')).trim();
  } catch (cause) {
    const code = errorCodeOf(cause);
    if (code !== 'ENOENT') throw cannotRead(pgData, code ?? messageOf(cause), cause);
    const entries = await readdir(pgData).catch(() => []);
    if (entries.length === 0) return undefined;
    throw new HubError(
      'UNAVAILABLE',
      `${pgData} is there, but is no PostgreSQL data folder. Move it away, or choose another folder with HUB_DATA_DIR.`,
    );
  }
}

async function readPassword(pgData: string): Promise<string> {
  const file = join(pgData, passwordFile);
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    throw cannotRead(file, errorCodeOf(cause) ?? messageOf(cause), cause);
  }
}

function cannotRead(path: string, reason: string, cause: unknown): HubError {
  const message = `${path} cannot be read (${reason}). Run the hub as the user who made it, or choose another folder with HUB_DATA_DIR.`;
  return new HubError('UNAVAILABLE', message, { cause });
}

/**
 * Makes the cluster in a folder of its own and puts it in place whole, by one rename: a hub killed meanwhile
 * leaves nothing half made, and of two at once the later finds the other's and takes that.
 */
async function createCluster(dataDir: string, pgData: string, program: PostgresProgram): Promise<void> {
  const workshop = await mkdtemp(join(dataDir, `postgres-new-${process.pid}-`));
  underWay.add(basename(workshop));
  try {
    const made = join(workshop, 'data');
    const password = join(workshop, passwordFile);
    await writeFile(password, `${randomBytes(24).toString('base64url')}\n`, { mode: 0o600, flush: true });
    await program.own(workshop);
    await program.own(password);
    await program.run('initdb', initdbArguments(made, password));
    // The password goes with the cluster it opens, so that the two cannot come apart.
    await rename(password, join(made, passwordFile));
    await syncFolder(made);
    await rename(made, pgData);
    await syncFolder(dataDir);
  } catch (cause) {
    if ((await versionOf(pgData)) !== undefined) return;
    throw new HubError(
      'UNAVAILABLE',
      `The database cannot be made in ${dataDir}: ${messageOf(cause).trim()}`,
      { cause },
    );
  } finally {
    underWay.delete(basename(workshop));
    await rm(workshop, { recursive: true, force: true });
  }
}

function initdbArguments(folder: string, password: string): string[] {
  return [
    `--pgdata=${folder}`,
    `--username=${databaseUser}`,
    `--pwfile=${password}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // PostgreSQL's own C.UTF-8: no libc or ICU whose next version would sort an index otherwise.
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--no-instructions',
    '--set=timezone=UTC',
  ];
}

/** Removes what hubs that were killed during initdb left; another hub's that is at it stays. */
async function removeLeftovers(dataDir: string, log: Logger, clock: Clock): Promise<void> {
  for (const name of await readdir(dataDir)) {
    const pid = /^postgres-new-(\d+)-/.exec(name)?.[1];
    if (pid === undefined || underWay.has(name)) continue;
    const path = join(dataDir, name);
    const madeAt = await stat(path).then(
      found => found.mtimeMs,
      () => undefined,
    );
    if (madeAt === undefined) continue;
    const busy = Number(pid) !== process.pid && isAlive(Number(pid)) && clock.now() - madeAt < leftoverMs;
    if (busy) continue;
    log.info({ folder: path }, 'Removing what an interrupted first start left');
    await rm(path, { recursive: true, force: true, maxRetries: 3 }).catch((err: unknown) =>
      log.warn({ err }, 'The leftover stays for the next start'),
    );
  }
}

/** Tells whether a process has this number, whoever's it is. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCodeOf(error) === 'EPERM';
  }
}

/** Makes renames in a folder last over a power cut; where folders cannot be synced (Windows) the system cares. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  await using folder = await open(path, 'r');
  await folder.sync();
}
