import { type FileHandle, open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { errorCodeOf, HubError } from '../../core/errors.ts';
import { fileFault } from '../../core/file-fault.ts';

/** The longest line that is taken, bytes: one request's worth. The hub takes 1 MiB of business data. */
export const maxLineBytes = 4 * 1_048_576;

const newline = 0x0a;
const chunkBytes = 262_144;

/** A line of the file. */
export interface FileLine {
  /** From 1. */
  readonly number: number;
  /** Without the line end; null where the line is too long to be held. */
  readonly bytes: Buffer | null;
  /** Says how far into the file (as it lies on the disk) the line ends. */
  readonly position: number;
}

/** A file of lines, open. Dispose of it to close it. */
export interface LineFile extends AsyncDisposable {
  /** Its size on the disk, bytes. */
  readonly size: number;
  /** The lines, one after the other, however large the file is; blank ones too. */
  lines(): AsyncGenerator<FileLine>;
}

/** Opens a text file, gzip or plain (told by its first bytes). @throws HubError that says why it can't be read */
export async function openLines(path: string): Promise<LineFile> {
  const file = await open(path, 'r').catch((error: unknown) => {
    throw unreadable(path, error);
  });
  try {
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
    const zipped = bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
    return { size, lines: () => linesOf(path, file, zipped), [Symbol.asyncDispose]: () => file.close() };
  } catch (error) {
    await file.close();
    throw unreadable(path, error);
  }
}

async function* linesOf(path: string, file: FileHandle, zipped: boolean): AsyncGenerator<FileLine> {
  const raw = file.createReadStream({ start: 0, highWaterMark: chunkBytes, autoClose: false });
  const gunzip = zipped ? raw.pipe(createGunzip({ chunkSize: chunkBytes })) : undefined;
  const source: Readable = gunzip ?? raw;
  raw.once('error', error => source.destroy(error));
  try {
    // What was written to the unpacker, not what was read ahead for it.
    yield* split(source, gunzip === undefined ? undefined : () => gunzip.bytesWritten);
  } catch (error) {
    throw unreadable(path, error);
  } finally {
    raw.destroy();
    source.destroy();
  }
}

/** @param packedPosition how far the packed file was read; left out: the file is plain, and lines are counted */
async function* split(
  source: AsyncIterable<Buffer>,
  packedPosition: (() => number) | undefined,
): AsyncGenerator<FileLine> {
  const pending = new PendingLine();
  let offset = 0;
  let number = 0;
  const take = (): FileLine => ({
    number: ++number,
    bytes: pending.take(),
    position: packedPosition?.() ?? offset,
  });
  for await (const chunk of source) {
    let from = 0;
    for (let at = chunk.indexOf(newline); at !== -1; at = chunk.indexOf(newline, from)) {
      pending.add(chunk.subarray(from, at));
      offset += at + 1 - from;
      from = at + 1;
      yield take();
    }
    pending.add(chunk.subarray(from));
    offset += chunk.length - from;
  }
  if (!pending.isEmpty) yield take();
}

/** The pieces of a line whose end has not come yet. One that grows too long is let go, and counted only. */
class PendingLine {
  #pieces: Buffer[] = [];
  #length = 0;

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  add(piece: Buffer): void {
    this.#length += piece.length;
    if (this.#length > maxLineBytes) this.#pieces = [];
    else if (piece.length > 0) this.#pieces.push(piece);
  }

  take(): Buffer | null {
    const whole = this.#length > maxLineBytes ? null : Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#length = 0;
    return whole;
  }
}

function unreadable(path: string, error: unknown): HubError {
  const code = errorCodeOf(error) ?? '';
  const reason = code.startsWith('Z_') ? `its gzip form is damaged (${code})` : fileFault(error);
  return new HubError('BAD_USER_INPUT', `${path} can't be read: ${reason}.`, { cause: error });
}
