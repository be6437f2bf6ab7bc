import { Backoff, settlesWithin, waitFor } from '../backoff.ts';
import type { AcknowledgeMutation, AcknowledgeWithReceiptsMutation } from '../generated/operations.ts';
import { checkFunction, checkGiven } from '../given.ts';
import { guarded } from '../guarded.ts';
import { checkAddress, HubRequestError } from '../hub-request.ts';
import { OrderedRunner } from '../ordered-runner.ts';
import { receiptOf } from '../receipt.ts';
import { Reject } from '../reject.ts';
import { type Ack, AckBatcher } from './ack-batcher.ts';
import { answerQuestion, type ConsistencyQuestion, questionsQuery } from './consistency-answers.ts';
import { fatalOf } from './consumer-error.ts';
import { type Delivery, deliveriesQuery, eventOfDelivery, modeOf, recordOf } from './delivery.ts';
import { HubSocket, type SocketEnd } from './hub-socket.ts';
import type { ConsumerOptions, ConsumerStats, DeliveryContext } from './options.ts';

/** A connection that held this long was a good one: the next one is tried soon. Milliseconds. */
const steadyMs = 5_000;
/** Rejections under way at once: the hub bounds the operations of a socket. */
const rejectsAtOnce = 8;

const acknowledge = /* GraphQL */ `
  mutation Acknowledge($syncIds: [ID!]!) { acknowledge(syncIds: $syncIds) }
`;

const acknowledgeWithReceipts = /* GraphQL */ `
  mutation AcknowledgeWithReceipts($syncIds: [ID!]!, $receipts: [String]!) {
    acknowledge(syncIds: $syncIds, receipts: $receipts)
  }
`;

const reject = /* GraphQL */ `
  mutation Reject($syncId: ID!, $code: String!, $message: String, $retryable: Boolean!) {
    reject(syncId: $syncId, code: $code, message: $message, retryable: $retryable) { id }
  }
`;

/** Holds what comes over the socket by itself. */
type Pushed<Selected> =
  | { readonly deliveries: Delivery<Selected> }
  | { readonly consistencyQuestions: ConsistencyQuestion };

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
  #socket: HubSocket<Pushed<Selected>> | null = null;
  #run: Promise<void> | null = null;
  #closed: Promise<void> | null = null;
  #connected = false;
  #counts = { handled: 0, rejected: 0, acknowledged: 0 };

  /** @throws {TypeError} for an option that is missing, {RangeError} for one out of bounds */
  constructor(options: ConsumerOptions<Selected>) {
    checkAddress(options);
    checkGiven('subscriptionId', options.subscriptionId, "give the id of a subscription, e.g. '1'.");
    checkFunction('handle', options.handle);
    this.#options = options;
    this.#runner = new OrderedRunner(options.concurrency ?? 10);
    this.#acks = new AckBatcher({
      lingerMs: options.ackLingerMs ?? 5,
      send: acks => this.#acknowledge(acks),
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

  /** Holds what it has done so far. */
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
    const { subscriptionId, selection, prefetch = 100, receiptSecret, consistency } = this.#options;
    const query = deliveriesQuery(selection, receiptSecret !== undefined);
    const socket = new HubSocket<Pushed<Selected>>(this.#options, () => {
      this.#connected = true;
    });
    this.#socket = socket;
    const take = (pushed: Pushed<Selected>) => this.#takePushed(pushed);
    socket.subscribe(query, { subscriptionId, prefetch }, take);
    if (consistency !== undefined) socket.subscribe(questionsQuery, { subscriptionId }, take);
    // What was handled when the last connection broke.
    void this.#acks.flush();
    const end = await socket.ended;
    this.#connected = false;
    this.#socket = null;
    // The hub has taken these back and will deliver them again; kept, they would pile up with every connection.
    this.#forgetWaiting();
    return end;
  }

  #takePushed(pushed: Pushed<Selected>): void {
    if ('deliveries' in pushed) return this.#take(pushed.deliveries);
    const { consistency } = this.#options;
    if (consistency === undefined) return;
    answerQuestion(this.#options, consistency, pushed.consistencyQuestions).catch(error => this.#tell(error));
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
      this.#acks.add(syncId, this.#receiptOf(delivery));
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

  #receiptOf({ bodyDigest }: Delivery<Selected>): string | null {
    const { receiptSecret } = this.#options;
    return receiptSecret === undefined || bodyDigest === undefined
      ? null
      : receiptOf(bodyDigest, receiptSecret);
  }

  async #acknowledge(acks: readonly Ack[]): Promise<void> {
    const syncIds = acks.map(([syncId]) => syncId);
    const receipts = acks.map(([, receipt]) => receipt);
    const answer = await (this.#options.receiptSecret === undefined
      ? this.#request<AcknowledgeMutation>(acknowledge, { syncIds })
      : this.#request<AcknowledgeWithReceiptsMutation>(acknowledgeWithReceipts, { syncIds, receipts }));
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
    guarded(() => this.#options.onError?.(error instanceof Error ? error : new Error(String(error))));
  }
}
