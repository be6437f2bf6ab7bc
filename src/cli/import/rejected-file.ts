import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { HubError, messageOf } from '../../core/errors.ts';
import type { RejectedLine } from './batches.ts';

/**
 * The file of refused lines beside an imported one. It is there only when there are any; one of an earlier import
 * goes away first. Written at once, line by line, so that it is whole whatever ends the import.
 */
export class RejectedFile implements Disposable {
  readonly path: string;
  #file: number | undefined;

  constructor(imported: string) {
    this.path = `${imported}.rejected.jsonl`;
    this.#try(() => rmSync(this.path, { force: true }));
  }

  /** Whether any line was refused. */
  get exists(): boolean {
    return this.#file !== undefined;
  }

  add(line: RejectedLine): void {
    this.#try(() => {
      this.#file ??= openSync(this.path, 'w');
      writeSync(this.#file, `${JSON.stringify(line)}\n`);
    });
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeSync(this.#file);
  }

  #try(work: () => void): void {
    try {
      work();
    } catch (error) {
      throw new HubError('UNAVAILABLE', `${this.path} can't be written: ${messageOf(error)}.`, {
        cause: error,
      });
    }
  }
}
