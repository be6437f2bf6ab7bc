import { Backoff, settlesWithin, waitFor } from '../backoff.ts';
import { isObject } from '../event.ts';
import type { RecordVoucherInput } from '../generated/operations.ts';
import { guarded } from '../guarded.ts';
import { checkAddress } from '../hub-request.ts';
import { type BufferedItem, cutBatch, inputOf, itemOf } from './buffered-item.ts';
import { DiskSpool } from './disk-spool.ts';
import { type ItemBuffer, MemoryBuffer } from './item-buffer.ts';
import { sendBatch } from './send-batch.ts';
import {
  type PublisherOptions,
  type PublisherSettings,
  publisherSettings,
  type RefusedItem,
} from './settings.ts';

/**
 * Holds what became of a `record`: buffered, and sent sooner or later; not taken because the buffer is full (or its disk
 * fails, which `onError` is told); refused because it can't be sent at all (which `onRefused` is told, or `onError` of what is no input); or not taken
 * because the publisher is closed.
 */
export type RecordAnswer = 'accepted' | 'full' | 'refused' | 'closed';

/** Holds what a publisher has done since it was made. */
export interface PublisherStats {
  /** Items that wait, or are under way. */
  readonly buffered: number;
  readonly bufferedBytes: number;
  /** Items that the hub has recorded, or knew already. */
  readonly sent: number;
  /** Items that the hub refused for good. */
  readonly refused: number;
}

/**
 * Records vouchers without holding the caller up: `record` buffers, and batches go to the hub behind it, in order,
 * again and again until the hub has answered. Give each input its `sourceVersion` where there is one: then nothing
 * that is sent twice can do harm.
 */
export class Publisher implements AsyncDisposable {
  readonly #options: PublisherOptions;
  readonly #settings: PublisherSettings;
  readonly #buffer: ItemBuffer;
  readonly #backoff: Backoff;
  readonly #stopped = new AbortController();
  #closed = false;
  #sending = false;
  #loop: Promise<void> = Promise.resolve();
  #sent = 0;
  #refused = 0;
  /** Items settled so far, and who waits for how many. */
  #settled = 0;
  #waiters: { settled: number; resolve: () => void }[] = [];
  #hurry = new AbortController();

  /**
   * @throws {TypeError} for one that is missing. @throws {RangeError} for a setting out of bounds. @throws {Error}
   * where the spool folder can't be used
   */
  constructor(options: PublisherOptions) {
    checkAddress(options);
    this.#options = options;
    this.#settings = publisherSettings(options);
    this.#backoff = new Backoff(this.#settings.retry);
    this.#buffer = this.#openBuffer();
    this.#wake();
  }

