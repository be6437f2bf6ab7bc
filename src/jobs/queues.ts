import { createPostgresBackend, Queue, Worker, withBackend } from 'bullmq';
import type { Clock } from '../core/clock.ts';
import { HubError, messageOf } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { Logger } from '../core/logger.ts';
import { connectionOptions, inspectRoute, sessionOptions } from '../db/connections.ts';
import { checkRedisKeeps, makeRedisClient } from './redis.ts';

/** Holds what the queue needs. */
export interface QueueDeps {
  readonly log: Logger;
  readonly clock: Clock;
}

/** A wake-up: never a payload, so the queue may be lost without losing an event. */
export interface WakeUp {
  /** Names the shard, as `shardNameOf` does. */
  readonly shard: string;
  /** W3C trace context of who woke it; left out: tracing is off. */
  readonly traceparent?: string;
}

/** The same as it stands in the queue. Hubs of the version before call a shard a lane, and work on the same queue. */
interface WireJob {
  readonly lane: string;
  readonly traceparent?: string;
}

/** Says what is to be done: empty a shard, or try whether its target is back. */
export type WakeUpName = 'drain' | 'probe';

/** Says where the queue lives. */
export type QueueHome =
  | { readonly kind: 'postgres'; readonly url: string; readonly schema: string }
  /**
   * `prefix` keeps installations apart that share a Redis; its braces keep its keys on one node of a
   * cluster. No colon in it: BullMQ's scripts take keys apart there.
   */
  | { readonly kind: 'redis'; readonly url: string; readonly prefix: string };

/** The queue of wake-ups, in either home, behind one face. */
export interface WakeUpQueue extends AsyncDisposable {
  /** Adds wake-ups; one shard's are one, and one that comes while it is drained runs once more after. */
  add(name: WakeUpName, shards: readonly string[], traceparent?: string): Promise<void>;
  /** Starts taking jobs in this process. Dispose of it to stop; it waits for the jobs under way. */
  work(process: (name: WakeUpName, job: WakeUp) => Promise<void>): Promise<AsyncDisposable>;
  /** Tells whether the queue's home answers. */
  isReady(): Promise<boolean>;
}

/** Keeps its name from the version before, as `WireJob` does. */
const queueName = 'lanes';

/**
 * A killed process's jobs are taken over after its lock (renewed at half) has run out and a check finds it. The
 * count of such take-overs is not bounded: a crash of the hub must never fail a shard.
 */
const workerOptions = {
  concurrency: limits.drainsPerWorker,
  lockDuration: 10_000,
  stalledInterval: 5_000,
  maxStalledCount: 1_000_000,
};

/** A finished wake-up is of no interest. */
const jobOptions = { removeOnComplete: true, removeOnFail: true };

/** Connections that BullMQ may take of PostgreSQL for the queue and for the worker, each. */
const queuePoolSize = 3;

const behindPooler =
  'DATABASE_URL (or DATABASE_DIRECT_URL) leads to a pooler, such as PgBouncer. The queue on PostgreSQL and the messages between nodes (LISTEN) need connections of their own: set DATABASE_DIRECT_URL to the address of PostgreSQL itself, or put the queue on Redis (REDIS_URL).';

/** Opens the queue. On PostgreSQL its tables are made in a schema of their own. */
export async function openWakeUpQueue(home: QueueHome, deps: QueueDeps): Promise<WakeUpQueue> {
  return home.kind === 'postgres' ? openOnPostgres(home, deps) : openOnRedis(home, deps);
}

