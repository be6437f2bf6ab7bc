import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Clock } from '../../core/clock.ts';
import { errorCodeOf } from '../../core/errors.ts';
import { isAlive } from './cluster.ts';

/** A server writes its file at once after making it; one still empty after this is a remnant, milliseconds. */
const writingMs = 2_000;

/** A running server on a data folder, by its `postmaster.pid`. */
interface Postmaster {
  readonly pid: number;
  /** Known a moment after the start. */
  readonly port: number | undefined;
}

/**
 * The server that runs on the folder, if one does. A `postmaster.pid` that no server stands behind is taken
 * away: PostgreSQL would itself refuse to start if any process of its user now has the number.
 */
export async function findPostmaster(cluster: {
  pgData: string;
  clock: Clock;
}): Promise<Postmaster | undefined> {
  const { pgData, clock } = cluster;
  const file = join(pgData, 'postmaster.pid');
  const text = await readFile(file, 'utf8').catch(ignoreAbsence);
  if (text === undefined) return undefined;
  const lines = text.split('\n');
  const pid = Number.parseInt(lines[0] ?? '', 10);
  // Without a number: a server is just about to write it, or the machine died at that moment.
  const unwritten = !Number.isInteger(pid);
  if (unwritten && clock.now() - (await modifiedAt(file)) < writingMs) return undefined;
  if (!unwritten && (await isPostmaster(pid, pgData))) {
    const port = Number.parseInt(lines[3] ?? '', 10);
    return { pid, port: Number.isInteger(port) ? port : undefined };
  }
  await removeStale(file, text);
  return undefined;
}

/** Tells whether this process is a PostgreSQL server on this folder, rather than a later bearer of its number. */
async function isPostmaster(pid: number, pgData: string): Promise<boolean> {
  if (!isAlive(pid)) return false;
  if (process.platform === 'linux') return isPostmasterOnLinux(pid, pgData);
  if (process.platform === 'win32') return true;
  try {
    const { stdout } = await promisify(execFile)('ps', ['-ww', '-o', 'command=', '-p', String(pid)]);
    return stdout.includes('postgres') && stdout.includes(pgData);
  } catch {
    return false;
  }
}

async function isPostmasterOnLinux(pid: number, pgData: string): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(ignoreAbsence);
  const parsed = /^\d+ \((.*)\) (\w) /s.exec(status ?? '');
  // A zombie has ended; only its parent has not looked.
  if (parsed?.[1] !== 'postgres' || parsed[2] === 'Z' || parsed[2] === 'X') return false;
  try {
    // A server's working folder is its data folder; this tells ours from others'.
    const [cwd, folder] = await Promise.all([stat(`/proc/${pid}/cwd`), stat(pgData)]);
    return cwd.dev === folder.dev && cwd.ino === folder.ino;
  } catch (error) {
    // Not allowed to look: rather wait for it in vain than start a second one beside it.
    return errorCodeOf(error) === 'EACCES' || errorCodeOf(error) === 'EPERM';
  }
}

/**
 * Takes away the file with just this content. A hub that starts at the same moment may have put a server's new
 * file in its place since we looked: that one goes back. (Were it lost all the same, PostgreSQL's shared memory
 * still keeps a second server off the folder.)
 */
async function removeStale(file: string, text: string): Promise<void> {
  const aside = `${file}.stale-${randomUUID()}`;
  try {
    await rename(file, aside);
    if ((await readFile(aside, 'utf8')) !== text) await link(aside, file);
  } catch (error) {
    if (errorCodeOf(error) !== 'ENOENT' && errorCodeOf(error) !== 'EEXIST') throw error;
  } finally {
    await rm(aside, { force: true });
  }
}

async function modifiedAt(file: string): Promise<number> {
  return (await stat(file).catch(ignoreAbsence))?.mtimeMs ?? Number.POSITIVE_INFINITY;
}

function ignoreAbsence(error: unknown): undefined {
  // ESRCH: the process ended between opening its file under /proc and reading it.
  if (errorCodeOf(error) === 'ENOENT' || errorCodeOf(error) === 'ESRCH') return undefined;
  throw error;
}
