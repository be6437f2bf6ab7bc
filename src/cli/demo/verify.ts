import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** A signature older or newer than this is not taken, seconds: Standard Webhooks' advice against replays. */
const toleranceSeconds = 300;

/**
 * Verifies what the hub sent, in both forms that it signs in, as a receiver in any language would by hand. One of
 * them would do; the public Standard Webhooks libraries do the second.
 * @param rawBody the exact bytes that came; parsing and dumping again is for receivers that kept only the object
 * @returns null when right, else what is wrong
 */
export function verifySignatures(
  rawBody: Buffer,
  headers: IncomingHttpHeaders,
  secret: string,
  nowSeconds: number,
): string | null {
  const bare = `sha256:${createHmac('sha256', secret).update(rawBody).digest('hex')}`;
  if (!isSame(bare, headers['x-signature'])) return 'X-Signature does not fit';

  const id = String(headers['webhook-id']);
  const timestamp = String(headers['webhook-timestamp']);
  if (Math.abs(nowSeconds - Number(timestamp)) > toleranceSeconds) return 'webhook-timestamp is not of now';
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const standard = `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.`).update(rawBody).digest('base64')}`;
  // Several with spaces while a secret is being changed; one that fits is enough.
  const given = String(headers['webhook-signature']).split(' ');
  return given.some(signature => isSame(standard, signature)) ? null : 'webhook-signature does not fit';
}

/** Takes the same time wherever the texts differ, so that nobody can guess a signature character by character. */
function isSame(expected: string, given: string | string[] | undefined): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(String(given))];
  return a.length === b.length && timingSafeEqual(a, b);
}
