import type { SealedSecrets } from '../db/sealed-secrets.ts';
import type { Vault } from './vault.ts';

/** Whether a vault opens the secrets that are there. */
export interface VaultFinding {
  /** How many it opens, and how many it does not. */
  readonly opens: number;
  readonly closed: number;
  /** Ids of the keys that are missing. */
  readonly missing: readonly string[];
}

/** Holds the keys of a vault against those that secrets are sealed with. */
export function vaultFinding(vault: Vault, sealed: readonly SealedSecrets[]): VaultFinding {
  const sum = (of: readonly SealedSecrets[]) => of.reduce((total, { count }) => total + count, 0);
  const closed = sealed.filter(({ keyId }) => !vault.knows(keyId));
  return {
    opens: sum(sealed) - sum(closed),
    closed: sum(closed),
    missing: closed.map(({ keyId }) => keyId),
  };
}

/** What a person is told of secrets that do not open. */
export function closedSecrets({ closed, missing }: VaultFinding): string {
  return `HUB_ENCRYPTION_KEY does not open the secrets of ${closed} subscriptions: they are sealed with another key (${missing.join(', ')}). Set that one, or as HUB_ENCRYPTION_KEY_PREVIOUS; every process of the hub needs the same.`;
}
