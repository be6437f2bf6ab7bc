import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { HubError } from '../core/errors.ts';

const nonceBytes = 12;
const tagBytes = 16;

interface VaultKey {
  readonly id: string;
  readonly key: Buffer;
}

/**
 * Encrypts subscriptions' secrets at rest: AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce. A sealed
 * text is `v1:<key id>:<base64 of nonce, ciphertext, tag>`; the key id is the start of the key's SHA-256, so
 * that a text says which key opens it and keys can be changed one text at a time.
 */
export class Vault {
  readonly #current: VaultKey;
  readonly #known: ReadonlyMap<string, VaultKey>;

  /**
   * @param current 32 bytes, base64: seals and opens
   * @param previous opens only, while texts are moved to the current key
   */
  constructor(current: string, previous?: string) {
    this.#current = vaultKey(current);
    const keys = previous === undefined ? [this.#current] : [this.#current, vaultKey(previous)];
    this.#known = new Map(keys.map(key => [key.id, key]));
  }

  /** @param context bound to the text (GCM's additional data): a text copied to another row does not open there */
  seal(plain: string, context: string): string {
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv('aes-256-gcm', this.#current.key, nonce).setAAD(Buffer.from(context));
    const sealed = Buffer.concat([nonce, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return `v1:${this.#current.id}:${sealed.toString('base64')}`;
  }

  /** @throws HubError INTERNAL_SERVER_ERROR when no known key opens it, or it was altered */
  open(text: string, context: string): string {
    const [version, keyId, body] = text.split(':');
    const known = keyId === undefined ? undefined : this.#known.get(keyId);
    if (version !== 'v1' || known === undefined || body === undefined) {
      throw new HubError(
        'INTERNAL_SERVER_ERROR',
        `A secret was sealed with key ${keyId ?? '?'}, which HUB_ENCRYPTION_KEY is not.`,
      );
    }
    const sealed = Buffer.from(body, 'base64');
    try {
      // Without the length, a text that was cut short would be checked by as few as four bytes of tag.
      const decipher = createDecipheriv('aes-256-gcm', known.key, sealed.subarray(0, nonceBytes), {
        authTagLength: tagBytes,
      })
        .setAAD(Buffer.from(context))
        .setAuthTag(sealed.subarray(sealed.length - tagBytes));
      return (
        decipher.update(sealed.subarray(nonceBytes, sealed.length - tagBytes), undefined, 'utf8') +
        decipher.final('utf8')
      );
    } catch (cause) {
      throw new HubError('INTERNAL_SERVER_ERROR', 'A stored secret was altered: it does not open.', {
        cause,
      });
    }
  }

  /** Tells whether it opens what is sealed with the key of this id. */
  knows(keyId: string): boolean {
    return this.#known.has(keyId);
  }

  /** Tells whether a text is sealed with the current key already. */
  isCurrent(text: string): boolean {
    return text.startsWith(`v1:${this.#current.id}:`);
  }
}

/** A new key for the vault: 32 random bytes, base64. */
export function createVaultKey(): string {
  return randomBytes(32).toString('base64');
}

function vaultKey(base64: string): VaultKey {
  const key = Buffer.from(base64, 'base64');
  return { id: createHash('sha256').update(key).digest('hex').slice(0, 8), key };
}
