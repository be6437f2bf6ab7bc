import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { errorCodeOf, HubError, messageOf } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { hostsOf, parseRedisUrl, type RedisPlace } from './redis-url.ts';

/** A client of one Redis, of the master that Sentinels name, or of a cluster. */
export type RedisClient = Redis | Cluster;

/** Says how a connection behaves. */
export interface RedisManner {
  /** True when commands wait for Redis while it is away; otherwise they fail at once. */
  readonly waits: boolean;
  /** Gets the text of each fault of the connection, which connects again by itself. */
  readonly onFault: (fault: string) => void;
}

/** Holds what a server that may hold keys of the queue says of itself; null where it does not say. */
export interface RedisServer {
  readonly address: string;
  readonly version: string | null;
  readonly policy: string | null;
}

const askMs = 5_000;

/**
 * A connection on which something was asked and nothing came for so long is given up, milliseconds: its other end may
 * be gone without a word. BullMQ's longest wait for a job is ten seconds.
 */
const silentMs = 12_000;

/** Makes a connection that connects when it is told to, or by its first command; the caller disconnects it. */
export function makeRedisClient(url: string, { waits, onFault }: RedisManner): RedisClient {
  const client = open(
    url,
    { enableOfflineQueue: waits, lazyConnect: true },
    {
      maxRetriesPerRequest: waits ? null : 1,
      socketTimeout: silentMs,
      // A master that was made a replica behind one name: only a new connection finds the new master.
      reconnectOnError: ({ message }) => (message.includes('READONLY') ? 2 : false),
    },
  );
  client.on('error', error => onFault(faultOf(error)));
  return client;
}

/**
 * Asks, once, every server that may hold keys of the queue: one, or each master of a cluster. `fault` says why none
 * answers. It is a text and no error, because ioredis' errors carry the command that failed, AUTH with its password.
 */
export async function askRedis(url: string): Promise<{ servers: RedisServer[]; fault: string | null }> {
  const client = open(
    url,
    { lazyConnect: true, enableOfflineQueue: true, clusterRetryStrategy: null },
    patience,
  );
  let last: unknown;
  const sentinels: string[] = [];
  client.on('error', error => {
    last = error;
  });
  client.on('sentinelError', (error: unknown) => sentinels.push(messageOf(error)));
  const place = parseRedisUrl(url);
  try {
    await client.connect();
    const asked =
      client instanceof Cluster
        ? client.nodes('master').map(node => askServer(node, `${node.options.host}:${node.options.port}`))
        : [askServer(client, hostsOf(place))];
    return { servers: await Promise.all(asked), fault: null };
  } catch (error) {
    const ofSentinels = sentinels.length < place.hosts.length ? null : sentinels.join('; ');
    return { servers: [], fault: ofSentinels ?? faultOf(last ?? error) };
  } finally {
    client.disconnect();
  }
}

/**
 * Sees to it that Redis answers and keeps what it is given: full, another policy than noeviction drops keys, and the
 * queue's keys hold one another by name.
 * @returns whether it let itself be asked by INFO
 * @throws HubError UNAVAILABLE that says what is to be set
 */
export async function checkRedisKeeps(url: string, log: Logger): Promise<boolean> {
  const { servers, fault } = await askRedis(url);
  const where = hostsOf(parseRedisUrl(url));
  if (fault !== null)
    throw new HubError('UNAVAILABLE', `Redis at ${where} (REDIS_URL) does not answer: ${fault}`);
  for (const { address, policy } of servers) {
    if (policy !== null && policy !== 'noeviction')
      throw new HubError(
        'UNAVAILABLE',
        `Redis at ${address} (REDIS_URL) has maxmemory-policy ${policy}: when its memory is full, it throws away keys of the queue. Set it to noeviction (config set maxmemory-policy noeviction, and in redis.conf), or give the hub a Redis of its own.`,
      );
  }
  const mute = servers.filter(({ policy }) => policy === null).map(({ address }) => address);
  if (mute.length > 0)
    log.warn({ redis: mute }, "Redis' maxmemory-policy can't be asked: see to it that it is noeviction");
  return mute.length === 0;
}

/** Try each address once, and give up. */
const patience: RedisOptions = {
  connectTimeout: askMs,
  commandTimeout: askMs,
  sentinelCommandTimeout: askMs,
  maxRetriesPerRequest: 0,
  retryStrategy: () => null,
  sentinelRetryStrategy: () => null,
};

interface Common {
  readonly enableOfflineQueue: boolean;
  readonly lazyConnect: boolean;
  readonly clusterRetryStrategy?: null;
}

function open(url: string, common: Common, options: RedisOptions): RedisClient {
  const place = parseRedisUrl(url);
  if (place.kind === 'single') return new Redis(url, { ...options, ...common });
  const secured = { ...options, ...accountOf(place), ...(place.tls ? { tls: {} } : {}) };
  if (place.kind === 'cluster') return openCluster(place, common, secured);
  return new Redis({
    ...secured,
    ...common,
    name: place.master,
    sentinels: [...place.hosts],
    // Without a user: Sentinels that ask for none take any password for their `default` user.
    ...(place.password === undefined ? {} : { sentinelPassword: place.password }),
    ...(place.tls ? { enableTLSForSentinelMode: true, sentinelTLS: {} } : {}),
  });
}

function openCluster(place: RedisPlace, common: Common, options: RedisOptions): Cluster {
  const { retryStrategy: _, enableOfflineQueue: __, ...redisOptions } = options;
  return new Cluster([...place.hosts], {
    ...common,
    redisOptions,
    // Left to the connection itself: looked up before, TLS would look for an IP address in the certificate.
    dnsLookup: (host, found) => found(null, host),
  });
}

function accountOf({ user, password }: RedisPlace): { username?: string; password?: string } {
  return {
    ...(user === undefined ? {} : { username: user }),
    ...(password === undefined ? {} : { password }),
  };
}

/** By INFO, which is there where CONFIG is disabled. */
async function askServer(server: Redis, address: string): Promise<RedisServer> {
  const info = await server.info().catch(() => '');
  return {
    address,
    version: /^redis_version:(\S+)/m.exec(info)?.[1] ?? null,
    policy: /^maxmemory_policy:(\S+)/m.exec(info)?.[1] ?? null,
  };
}

/** The text of a fault; of a cluster's, that of the node that it asked last. */
function faultOf(error: unknown): string {
  const cause =
    error instanceof Error && 'lastNodeError' in error && error.lastNodeError instanceof Error
      ? error.lastNodeError
      : error;
  // An address with several IPs fails with an error without a message.
  return messageOf(cause) || (errorCodeOf(cause) ?? 'no connection');
}
