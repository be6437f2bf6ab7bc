import { createHmac, timingSafeEqual } from 'node:crypto';
import { checkGiven } from '../given.ts';
import { standardKey } from './standard-key.ts';

/** Headers as node:http has them (lower-case names), or a `Headers`. */
export type RequestHeaders = Headers | Readonly<Record<string, string | readonly string[] | undefined>>;

/** Says how `verify` judges. */
export interface VerifyOptions {
  /** Says how far the signature's time may be from this clock, seconds, in either direction. Default: 300. */
  readonly toleranceSeconds?: number;
  /**
   * Refuses requests without the Standard Webhooks headers. Default: false. `X-Signature` does not cover the time, so
   * where it stands alone a captured request can be sent again later under a new `X-Timestamp`; `Inbox` catches that.
   */
  readonly requireStandard?: boolean;
  /** Milliseconds since 1970. Default: now. */
  readonly nowMs?: number;
}

/** A request that is not from the hub, is too old, or was changed on its way. Answer 401. */
export class VerificationError extends Error {
  override readonly name = 'VerificationError';
  readonly code: 'UNSIGNED' | 'BAD_SIGNATURE' | 'BAD_TIMESTAMP';

  constructor(code: VerificationError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Checks that a body is the hub's. Every form of signature that is on the request must be right: `X-Signature` or
 * `X-Signature-Next`, and Standard Webhooks' `webhook-signature`; one form at least must be there.
 * @param rawBody the exact bytes that came
 * @param secrets the subscription's; while a rotation overlaps, the old and the new one may both stand here
 * @throws {VerificationError} where it is not. @throws {TypeError} where there is no secret
 */
export function verify(
  rawBody: Uint8Array | string,
  headers: RequestHeaders,
  secrets: string | readonly string[],
  options: VerifyOptions = {},
): void {
  const keys = secretsOf(secrets);
  const body = Buffer.from(rawBody);
  const get = (name: string) => header(headers, name);
  const hasStandard = get('webhook-signature') !== null;
  const hasPlain = get('x-signature') !== null || get('x-signature-next') !== null;
  if (!hasStandard && (!hasPlain || options.requireStandard === true))
    throw new VerificationError('UNSIGNED', 'The request has no signature.');
  checkTime(get(hasStandard ? 'webhook-timestamp' : 'x-timestamp'), options);
  if (hasStandard) checkStandard(body, get, keys);
  if (hasPlain) checkPlain(body, get, keys);
}

/** One secret or several, as a list. @throws {TypeError} where there is none, or one of them is missing */
export function secretsOf(secrets: string | readonly string[]): readonly string[] {
  const keys = Array.isArray(secrets) ? secrets : [secrets];
  if (keys.length === 0) checkGiven('secrets', undefined, expected);
  for (const key of keys) checkGiven('secrets', key, expected);
  return keys;
}

const expected = "give the subscription's secret, or several; none may be empty.";

type Get = (name: string) => string | null;

function checkTime(timestamp: string | null, options: VerifyOptions): void {
  const { toleranceSeconds = 300, nowMs = Date.now() } = options;
  const seconds = /^\d{1,12}$/.test(timestamp ?? '') ? Number(timestamp) : Number.NaN;
  if (Math.abs(nowMs / 1_000 - seconds) <= toleranceSeconds) return;
  throw new VerificationError(
    'BAD_TIMESTAMP',
    `Signed at ${timestamp ?? 'no time'}, more than ${toleranceSeconds} s from now; check the clocks.`,
  );
}

/** `X-Signature`: hex under the secret's text, of the body alone. */
function checkPlain(body: Buffer, get: Get, secrets: readonly string[]): void {
  const given = [get('x-signature'), get('x-signature-next')];
  const good = secrets.map(secret => `sha256:${createHmac('sha256', secret).update(body).digest('hex')}`);
  if (!anyEqual(given, good))
    throw new VerificationError('BAD_SIGNATURE', 'X-Signature does not fit body and secret.');
}

/** Standard Webhooks 1.0: base64 under the decoded secret, of id, time and body. */
function checkStandard(body: Buffer, get: Get, secrets: readonly string[]): void {
  const given = (get('webhook-signature') ?? '').split(' ').slice(0, 16);
  const prefix = `${get('webhook-id') ?? ''}.${get('webhook-timestamp') ?? ''}.`;
  const good = secrets.map(
    secret =>
      `v1,${createHmac('sha256', standardKey(secret) ?? secret)
        .update(prefix)
        .update(body)
        .digest('base64')}`,
  );
  if (!anyEqual(given, good))
    throw new VerificationError('BAD_SIGNATURE', 'webhook-signature does not fit id, time, body and secret.');
}

/** Compares all with all, each in constant time, so that time tells nothing of where they differ. */
function anyEqual(given: readonly (string | null)[], good: readonly string[]): boolean {
  let found = false;
  for (const one of given) {
    if (one === null) continue;
    const left = Buffer.from(one);
    for (const other of good) {
      const right = Buffer.from(other);
      if (left.length === right.length && timingSafeEqual(left, right)) found = true;
    }
  }
  return found;
}

function header(headers: RequestHeaders, name: string): string | null {
  if (headers instanceof Headers) return headers.get(name);
  const value = headers[name];
  return typeof value === 'string' ? value : null;
}
