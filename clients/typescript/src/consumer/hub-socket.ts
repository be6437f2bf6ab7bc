import { type Client, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { graphqlUrl, type HubAddress, HubRequestError, keyOf } from '../hub-request.ts';

/** Sets how long the hub may take to let the socket in, and to answer a ping, milliseconds. */
const connectMs = 10_000;
const pingEveryMs = 10_000;
const pongWithinMs = 5_000;
/** Bytes of one message from the hub: an event with the largest business data, as JSON in JSON. */
const maxMessageBytes = 16 * 1_048_576;

/** Why a socket is no more. */
export interface SocketEnd {
  /** The WebSocket's close code; null: it never came about, or only the operation ended. */
  readonly closeCode: number | null;
  /** Holds what the hub refused the operation with; null: it did not. */
  readonly refused: HubRequestError | null;
  readonly message: string;
}

/** ws waits for ever for a server that takes the connection and says nothing. */
class HubWebSocket extends WebSocket {
  constructor(address: string | URL, protocols?: string | string[]) {
    super(address, protocols, {
      handshakeTimeout: connectMs,
      maxPayload: maxMessageBytes,
      perMessageDeflate: false,
    });
  }
}

/**
 * One connection to the hub over graphql-ws, with subscriptions that give `Pushed`. It does not come back by itself:
 * when it has ended, make another.
 */
export class HubSocket<Pushed> {
  readonly #client: Client;
  #pongTimer: NodeJS.Timeout | undefined;
  #isEnded = false;
  #fault: string | null = null;
  #end: (end: SocketEnd) => void = () => {};
  /** Resolves when the socket, or the first subscription on it, has ended. */
  readonly ended: Promise<SocketEnd>;

  /** @param onConnected told when the hub has let the socket in */
  constructor(hub: HubAddress, onConnected: () => void) {
    this.ended = new Promise(resolve => {
      this.#end = resolve;
    });
    this.#client = createClient({
      url: graphqlUrl(hub.url).replace(/^http/, 'ws'),
      connectionParams: async () => ({ authorization: `Bearer ${await keyOf(hub)}` }),
      webSocketImpl: HubWebSocket,
      // Coming back is the consumer's job, which knows what a close code means for it.
      retryAttempts: 0,
      connectionAckWaitTimeout: connectMs,
      keepAlive: pingEveryMs,
      on: {
        connected: onConnected,
        ping: received => received || this.#expectPong(),
        pong: () => clearTimeout(this.#pongTimer),
        // Comes before `closed`, which says only 1006.
        error: error => {
          this.#fault = messageOf(error);
        },
        closed: event => this.#closed(event),
      },
    });
  }

  /** Starts a subscription. Its end ends the socket. */
  subscribe(query: string, variables: Record<string, unknown>, next: (data: Pushed) => void): void {
    this.#client.subscribe<Pushed>(
      { query, variables },
      {
        next: result => {
          if (result.errors === undefined && result.data != null) next(result.data);
          else this.#finish({ closeCode: null, refused: refusalOf(result.errors ?? []), message: 'refused' });
        },
        error: error => this.#failed(error),
        complete: () =>
          this.#finish({ closeCode: null, refused: null, message: 'The hub ended the subscription.' }),
      },
    );
  }

  /** Runs a query or mutation on this socket. @throws {HubRequestError} where it is refused, or the socket ends first */
  request<T>(query: string, variables: Record<string, unknown>): Promise<T> {
    const lost = new HubRequestError('UNREACHABLE', 'The socket has closed.');
    if (this.#isEnded) return Promise.reject(lost);
    return new Promise((resolve, reject) => {
      this.#client.subscribe<T>(
        { query, variables },
        {
          next: ({ data, errors }) => (data == null ? reject(refusalOf(errors ?? [])) : resolve(data)),
          error: error => reject(Array.isArray(error) ? refusalOf(error) : lost),
          // After `next` this changes nothing.
          complete: () => reject(lost),
        },
      );
    });
  }

  /** Closes it: what it had not acknowledged goes back to the hub at once. */
  close(): void {
    this.#finish({ closeCode: 1000, refused: null, message: 'closed' });
  }

  #expectPong(): void {
    clearTimeout(this.#pongTimer);
    this.#pongTimer = setTimeout(() => this.#client.terminate(), pongWithinMs);
  }

  #closed(event: unknown): void {
    const code = read(event, 'code');
    const reason = read(event, 'reason');
    const why = this.#fault ?? (typeof reason === 'string' ? reason : '');
    this.#finish({
      closeCode: typeof code === 'number' ? code : null,
      refused: null,
      message: `The socket closed (${String(code)}) ${why}`.trim(),
    });
  }

  #failed(error: unknown): void {
    if (Array.isArray(error))
      this.#finish({ closeCode: null, refused: refusalOf(error), message: 'refused' });
    else if (typeof read(error, 'code') === 'number') this.#closed(error);
    else this.#finish({ closeCode: null, refused: null, message: messageOf(error) });
  }

  #finish(end: SocketEnd): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    clearTimeout(this.#pongTimer);
    // Disposed, graphql-ws opens no socket again for operations that are still there.
    void Promise.resolve(this.#client.dispose()).catch(() => {});
    this.#end(end);
  }
}

function refusalOf(errors: readonly unknown[]): HubRequestError {
  const [error] = errors;
  const code = read(read(error, 'extensions'), 'code');
  return new HubRequestError(typeof code === 'string' ? code : 'INTERNAL_SERVER_ERROR', messageOf(error));
}

function messageOf(error: unknown): string {
  return String(read(error, 'message') ?? error);
}

/** A property of whatever the socket's library hands over: errors, events and plain objects. */
function read(value: unknown, property: string): unknown {
  return value instanceof Object ? Reflect.get(value, property) : undefined;
}
