import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { errorCodeOf } from '../core/errors.ts';
import { createVaultKey } from './vault.ts';

/** The key of the embedded default. */
export interface LocalKey {
  readonly key: string;
  readonly file: string;
  /** Whether it was made just now: then it opens nothing that was there before. */
  readonly isNew: boolean;
}

/** The key that the embedded default makes for itself and keeps beside its data, readable by its owner alone. */
export async function localVaultKey(dataDir: string): Promise<LocalKey> {
  const file = path.resolve(dataDir, 'encryption.key');
  try {
    return { key: (await readFile(file, 'utf8')).trim(), file, isNew: false };
  } catch (error) {
    if (errorCodeOf(error) !== 'ENOENT') throw error;
  }
  await mkdir(path.dirname(file), { recursive: true });
  const key = createVaultKey();
  // Written whole and then named, so that a crash leaves no half a key that seals secrets nobody can open.
  const draft = `${file}.${process.pid}`;
  await writeFile(draft, `${key}\n`, { mode: 0o600, flush: true });
  await rename(draft, file);
  return { key, file, isNew: true };
}
