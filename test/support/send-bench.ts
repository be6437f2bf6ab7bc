import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createNetServer, type Server as NetServer, type Socket } from 'node:net';
import { afterEach } from 'node:test';
import { type Clock, systemClock } from '../../src/core/clock.ts';
import { parseTargetAllow, type ResolveAll } from '../../src/delivery/webhook/guard.ts';
import { type SendRequest, WebhookSender } from '../../src/delivery/webhook/send.ts';
import { once } from './wait.ts';

/** Time that stands still until it is moved. */
export class ManualClock implements Clock {
  #now = Date.UTC(2026, 10, 28);
  readonly #timers = new Set<{ at: number; fn: () => void }>();
  /** Every delay that was asked for, milliseconds. */
  readonly delays: number[] = [];

  now = () => this.#now;
  steady = () => this.#now;

  after(delayMs: number, fn: () => void): () => void {
    this.delays.push(delayMs);
    const timer = { at: this.#now + delayMs, fn };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise(resolve => this.after(delayMs, resolve));
  }

  every(): () => void {
    throw new Error('not used here');
  }

  /** Moves time on and calls what is due. */
  advance(ms: number): void {
    this.#now += ms;
    for (const timer of this.#timers) {
      if (timer.at > this.#now) continue;
      this.#timers.delete(timer);
      timer.fn();
    }
  }

  /** Says how many timers run. */
  get pending(): number {
    return this.#timers.size;
  }
}

const cleanups: (() => unknown)[] = [];

/** Has something undone after the test that is running. */
export function cleanUp(undo: () => unknown): void {
  cleanups.push(undo);
}

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Listens until the test ends, on a free port where none is given; the port. */
export async function listen(server: NetServer, host = '127.0.0.1', wanted = 0): Promise<number> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  };
  server.on('connection', keep);
  server.listen(wanted, host);
  await once(server, 'listening');
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** An HTTP server on a free port; the URL of its root. */
export async function receiver(
  handler: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  return `http://127.0.0.1:${await listen(createServer(handler))}/`;
}

/** A TCP server that is handed each connection once a whole request head has come. */
export async function rawReceiver(onRequest: (socket: Socket, head: string) => void): Promise<string> {
  const server = createNetServer(socket => {
    socket.on('data', data => {
      if (data.includes('\r\n\r\n')) onRequest(socket, data.toString('latin1'));
    });
  });
  return `http://127.0.0.1:${await listen(server)}/`;
}

/** A sender that is disposed of when the test ends; loopback is allowed. */
export function sender(options: { clock?: Clock; lookup?: ResolveAll; allow?: string } = {}): WebhookSender {
  const { clock = systemClock, lookup, allow = '127.0.0.0/8' } = options;
  const made = new WebhookSender({ allow: parseTargetAllow(allow), clock, lookup });
  cleanups.push(() => made[Symbol.asyncDispose]());
  return made;
}

/** A small POST. */
export function post(url: string, more: Partial<SendRequest> = {}): SendRequest {
  return {
    url,
    headers: {},
    body: Buffer.from('{"event": "x"}'),
    timeoutMs: 10_000,
    wantBody: false,
    ...more,
  };
}

/** A resolver that knows one address for every name. */
export function local(address = '127.0.0.1'): ResolveAll {
  return async () => [{ address, family: 4 }];
}

/** A promise and the function that fulfils it. */
export function signalled<T>(): { promise: Promise<T>; done: (value: T) => void } {
  const { promise, resolve } = Promise.withResolvers<T>();
  return { promise, done: resolve };
}
