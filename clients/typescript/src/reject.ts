import dns from 'node:dns';
import { constants } from 'node:os';

/** Holds what a `Reject` says beyond its code and message. */
export interface RejectOptions {
  /** True when the hub should try again by its policy. Default: false, the data does not fit. */
  readonly retryable?: boolean;
  /** The webhook's answer. Default: 422, or 503 where retryable. */
  readonly status?: number;
  readonly cause?: unknown;
}

/** Codes that the hub keeps for what it finds itself; it would not take them. */
const hubsOwn =
  /^(HTTP_.*|ACK_TIMEOUT|ANSWERED_EARLY|BATCH_ANSWER_UNREADABLE|BATCH_ITEM_MISSING|HUB_FAULT|LEASE_EXPIRED|PAYLOAD_QUERY_INVALID|SOCKET_CLOSED|SUBSCRIPTION_DELETED|TARGET_NOT_ALLOWED|UNKNOWN)$/;

/** The forms of the codes of HTTP clients and TLS, which the hub keeps too. */
const clients =
  /^(EAI_.*|UND_ERR_.*|HPE_.*|HTTPParserError|ABORT_ERR|ERR_(TLS|SSL|OSSL|SOCKET|STREAM|HTTP2?|INVALID)_.*|CERT_(SIGNATURE_FAILURE|NOT_YET_VALID|HAS_EXPIRED|CHAIN_TOO_LONG|REVOKED|UNTRUSTED|REJECTED)|CRL_.*|ERROR_IN_C.*|UNABLE_TO_(GET|DECRYPT|DECODE|VERIFY)_.*|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED|HOSTNAME_MISMATCH|OUT_OF_MEM)$/;

/** The operating system's codes and those of DNS. */
const systems = new Set([...Object.keys(constants.errno), ...Object.values<unknown>(dns)]);

function isHubsOwn(code: string): boolean {
  return hubsOwn.test(code) || clients.test(code) || systems.has(code);
}

/**
 * Thrown by a handler to say how it refuses an event. Any other error counts as a fault of the handler: retryable,
 * HANDLER_FAILED over the socket and 500 over the webhook.
 */
export class Reject extends Error {
  override readonly name = 'Reject';
  /**
   * For people and statistics, e.g. `UNKNOWN_COMPANY`. Over the socket it becomes the sync's `errorCode`: up to 64
   * letters, digits and `_ . : -`; anything else in it becomes `_`. The hub's own codes (ACK_TIMEOUT, HTTP_422 …) get
   * `REJECTED_` before them.
   */
  readonly code: string;
  readonly retryable: boolean;
  readonly status: number;

  /** @throws {RangeError} where the status is not 400 to 599, which would accept the event */
  constructor(code: string, message: string, options: RejectOptions = {}) {
    super(message, { cause: options.cause });
    const text = code.replace(/[^A-Za-z0-9_.:-]/g, '_') || 'REJECTED';
    this.code = (isHubsOwn(text) ? `REJECTED_${text}` : text).slice(0, 64);
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
