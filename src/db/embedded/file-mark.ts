import { stat } from 'node:fs/promises';
import path from 'node:path';

/**
 * Tells an embedded database from its copies: when PostgreSQL's control file was born. PostgreSQL writes it in place
 * and never makes it anew, and no program that copies or restores a folder can take this time along. Null: the file
 * system does not keep it, and says the time of the last change instead.
 * @param dataDir HUB_DATA_DIR
 */
export async function embeddedFileMark(dataDir: string): Promise<string | null> {
  const { birthtimeNs, ctimeNs } = await stat(path.join(dataDir, 'postgres', 'global', 'pg_control'), {
    bigint: true,
  });
  return birthtimeNs === 0n || birthtimeNs === ctimeNs ? null : String(birthtimeNs);
}
