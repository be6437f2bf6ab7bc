import { closeSync, fstatSync, fsync, fsyncSync, ftruncateSync, openSync, writeSync } from 'node:fs';

/** Sets how long written lines may wait to be forced onto the disk by `interval`, milliseconds. */
const fsyncEveryMs = 1_000;

/** Appends lines to one file, each whole or not at all. */
export class SpoolWriter {
  readonly #fd: number;
  readonly #fsync: 'always' | 'interval' | 'never';
  #size: number;
  #timer: NodeJS.Timeout | undefined;
  /** Part of a line stands at the end and could not be taken back. */
  #torn = false;

  /** @throws where the file can't be opened */
  constructor(file: string, fsyncPolicy: 'always' | 'interval' | 'never') {
    this.#fd = openSync(file, 'a');
    this.#fsync = fsyncPolicy;
    this.#size = fstatSync(this.#fd).size;
  }

  /** Bytes in the file. */
  get size(): number {
    return this.#size;
  }

  /** Appends a line. @throws where the disk does not take it: then nothing of it counts */
  append(line: string): void {
    // A torn line gets an end of its own, so that it is passed over by itself.
    const bytes = Buffer.from(`${this.#torn ? '\n' : ''}${line}\n`);
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at);
      if (this.#fsync === 'always') fsyncSync(this.#fd);
    } catch (error) {
      this.#takeBack();
      throw error;
    }
    this.#torn = false;
    this.#size += bytes.length;
    if (this.#fsync === 'interval') this.#syncSoon();
  }

  close(): void {
    clearTimeout(this.#timer);
    if (this.#fsync !== 'never') fsyncSync(this.#fd);
    closeSync(this.#fd);
  }

  /** A full disk takes the first part of a line; the next one must not be glued to it. */
  #takeBack(): void {
    try {
      ftruncateSync(this.#fd, this.#size);
    } catch {
      this.#torn = true;
      this.#size = fstatSync(this.#fd).size;
    }
  }

  #syncSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      // A disk that fails here fails the next append too, where it is told.
      fsync(this.#fd, () => {});
    }, fsyncEveryMs).unref();
  }
}