async function openOnPostgres(home: { url: string; schema: string }, deps: QueueDeps): Promise<WakeUpQueue> {
  const { log } = deps;
  const route = await inspectRoute(home.url);
  if (route.pooled) throw new HubError('UNAVAILABLE', behindPooler);
  const connection = {
    ...connectionOptions(limits.queueStatementMs, route),
    application_name: 'voucher-hub queue',
    options: sessionOptions,
    // Hubs that start together wait for the one that makes the tables.
    lock_timeout: 0,
    connectionString: home.url,
    schema: home.schema,
    migrate: true,
    max: queuePoolSize,
  };
  const postgres = withBackend(createPostgresBackend);
  const queue = new postgres.Queue<WireJob, void, WakeUpName>(queueName, {
    connection,
    defaultJobOptions: jobOptions,
  });
  queue.on('error', error => log.warn({ error: messageOf(error) }, 'queue'));
  await queue.waitUntilReady();
  const startWorker = (processor: (job: { name: WakeUpName; data: WireJob }) => Promise<void>) =>
    new postgres.Worker<WireJob, void, WakeUpName>(queueName, processor, { connection, ...workerOptions });
  return wakeUpQueue(queue, startWorker, deps, async () => {});
}

async function openOnRedis(
  { url, prefix }: { url: string; prefix: string },
  deps: QueueDeps,
): Promise<WakeUpQueue> {
  const { log } = deps;
  const mayAsk = await checkRedisKeeps(url, log);
  const onFault = (fault: string) => log.warn({ error: fault }, 'redis');
  const producer = makeRedisClient(url, { waits: false, onFault });
  const consumer = makeRedisClient(url, { waits: true, onFault });
  const disconnect = async () => {
    producer.disconnect();
    consumer.disconnect();
  };
  try {
    await Promise.all([producer.connect(), consumer.connect()]);
  } catch {
    await disconnect();
    // What ioredis threw is kept out: it carries the command that failed, AUTH with its password.
    throw new HubError('UNAVAILABLE', 'Redis (REDIS_URL) went away while the hub connected to it.');
  }
  // BullMQ asks for the version by INFO, which this user may not.
  const options = { prefix, skipVersionCheck: !mayAsk };
  const queue = new Queue<WireJob, void, WakeUpName>(queueName, {
    ...options,
    connection: producer,
    defaultJobOptions: jobOptions,
  });
  queue.on('error', error => log.warn({ error: messageOf(error) }, 'queue'));
  const startWorker = (processor: (job: { name: WakeUpName; data: WireJob }) => Promise<void>) =>
    new Worker<WireJob, void, WakeUpName>(queueName, processor, {
      ...options,
      connection: consumer,
      ...workerOptions,
    });
  return wakeUpQueue(queue, startWorker, deps, disconnect);
}

/** The part of BullMQ's queue that is used, the same on both homes. */
interface AnyQueue {
  addBulk(jobs: { name: WakeUpName; data: WireJob; opts: object }[]): Promise<unknown>;
  getActiveCount(): Promise<number>;
  close(): Promise<void>;
}

/** The part of BullMQ's worker that is used. */
interface AnyWorker {
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'failed', listener: (job: unknown, error: Error) => void): unknown;
  waitUntilReady(): Promise<unknown>;
  close(): Promise<void>;
}

function wakeUpQueue(
  queue: AnyQueue,
  startWorker: (processor: (job: { name: WakeUpName; data: WireJob }) => Promise<void>) => AnyWorker,
  { log, clock }: QueueDeps,
  disconnect: () => Promise<void>,
): WakeUpQueue {
  return {
    async add(name, shards, traceparent) {
      const jobs = shards.map(shard => ({
        name,
        data: { lane: shard, traceparent } satisfies WireJob,
        opts: { deduplication: { id: `${name}-lane-${shard}`, keepLastIfActive: true } },
      }));
      await queue.addBulk(jobs);
    },
    async work(process) {
      const worker = startWorker(({ name, data }) =>
        process(name, { shard: data.lane, traceparent: data.traceparent }),
      );
      worker.on('error', error => log.warn({ error: messageOf(error) }, 'queue worker'));
      worker.on('failed', (_job, error) => log.warn({ error: messageOf(error) }, 'wake-up failed'));
      await worker.waitUntilReady();
      return { [Symbol.asyncDispose]: () => worker.close() };
    },
    async isReady() {
      const late = clock.sleep(limits.readyMs).then(() => false);
      return Promise.race([
        queue.getActiveCount().then(
          () => true,
          () => false,
        ),
        late,
      ]);
    },
    async [Symbol.asyncDispose]() {
      await queue.close();
      await disconnect();
    },
  };
}
