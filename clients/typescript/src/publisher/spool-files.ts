import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';

/** A place in a spool: everything before it is done with. */
export interface SpoolPosition {
  readonly segment: number;
  /** Bytes from the segment's beginning. */
  readonly offset: number;
}

/** Lines that were read, and where reading goes on. */
export interface SpoolLine {
  readonly text: string;
  /** The place after it. */
  readonly end: SpoolPosition;
}

/** The names and contents of a spool folder's files: numbered segments of lines, and the position. */
export class SpoolFiles {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** A segment's file. */
  segmentPath(segment: number): string {
    return path.join(this.#folder, `${String(segment).padStart(12, '0')}.jsonl`);
  }

  /** The numbers of the segments that exist, in order. */
  segments(): number[] {
    return readdirSync(this.#folder)
      .flatMap(name => /^(\d{12})\.jsonl$/.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
  }

  /** Bytes of a segment; 0 where there is none. */
  size(segment: number): number {
    return statSync(this.segmentPath(segment), { throwIfNoEntry: false })?.size ?? 0;
  }

  remove(segment: number): void {
    rmSync(this.segmentPath(segment), { force: true });
  }

  /** The position that was last written; the beginning where there is none. */
  readPosition(): SpoolPosition {
    try {
      const read: Partial<SpoolPosition> = JSON.parse(readFileSync(this.#positionPath, 'utf8'));
      if (Number.isSafeInteger(read.segment) && Number.isSafeInteger(read.offset))
        return { segment: read.segment ?? 0, offset: read.offset ?? 0 };
    } catch {
      // None was written yet; or it is damaged, and what is sent again is a DUPLICATE.
    }
    return { segment: 0, offset: 0 };
  }

  /** Replaces the position in one step, so that a process killed meanwhile leaves the old or the new one. */
  writePosition(position: SpoolPosition): void {
    const temporary = `${this.#positionPath}.new`;
    writeFileSync(temporary, JSON.stringify(position));
    renameSync(temporary, this.#positionPath);
  }

  /**
   * Whole lines from a position within its segment: as many as fit in `maxBytes`, one at least.
   * @returns none at the segment's end (a last line without its line break is none)
   */
  readLines(from: SpoolPosition, maxLines: number, maxBytes: number): SpoolLine[] {
    const bytes = this.#readBytes(from, maxBytes);
    const lines: SpoolLine[] = [];
    let start = 0;
    while (lines.length < maxLines) {
      const at = bytes.indexOf(lineBreak, start);
      if (at === -1) break;
      const end = { segment: from.segment, offset: from.offset + at + 1 };
      lines.push({ text: bytes.toString('utf8', start, at), end });
      start = at + 1;
    }
    // A line longer than `maxBytes` is read whole, by itself.
    if (lines.length === 0 && bytes.length === maxBytes) return this.readLines(from, 1, maxBytes * 2);
    return lines;
  }

  #readBytes(from: SpoolPosition, maxBytes: number): Buffer {
    const fd = openSync(this.segmentPath(from.segment), 'r');
    try {
      const buffer = Buffer.allocUnsafe(maxBytes);
      return buffer.subarray(0, readSync(fd, buffer, 0, maxBytes, from.offset));
    } finally {
      closeSync(fd);
    }
  }

  get #positionPath(): string {
    return path.join(this.#folder, 'position');
  }
}

const lineBreak = 0x0a;
