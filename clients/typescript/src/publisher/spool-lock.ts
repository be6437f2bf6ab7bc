import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';

/** Folders that this process holds. Its own id in a lock file says nothing: after a restart in a container it is the same. */
const held = new Set<string>();

/**
 * Takes a spool folder for this process, since two on one folder would send and delete under each other's hands.
 * @returns what gives it back
 * @throws {Error} where a living process has it
 */
export function lockFolder(folder: string): () => void {
  const file = path.resolve(folder, 'lock');
  const holder = held.has(file) ? process.pid : otherHolder(file);
  if (holder !== null)
    throw new Error(`${folder} is the spool of process ${holder}; give each process its own.`);
  rmSync(file, { force: true });
  const fd = openSync(file, 'wx');
  writeSync(fd, String(process.pid));
  closeSync(fd);
  held.add(file);
  return () => {
    held.delete(file);
    rmSync(file, { force: true });
  };
}

/** The living process, other than this, that the lock file names. */
function otherHolder(file: string): number | null {
  const pid = Number(readIfThere(file));
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return null;
  try {
    process.kill(pid, 0);
    return pid;
  } catch (error) {
    // EPERM: it lives, and is another user's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM' ? pid : null;
  }
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
