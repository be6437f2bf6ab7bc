import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

/** Of a line of /proc/PID/stat after the name: the fields of processor time, its own and that of children that have ended. */
const own = [11, 12];
const ended = [13, 14];
const parentField = 1;

/** Holds what Linux counts in, on every architecture that Node runs on. */
const ticksPerSecond = 100;

/**
 * Processor time that a PostgreSQL server on this machine has used, all its processes together, seconds; NaN where
 * there is no /proc. @param dataDirectory the server's
 */
export async function postgresSeconds(dataDirectory: string): Promise<number> {
  const pids = await readdir('/proc').catch(() => []);
  const [top = ''] = (await readFile(path.join(dataDirectory, 'postmaster.pid'), 'utf8')).split('\n');
  const stats = await Promise.all(
    pids.filter(pid => /^\d+$/.test(pid)).map(async pid => ({ pid, fields: await statOf(pid) })),
  );
  let ticks = Number.NaN;
  for (const { pid, fields } of stats) {
    const isTop = pid === top;
    if (!isTop && fields[parentField] !== top) continue;
    const used = (isTop ? [...own, ...ended] : own).map(at => Number(fields[at]));
    ticks = used.reduce((sum, one) => sum + one, Number.isNaN(ticks) ? 0 : ticks);
  }
  return ticks / ticksPerSecond;
}

/** A process's state; nothing where it has ended meanwhile. The name before it may hold anything, blanks and brackets too. */
async function statOf(pid: string): Promise<string[]> {
  const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return line.slice(line.lastIndexOf(')') + 2).split(' ');
}
