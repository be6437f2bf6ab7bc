import { hash, timingSafeEqual } from 'node:crypto';
import { receiptOf } from '@voucher-hub/client/wire';
import type { AttemptEvidence, SigningSecrets } from '../../core/model.ts';

/** Characters of a receipt that are kept: a good one has 64. */
const receiptChars = 128;

/** SHA-256 of the bytes that go to a consumer, lower-case hex: as a buffer it took longer to make and to collect. */
export function bodyDigestOf(body: Buffer | string): string {
  return hash('sha256', body, 'hex');
}

/**
 * Gives what proves an attempt. A receipt is the hex HMAC-SHA256, under the secret's text, of the body's digest in
 * lower-case hex; while a rotation overlaps, under either secret. One that is wrong is kept too, as such.
 * @param given what the consumer returned; null: nothing
 */
export function evidenceOf(
  bodyDigest: string,
  given: string | null,
  secrets: SigningSecrets,
): AttemptEvidence {
  if (given === null) return { bodyDigest, receipt: null };
  const value = given.replaceAll('\0', '').slice(0, receiptChars);
  const good = [secrets.current, secrets.next ?? secrets.current].some(secret =>
    isReceipt(value, secret, bodyDigest),
  );
  return { bodyDigest, receipt: { value, valid: good } };
}

function isReceipt(value: string, secret: string, digest: string): boolean {
  const wanted = Buffer.from(receiptOf(digest, secret), 'hex');
  const found = /^[0-9a-f]{64}$/i.test(value) ? Buffer.from(value, 'hex') : null;
  return found !== null && timingSafeEqual(found, wanted);
}

/** The receipt in an answer that is a JSON object with `receipt`; null: none. */
export function receiptIn(answer: string): string | null {
  if (!answer.includes('"receipt"')) return null;
  try {
    const parsed: unknown = JSON.parse(answer);
    const receipt =
      typeof parsed === 'object' && parsed !== null && 'receipt' in parsed ? parsed.receipt : null;
    return typeof receipt === 'string' ? receipt : null;
  } catch {
    return null;
  }
}
