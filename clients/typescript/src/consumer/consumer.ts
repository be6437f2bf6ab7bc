import { Backoff, type BackoffOptions, settlesWithin, waitFor } from '../backoff.ts';
import type { HubEvent, SyncMode } from '../event.ts';
import type { AcknowledgeMutation } from '../generated/operations.ts';
import { graphqlUrl, type HubAddress, HubRequestError } from '../hub-request.ts';
import { OrderedRunner } from '../ordered-runner.ts';
import { Reject } from '../reject.ts';
import { AckBatcher } from './ack-batcher.ts';
import { type Delivery, deliveriesQuery, eventOfDelivery, modeOf, recordOf } from './delivery.ts';
import { HubSocket, type SocketEnd } from './hub-socket.ts';

/** What a handler is told about a delivery beside the event. */
export interface DeliveryContext {
  readonly syncId: string;
  /** 1 at the first. */
  readonly attempt: number;
  readonly mode: SyncMode;
  /** Handled later than this, the event counts as failed and comes again. */
  readonly ackDeadline: Date;
  /** Aborts when the consumer's closing waits no longer. */
  readonly signal: AbortSignal;
}

/** Takes one event. When it resolves, the event is acknowledged; when it throws, rejected: see `Reject`. */
export type Handler<Event> = (event: Event, context: DeliveryContext) => unknown;

/** What a Consumer works with. */
export type ConsumerOptions<Selected = unknown> = CommonOptions &
  (
    | { readonly selection?: undefined; readonly handle: Handler<HubEvent> }
    /** A GraphQL selection on VoucherEvent; the handler gets the event as selected. */
    | { readonly selection: string; readonly handle: Handler<Selected> }
  );

/** What a Consumer works with beside its handler. */
export interface CommonOptions extends HubAddress {
  readonly subscriptionId: string;
  /** Events of different source records that are handled at once. Default: 10. */
  readonly concurrency?: number;
  /** Events that may be here unacknowledged. Default: 100. */
  readonly prefetch?: number;
  /** How long an acknowledgement waits for company, milliseconds. Default: 5. */
  readonly ackLingerMs?: number;
  /** How long to wait before connecting again. Default: 250 ms, doubling up to 30 s. */
  readonly reconnect?: BackoffOptions;
  /** Closes the consumer, as `close()` does. */
  readonly signal?: AbortSignal;
  /** Told of every lost connection, rejected event and refused acknowledgement. Nothing is lost by any of them. */
  readonly onError?: (error: Error) => void;
}

/** What a consumer has done since it was made. */
export interface ConsumerStats {
  readonly connected: boolean;
  /** Events whose handler resolved. */
  readonly handled: number;
  /** Events whose handler threw. */
  readonly rejected: number;
  /** Acknowledgements that the hub was waiting for. */
  readonly acknowledged: number;
}

/** Attaching again can't help: the key, the subscription or the selection is wrong. */
export class ConsumerError extends Error {
  override readonly name = 'ConsumerError';
  /** The hub's code (FORBIDDEN, NOT_FOUND, BAD_USER_INPUT …), or `CLOSED_` and the socket's close code. */
  readonly code: string;

