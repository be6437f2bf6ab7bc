import { statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { localAddress } from '../../config/client-environment.ts';
import type { Config } from '../../config/config.ts';
import { errorCodeOf } from '../../core/errors.ts';
import { type Check, checksOf } from './check.ts';

const disk = checksOf('disk');
const port = checksOf('port');

/** Sets how long what holds the port may take to say that it is a hub, milliseconds. */
const answerMs = 2_000;

const gibibyte = 1_073_741_824;

/** PostgreSQL stops when its disk is full; it wants room for its log of changes alone, bytes. */
const leastBytes = 0.5 * gibibyte;
const fewBytes = 5 * gibibyte;

/** Free space where the embedded database lies. */
export async function checkDisk(dataDir: string): Promise<Check> {
  const folder = path.resolve(dataDir);
  const { bavail, bsize } = await statfsOfNearest(folder);
  const free = bavail * bsize;
  const message = `${(free / gibibyte).toFixed(1)} GiB free for ${folder}`;
  const mend = 'Make room, or put HUB_DATA_DIR on a larger disk.';
  if (free < leastBytes) return disk.fail(message, mend);
  return free < fewBytes ? disk.warn(message, mend) : disk.ok(message);
}

/** A folder that is not made yet will lie on its parent's disk. */
async function statfsOfNearest(folder: string): Promise<{ bavail: number; bsize: number }> {
  try {
    return await statfs(folder);
  } catch (error) {
    const parent = path.dirname(folder);
    if (errorCodeOf(error) !== 'ENOENT' || parent === folder) throw error;
    return statfsOfNearest(parent);
  }
}

/** Tells whether a hub could listen; asked where none answers. */
export async function checkPort(config: Config): Promise<Check> {
  if (config.port === 0) return port.ok('any free one (HUB_PORT is 0)');
  const server = createServer();
  const code = await new Promise<string | null>(resolve => {
    server.once('error', error => resolve(errorCodeOf(error) ?? 'error'));
    server.listen(config.port, config.host, () => server.close(() => resolve(null)));
  });
  if (code === null) return port.ok(`${config.host}:${config.port} is free`);
  if (code === 'EADDRINUSE') return checkHolder(config);
  return port.fail(
    `nothing can listen on ${config.host}:${config.port} (${code})`,
    'Correct HUB_HOST and HUB_PORT.',
  );
}

/** Whoever holds the port: the hub itself, found where --url or HUB_URL names another one, or a stranger. */
async function checkHolder({ host, port: number }: Config): Promise<Check> {
  if (await isHub(localAddress(host, number)))
    return port.ok(`${host}:${number}: the hub itself is running here`);
  return port.fail(
    `${host}:${number} is taken by another program`,
    'Stop it, or set HUB_PORT to another port.',
  );
}

async function isHub(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(answerMs) });
    const body: unknown = await response.json();
    return typeof body === 'object' && body !== null && 'status' in body && body.status === 'alive';
  } catch {
    return false;
  }
}
