import { STATUS_CODES } from 'node:http';
import { legible } from '../../core/answer-text.ts';
import { deliveryCodeOf, type HubCode } from '../../core/delivery-codes.ts';
import { errorCodeOf, messageOf } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type { Verdict } from '../../core/model.ts';
import { printable } from '../../core/printable.ts';

/** Holds what a failed exchange (one without an answer) came to. */
export interface ErrorVerdict {
  readonly verdict: Verdict;
  /** A code of the catalogue; `UNKNOWN` for an error that has none of these. */
  readonly errorCode: string;
  readonly errorMessage: string;
}

/** The attempt's total time-out: no whole answer within the subscription's `timeoutMs`. */
export class AttemptTimeoutError extends Error {
  override readonly name = 'AttemptTimeoutError';
  readonly code = 'ETIMEDOUT';

  constructor(timeoutMs: number, connected: boolean) {
    super(`${connected ? 'No answer' : 'No connection'} within ${timeoutMs} ms.`);
  }
}

/** A 2xx that came while part of the request had not gone out: who sent it can't have read the events. */
export class EarlyAnswerError extends Error {
  override readonly name = 'EarlyAnswerError';
  readonly code = 'ANSWERED_EARLY' satisfies HubCode;

  constructor(status: number) {
    super(
      `The target answered ${status} before the whole request had been sent; it must read all of it first.`,
    );
  }
}

/** Codes that only arise while a connection comes about. */
const connectCodes = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EAI_FAIL',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** OpenSSL's and Node's codes of a TLS connection that was not trusted or not agreed on. */
const tlsCode =
  /^(?:EPROTO$|ERR_TLS_|ERR_SSL_|CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_|HOSTNAME_MISMATCH|ERROR_IN_C)/;

/** The client would not write the request (a header with a line break, say): no attempt will mend that. */
const unsendableCodes = new Set([
  'UND_ERR_INVALID_ARG',
  'UND_ERR_NOT_SUPPORTED',
  'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH',
]);

/** The hub itself ended the attempt: whether it was connected by then says nothing about the target. */
const ownCodes = new Set(['UND_ERR_ABORTED', 'UND_ERR_DESTROYED', 'UND_ERR_CLOSED']);

/** Gives what an HTTP status says; the contract's table "What an answer means". */
export function verdictOfStatus(status: number): Verdict {
  if (status >= 200 && status <= 299) return 'accepted';
  if (status === 400 || status === 413 || status === 415 || status === 422) return 'data';
  if (status === 410) return 'gone';
  if (status === 408 || status === 425 || status === 429) return 'busy';
  return status >= 500 && status <= 599 ? 'busy' : 'answer';
}

/** An answer that is not a 2xx, for people. */
export function statusSentence(status: number): string {
  const name = STATUS_CODES[status] === undefined ? '' : ` ${STATUS_CODES[status]}`;
  const redirect = status >= 300 && status <= 399 ? '; redirects are not followed' : '';
  return `The target answered ${status}${name}${redirect}.`;
}

/**
 * Gives what an error says that came instead of an answer. Its code is the first on the way through `errors` (an
 * AggregateError of several addresses) and `cause`.
 * @param connected Whether a connection had come about, where the caller knows: it decides for codes that occur
 * before and after (ECONNRESET, ETIMEDOUT …). Left out: such codes count as after.
 */
export function verdictOfError(error: unknown, connected = true): ErrorVerdict {
  const source = carrierOf(error, 5) ?? error;
  const given = errorCodeOf(source) ?? nameOf(source);
  // Rules, filters and documents go by the catalogue; a code that is not in it stands in the message.
  const isKnown = deliveryCodeOf(given) !== undefined;
  const words = messageOf(source) || messageOf(error) || given;
  return {
    verdict: verdictOfCode(given, connected),
    errorCode: isKnown ? given : ('UNKNOWN' satisfies HubCode),
    errorMessage: printable(isKnown ? words : `${given}: ${words}`, limits.excerptChars),
  };
}

/**
 * Gives what a `Retry-After` header asks for, from now: milliseconds, 0 to `limits.retryAfterMs`. Seconds or an
 * HTTP-date (RFC 9110, 10.2.3 and 5.6.7, the obsolete forms too); null: nothing, or nothing readable.
 */
export function parseRetryAfter(header: string | string[] | undefined, nowMs: number): number | null {
  const text = (Array.isArray(header) ? header[0] : header)?.trim() ?? '';
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1000, limits.retryAfterMs);
  const until = httpDate(text);
  return until === null ? null : Math.min(Math.max(until - nowMs, 0), limits.retryAfterMs);
}

/** The first `limits.excerptChars` characters of an answer, for people to read; null: nothing to show. */
export function excerptOf(text: string): string | null {
  // An escape takes six characters, and the cleaning takes some out.
  return printable(legible(text.slice(0, limits.excerptChars * 8)), limits.excerptChars) || null;
}

/** Tells whether an error's code says that the hub itself ended the attempt. */
export function isOwnCode(code: string | undefined): boolean {
  return code !== undefined && ownCodes.has(code);
}

function verdictOfCode(code: string, connected: boolean): Verdict {
  if (code === 'TARGET_NOT_ALLOWED') return 'forbidden';
  if (unsendableCodes.has(code)) return 'data';
  if (isOwnCode(code)) return 'response';
  return !connected || connectCodes.has(code) || tlsCode.test(code) ? 'connect' : 'response';
}

/** Undici's HTTPParserError has no code. */
function nameOf(error: unknown): string {
  return error instanceof Error && error.name !== 'Error' ? error.name : 'UNKNOWN';
}

/** The error that carries a code, at most `depth` steps down (a cycle of causes must end). */
function carrierOf(error: unknown, depth: number): Error | undefined {
  if (!(error instanceof Error) || depth === 0) return undefined;
  const aggregated = error instanceof AggregateError ? firstCarrier(error.errors, depth - 1) : undefined;
  // An AggregateError has its first error's code but no message.
  if (aggregated !== undefined) return aggregated;
  return errorCodeOf(error) === undefined ? carrierOf(error.cause, depth - 1) : error;
}

function firstCarrier(errors: readonly unknown[], depth: number): Error | undefined {
  for (const error of errors) {
    const carrier = carrierOf(error, depth);
    if (carrier !== undefined) return carrier;
  }
  return undefined;
}

const dateForms = [
  /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/,
  /^[A-Z][a-z]{5,8}, \d\d-[A-Z][a-z]{2}-\d\d \d\d:\d\d:\d\d GMT$/,
  /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$/,
];

function httpDate(text: string): number | null {
  // Date.parse alone would read a date into almost any garbage with a number in it.
  if (!dateForms.some(form => form.test(text))) return null;
  const time = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  return Number.isNaN(time) ? null : time;
}
