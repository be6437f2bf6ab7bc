import { open, rename, rm } from 'node:fs/promises';
import { HubError } from '../../core/errors.ts';
import { fileFault } from '../../core/file-fault.ts';

/** Where an export goes. Dispose of it: what was not committed leaves no file. */
export interface Target extends AsyncDisposable {
  /** Resolves when it may take more; false: nobody reads it any more. */
  write(piece: string | Uint8Array): Promise<boolean>;
  /** All is written: gives the file its name. */
  commit(): Promise<void>;
}

/** Standard output, as fast as whoever reads it. */
export const standardOutput: Target = {
  write: piece =>
    piece.length === 0
      ? Promise.resolve(true)
      : new Promise(resolve => process.stdout.write(piece, error => resolve(error == null))),
  commit: () => Promise.resolve(),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

/**
 * A file that is there whole or not at all: it is written beside its place, as FILE.part.
 * @throws HubError BAD_USER_INPUT where it can't be made
 */
export async function openFileTarget(path: string): Promise<Target> {
  const part = `${path}.part`;
  const file = await open(part, 'w').catch((error: unknown) => {
    const message = `--output: ${path} can't be written: ${fileFault(error)}.`;
    throw new HubError('BAD_USER_INPUT', message, { cause: error });
  });
  let isCommitted = false;
  return {
    async write(piece) {
      await file.appendFile(piece);
      return true;
    },
    async commit() {
      await file.sync();
      await file.close();
      await rename(part, path);
      isCommitted = true;
    },
    async [Symbol.asyncDispose]() {
      if (isCommitted) return;
      await file.close();
      await rm(part, { force: true });
    },
  };
}