  constructor(code: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** Close codes that say that the next attempt will end in the same way (graphql-ws: bad request, unauthorized, forbidden, subprotocol). */
const fatalCloses = new Set([4400, 4401, 4403, 4406]);
/** Codes of a refused subscription that say nothing against it. */
const passing = new Set([
  'UNAVAILABLE',
  'SHUTTING_DOWN',
  'INTERNAL_SERVER_ERROR',
  'LIMIT_EXCEEDED',
  'UNREACHABLE',
]);
/** A connection that held this long was a good one: the next one is tried soon. Milliseconds. */
const steadyMs = 5_000;
/** Rejections under way at once: the hub bounds the operations of a socket. */
const rejectsAtOnce = 8;

const acknowledge = /* GraphQL */ `
  mutation Acknowledge($syncIds: [ID!]!) { acknowledge(syncIds: $syncIds) }
`;

const reject = /* GraphQL */ `
  mutation Reject($syncId: ID!, $code: String!, $message: String, $retryable: Boolean!) {
    reject(syncId: $syncId, code: $code, message: $message, retryable: $retryable) { id }
  }
`;

/**
 * Attaches to a subscription, hands its events over in order within each source record, and acknowledges what was
 * handled. Delivery is at least once; `Inbox` makes it take effect once.
 */
export class Consumer<Selected = unknown> implements AsyncDisposable {
  readonly #options: ConsumerOptions<Selected>;
  readonly #runner: OrderedRunner;
  readonly #rejects = new OrderedRunner(rejectsAtOnce);
  readonly #acks: AckBatcher;
  /** syncIds that wait for their turn, and those whose handler runs. */
  readonly #waiting = new Set<string>();
  readonly #running = new Set<string>();
  readonly #closing = new AbortController();
  readonly #givenUp = new AbortController();
  #socket: HubSocket<{ deliveries: Delivery<Selected> }> | null = null;
  #run: Promise<void> | null = null;
  #closed: Promise<void> | null = null;
  #connected = false;
  #counts = { handled: 0, rejected: 0, acknowledged: 0 };

  /** @throws {TypeError}, {RangeError} for options that can't be */
  constructor(options: ConsumerOptions<Selected>) {
    graphqlUrl(options.url);
    this.#options = options;
    this.#runner = new OrderedRunner(options.concurrency ?? 10);
    this.#acks = new AckBatcher({
      lingerMs: options.ackLingerMs ?? 5,
      send: syncIds => this.#acknowledge(syncIds),
      onRefused: error => this.#tell(error),
    });
    options.signal?.addEventListener('abort', () => void this.close(), { once: true });
    if (options.signal?.aborted === true) void this.close();
  }

  /**
   * Attaches, and comes back whenever the connection is lost. Resolves when `close` has finished.
   * @throws {ConsumerError} where attaching again can't help
   */
  run(): Promise<void> {
    this.#run ??= this.#attachForever();
    return this.#run;
  }

  /**
   * Takes no more, lets the handlers that run finish for up to `timeoutMs` (default 10,000), sends the last
   * acknowledgements and disconnects. What was not handled, the hub delivers again.
   */
  close({ timeoutMs = 10_000 }: { timeoutMs?: number } = {}): Promise<void> {
    this.#closed ??= this.#drain(timeoutMs);
    return this.#closed;
  }

