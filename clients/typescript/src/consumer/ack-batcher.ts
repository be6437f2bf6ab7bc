import { HubRequestError } from '../hub-request.ts';

/** Ids in one mutation: far below the bytes that the hub takes in one message. */
const maxIds = 500;
/** After the hub was too busy to take them, milliseconds. */
const busyMs = 500;

/** Codes of the hub after which the same acknowledgement may succeed. */
const passing = new Set([
  'UNREACHABLE',
  'UNAVAILABLE',
  'INTERNAL_SERVER_ERROR',
  'LIMIT_EXCEEDED',
  'SHUTTING_DOWN',
]);

/** A syncId and its receipt; null: none. */
export type Ack = readonly [syncId: string, receipt: string | null];

/** Holds what a batcher works with. */
export interface AckOptions {
  /** Says how long an id waits for company, milliseconds. */
  readonly lingerMs: number;
  /** Sends ids and their receipts (null: none). Rejecting with `UNREACHABLE` keeps them for the next socket. */
  readonly send: (acks: readonly Ack[]) => Promise<void>;
  /** Told of ids that the hub would not take; they are given up. */
  readonly onRefused: (error: HubRequestError) => void;
}

/** Gathers acknowledgements, sends them together, and keeps those that did not get through. */
export class AckBatcher {
  readonly #options: AckOptions;
  readonly #pending = new Map<string, string | null>();
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | null = null;

  constructor(options: AckOptions) {
    this.#options = options;
  }

  /** Tells whether an event is handled, and the hub may not know it yet. */
  has(syncId: string): boolean {
    return this.#pending.has(syncId);
  }

  add(syncId: string, receipt: string | null = null): void {
    this.#pending.set(syncId, receipt ?? this.#pending.get(syncId) ?? null);
    this.#sendIn(this.#pending.size >= maxIds ? 0 : this.#options.lingerMs);
  }

  /** Sends what waits, now. Resolves when it was sent, or could not be; never rejects. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#sending;
    await this.#start();
  }

  #start(): Promise<void> {
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = null;
    });
    return this.#sending;
  }

  #sendIn(ms: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#start();
    }, ms);
  }

  async #sendAll(): Promise<void> {
    while (this.#pending.size > 0) {
      const acks = [...this.#pending].slice(0, maxIds);
      const error = await this.#trySend(acks);
      if (error !== null && passing.has(error.code)) {
        // Without a socket there is nothing to wait for: the next one flushes.
        if (error.code !== 'UNREACHABLE') this.#sendIn(busyMs);
        break;
      }
      if (error !== null) this.#options.onRefused(error);
      for (const [id] of acks) this.#pending.delete(id);
    }
  }

  async #trySend(acks: readonly Ack[]): Promise<HubRequestError | null> {
    try {
      await this.#options.send(acks);
      return null;
    } catch (error) {
      return error instanceof HubRequestError ? error : new HubRequestError('UNREACHABLE', String(error));
    }
  }
}
