import type { SealedSecrets } from '../db/sealed-secrets.ts';
import type { LocalKey } from './local-key.ts';
import type { Vault } from './vault.ts';

/** Tells whether a vault opens the secrets that are there. */
export interface VaultFinding {
  /** Says how many it opens, and how many it does not. */
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

/**
 * Gives what a person is told of secrets that do not open. @param local the key's file, where it is not of
 * HUB_ENCRYPTION_KEY
 */
export function closedSecrets({ closed, missing }: VaultFinding, local?: LocalKey): string {
  const sealed = `the secrets of ${closed} subscriptions: they are sealed with another key (${missing.join(', ')}).`;
  if (local?.isNew === true)
    return `There is no ${local.file}, and HUB_ENCRYPTION_KEY is not set; a new key would not open ${sealed} Put the file back, or set HUB_ENCRYPTION_KEY to what it held.`;
  if (local !== undefined)
    return `The key in ${local.file} does not open ${sealed} Put the right file there, or set HUB_ENCRYPTION_KEY.`;
  return `HUB_ENCRYPTION_KEY does not open ${sealed} Set that one, or as HUB_ENCRYPTION_KEY_PREVIOUS; every process of the hub needs the same.`;
}
