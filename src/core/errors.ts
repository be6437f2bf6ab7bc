/**
 * Every code that a caller of the hub may see as `extensions.code`, with its meaning and what to do about it.
 * Codes of deliveries (`HTTP_400`, `ECONNREFUSED` …) are not here: those are data, not errors of the hub.
 */
export const errorCatalogue = {
  BAD_USER_INPUT: 'An input does not fit; `field` names it. Mend the input and send it again.',
  CONFLICT: 'The same source version is known with other content. Send a higher sourceVersion.',
  UNAUTHENTICATED: 'No API key, or one that is unknown or revoked. Send `Authorization: Bearer <key>`.',
  FORBIDDEN: 'The key is good, but its role or system does not allow this.',
  NOT_FOUND: 'There is nothing with this id that the key may see.',
  LIMIT_EXCEEDED: 'The operation is larger than the hub takes; the message names the limit.',
  UNAVAILABLE:
    'The database does not answer, or too much waits. Send it again in a moment; nothing is recorded twice.',
  SHUTTING_DOWN: 'This process is stopping. Nothing was recorded; send it again.',
  INTERNAL_SERVER_ERROR: 'A fault of the hub. Its log has the cause, under the x-request-id of this answer.',
} as const;

/** One of the hub's stable error codes. */
export type ErrorCode = keyof typeof errorCatalogue;

/** Says whether a caller may send the same operation again: as it is, after a change of it or of its key, or not at all. */
export const sendAgain: Readonly<Record<ErrorCode, 'yes' | 'changed' | 'no'>> = {
  BAD_USER_INPUT: 'changed',
  CONFLICT: 'changed',
  UNAUTHENTICATED: 'changed',
  FORBIDDEN: 'changed',
  NOT_FOUND: 'no',
  LIMIT_EXCEEDED: 'changed',
  UNAVAILABLE: 'yes',
  SHUTTING_DOWN: 'yes',
  INTERNAL_SERVER_ERROR: 'yes',
};

/** An error that is meant for the caller: a stable code, a message that helps, and the input field at fault. */
export class HubError extends Error {
  override readonly name = 'HubError';
  readonly code: ErrorCode;
  /** The input field at fault, e.g. `amount`. */
  readonly field: string | undefined;

  constructor(code: ErrorCode, message: string, options: { field?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.field = options.field;
  }
}

/** A `BAD_USER_INPUT` about one field. */
export function badInput(field: string, message: string): HubError {
  return new HubError('BAD_USER_INPUT', message, { field });
}

/** Tells whether a caught value carries a string `code`, as Node's, PostgreSQL's and undici's errors do. */
export function errorCodeOf(error: unknown): string | undefined {
  if (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string') {
    return error.code;
  }
  return undefined;
}

/** Tells whether PostgreSQL refused what was sent: SQLSTATE classes 22 (data exception) and 23 (constraint violation). */
export function isDataFault(error: unknown): boolean {
  return /^2[23]/.test(errorCodeOf(error) ?? '');
}

/** The message of any caught value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Codes of connections that broke, of PostgreSQL that is starting or stopping (class 57P) or short of something (53), of
 * its time-outs (statement, lock, idle transaction), and of a deadlock that it ended.
 */
const databaseAway =
  /^(08|57P|57014|53|55P03|25006|25P0[34]|40P01|ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH)/;
/** Holds what `pg` says without a code: of its pool, of a new connection, and of a connection that has gone silent. */
const connectionLost =
  /timeout exceeded when trying to connect|Connection terminated|Query read timeout|not queryable/i;

/** Tells whether an error says that the database can't do it now, and may in a moment. */
export function isDatabaseAway(error: unknown): boolean {
  return databaseAway.test(errorCodeOf(error) ?? '') || connectionLost.test(messageOf(error));
}
