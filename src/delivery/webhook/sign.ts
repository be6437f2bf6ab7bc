import { createHmac, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { standardKey } from '@voucher-hub/client/wire';
import type { SigningSecrets } from '../../core/model.ts';

/** The headers that sign one attempt, lower case; see the contract, "The webhook". */
export type SignatureHeaders = Record<string, string>;

/** Holds what one attempt's signature covers. */
export interface Signed {
  /** The body's exact bytes. */
  readonly body: Buffer;
  /** The same for every attempt of one sync; without `.`, which separates the signed parts. */
  readonly webhookId: string;
  /** Seconds since 1970, of this attempt. */
  readonly timestampSeconds: number;
}

interface Keys {
  /** The secret's text as it stands: `X-Signature`'s key. */
  readonly text: KeyObject;
  /** The key of Standard Webhooks. */
  readonly standard: KeyObject;
}

/** Signs with one subscription's secrets. Its keys are prepared once: keep it as long as the secrets stand. */
export class Signer {
  readonly #current: Keys;
  readonly #next: Keys | null;

  constructor(secrets: SigningSecrets) {
    this.#current = keysOf(secrets.current);
    this.#next = secrets.next === null ? null : keysOf(secrets.next);
  }

  /** The signature headers of one attempt, by both secrets while a rotation overlaps. */
  headers({ body, webhookId, timestampSeconds }: Signed): SignatureHeaders {
    const timestamp = String(timestampSeconds);
    const signedPrefix = `${webhookId}.${timestamp}.`;
    const headers: SignatureHeaders = {
      'x-signature': bodySignature(this.#current, body),
      'x-timestamp': timestamp,
      'webhook-id': webhookId,
      'webhook-timestamp': timestamp,
      'webhook-signature': standardSignature(this.#current, signedPrefix, body),
    };
    if (this.#next !== null) {
      headers['x-signature-next'] = bodySignature(this.#next, body);
      headers['webhook-signature'] += ` ${standardSignature(this.#next, signedPrefix, body)}`;
    }
    return headers;
  }
}

/** A new secret that the public Standard Webhooks libraries take: `whsec_` and base64 of 32 random bytes. */
export function createSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}

/** Tells whether the public Standard Webhooks libraries make the same key of a secret: they decode any secret as base64. */
export function isStandardSecret(secret: string): boolean {
  return standardKey(secret) !== null;
}

function keysOf(secret: string): Keys {
  const text = Buffer.from(secret, 'utf8');
  return { text: createSecretKey(text), standard: createSecretKey(standardKey(secret) ?? text) };
}

function bodySignature(keys: Keys, body: Buffer): string {
  return `sha256:${createHmac('sha256', keys.text).update(body).digest('hex')}`;
}

function standardSignature(keys: Keys, signedPrefix: string, body: Buffer): string {
  return `v1,${createHmac('sha256', keys.standard).update(signedPrefix).update(body).digest('base64')}`;
}
