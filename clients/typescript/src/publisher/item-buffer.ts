import type { BatchLimits, BufferedItem } from './buffered-item.ts';

/** Items that wait to be sent, oldest first, within bounds. */
export interface ItemBuffer {
  readonly items: number;
  /** Bytes of the items' JSON. */
  readonly bytes: number;
  /** False: it is full. @throws where the disk does not take it */
  add(item: BufferedItem): boolean;
  /** The oldest items, as many as the limits allow and one at least; empty where there is none. */
  head(limits: BatchLimits): readonly BufferedItem[];
  /** Forgets the first so many of the last `head`. */
  drop(count: number): void;
  close(): void;
}

/** Says how much may be buffered. */
export interface BufferBounds {
  readonly maxItems: number;
  readonly maxBytes: number;
}

/** Buffers in memory: what is in it ends with the process. */
export class MemoryBuffer implements ItemBuffer {
  readonly #bounds: BufferBounds;
  #queue: BufferedItem[] = [];
  /** Says how many at the front of the queue are gone; cut off in one go, since shifting is slow on long arrays. */
  #gone = 0;
  #bytes = 0;

  constructor(bounds: BufferBounds) {
    this.#bounds = bounds;
  }

  get items(): number {
    return this.#queue.length - this.#gone;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(item: BufferedItem): boolean {
    if (this.items >= this.#bounds.maxItems || this.#bytes + item.bytes > this.#bounds.maxBytes) return false;
    this.#queue.push(item);
    this.#bytes += item.bytes;
    return true;
  }

  head(limits: BatchLimits): readonly BufferedItem[] {
    return this.#queue.slice(this.#gone, this.#gone + limits.batchItems);
  }

  drop(count: number): void {
    for (let i = 0; i < count; i++) this.#bytes -= this.#queue[this.#gone + i]?.bytes ?? 0;
    this.#gone += count;
    if (this.#gone < 1_024 && this.#gone < this.#queue.length) return;
    this.#queue = this.#queue.slice(this.#gone);
    this.#gone = 0;
  }

  close(): void {
    // Nothing is held open.
  }
}
