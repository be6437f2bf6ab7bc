import { randomUUID } from 'node:crypto';
import { Client, type Pool } from 'pg';
import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import type { Logger } from '../core/logger.ts';
import { connectionOptions, direct } from '../db/connections.ts';
import { makeRedisClient, type RedisClient } from './redis.ts';

/** Holds what the messages between nodes need. */
export interface MessageDeps {
  readonly clock: Clock;
  readonly log: Logger;
}

/** Short texts to all nodes of an installation. They may get lost: whoever relies on one looks for itself, later. */
export interface NodeMessages extends AsyncDisposable {
  /** Sends to all other nodes. Never throws. */
  send(text: string): void;
  /** Sets who gets what other nodes send. */
  listen(onMessage: (text: string) => void): void;
}

/** Bytes of one message: PostgreSQL takes 8,000 for a notification. */
export const messageBytes = 7_500;

const channel = 'voucher_hub';

/** Sets how long to wait before connecting again, milliseconds. */
const reconnectMs = 1_000;

/** Says who only listens asks this often whether the other end is still there, milliseconds: it may go without a word. */
const askEveryMs = 5_000;

/** Sets how long closing a connection may take, milliseconds. */
const farewellMs = 1_000;

/** Length of a node's id in front of each message: a node leaves out its own. */
const idLength = 36;

/** Messages by PostgreSQL's LISTEN and NOTIFY, on a connection of its own. */
export class PostgresMessages implements NodeMessages {
  readonly #node = randomUUID();
  readonly #url: string;
  readonly #pool: Pool;
  readonly #deps: MessageDeps;
  readonly #stop = new AbortController();
  #onMessage: (text: string) => void = () => {};
  #running: Promise<void> = Promise.resolve();

  constructor(home: { url: string; pool: Pool }, deps: MessageDeps) {
    this.#url = home.url;
    this.#pool = home.pool;
    this.#deps = deps;
  }

  send(text: string): void {
    this.#pool
      .query({ name: 'notify', text: 'select pg_notify($1, $2)', values: [channel, this.#node + text] })
      .catch((error: unknown) => this.#deps.log.debug({ error: messageOf(error) }, 'message not sent'));
  }

  listen(onMessage: (text: string) => void): void {
    this.#onMessage = onMessage;
    this.#running = this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#listenOnce().catch((error: unknown) =>
        this.#deps.log.warn({ error: messageOf(error) }, 'messages between nodes wait for the database'),
      );
      await this.#deps.clock.sleep(reconnectMs, this.#stop.signal);
    }
  }

  /** Listens until the connection ends, or its other end says nothing any more. */
  async #listenOnce(): Promise<void> {
    const { clock } = this.#deps;
    const client = new Client({
      ...connectionOptions(askEveryMs / 2, direct),
      connectionString: this.#url,
    });
    const ended = new Promise<true>(resolve => {
      client.once('end', () => resolve(true)).once('error', () => resolve(true));
    });
    client.on('notification', ({ payload = '' }) => {
      if (!payload.startsWith(this.#node)) this.#onMessage(payload.slice(idLength));
    });
    try {
      await client.connect();
      await client.query(`listen ${channel}`);
      for (;;) {
        const asleep = clock.sleep(askEveryMs, this.#stop.signal).then(() => false);
        if ((await Promise.race([ended, asleep])) || this.#stop.signal.aborted) return;
        await client.query('select 1');
      }
    } finally {
      // An end that is gone does not answer the farewell either.
      const late = new Promise<void>(resolve => clock.after(farewellMs, resolve));
      await Promise.race([client.end().catch(() => {}), late]);
    }
  }
}

/** Messages by Redis' publish and subscribe. */
export class RedisMessages implements NodeMessages {
  readonly #node = randomUUID();
  readonly #channel: string;
  readonly #publisher: RedisClient;
  readonly #subscriber: RedisClient;
  readonly #log: Logger;
  readonly #cancelAsking: () => void;

  constructor(home: { url: string; prefix: string }, { log, clock }: MessageDeps) {
    this.#channel = `${home.prefix}-messages`;
    this.#log = log;
    const onFault = (fault: string) => log.debug({ error: fault }, 'redis, messages');
    this.#publisher = makeRedisClient(home.url, { waits: false, onFault });
    this.#subscriber = makeRedisClient(home.url, { waits: true, onFault });
    for (const client of [this.#publisher, this.#subscriber]) client.connect().catch(() => {});
    // Unanswered, the connection is given up and made anew (`makeRedisClient`).
    this.#cancelAsking = clock.every(askEveryMs, () => void this.#subscriber.ping().catch(() => {}));
  }

  send(text: string): void {
    this.#publisher
      .publish(this.#channel, this.#node + text)
      .catch((error: unknown) => this.#log.debug({ error: messageOf(error) }, 'message not sent'));
  }

  listen(onMessage: (text: string) => void): void {
    this.#subscriber.on('message', (_channel: string, payload: string) => {
      if (!payload.startsWith(this.#node)) onMessage(payload.slice(idLength));
    });
    // Subscribed again by ioredis after each reconnection.
    this.#subscriber
      .subscribe(this.#channel)
      .catch((error: unknown) => this.#log.warn({ error: messageOf(error) }, 'messages between nodes'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#cancelAsking();
    this.#publisher.disconnect();
    this.#subscriber.disconnect();
  }
}
