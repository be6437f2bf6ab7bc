import { isObject } from '../event.ts';
import type { RecordVoucherInput } from '../generated/operations.ts';

/** One input as it waits to be sent. */
export interface BufferedItem {
  /** The input's JSON, one line. */
  readonly json: string;
  /** UTF-8. */
  readonly bytes: number;
  /** Tells source records apart. */
  readonly record: string;
  /** True when it says which version of its record it is. */
  readonly versioned: boolean;
}

/** An input as an item. @throws {TypeError} where it is no JSON (a BigInt, a cycle) */
export function itemOf(input: RecordVoucherInput): BufferedItem {
  const json = JSON.stringify(input);
  if (typeof json !== 'string') throw new TypeError(`${typeof input} is not JSON`);
  return describe(json, input);
}

/** A line of a spool as an item; null where it is damaged. */
export function itemOfLine(json: string): BufferedItem | null {
  try {
    const input: unknown = JSON.parse(json);
    return isObject(input) ? describe(json, input) : null;
  } catch {
    return null;
  }
}

/** The input of an item. */
export function inputOf(item: BufferedItem): RecordVoucherInput {
  return JSON.parse(item.json);
}

function describe(json: string, input: Partial<Record<keyof RecordVoucherInput, unknown>>): BufferedItem {
  return {
    json,
    bytes: Buffer.byteLength(json),
    record: JSON.stringify([input.sourceSystem, input.sourceModule, input.sourceId]),
    versioned: typeof input.sourceVersion === 'number',
  };
}

/** Says how much may go into one request. */
export interface BatchLimits {
  readonly batchItems: number;
  readonly batchBytes: number;
}

/**
 * The first items that go out together. A request ends before a second input of the same source record that has no
 * version: so sending it again, when its answer was lost, always meets the content that was last recorded, and is a
 * DUPLICATE.
 */
export function cutBatch(items: readonly BufferedItem[], limits: BatchLimits): readonly BufferedItem[] {
  const seen = new Map<string, boolean>();
  let bytes = 0;
  let count = 0;
  for (const item of items) {
    const before = seen.get(item.record);
    const mixes = before !== undefined && !(before && item.versioned);
    if (count === limits.batchItems || mixes) break;
    if (count > 0 && bytes + item.bytes > limits.batchBytes) break;
    seen.set(item.record, item.versioned);
    bytes += item.bytes + 1;
    count += 1;
  }
  return items.slice(0, count);
}
