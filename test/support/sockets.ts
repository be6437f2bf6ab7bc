import { setTimeout as pause } from 'node:timers/promises';
import { type Client, createClient } from 'graphql-ws';
import { type ClientOptions, WebSocket } from 'ws';
import { type Clock, systemClock } from '../../src/core/clock.ts';
import { limits } from '../../src/core/limits.ts';
import { createLogger, type Logger } from '../../src/core/logger.ts';
import { adminKey, type TestHub } from './hub.ts';
import { until, within } from './wait.ts';

const protocol = 'graphql-transport-ws';

/** Holds what an operation over a socket comes to. */
export interface SocketAnswer {
  data?: Record<string, unknown> | null | undefined;
  errors?: readonly { message: string; extensions?: Record<string, unknown> | undefined }[] | undefined;
  extensions?: Record<string, unknown> | undefined;
}

/** Tells where a hub's sockets are. */
export function socketUrl(hub: Pick<TestHub, 'url'>): string {
  return `${hub.url.replace('http', 'ws')}/graphql`;
}

/** The public client; its socket stays open between operations, as a consumer's does. */
export function socketClient(hub: TestHub, key = adminKey): Client & AsyncDisposable {
  const client = createClient({
    lazy: false,
    url: socketUrl(hub),
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${key}` },
    retryAttempts: 0,
    // It would write to the console.
    onNonLazyError: () => {},
  });
  return Object.assign(client, { [Symbol.asyncDispose]: async () => client.dispose() });
}

/** One operation over a socket: its result, or the errors that it was refused with. Rejects when the socket closes. */
export function askSocket(
  client: Client,
  query: string,
  variables: Record<string, unknown> = {},
): Promise<SocketAnswer> {
  const asked = new Promise<SocketAnswer>((resolve, reject) => {
    let answer: SocketAnswer = {};
    client.subscribe(
      { query, variables },
      {
        next: result => {
          const extensions = result.extensions == null ? {} : { extensions: { ...result.extensions } };
          answer = { data: result.data, errors: result.errors, ...extensions };
        },
        error: error =>
          Array.isArray(error)
            ? resolve({ errors: error })
            : reject(error instanceof Error ? error : new Error(JSON.stringify(error))),
        complete: () => resolve(answer),
      },
    );
  });
  return within(`the hub answers ${query.slice(0, 60)}`, asked);
}

/** Says how a socket was closed. */
export interface SocketEnd {
  code: number;
  reason: string;
}

/** A bare socket. */
export interface BareSocket extends Disposable {
  readonly socket: WebSocket;
  /** Holds what the hub sent, parsed. */
  readonly messages: { type: string; id?: string; payload?: unknown }[];
  /** Says how it was closed; undefined: it is open. */
  readonly end: SocketEnd | undefined;
  /** Waits until it is closed, and says how. */
  closed(withinMs?: number): Promise<SocketEnd>;
  /** Sends a text as it stands, anything else as JSON. */
  send(...messages: (string | object)[]): void;
}

/** Opens a bare socket. @param options.key says who it is and waits for the answer; null: says nothing */
export async function openSocket(
  hub: Pick<TestHub, 'url'>,
  options: Omit<ClientOptions, 'key'> & { key?: string | null } = {},
): Promise<BareSocket> {
  const { key = adminKey, ...rest } = options;
  const socket = new WebSocket(socketUrl(hub), protocol, rest);
  const messages: BareSocket['messages'] = [];
  let end: SocketEnd | undefined;
  socket.once('close', (code, reason) => (end = { code, reason: reason.toString() }));
  socket.on('error', () => {});
  socket.on('message', (data: Buffer) => messages.push(JSON.parse(data.toString())));
  const bare: BareSocket = {
    socket,
    messages,
    get end() {
      return end;
    },
    closed: withinMs => until('the socket is closed', () => end, withinMs),
    send(...sent) {
      for (const message of sent)
        socket.send(typeof message === 'string' ? message : JSON.stringify(message));
    },
    [Symbol.dispose]: () => socket.terminate(),
  };
  await until('the socket is open', () => socket.readyState === WebSocket.OPEN || end !== undefined);
  if (key === null) return bare;
  bare.send(init(key));
  await until('the hub answers who it is', () => messages.length > 0 || end !== undefined);
  return bare;
}

/** Sockets that are cut at the end. */
export class SocketStack implements Disposable {
  readonly sockets: BareSocket[] = [];

  add(bare: BareSocket): BareSocket {
    this.sockets.push(bare);
    return bare;
  }

  [Symbol.dispose](): void {
    for (const { socket } of this.sockets) socket.terminate();
  }
}

/** The message that says who a client is. */
export function init(key = adminKey): object {
  return { type: 'connection_init', payload: { authorization: `Bearer ${key}` } };
}

/** The message that asks something. */
export function ask(id: string, query = '{ __typename }', variables: object = {}): object {
  return { id, type: 'subscribe', payload: { query, variables } };
}

/** A clock on which time passes for the sweeps over open sockets, and for what asks the time, when the test says so. */
export class SweepClock implements Clock {
  readonly sleep = systemClock.sleep;
  readonly after = systemClock.after;
  readonly #sweeps = new Set<() => void>();
  #ahead = 0;

  now(): number {
    return systemClock.now() + this.#ahead;
  }

  steady(): number {
    return systemClock.steady() + this.#ahead;
  }

  every(periodMs: number, fn: () => void): () => void {
    if (periodMs !== limits.socketSweepMs) return systemClock.every(periodMs, fn);
    this.#sweeps.add(fn);
    return () => this.#sweeps.delete(fn);
  }

  /** Lets time pass sweep by sweep, with a little real time after each for what it set going. */
  async pass(ms: number, afterEach: () => void = () => {}): Promise<void> {
    for (let passed = 0; passed < ms; passed += limits.socketSweepMs) {
      this.#ahead += limits.socketSweepMs;
      for (const sweep of this.#sweeps) sweep();
      afterEach();
      await pause(2);
    }
  }
}

/** A log that a test reads. */
export function keptLog(): { log: Logger; lines(): Record<string, unknown>[] } {
  const texts: string[] = [];
  const destination = { write: (text: string) => void texts.push(text) };
  return {
    log: createLogger({ level: 'debug', pretty: false, destination }),
    lines: () => texts.map(text => JSON.parse(text)),
  };
}
