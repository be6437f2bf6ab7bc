import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis, type RedisOptions } from 'ioredis';
import { once, until } from './wait.ts';

const program = (() => {
  try {
    return execFileSync('which', ['redis-server']).toString().trim();
  } catch {
    return null;
  }
})();

/** Why tests with a Redis of their own are skipped; false where they are not. */
export const withoutRedis = program === null ? 'redis-server is not installed' : false;

/** A redis-server of a test's own. */
export interface TestRedis extends AsyncDisposable {
  readonly port: number;
  /** Without a user: what `requirepass` and ACLs ask for, tests add. */
  readonly url: string;
  readonly client: Redis;
  /** Starts it again after `kill`, as empty as it was at first. */
  start(): Promise<void>;
  kill(): Promise<void>;
  /** As disposing of it, for the moment in which this process itself ends: nothing is waited for. */
  killAtOnce(): void;
}

/** A port that is free, and low enough for a cluster's bus, which listens on it plus 10,000. */
async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer();
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    await new Promise<void>(resolve => server.close(() => resolve()));
    if (typeof address === 'object' && address !== null && address.port < 55_000) return address.port;
  }
}

/** Holds what differs from a plain Redis. */
export interface TestRedisOptions {
  /** More lines of its configuration; the last of a kind holds. */
  readonly config?: readonly string[];
  /** Says how the test itself connects. */
  readonly client?: RedisOptions;
  /** Takes TLS only. */
  readonly tls?: Certificates;
  readonly isSentinel?: boolean;
  /** Left out: any free one. */
  readonly port?: number;
}

/** A Redis without persistence: what it forgets must not matter. */
export async function startRedis(options: TestRedisOptions = {}): Promise<TestRedis> {
  const { tls } = options;
  const port = options.port ?? (await freePort());
  const folder = mkdtempSync(path.join(tmpdir(), 'hub-redis-'));
  const file = path.join(folder, 'redis.conf');
  const base = ['bind 127.0.0.1', 'save ""', 'appendonly no', 'maxmemory-policy noeviction'];
  const ports = tls === undefined ? [`port ${port}`] : ['port 0', `tls-port ${port}`, ...tlsLines(tls)];
  writeFileSync(file, [...base, ...ports, ...(options.config ?? []), ''].join('\n'));
  const args = options.isSentinel === true ? [file, '--sentinel'] : [file];
  let running: ChildProcess | undefined;
  const client = new Redis({
    port,
    host: '127.0.0.1',
    lazyConnect: true,
    retryStrategy: () => 50,
    maxRetriesPerRequest: null,
    ...(tls === undefined ? {} : { tls: { ca: readFileSync(tls.ca) } }),
    ...options.client,
  });
  client.on('error', () => {});
  const start = async () => {
    running = spawn(program ?? '', args, { cwd: folder, stdio: 'ignore' });
    await until('Redis answers', () =>
      client.ping().then(
        () => true,
        () => false,
      ),
    );
  };
  const kill = async () => {
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const exit = once(running, 'exit');
    running.kill('SIGKILL');
    await exit;
  };
  const killAtOnce = () => {
    running?.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  const dispose = async () => {
    client.disconnect();
    await kill();
    rmSync(folder, { recursive: true, force: true });
  };
  await start();
  const url = `redis://127.0.0.1:${port}`;
  return { port, url, client, start, kill, killAtOnce, [Symbol.asyncDispose]: dispose };
}

/** A Sentinel that watches one Redis as `mymaster`. @param password the one of that Redis */
export function startSentinel(master: TestRedis, password: string): Promise<TestRedis> {
  const watched = `sentinel monitor mymaster 127.0.0.1 ${master.port} 1`;
  return startRedis({ config: [watched, `sentinel auth-pass mymaster ${password}`], isSentinel: true });
}

/** Three masters, each with a third of the slots, without replicas. */
export async function startRedisCluster(
  options: TestRedisOptions,
): Promise<{ nodes: TestRedis[] } & AsyncDisposable> {
  await using parts = new AsyncDisposableStack();
  const nodes: TestRedis[] = [];
  const config = ['cluster-enabled yes', ...(options.config ?? [])];
  for (let n = 0; n < 3; n++) nodes.push(parts.use(await startRedis({ ...options, config })));
  const slots = Array.from({ length: 16_384 }, (_, slot) => slot);
  for (const [n, { client: node, port }] of nodes.entries()) {
    await node.cluster('ADDSLOTS', ...slots.filter(slot => slot % 3 === n));
    await nodes[0]?.client.call('cluster', 'meet', '127.0.0.1', port);
  }
  const isWhole = async ({ client: node }: TestRedis) => {
    const info = String(await node.call('cluster', 'info'));
    return info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:3');
  };
  await until('the cluster is whole', async () => (await Promise.all(nodes.map(isWhole))).every(Boolean));
  const kept = parts.move();
  return { nodes, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** Files of a certificate authority's certificate, and of a server's with its key. */
export interface Certificates {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Makes a certificate for 127.0.0.1 in a folder. */
export function makeCertificates(folder: string): Certificates {
  const file = (name: string) => path.join(folder, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'ignore' });
  const [ca, caKey, cert, key, request, names] = [
    file('ca.pem'),
    file('ca.key'),
    file('server.pem'),
    file('server.key'),
    file('request'),
    file('names'),
  ];
  writeFileSync(names, 'subjectAltName=IP:127.0.0.1\n');
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...ec, '-keyout', caKey, '-out', ca, '-subj', '/CN=test-ca', '-days', '2');
  openssl('req', ...ec, '-keyout', key, '-out', request, '-subj', '/CN=redis');
  const authority = ['-CA', ca, '-CAkey', caKey, '-CAcreateserial'];
  openssl('x509', '-req', '-in', request, ...authority, '-days', '2', '-extfile', names, '-out', cert);
  return { ca, cert, key };
}

function tlsLines({ ca, cert, key }: Certificates): string[] {
  const files = [`tls-cert-file ${cert}`, `tls-key-file ${key}`, `tls-ca-cert-file ${ca}`];
  return [...files, 'tls-auth-clients no', 'tls-cluster yes', 'tls-replication yes'];
}
