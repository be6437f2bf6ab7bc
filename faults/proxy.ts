import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/** A TCP proxy between two parties, which can be told to be a bad network. */
export class Link implements AsyncDisposable {
  readonly name: string;
  readonly port: number;
  readonly #target: number;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  readonly #weather = new Weather();

  private constructor(name: string, port: number, target: number) {
    this.name = name;
    this.port = port;
    this.#target = target;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, client => this.#take(client));
  }

  /** Opens a proxy on a port of the loopback address, to another. */
  static async open(name: string, port: number, target: number): Promise<Link> {
    const link = new Link(name, port, target);
    await link.#listen();
    return link;
  }

  /** A healthy network again: what was dropped is sent after all, as TCP does. */
  async heal(): Promise<void> {
    this.#weather.clear();
    if (!this.#server.listening) await this.#listen();
  }

  /** Everything comes this much later, milliseconds. */
  delay(ms: number): void {
    this.#weather.delayMs = ms;
  }

  /** Nothing passes, and nobody is told. */
  drop(): void {
    this.#weather.freeze();
  }

  /** All connections are reset. */
  reset(): void {
    for (const pair of this.#pairs) pair.reset();
  }

  /** As if nobody listened: new connections are refused, the others reset. */
  refuse(): void {
    this.#server.close();
    this.reset();
  }

  /** All connections are gone at one end, and the other end is not told. */
  halfOpen(gone: 'client' | 'server'): void {
    for (const pair of this.#pairs) pair.lose(gone);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#weather.clear();
    const closed = this.#server.listening ? once(this.#server, 'close') : undefined;
    this.#server.close();
    for (const pair of this.#pairs) pair.destroy();
    await closed;
  }

  async #listen(): Promise<void> {
    this.#server.listen(this.port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  #take(client: Socket): void {
    const pair = new Pair(client, this.#target, this.#weather, () => this.#pairs.delete(pair));
    this.#pairs.add(pair);
  }
}

/** Holds what the network is like, for all connections of a link. */
class Weather {
  delayMs = 0;
  #frozen: PromiseWithResolvers<void> | undefined;

  freeze(): void {
    this.#frozen ??= Promise.withResolvers();
  }

  clear(): void {
    this.delayMs = 0;
    this.#frozen?.resolve();
    this.#frozen = undefined;
  }

  /** Resolves when what is sent now arrives. */
  async pass(): Promise<void> {
    if (this.delayMs > 0) await pause(this.delayMs);
    while (this.#frozen !== undefined) await this.#frozen.promise;
  }
}

/** One connection: its two ends. */
class Pair {
  readonly #client: Socket;
  readonly #weather: Weather;
  readonly #onGone: () => void;
  #server: Socket | undefined;
  /** One end is gone and the other is not told: nothing goes on any more. */
  #isLost = false;

  constructor(client: Socket, target: number, weather: Weather, onGone: () => void) {
    this.#client = client;
    this.#weather = weather;
    this.#onGone = onGone;
    client.on('error', () => {}).once('close', () => this.#endIfOver());
    client.pause();
    void this.#open(target);
  }

  reset(): void {
    this.#client.resetAndDestroy();
    this.#server?.resetAndDestroy();
  }

  destroy(): void {
    this.#client.destroy();
    this.#server?.destroy();
  }

  lose(gone: 'client' | 'server'): void {
    this.#isLost = true;
    const [lost, left] = gone === 'client' ? [this.#client, this.#server] : [this.#server, this.#client];
    lost?.resetAndDestroy();
    // What is sent into the void is taken, so that its sender notices nothing.
    left?.resume();
  }

  async #open(target: number): Promise<void> {
    await this.#weather.pass();
    if (this.#client.destroyed || this.#isLost) return;
    const server = connect({ port: target, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    this.#server = server;
    server.on('error', () => {}).once('close', () => this.#endIfOver());
    this.#carry(this.#client, server);
    this.#carry(server, this.#client);
    this.#client.resume();
  }

  #carry(from: Socket, to: Socket): void {
    const later = (then: () => void) =>
      void this.#weather.pass().then(() => {
        if (!this.#isLost) then();
      });
    from.on('data', chunk => {
      if (this.#isLost) return;
      from.pause();
      later(() => {
        if (to.write(chunk)) from.resume();
        else to.once('drain', () => from.resume());
      });
    });
    from.once('end', () => later(() => to.end()));
    from.once('close', hadError => later(() => (hadError ? to.resetAndDestroy() : to.destroySoon())));
  }

  #endIfOver(): void {
    if (this.#client.destroyed && (this.#server?.destroyed ?? true)) this.#onGone();
  }
}
