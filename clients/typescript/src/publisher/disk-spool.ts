import { mkdirSync, truncateSync } from 'node:fs';
import { type BatchLimits, type BufferedItem, itemOfLine } from './buffered-item.ts';
import type { BufferBounds, ItemBuffer } from './item-buffer.ts';
import { SpoolFiles, type SpoolPosition } from './spool-files.ts';
import { lockFolder } from './spool-lock.ts';
import { SpoolWriter } from './spool-writer.ts';

/** Holds what a spool works with. */
export interface SpoolOptions extends BufferBounds {
  readonly folder: string;
  readonly fsync: 'always' | 'interval' | 'never';
  /** Told of a line that can't be read; it is passed over. */
  readonly onDamage: (error: Error) => void;
}

/** Lines that are read at once while a spool is opened. */
const scan = { lines: 1_000, bytes: 1_048_576 };
/** A segment ends at this size or at a quarter of the spool's bound: done segments give their room back. */
const segmentBytes = 8 * 1_048_576;

/**
 * Buffers in a folder: appended lines in numbered segments, and the position up to which they are done with. What a
 * killed process left, a torn last line apart, the next one finds.
 */
export class DiskSpool implements ItemBuffer {
  readonly #options: SpoolOptions;
  readonly #files: SpoolFiles;
  readonly #unlock: () => void;
  #position: SpoolPosition;
  #writer: SpoolWriter;
  /** The number of the segment that is written to. */
  #last: number;
  #items = 0;
  #bytes = 0;
  /** The items of the last `head`, with the place after each. */
  #head: { item: BufferedItem; end: SpoolPosition }[] = [];

  /** @throws {Error} where the folder can't be used, or another process uses it */
  constructor(options: SpoolOptions) {
    this.#options = options;
    mkdirSync(options.folder, { recursive: true });
    this.#unlock = lockFolder(options.folder);
    this.#files = new SpoolFiles(options.folder);
    try {
      this.#position = this.#files.readPosition();
      this.#last = Math.max(this.#position.segment, ...this.#files.segments());
      this.#recover();
      this.#writer = this.#openWriter();
    } catch (error) {
      this.#unlock();
      throw error;
    }
  }

  get items(): number {
    return this.#items;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(item: BufferedItem): boolean {
    const { maxItems, maxBytes } = this.#options;
    if (this.#items >= maxItems || this.#bytes + item.bytes > maxBytes) return false;
    if (this.#writer.size >= Math.min(segmentBytes, maxBytes / 4)) this.#beginSegment();
    this.#writer.append(item.json);
    this.#items += 1;
    this.#bytes += item.bytes;
    return true;
  }

  head(limits: BatchLimits): readonly BufferedItem[] {
    if (this.#head.length === 0) this.#read(limits);
    return this.#head.map(({ item }) => item);
  }

  drop(count: number): void {
    const dropped = this.#head.splice(0, count);
    const end = dropped.at(-1)?.end;
    if (end === undefined) return;
    this.#items -= dropped.length;
    for (const { item } of dropped) this.#bytes -= item.bytes;
    this.#move(end);
    // Written each time: the next process must not send again what was followed by newer inputs of the same records.
    this.#files.writePosition(this.#position);
  }

  close(): void {
    this.#writer.close();
    this.#unlock();
  }

  /** Reads on until there is an item or nothing more; damaged lines and segments that are done are passed over. */
  #read(limits: BatchLimits): void {
    let from = this.#position;
    for (;;) {
      const lines = this.#files.readLines(from, limits.batchItems, limits.batchBytes);
      for (const { text, end } of lines) {
        const item = itemOfLine(text);
        if (item === null)
          this.#options.onDamage(
            new Error(`Spool segment ${end.segment}: a damaged line before ${end.offset}.`),
          );
        else this.#head.push({ item, end });
      }
      if (this.#head.length > 0) return;
      const read = lines.at(-1)?.end;
      if (read === undefined && from.segment === this.#last) return;
      from = read ?? { segment: this.#nextSegment(from.segment), offset: 0 };
      this.#move(from);
    }
  }

  #move(to: SpoolPosition): void {
    const isNew = to.segment !== this.#position.segment;
    this.#position = to;
    if (!isNew) return;
    for (const segment of this.#files.segments()) if (segment < to.segment) this.#files.remove(segment);
  }

  #nextSegment(after: number): number {
    return this.#files.segments().find(segment => segment > after) ?? this.#last;
  }

  #beginSegment(): void {
    this.#writer.close();
    this.#last += 1;
    this.#writer = this.#openWriter();
  }

  #openWriter(): SpoolWriter {
    return new SpoolWriter(this.#files.segmentPath(this.#last), this.#options.fsync);
  }

  /** Counts what is left from the position on, and cuts a torn last line off. */
  #recover(): void {
    const segments = this.#files.segments().filter(segment => segment >= this.#position.segment);
    // After a power cut the position may be ahead of what reached the disk.
    const first = segments[0] ?? this.#last;
    const kept = first === this.#position.segment && this.#position.offset <= this.#files.size(first);
    this.#position = { segment: first, offset: kept ? this.#position.offset : 0 };
    for (const segment of segments) {
      const end = this.#countLines({ segment, offset: segment === first ? this.#position.offset : 0 });
      if (this.#files.size(segment) > end.offset) truncateSync(this.#files.segmentPath(segment), end.offset);
    }
  }

  #countLines(from: SpoolPosition): SpoolPosition {
    let at = from;
    for (;;) {
      const lines = this.#files.readLines(at, scan.lines, scan.bytes);
      for (const { text } of lines) this.#count(text);
      const end = lines.at(-1)?.end;
      if (end === undefined) return at;
      at = end;
    }
  }

  #count(text: string): void {
    const item = itemOfLine(text);
    if (item === null) return;
    this.#items += 1;
    this.#bytes += item.bytes;
  }
}
