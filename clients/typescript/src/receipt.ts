import { createHash, createHmac } from 'node:crypto';

/** Hex SHA-256 of a body's exact bytes. */
export function bodyDigest(rawBody: Uint8Array): string {
  return createHash('sha256').update(rawBody).digest('hex');
}

/**
 * A receipt: the hex HMAC-SHA256 of a body's digest.
 * @param digest hex, lower case: `bodyDigest` of a webhook's body, or the delivery's over the socket
 * @param secret the subscription's, as it stands
 */
export function receiptOf(digest: string, secret: string): string {
  return createHmac('sha256', secret).update(digest).digest('hex');
}
