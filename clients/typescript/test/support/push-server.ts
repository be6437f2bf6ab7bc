import { createServer } from 'node:http';
import { buildSchema } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { type WebSocket, WebSocketServer } from 'ws';
import { voucher } from './samples.ts';
import { once } from './until.ts';

/** The contract's push, as far as a consumer meets it. */
const schema = buildSchema(`
  scalar DateTime scalar Date scalar Decimal scalar JSONObject
  enum SyncMode { REALTIME BATCH COMPENSATION }
  enum VoucherDirection { DEBIT CREDIT }
  enum VoucherStatus { DRAFT APPROVED VOIDED }
  type Voucher { id: ID! voucherNo: String! voucherDate: Date! sourceSystem: String! sourceModule: String! sourceType: String!
    sourceId: String! sourceReferenceNo: String sourceVersion: Int! companyId: String counterpartyType: String
    counterpartyId: String counterpartyName: String direction: VoucherDirection! amount: Decimal! currency: String!
    summary: String businessData: JSONObject! status: VoucherStatus! digest: String! }
  type VoucherEvent { id: ID! eventType: String! voucher: Voucher! sourceVersion: Int! data: JSONObject! occurredAt: DateTime! }
  type Delivery { syncId: ID! attempt: Int! mode: SyncMode! event: VoucherEvent! ackDeadline: DateTime! }
  type SyncLog { id: ID! }
  type Query { none: Int }
  type Mutation {
    acknowledge(syncIds: [ID!]!): Int!
    reject(syncId: ID!, code: String!, message: String, retryable: Boolean! = true): SyncLog!
  }
  type Subscription { deliveries(subscriptionId: ID!, prefetch: Int = 100): Delivery! }
`);

/** A rejection as it came. */
export interface Rejection {
  syncId: string;
  code: string;
  message: string;
  retryable: boolean;
}

/** A server of the public graphql-ws package that pushes what a test tells it to, and remembers what it is told. */
export class PushServer implements AsyncDisposable {
  /** One entry a mutation. */
  readonly acknowledged: string[][] = [];
  readonly rejected: Rejection[] = [];
  readonly attachments: { subscriptionId: string; prefetch: number }[] = [];
  /** How many connections were let in. */
  connections = 0;
  /** What it does with a new connection; false closes with 4403. */
  letsIn: (authorization: unknown) => boolean = () => true;
  /** Throwing refuses the acknowledgement. */
  onAcknowledge: (syncIds: string[]) => void = () => {};
  readonly #http = createServer();
  readonly #sockets = new WebSocketServer({ noServer: true });
  #pushes: ((delivery: unknown) => void)[] = [];
  #wake: () => void = () => {};

  private constructor() {
    this.#http.on('upgrade', (request, socket, head) =>
      this.#sockets.handleUpgrade(request, socket, head, ws => this.#sockets.emit('connection', ws, request)),
    );
    useServer(
      {
        schema,
        roots: {
          subscription: {
            deliveries: (args: { subscriptionId: string; prefetch: number }) => this.#attach(args),
          },
          mutation: {
            acknowledge: ({ syncIds }: { syncIds: string[] }) => {
              this.onAcknowledge(syncIds);
              this.acknowledged.push(syncIds);
              return syncIds.length;
            },
            reject: (rejection: Rejection) => {
              this.rejected.push({ ...rejection });
              return { id: rejection.syncId };
            },
          },
        },
        // As the hub does: what is wrong with an operation is the caller's input.
        onError: (_context, _id, _payload, errors) =>
          errors.map(({ message }) => ({ message, extensions: { code: 'BAD_USER_INPUT' } })),
        onConnect: ({ connectionParams }) => {
          const good = this.letsIn(connectionParams?.authorization);
          if (good) this.connections += 1;
          return good;
        },
      },
      this.#sockets,
    );
  }

  static async start(): Promise<PushServer> {
    const server = new PushServer();
    server.#http.listen(0, '127.0.0.1');
    await once(server.#http, 'listening');
    return server;
  }

  get url(): string {
    const address = this.#http.address();
    if (address === null || typeof address === 'string') throw new Error('not listening');
    return `http://127.0.0.1:${address.port}`;
  }

  get sockets(): WebSocket[] {
    return [...this.#sockets.clients];
  }

  /** Every id that was acknowledged, in order. */
  get acks(): string[] {
    return this.acknowledged.flat();
  }

  /** Pushes an event of a record to whoever is attached. */
  push(syncId: number, sourceId = 'INV-1', over: Record<string, unknown> = {}): void {
    const push = this.#pushes.at(-1);
    if (push === undefined) throw new Error('nobody is attached');
    push({
      syncId: String(syncId),
      attempt: 1,
      mode: 'REALTIME',
      ackDeadline: '2030-01-01T00:00:00.000Z',
      event: {
        id: String(syncId + 1_000),
        eventType: 'invoice_recorded',
        sourceVersion: 1,
        data: { invoice_no: sourceId },
        occurredAt: '2025-12-19T08:00:00.000Z',
        voucher: graphqlVoucher(sourceId),
      },
      ...over,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#http.close();
    await once(this.#http, 'close');
  }

  async *#attach(args: {
    subscriptionId: string;
    prefetch: number;
  }): AsyncGenerator<{ deliveries: unknown }> {
    const queue: unknown[] = [];
    const push = (delivery: unknown) => {
      queue.push(delivery);
      this.#wake();
    };
    this.attachments.push(args);
    this.#pushes.push(push);
    try {
      for (;;) {
        while (queue.length > 0) yield { deliveries: queue.shift() };
        await new Promise<void>(resolve => {
          this.#wake = resolve;
        });
      }
    } finally {
      this.#pushes = this.#pushes.filter(other => other !== push);
    }
  }
}

function graphqlVoucher(sourceId: string): Record<string, unknown> {
  const { direction, status, ...rest } = voucher({ source_id: sourceId });
  const camel = Object.entries(rest).map(([key, value]) => [
    key.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
    value,
  ]);
  return {
    id: '7',
    ...Object.fromEntries(camel),
    direction: direction.toUpperCase(),
    status: status.toUpperCase(),
  };
}
