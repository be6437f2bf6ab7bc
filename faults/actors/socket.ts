import { setTimeout as pause } from 'node:timers/promises';
import { type Client, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { z } from 'zod';
import type { Recorder } from '../history.ts';

const query = `subscription ($id: ID!) { deliveries(subscriptionId: $id, prefetch: 20) {
  syncId event { sourceVersion data voucher { sourceSystem sourceId } } } }`;
const acknowledgement = 'mutation ($ids: [ID!]!) { acknowledge(syncIds: $ids) }';

const delivered = z.object({
  deliveries: z.object({
    syncId: z.string(),
    event: z.object({
      sourceVersion: z.number(),
      data: z.object({ mark: z.string() }),
      voucher: z.object({ sourceSystem: z.string(), sourceId: z.string() }),
    }),
  }),
});

/** Says how a consumer acknowledges. */
export type SocketManner = 'good' | 'late' | 'mute' | 'twice';

/** A socket is pinged this often, and given up where the pong takes as long, milliseconds. */
const pingMs = 4_000;

/** Sets how long it waits before it attaches again, milliseconds. */
const againMs = 300;

/** Sets how often a flapping consumer's socket is cut, milliseconds. */
const flapMs = 350;

/** Holds what a consumer over graphql-ws needs. */
export interface SocketOptions {
  readonly subscriptionId: string;
  /** The hubs that take sockets; it attaches to one after the other. */
  readonly urls: readonly string[];
  readonly key: string;
  /** The subscription's, milliseconds: late is beyond it. */
  readonly ackTimeoutMs: number;
  readonly recorder: Recorder;
}

/** A consumer over a socket, which attaches again and again until it is disposed of. */
export class SocketConsumer implements AsyncDisposable {
  manner: SocketManner = 'good';
  readonly #options: SocketOptions;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #turn: number;
  #socket: WebSocket | undefined;
  #flapping: NodeJS.Timeout | undefined;

  /** @param first which of the hubs it attaches to first */
  constructor(options: SocketOptions, first: number) {
    this.#options = options;
    this.#turn = first;
    this.#running = this.#run();
  }

  /** Cuts its socket. */
  kill(): void {
    this.#socket?.terminate();
  }

  /** Attaches and is cut, over and over; or no more. */
  flap(isFlapping: boolean): void {
    clearInterval(this.#flapping);
    if (isFlapping) this.#flapping = setInterval(() => this.kill(), flapMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.flap(false);
    this.#stop.abort();
    this.kill();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#attach();
      await pause(againMs);
    }
  }

  /** Attaches to the next hub; resolves when that is over. */
  async #attach(): Promise<void> {
    const { urls, subscriptionId } = this.#options;
    const client = this.#connect(urls[this.#turn++ % urls.length] ?? '');
    const over = new AbortController();
    await new Promise<void>(resolve => {
      // Who is disposed of just now may have no socket yet that could be cut.
      this.#stop.signal.addEventListener('abort', () => resolve(), { once: true, signal: over.signal });
      client.subscribe(
        { query, variables: { id: subscriptionId } },
        {
          next: ({ data }) => {
            const parsed = delivered.safeParse(data);
            if (parsed.success) void this.#take(client, parsed.data.deliveries);
          },
          error: () => resolve(),
          complete: () => resolve(),
        },
      );
    });
    over.abort();
    await Promise.resolve(client.dispose()).catch(() => {});
    this.kill();
  }

  #connect(url: string): Client {
    const keep = (socket: WebSocket) => {
      this.#socket = socket;
    };
    class Socket extends WebSocket {
      constructor(address: string, protocols: string[]) {
        super(address, protocols, { handshakeTimeout: pingMs });
        keep(this);
      }
    }
    let noPong: NodeJS.Timeout | undefined;
    return createClient({
      url: `${url.replace('http', 'ws')}/graphql`,
      webSocketImpl: Socket,
      connectionParams: { authorization: `Bearer ${this.#options.key}` },
      connectionAckWaitTimeout: pingMs,
      retryAttempts: 0,
      lazy: true,
      keepAlive: pingMs,
      on: {
        ping: received => {
          if (!received) noPong = setTimeout(() => this.kill(), pingMs);
        },
        pong: () => clearTimeout(noPong),
        closed: () => clearTimeout(noPong),
      },
    });
  }

  async #take(client: Client, { syncId, event }: z.infer<typeof delivered>['deliveries']): Promise<void> {
    const { recorder, subscriptionId, ackTimeoutMs } = this.#options;
    const { manner } = this;
    const arrival = recorder.arrived({
      subscriptionId,
      way: 'socket',
      syncId,
      ...event.voucher,
      version: event.sourceVersion,
      mark: event.data.mark,
      datedOffMs: null,
      signature: null,
    });
    if (manner === 'mute') return;
    if (manner === 'late') await pause(ackTimeoutMs + 500);
    arrival.accepted = true;
    acknowledge(client, syncId);
    if (manner === 'twice') acknowledge(client, syncId);
  }
}

/** On the same socket; where that is closed, the hub pushes again. */
function acknowledge(client: Client, syncId: string): void {
  const ignore = () => {};
  client.subscribe(
    { query: acknowledgement, variables: { ids: [syncId] } },
    { next: ignore, error: ignore, complete: ignore },
  );
}
