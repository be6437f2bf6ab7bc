import { open, rename, rm } from 'node:fs/promises';
import { outputFault, type Place } from './place.ts';

/** Says where an export goes. Dispose of it: what was not committed leaves no file. */
export interface ExportTarget extends AsyncDisposable {
  /**
   * Resolves when it may take more; false: nobody reads it any more.
   * @throws HubError BAD_USER_INPUT where it can't be written: its disk is full
   */
  write(piece: string | Uint8Array): Promise<boolean>;
  /** All is written: gives the file its name. @throws HubError BAD_USER_INPUT */
  commit(): Promise<void>;
}

/** Standard output, as fast as whoever reads it. */
export const standardOutput: ExportTarget = {
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
export async function openFileTarget({ output, path, part }: Place): Promise<ExportTarget> {
  const refuse = (error: unknown) => {
    throw outputFault(output, error);
  };
  const file = await open(part, 'w').catch(refuse);
  let isCommitted = false;
  return {
    async write(piece) {
      await file.appendFile(piece).catch(refuse);
      return true;
    },
    async commit() {
      await file.sync().catch(refuse);
      await file.close().catch(refuse);
      await rename(part, path).catch(refuse);
      isCommitted = true;
    },
    async [Symbol.asyncDispose]() {
      if (isCommitted) return;
      // It may be closed already; either way the file must go.
      await file.close().catch(() => {});
      await rm(part, { force: true });
    },
  };
}
