import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import { until } from './wait.ts';

// Runs a command with a Redis of its own, its address in HUB_TEST_REDIS_URL.
const [command, ...args] = process.argv.slice(2);
if (command === undefined) throw new Error('with-redis COMMAND …');
const folder = await mkdtemp(path.join(tmpdir(), 'hub-redis-'));
const port = await freePort();
const server = spawn(
  'redis-server',
  [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--dir',
    folder,
    '--save',
    '',
    '--maxmemory-policy',
    'noeviction',
  ],
  { stdio: 'ignore' },
);
const url = `redis://127.0.0.1:${port}`;
try {
  await until('Redis answers', () => answers(url));
  const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, HUB_TEST_REDIS_URL: url } });
  process.exitCode = await new Promise<number>(resolve => child.on('exit', code => resolve(code ?? 1)));
} finally {
  server.kill();
  await rm(folder, { recursive: true, force: true });
}

async function answers(address: string): Promise<boolean> {
  const client = new Redis(address, { lazyConnect: true, retryStrategy: () => null });
  client.on('error', () => {});
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    client.disconnect();
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() =>
        typeof address === 'object' && address !== null
          ? resolve(address.port)
          : reject(new Error('no port')),
      );
    });
  });
}
