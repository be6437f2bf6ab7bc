import { type Client, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { adminKey } from './hub.ts';
import { within } from './wait.ts';

/** An event as an attached consumer gets it. */
export interface Delivered {
  syncId: string;
  attempt: number;
  mode: string;
  ackDeadline: string;
  event: {
    id: string;
    sourceVersion: number;
    data: Record<string, unknown>;
    voucher: { sourceId: string; sourceVersion: number; amount: string; status: string };
  };
}

const deliveriesQuery = `subscription ($id: ID!, $prefetch: Int) { deliveries(subscriptionId: $id, prefetch: $prefetch) {
  syncId attempt mode ackDeadline event { id sourceVersion data voucher { sourceId sourceVersion amount status } } } }`;

/** A consumer by the public graphql-ws client. It does with each event what `onEvent` says. */
export class TestConsumer implements Disposable {
  readonly got: Delivered[] = [];
  /** Says how the stream ended: null by itself, else the error; undefined: it has not. */
  ended: unknown;
  readonly #client: Client;
  #socket: WebSocket | undefined;

  /** @param onEvent what to do with an event; `acknowledge` it if it is safe */
  constructor(
    url: string,
    options: {
      subscriptionId: string;
      prefetch?: number;
      key?: string;
      onEvent: (delivered: Delivered, consumer: TestConsumer) => void;
    },
  ) {
    const keep = (socket: WebSocket) => {
      this.#socket = socket;
    };
    class Socket extends WebSocket {
      constructor(address: string, protocols: string[]) {
        super(address, protocols);
        keep(this);
      }
    }
    this.#client = createClient({
      url: `${url.replace('http', 'ws')}/graphql`,
      webSocketImpl: Socket,
      connectionParams: { authorization: `Bearer ${options.key ?? adminKey}` },
      retryAttempts: 0,
      lazy: true,
    });
    const variables = { id: options.subscriptionId, prefetch: options.prefetch ?? 100 };
    this.#client.subscribe<{ deliveries: Delivered }>(
      { query: deliveriesQuery, variables },
      {
        next: ({ data, errors }) => {
          if (errors !== undefined || data == null) {
            this.ended = errors;
            return;
          }
          this.got.push(data.deliveries);
          options.onEvent(data.deliveries, this);
        },
        error: error => {
          this.ended = error;
        },
        complete: () => {
          this.ended ??= null;
        },
      },
    );
  }

  /** Acknowledges on the same socket; gives how many were waiting. */
  async acknowledge(syncIds: string[]): Promise<number> {
    const data = await this.#ask('mutation ($ids: [ID!]!) { acknowledge(syncIds: $ids) }', { ids: syncIds });
    return Number(data?.acknowledge);
  }

  /** Refuses an event; the answer's data or errors. */
  async reject(syncId: string, code: string, retryable: boolean): Promise<unknown> {
    return this.#ask(
      'mutation ($id: ID!, $code: String!, $r: Boolean!) { reject(syncId: $id, code: $code, message: "no", retryable: $r) { id status errorCode } }',
      { id: syncId, code, r: retryable },
    );
  }

  /** Stops reading from the socket, as a program that hangs. */
  stall(): void {
    this.#socket?.pause();
  }

  /** Breaks the connection, as a kill would. */
  kill(): void {
    this.#socket?.terminate();
  }

  [Symbol.dispose](): void {
    // It rejects where the hub is away.
    void Promise.resolve(this.#client.dispose()).catch(() => {});
    this.kill();
  }

  #ask(query: string, variables: Record<string, unknown>): Promise<Record<string, unknown> | null> {
    const asked = new Promise<Record<string, unknown> | null>((resolve, reject) => {
      let answer: Record<string, unknown> | null = null;
      this.#client.subscribe(
        { query, variables },
        {
          next: ({ data, errors }) => (errors === undefined ? (answer = data ?? null) : reject(errors)),
          error: reject,
          complete: () => resolve(answer),
        },
      );
    });
    return within(`the hub answers ${query.slice(0, 60)}`, asked);
  }
}

/** Gives what most consumers do. */
export function acknowledgeAll(delivered: Delivered, consumer: TestConsumer): void {
  // A socket that breaks before the answer: the hub pushes again.
  void consumer.acknowledge([delivered.syncId]).catch(() => {});
}
