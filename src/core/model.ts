/**
 * The words of the domain, as they stand in the database and on the wire (lower case). The GraphQL enums map
 * onto them.
 */

/** Says how an event travels: within seconds, with the nightly batch, or once more as a repair. */
export type SyncMode = 'realtime' | 'batch' | 'compensation';

/** Why neither a subscription nor an event type can have this mode: the hub gives it, nobody chooses it. */
export const compensationIsNoChoice =
  'COMPENSATION marks what the hub sends once more (resync, a repair). Choose REALTIME or BATCH.';

/** Says where one sync (one event on its way to one subscription) stands. */
export type SyncStatus = 'pending' | 'processing' | 'retrying' | 'success' | 'failed' | 'cancelled';

/** Holds what carries an event to its consumer. */
export type TransportKind = 'webhook' | 'websocket';

/** `suspended` is the circuit breaker's doing, `paused` a person's (or a 410's); both keep everything. */
export type SubscriptionState = 'active' | 'paused' | 'suspended';

/** Holds what an API key may do; see `access/`. */
export type Role = 'publisher' | 'subscriber' | 'analyst' | 'admin';

/** The side of the ledger. */
export type VoucherDirection = 'debit' | 'credit';

/** A voucher's state in the settlement system. */
export type VoucherStatus = 'draft' | 'approved' | 'voided';

/** Holds what recording one voucher came to. */
export type RecordOutcome = 'created' | 'updated' | 'duplicate' | 'stale';

/** Says how far a consistency check has come. */
export type CheckState = 'running' | 'done' | 'failed';

/** Says how a record at a consumer differs from the hub's: see `judge` in `consistency/`. */
export type DifferenceKind = 'missing' | 'stale' | 'divergent' | 'unexpected';

/** A JSON value as `JSON.parse` gives it. */
export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

/** A JSON object. */
export type JsonObject = { [key: string]: JsonValue };

/** Says how a failed attempt is tried again. */
export interface RetryPolicy {
  /** Retries after the first attempt, 0 to 100. */
  readonly maxRetries: number;
  /** Delay before the first retry; doubles with each. Milliseconds. */
  readonly baseDelayMs: number;
  /** Bound of the doubled delay. Milliseconds. */
  readonly maxDelayMs: number;
  /** Share of the delay added at random, 0 to 1. */
  readonly jitter: number;
}

/** Holds what a compensation by hand does. */
export type CompensationKind = 'retry' | 'cancel' | 'resync';

/** Tells whether a compensation by hand goes on, is done, or was given up. */
export type CompensationState = 'running' | 'done' | 'failed';

/** The secrets that sign a subscription's webhooks. */
export interface SigningSecrets {
  /** The secret in force; while a rotation overlaps, the old one. */
  readonly current: string;
  /** The secret that comes into force when the overlap ends; null: no rotation under way. */
  readonly next: string | null;
}

/**
 * Holds what one attempt came to, in the terms that the policy decides by:
 * - `accepted`: the consumer has it
 * - `data`: it refused the data (400, 413, 415, 422): trying again changes nothing
 * - `gone`: it wants no more (410)
 * - `forbidden`: the hub may not reach this target
 * - `unshaped`: the subscription's payload query could not be run on the event: nothing was sent
 * - `busy`: it answered that it can't now (408, 425, 429, 5xx)
 * - `answer`: any other answer that is not a 2xx
 * - `connect`: no connection came about (refused, DNS, TLS …)
 * - `response`: a connection was made, but no whole answer came (reset, time-out)
 * - `unacknowledged`: an attached consumer let the deadline pass, or refused it for now
 * - `closed`: the consumer's socket closed before it acknowledged
 */
export type Verdict =
  | 'accepted'
  | 'data'
  | 'gone'
  | 'forbidden'
  | 'unshaped'
  | 'busy'
  | 'answer'
  | 'connect'
  | 'response'
  | 'unacknowledged'
  | 'closed';

/** One attempt as a transport reports it. */
export interface AttemptResult {
  readonly verdict: Verdict;
  /** HTTP status, where there was an answer. */
  readonly statusCode: number | null;
  /** `HTTP_<status>`, an operating system's or client's code; null when accepted. */
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  /** Holds what `Retry-After` asked for, in milliseconds, at most ten minutes; null: nothing. */
  readonly retryAfterMs: number | null;
  /** True: the target answered the request with a 2xx, and this is about one item of it. */
  readonly ofItem?: true;
  /** The first part of the answer's body. */
  readonly responseExcerpt: string | null;
  /** When the attempt began, in milliseconds since 1970 by this process's clock. */
  readonly startedAt: number;
  readonly durationMs: number;
  /** Left out: nothing was sent. */
  readonly evidence?: AttemptEvidence;
}

/** Holds what proves an attempt. */
export interface AttemptEvidence {
  /** SHA-256 of the bytes that were sent, lower-case hex. */
  readonly bodyDigest: string;
  /** Holds what the consumer returned for it; null: nothing. */
  readonly receipt: { readonly value: string; readonly valid: boolean } | null;
}