  /** What it has done so far. */
  get stats(): ConsumerStats {
    return { connected: this.#connected, ...this.#counts };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #attachForever(): Promise<void> {
    const backoff = new Backoff(this.#options.reconnect ?? { baseMs: 250, maxMs: 30_000 });
    while (!this.#closing.signal.aborted) {
      const startedAt = performance.now();
      const end = await this.#attach();
      if (this.#closing.signal.aborted) break;
      const fatal = fatalOf(end);
      if (fatal !== null) {
        await this.close();
        throw fatal;
      }
      this.#tell(end.refused ?? new HubRequestError('UNREACHABLE', end.message));
      if (performance.now() - startedAt > steadyMs) backoff.reset();
      await waitFor(backoff.next(), this.#closing.signal);
    }
    await this.#closed;
  }

  /** One connection, from its beginning to its end. */
  async #attach(): Promise<SocketEnd> {
    const { subscriptionId, selection, prefetch = 100 } = this.#options;
    const socket = new HubSocket<{ deliveries: Delivery<Selected> }>(this.#options, () => {
      this.#connected = true;
    });
    this.#socket = socket;
    socket.subscribe(deliveriesQuery(selection), { subscriptionId, prefetch }, ({ deliveries }) =>
      this.#take(deliveries),
    );
    // What was handled when the last connection broke.
    void this.#acks.flush();
    const end = await socket.ended;
    this.#connected = false;
    this.#socket = null;
    // The hub has taken these back and will deliver them again; kept, they would pile up with every connection.
    this.#forgetWaiting();
    return end;
  }

  #take(delivery: Delivery<Selected>): void {
    if (this.#closing.signal.aborted) return;
    const { syncId } = delivery;
    // It came again, because the connection broke or the time ran out meanwhile: one handling of it is enough.
    if (this.#waiting.has(syncId) || this.#running.has(syncId)) return;
    if (this.#acks.has(syncId)) return this.#acks.add(syncId);
    this.#waiting.add(syncId);
    this.#runner.add(recordOf(delivery), () => this.#handle(delivery));
  }

  #forgetWaiting(): void {
    this.#runner.clearWaiting();
    this.#waiting.clear();
  }

  async #handle(delivery: Delivery<Selected>): Promise<void> {
    const { syncId } = delivery;
    this.#waiting.delete(syncId);
    this.#running.add(syncId);
    try {
      await this.#hand(delivery);
      this.#counts.handled += 1;
      this.#acks.add(syncId);
    } catch (error) {
      this.#counts.rejected += 1;
      this.#reject(syncId, Reject.from(error));
    } finally {
      this.#running.delete(syncId);
    }
  }

  #hand(delivery: Delivery<Selected>): unknown {
    const context: DeliveryContext = {
      syncId: delivery.syncId,
      attempt: delivery.attempt,
      mode: modeOf(delivery),
      ackDeadline: new Date(delivery.ackDeadline),
      signal: this.#givenUp.signal,
    };
    const options = this.#options;
    return options.selection === undefined
      ? options.handle(eventOfDelivery(delivery), context)
      : options.handle(delivery.event, context);
  }

  async #acknowledge(syncIds: readonly string[]): Promise<void> {
    const answer = await this.#request<AcknowledgeMutation>(acknowledge, { syncIds });
    this.#counts.acknowledged += answer.acknowledge;
  }

  #reject(syncId: string, { code, message, retryable, cause }: Reject): void {
    this.#tell(new Error(`Event ${syncId} was rejected: ${code}: ${message}`, { cause }));
    this.#rejects.add(syncId, async () => {
      const variables = { syncId, code, message: message.slice(0, 1_000), retryable };
      // Where it does not get through, the hub delivers the event again.
      await this.#request(reject, variables).catch(error => this.#tell(error));
    });
  }

  #request<T>(query: string, variables: Record<string, unknown>): Promise<T> {
    if (this.#socket === null) return Promise.reject(new HubRequestError('UNREACHABLE', 'Not connected.'));
    return this.#socket.request<T>(query, variables);
  }

  async #drain(timeoutMs: number): Promise<void> {
    this.#closing.abort();
    // The subscription stays until the last acknowledgement: leaving it gives back what is still being handled.
    this.#forgetWaiting();
    const startedAt = performance.now();
    if (!(await settlesWithin(this.#runner.idle(), timeoutMs))) this.#givenUp.abort();
    const restMs = Math.max(timeoutMs - (performance.now() - startedAt), 1_000);
    await settlesWithin(Promise.all([this.#acks.flush(), this.#rejects.idle()]), restMs);
    this.#socket?.close();
  }

  #tell(error: unknown): void {
    try {
      this.#options.onError?.(error instanceof Error ? error : new Error(String(error)));
    } catch (fault) {
      // A callback's own fault must not stop the consumer; Node prints it.
      process.emitWarning(fault instanceof Error ? fault : String(fault));
    }
  }
}

function fatalOf({ closeCode, refused, message }: SocketEnd): ConsumerError | null {
  if (refused !== null) {
    return passing.has(refused.code) ? null : new ConsumerError(refused.code, refused.message, refused);
  }
  if (closeCode === null || !fatalCloses.has(closeCode)) return null;
  if (closeCode === 4403) return new ConsumerError('FORBIDDEN', 'The hub refuses this key (4403).');
  return new ConsumerError(`CLOSED_${closeCode}`, message);
}
