import type { BackoffOptions } from '../backoff.ts';
import type { RecordVoucherInput } from '../generated/operations.ts';
import type { HubAddress, HubRequestError } from '../hub-request.ts';

/** Why an item will never be recorded as it is. */
export interface RefusedItem {
  /** BAD_USER_INPUT, CONFLICT, FORBIDDEN, LIMIT_EXCEEDED … */
  readonly code: string;
  readonly message: string;
  /** The input field at fault, e.g. `amount`. */
  readonly field: string | null;
}

/** Holds what a Publisher works with. */
export interface PublisherOptions extends HubAddress {
  /** A folder to buffer in, of this process alone: what is buffered survives the process. Left out: in memory. */
  readonly spoolDir?: string;
  /**
   * When the spool is forced onto the disk. A killed process loses nothing with any of them. A power cut loses
   * nothing with `always` (each `record` waits for the disk), the last second with `interval` (default), and what
   * the system had not written with `never`.
   */
  readonly fsync?: 'always' | 'interval' | 'never';
  /** Items that may be buffered. Default: 100,000. */
  readonly maxItems?: number;
  /** Bytes of JSON that may be buffered. Default: 64 MiB. */
  readonly maxBytes?: number;
  /** Items in one request, at most 1,000. Default: 500. */
  readonly batchItems?: number;
  /** Bytes of JSON in one request; the hub takes 8 MiB. Default: 4 MiB. */
  readonly batchBytes?: number;
  /** Says how long an item waits for company, milliseconds. Default: 5. */
  readonly lingerMs?: number;
  /** Says how long an answer is waited for, milliseconds. Default: 30,000. */
  readonly requestTimeoutMs?: number;
  /** Says how long to wait after a failed request. Default: 200 ms, doubling up to 30 s. */
  readonly retry?: BackoffOptions;
  /**
   * Told of every item that the hub refused for good; it is no longer buffered. After a broken connection it may be
   * told twice.
   */
  readonly onRefused?: (input: RecordVoucherInput, error: RefusedItem) => unknown;
  /**
   * Told of every failed request: nothing is lost by it, the items are kept and sent again. And of what is given to
   * `record` and is no input at all.
   */
  readonly onError?: (error: HubRequestError | Error) => unknown;
}

/** All of a Publisher's settings but its callbacks. */
export type PublisherSettings = Required<Omit<PublisherOptions, 'spoolDir' | 'onRefused' | 'onError'>> & {
  readonly spoolDir: string | null;
};

const fsyncPolicies: readonly string[] = ['always', 'interval', 'never'];

/** The settings with what was left out. @throws {RangeError} naming the value and its bounds */
export function publisherSettings(options: PublisherOptions): PublisherSettings {
  const settings: PublisherSettings = {
    url: options.url,
    key: options.key,
    spoolDir: options.spoolDir ?? null,
    fsync: options.fsync ?? 'interval',
    maxItems: options.maxItems ?? 100_000,
    maxBytes: options.maxBytes ?? 64 * 1_048_576,
    batchItems: options.batchItems ?? 500,
    batchBytes: options.batchBytes ?? 4 * 1_048_576,
    lingerMs: options.lingerMs ?? 5,
    requestTimeoutMs: options.requestTimeoutMs ?? 30_000,
    retry: options.retry ?? { baseMs: 200, maxMs: 30_000 },
  };
  if (!fsyncPolicies.includes(settings.fsync))
    throw new RangeError(`fsync: ${settings.fsync}; ${fsyncPolicies.join(', ')}.`);
  within('maxItems', settings.maxItems, 1, Number.MAX_SAFE_INTEGER);
  within('maxBytes', settings.maxBytes, 1_024, Number.MAX_SAFE_INTEGER);
  within('batchItems', settings.batchItems, 1, 1_000);
  within('batchBytes', settings.batchBytes, 1_024, 8 * 1_048_576 - 4_096);
  within('lingerMs', settings.lingerMs, 0, 60_000);
  within('requestTimeoutMs', settings.requestTimeoutMs, 1, 600_000);
  within('retry.baseMs', settings.retry.baseMs, 1, 3_600_000);
  within('retry.maxMs', settings.retry.maxMs, settings.retry.baseMs, 3_600_000);
  return settings;
}

function within(name: string, value: number, min: number, max: number): void {
  if (!(value >= min && value <= max)) throw new RangeError(`${name}: ${value}; ${min} to ${max}.`);
}
