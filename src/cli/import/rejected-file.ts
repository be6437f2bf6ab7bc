import { closeSync, openSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { HubError } from '../../core/errors.ts';
import { fileFault } from '../../core/file-fault.ts';
import type { RejectedLine } from './batches.ts';

/** Files up to this size are sorted, which takes memory of some times their size, bytes. */
export const sortableBytes = 33_554_432;

/**
 * The file of refused lines beside an imported one. It is there only when there are any; one of an earlier import
 * goes away first. Written at once, line by line, so that it is whole whatever ends the import.
 */
export class RejectedFile implements Disposable {
  readonly path: string;
  #file: number | undefined;
  #bytes = 0;
  #lastLine = 0;
  #isInOrder = true;

  constructor(imported: string) {
    this.path = `${imported}.rejected.jsonl`;
    this.#try(() => rmSync(this.path, { force: true }));
  }

  /** True when any line was refused. */
  get exists(): boolean {
    return this.#file !== undefined;
  }

  add(line: RejectedLine): void {
    this.#try(() => {
      this.#file ??= openSync(this.path, 'w');
      this.#bytes += writeSync(this.#file, `${JSON.stringify(line)}\n`);
    });
    this.#isInOrder &&= line.line > this.#lastLine;
    this.#lastLine = line.line;
  }

  /** Puts the lines, which came as the hub answered, into the order of the imported file; to be called at the end. */
  sort(): void {
    if (this.#isInOrder || this.#bytes > sortableBytes) return;
    const sorted = `${this.path}.sorted`;
    try {
      // Beside it and then in its place, so that a kill in between loses nothing.
      writeFileSync(sorted, inOrder(readFileSync(this.path, 'utf8')));
      renameSync(sorted, this.path);
    } catch {
      // The order is a convenience: the file is whole as it is, and the summary must still come.
      rmSync(sorted, { force: true });
    }
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeSync(this.#file);
  }

  #try(work: () => void): void {
    try {
      work();
    } catch (error) {
      throw new HubError('UNAVAILABLE', `${this.path} can't be written: ${fileFault(error)}.`, {
        cause: error,
      });
    }
  }
}

/** Each line stays as it was written. */
function inOrder(text: string): string {
  const lines = text.split('\n').filter(line => line !== '');
  const numbered = lines.map(line => ({ line, number: numberOf(line) }));
  return numbered
    .toSorted((a, b) => a.number - b.number)
    .map(({ line }) => `${line}\n`)
    .join('');
}

function numberOf(rejected: string): number {
  const { line }: RejectedLine = JSON.parse(rejected);
  return line;
}
