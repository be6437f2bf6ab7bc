import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { errorCodeOf } from '../core/errors.ts';
import { createVaultKey } from './vault.ts';

/** The key of the embedded default. */
export interface LocalKey {
  readonly key: string;
  readonly file: string;
  /** It was made just now, opens nothing that was there before, and is lost unless `keepLocalKey` writes it. */
  readonly isNew: boolean;
}

/** The key that the embedded default keeps beside its data, readable by its owner alone, or a new one. */
export async function localVaultKey(dataDir: string): Promise<LocalKey> {
  const file = path.resolve(dataDir, 'encryption.key');
  try {
    return { key: (await readFile(file, 'utf8')).trim(), file, isNew: false };
  } catch (error) {
    if (errorCodeOf(error) !== 'ENOENT') throw error;
  }
  return { key: createVaultKey(), file, isNew: true };
}

/** Writes a new key to its file: call it before anything is sealed, and not while the right one may only be missing. */
export async function keepLocalKey({ key, file, isNew }: LocalKey): Promise<void> {
  if (!isNew) return;
  await mkdir(path.dirname(file), { recursive: true });
  // Written whole and then named, so that a crash leaves no half a key that seals secrets nobody can open.
  const draft = `${file}.${process.pid}`;
  await writeFile(draft, `${key}\n`, { mode: 0o600, flush: true });
  await rename(draft, file);
}
