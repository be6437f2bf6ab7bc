/** What a `Reject` says beyond its code and message. */
export interface RejectOptions {
  /** Whether the hub should try again by its policy. Default: false, the data does not fit. */
  readonly retryable?: boolean;
  /** The webhook's answer. Default: 422, or 503 where retryable. */
  readonly status?: number;
  readonly cause?: unknown;
}

/**
 * Thrown by a handler to say how it refuses an event. Any other error counts as a fault of the handler: retryable,
 * HANDLER_FAILED over the socket and 500 over the webhook.
 */
export class Reject extends Error {
  override readonly name = 'Reject';
  /**
   * For people and statistics, e.g. `UNKNOWN_COMPANY`. Over the socket it becomes the sync's `errorCode`: up to 64
   * letters, digits and `_ . : -`; anything else in it becomes `_`.
   */
  readonly code: string;
  readonly retryable: boolean;
  readonly status: number;

  /** @throws {RangeError} where the status is not 400 to 599, which would accept the event */
  constructor(code: string, message: string, options: RejectOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code.replace(/[^A-Za-z0-9_.:-]/g, '_').slice(0, 64) || 'REJECTED';
    this.retryable = options.retryable ?? false;
    this.status = options.status ?? (this.retryable ? 503 : 422);
    if (!(this.status >= 400 && this.status <= 599))
      throw new RangeError(`status: ${this.status}; 400 to 599.`);
  }

  /** Any thrown value as a Reject. */
  static from(error: unknown): Reject {
    if (error instanceof Reject) return error;
    const message = error instanceof Error ? error.message : String(error);
    return new Reject('HANDLER_FAILED', message, { retryable: true, status: 500, cause: error });
  }
}
