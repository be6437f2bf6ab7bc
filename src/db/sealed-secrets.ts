import type { Pool } from 'pg';

/** Says how many subscriptions' secrets stand sealed with one key. */
export interface SealedSecrets {
  /** The key's id, as a sealed text names it (`Vault`). */
  readonly keyId: string;
  readonly count: number;
}

/** With which keys the secrets of the subscriptions that are not deleted are sealed. */
export async function readSealedSecrets(db: Pick<Pool, 'query'>): Promise<SealedSecrets[]> {
  const { rows } = await db.query<SealedSecrets>(
    `select split_part(secret, ':', 2) as "keyId", count(*)::int as count
     from data_subscriptions where deleted_at is null group by 1 order by 2 desc`,
  );
  return rows;
}
