import { type Client, createClient } from 'graphql-ws';
import { type ClientOptions as SocketOptions, WebSocket } from 'ws';
import type { Clock } from '../../core/clock.ts';
import { type HubClient, RefusedError, UnreachableError } from '../client.ts';
import type { TypedDocumentString } from '../generated/graphql.ts';

/** Sets how long the hub may take to let the socket in, and to answer a ping, milliseconds. */
const connectMs = 10_000;
const pingEveryMs = 10_000;
const pongWithinMs = 5_000;

/** Bytes of one message from the hub: an event with the largest business data, and room to spare. */
const messageBytes = 16 * 1_048_576;

/** The socket of ws waits for ever for a server that takes the connection and says nothing. */
class BoundedSocket extends WebSocket {
  constructor(address: string | URL, protocols?: string | string[]) {
    const options: SocketOptions = {
      handshakeTimeout: connectMs,
      maxPayload: messageBytes,
      perMessageDeflate: false,
    };
    super(address, protocols, options);
  }
}

/** Variables of an operation. */
type Variables = Record<string, unknown>;

/** One connection to the hub over graphql-ws. It does not come back by itself: when it is lost, open another. */
export class HubSocket implements Disposable {
  readonly #client: Client;
  readonly #clock: Clock;
  #cancelPong: () => void = () => {};
  /** Why there is no connection (any more). */
  #lost: UnreachableError | undefined;

  constructor(hub: Pick<HubClient, 'url' | 'key'>, clock: Clock) {
    this.#clock = clock;
    this.#client = createClient({
      url: `${hub.url.replace(/^http/, 'ws')}/graphql`,
      webSocketImpl: BoundedSocket,
      connectionParams: hub.key === undefined ? {} : { authorization: `Bearer ${hub.key}` },
      // Coming back is for whoever opened it, who knows what was missed meanwhile.
      retryAttempts: 0,
      connectionAckWaitTimeout: connectMs,
      keepAlive: pingEveryMs,
      on: {
        ping: received => received || this.#expectPong(),
        pong: received => received && this.#cancelPong(),
        closed: event => this.#lose(event),
      },
    });
  }

  /**
   * Runs a subscription until the hub ends it.
   * @throws RefusedError, UnreachableError when the connection is lost
   */
  subscribe<Result, V extends Variables>(
    document: TypedDocumentString<Result, V>,
    variables: V,
    onNext: (data: Result) => void,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#client.subscribe<Result>(
        { query: document.toString(), variables },
        {
          // A subscription that is refused at its start comes as a result with errors.
          next: ({ data, errors }) => (data == null ? reject(refusalOf(errors)) : onNext(data)),
          error: error => reject(this.#faultOf(error)),
          complete: () => (this.#lost === undefined ? resolve() : reject(this.#lost)),
        },
      );
    });
  }

  /** Asks on this connection. @throws RefusedError, UnreachableError when the connection is lost before the answer */
  request<Result, V extends Variables>(
    document: TypedDocumentString<Result, V>,
    variables: V,
  ): Promise<Result> {
    // The library would open another connection, on which nothing is attached.
    if (this.#lost !== undefined) return Promise.reject(this.#lost);
    return new Promise((resolve, reject) => {
      this.#client.subscribe<Result>(
        { query: document.toString(), variables },
        {
          next: ({ data, errors }) => (data == null ? reject(refusalOf(errors)) : resolve(data)),
          error: error => reject(this.#faultOf(error)),
          // After a result this changes nothing.
          complete: () => reject(this.#lost ?? new UnreachableError('The hub gave no answer.')),
        },
      );
    });
  }

  /** Closes it: what was not acknowledged goes back to the hub at once. */
  [Symbol.dispose](): void {
    this.#lost ??= new UnreachableError('The connection was closed.');
    this.#cancelPong();
    void Promise.resolve(this.#client.dispose()).catch(() => {});
  }

  #expectPong(): void {
    this.#cancelPong();
    this.#cancelPong = this.#clock.after(pongWithinMs, () => this.#client.terminate());
  }

  #lose(event: unknown): void {
    this.#lost ??= lossOf(event);
    // Else the library comes back by itself after a close that it takes for a normal one.
    this[Symbol.dispose]();
  }

  #faultOf(error: unknown): Error {
    return Array.isArray(error) ? refusalOf(error) : (this.#lost ?? lossOf(error));
  }
}

/** From a close event or an error event of the socket. */
function lossOf(event: unknown): UnreachableError {
  if (event instanceof Object && 'code' in event) {
    const reason = 'reason' in event && event.reason !== '' ? `: ${String(event.reason)}` : '';
    return new UnreachableError(`The connection to the hub was lost (${String(event.code)}${reason}).`);
  }
  const why = event instanceof Object && 'message' in event ? String(event.message) : String(event);
  return new UnreachableError(`The connection to the hub was lost (${why}).`);
}

function refusalOf(errors: readonly unknown[] | undefined): RefusedError {
  const [error] = errors ?? [];
  const message = fieldOf(error, 'message') ?? 'The hub gave no reason.';
  const extensions = error instanceof Object && 'extensions' in error ? error.extensions : undefined;
  return new RefusedError(
    fieldOf(extensions, 'code') ?? 'INTERNAL_SERVER_ERROR',
    message,
    fieldOf(extensions, 'field'),
  );
}

function fieldOf(value: unknown, name: string): string | undefined {
  const field: unknown = value instanceof Object ? Reflect.get(value, name) : undefined;
  return typeof field === 'string' ? field : undefined;
}
