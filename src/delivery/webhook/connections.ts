import type { Socket } from 'node:net';
import { type buildConnector, Client } from 'undici';
import type { Clock } from '../../core/clock.ts';
import { limits } from '../../core/limits.ts';
import { AnswerHeads } from './answer-heads.ts';

/** Sets how long an idle connection is kept, milliseconds, whatever longer time the target offers. */
const keepAliveMs = 30_000;

const options: Client.Options = {
  allowH2: false,
  pipelining: 1,
  keepAliveTimeout: keepAliveMs,
  keepAliveMaxTimeout: keepAliveMs,
  maxHeaderSize: limits.answerHeadBytes,
  // The exchange has a total time-out: undici's measure gaps, which a trickle of bytes never exceeds.
  headersTimeout: 0,
  bodyTimeout: 0,
};

/** An origin to which connections are kept. */
interface Origin {
  readonly name: string;
  /** The last one used goes first, so that those beyond the need fall idle. */
  readonly idle: Connection[];
  /** Connections, idle or not. */
  open: number;
}

/** A connection for one request at a time. */
export class Connection {
  readonly client: Client;
  /** Null: as many origins as are kept there are, and this one is closed behind its request. */
  readonly origin: Origin | null;
  readonly #clock: Clock;
  /** Others where the client has connected anew. */
  #socket: Socket | undefined;
  #heads: AnswerHeads | undefined;
  #connectedAt = 0;
  /** Requests that this socket has carried. */
  #requests = 0;

  constructor(name: string, origin: Origin | null, connect: buildConnector.connector, clock: Clock) {
    this.origin = origin;
    this.#clock = clock;
    const noted: buildConnector.connector = (target, callback) =>
      connect(target, (...made) => {
        if (made[1] !== null) this.#take(made[1]);
        callback(...made);
      });
    this.client = new Client(name, { ...options, connect: noted });
  }

  /** Bytes of its request that the system has not taken yet. */
  get unsent(): number {
    return this.#socket?.writableLength ?? 0;
  }

  /** True when it carried a request before this one, and nothing has come of this one's answer. */
  get unansweredReuse(): boolean {
    return this.#requests > 1 && this.#heads?.came === false;
  }

  /** True when it has carried requests for so long that the next one goes over another one. */
  get old(): boolean {
    return this.#clock.steady() - this.#connectedAt > limits.connectionLifeMs;
  }

  /** Its request goes out now. */
  begin(): void {
    this.#requests += 1;
    this.#heads?.expect();
  }

  #take(socket: Socket): void {
    this.#socket = socket;
    this.#heads = new AnswerHeads(socket);
    this.#connectedAt = this.#clock.steady();
    this.#requests = 0;
  }
}

/**
 * Connections to targets, each origin's own. Undici's pool would hand a connection on through its agent, two lists and
 * an event; a shard has at most its window of requests under way, so there is nothing to queue here.
 */
export class Connections implements AsyncDisposable {
  readonly #connect: buildConnector.connector;
  readonly #clock: Clock;
  readonly #open = new Set<Client>();
  readonly #origins = new Map<string, Origin>();
  #returned: (() => void)[] = [];
  #closed = false;

  constructor(connect: buildConnector.connector, clock: Clock) {
    this.#connect = connect;
    this.#clock = clock;
  }

  /** One that carries no request; give it back or drop it. */
  take(name: string): Connection {
    const idle = this.#origins.get(name)?.idle;
    for (let kept = idle?.pop(); kept !== undefined; kept = idle?.pop()) {
      if (!kept.old) return kept;
      this.drop(kept);
    }
    return this.open(name);
  }

  /** One that has carried no request yet; give it back or drop it. */
  open(name: string): Connection {
    const origin = this.#originOf(name);
    const connection = new Connection(name, origin, this.#connect, this.#clock);
    this.#open.add(connection.client);
    if (origin !== null) origin.open += 1;
    connection.client.on('disconnect', () => this.#forget(connection));
    if (this.#closed) void connection.client.destroy();
    return connection;
  }

  /**
   * Takes a connection back whose answer was read to its end. Undici is done with it one turn after; all answers of a
   * turn wait for that together.
   * @param then what comes next, the connection's next request perhaps
   */
  giveBack(connection: Connection, then: () => void): void {
    if (this.#returned.length === 0) setImmediate(() => this.#takeBack());
    this.#returned.push(() => {
      const { client, origin } = connection;
      // Closed by now where the target says so in its answer, or does so behind it.
      if (origin === null || !client.stats.connected || connection.old) this.drop(connection);
      else origin.idle.push(connection);
      then();
    });
  }

  /** Closes a connection, and with it what it carries. */
  drop({ client, origin }: Connection): void {
    if (!this.#open.delete(client)) return;
    void client.destroy();
    if (origin === null) return;
    origin.open -= 1;
    if (origin.open === 0) this.#origins.delete(origin.name);
  }

  #originOf(name: string): Origin | null {
    const known = this.#origins.get(name);
    if (known !== undefined) return known;
    if (this.#origins.size >= limits.targetOrigins) return null;
    const origin = { name, idle: [], open: 0 };
    this.#origins.set(name, origin);
    return origin;
  }

  #takeBack(): void {
    for (const run of this.#returned.splice(0)) run();
  }

  /** An idle one that its target closed, or that nobody needed for long. One that carries a request fails with it. */
  #forget(connection: Connection): void {
    const idle = connection.origin?.idle ?? [];
    const at = idle.indexOf(connection);
    if (at < 0) return;
    idle.splice(at, 1);
    this.drop(connection);
  }

  /** Cuts what is under way (`UND_ERR_DESTROYED`) and closes every connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#open].map(client => client.destroy()));
    this.#open.clear();
  }
}