  /** Buffers an input. Never waits for the hub, and never throws. */
  record(input: RecordVoucherInput): RecordAnswer {
    if (this.#closed) return 'closed';
    const item = this.#itemOrRefuse(input);
    if (item === null) return 'refused';
    try {
      if (!this.#buffer.add(item)) return 'full';
    } catch (error) {
      this.#tellError(error instanceof Error ? error : new Error(String(error)));
      return 'full';
    }
    this.#wake();
    return 'accepted';
  }

  /**
   * Sends at once what is buffered now, without waiting for the next try to be due.
   * @returns whether all of it was recorded or refused within `timeoutMs` (default 10,000)
   */
  async flush({ timeoutMs = 10_000 }: { timeoutMs?: number } = {}): Promise<boolean> {
    if (this.#buffer.items === 0) return true;
    const waiter = { settled: this.#settled + this.#buffer.items, resolve: () => {} };
    const done = new Promise<void>(resolve => {
      waiter.resolve = resolve;
    });
    this.#waiters.push(waiter);
    this.#hurry.abort();
    const inTime = await settlesWithin(done, timeoutMs);
    this.#waiters = this.#waiters.filter(other => other !== waiter);
    return inTime;
  }

  /**
   * Takes no more, and sends what is buffered for up to `timeoutMs` (default 10,000).
   * @returns how many items are left: lost from memory, kept in a spool
   */
  async close(options: { timeoutMs?: number } = {}): Promise<number> {
    if (this.#closed) return this.#buffer.items;
    this.#closed = true;
    await this.flush(options);
    this.#stopped.abort();
    this.#hurry.abort();
    await this.#loop;
    this.#buffer.close();
    return this.#buffer.items;
  }

  /** Holds what it has done so far. */
  get stats(): PublisherStats {
    return {
      buffered: this.#buffer.items,
      bufferedBytes: this.#buffer.bytes,
      sent: this.#sent,
      refused: this.#refused,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #openBuffer(): ItemBuffer {
    const { spoolDir, fsync, maxItems, maxBytes } = this.#settings;
    if (spoolDir === null) return new MemoryBuffer({ maxItems, maxBytes });
    const onDamage = (error: Error) => this.#tellError(error);
    return new DiskSpool({ folder: spoolDir, fsync, maxItems, maxBytes, onDamage });
  }

  #itemOrRefuse(input: RecordVoucherInput): BufferedItem | null {
    // `onRefused` is told inputs: what it does with one would fail.
    if (!isObject(input)) {
      this.#refused += 1;
      this.#tellError(new TypeError(`record: ${input === null ? 'null' : typeof input} is no input.`));
      return null;
    }
    let item: BufferedItem;
    try {
      item = itemOf(input);
    } catch (error) {
      this.#refuse(input, { code: 'BAD_USER_INPUT', message: String(error), field: null });
      return null;
    }
    if (item.bytes <= this.#settings.batchBytes) return item;
    const message = `${item.bytes} bytes; at most ${this.#settings.batchBytes} (batchBytes).`;
    this.#refuse(input, { code: 'LIMIT_EXCEEDED', message, field: null });
    return null;
  }

  #wake(): void {
    if (this.#sending || this.#buffer.items === 0) return;
    this.#sending = true;
    this.#loop = this.#sendAll();
  }

  /** One request at a time: so the order of every record is kept. */
  async #sendAll(): Promise<void> {
    await this.#pause(this.#settings.lingerMs);
    while (this.#buffer.items > 0 && !this.#stopped.signal.aborted) {
      const error = await this.#sendNext();
      if (error === undefined) {
        this.#backoff.reset();
        continue;
      }
      if (this.#stopped.signal.aborted) break;
      this.#tellError(error);
      await this.#pause(this.#backoff.next());
    }
    this.#sending = false;
  }

  /** @returns why it went no further */
  async #sendNext(): Promise<Error | undefined> {
    try {
      const batch = cutBatch(this.#buffer.head(this.#settings), this.#settings);
      if (batch.length === 0) throw new Error('The spool holds less than was written to it.');
      const report = { sent: (count: number) => void (this.#sent += count), refused: this.#refuseItem };
      const bounds = { timeoutMs: this.#settings.requestTimeoutMs, signal: this.#stopped.signal };
      const { settled, error } = await sendBatch(this.#options, batch, report, bounds);
      this.#buffer.drop(settled);
      this.#settle(settled);
      return error;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  #settle(count: number): void {
    this.#settled += count;
    for (const { settled, resolve } of this.#waiters) if (settled <= this.#settled) resolve();
  }

  /** Waits, unless somebody is in a hurry: then the next try is now, and only the one after it waits again. */
  async #pause(ms: number): Promise<void> {
    await waitFor(ms, this.#hurry.signal);
    this.#hurry = new AbortController();
  }

  readonly #refuseItem = (item: BufferedItem, error: RefusedItem): void => this.#refuse(inputOf(item), error);

  #refuse(input: RecordVoucherInput, error: RefusedItem): void {
    this.#refused += 1;
    guarded(() => this.#options.onRefused?.(input, error));
  }

  #tellError(error: Error): void {
    guarded(() => this.#options.onError?.(error));
  }
}
