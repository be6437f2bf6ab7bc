import { exactly, placeText } from '../../core/exact-json.ts';
import { type FileLine, maxLineBytes } from './lines.ts';

/** Most vouchers and bytes in one request. */
const batchLines = 500;
const batchBytes = 4 * 1_048_576;

/** A line that may be sent: one JSON object. */
export interface VoucherLine {
  readonly number: number;
  /** The JSON as it stands in the file. */
  readonly text: string;
  /** The source record that it is about; lines of one record go out one after the other. */
  readonly record: string;
  /** True when it says which version of the record it is. */
  readonly versioned: boolean;
}

/** A line that was refused, by the hub or before it was sent, and why. */
export interface RejectedLine {
  readonly line: number;
  readonly code: string;
  readonly message: string;
  readonly field: string | null;
  /** The line's JSON, or its text where it is none. */
  readonly input: unknown;
}

/** Holds what goes out in one request. */
export interface Batch {
  readonly lines: readonly VoucherLine[];
  readonly records: ReadonlySet<string>;
  /** Says how far into the file it reaches. */
  readonly position: number;
}

/** Gathers lines into batches, in their order; hands those that can't be sent to `reject`. */
export async function* gatherBatches(
  lines: AsyncIterable<FileLine>,
  reject: (line: RejectedLine) => void,
): AsyncGenerator<Batch> {
  let waiting: VoucherLine[] = [];
  let bytes = 0;
  let position = 0;
  for await (const line of lines) {
    const size = line.bytes?.length ?? 0;
    if (waiting.length >= batchLines || (waiting.length > 0 && bytes + size > batchBytes)) {
      yield batchOf(waiting, position);
      waiting = [];
      bytes = 0;
    }
    position = line.position;
    const read = readLine(line);
    if (read === null) continue;
    if ('code' in read) {
      reject(read);
      continue;
    }
    waiting.push(read);
    bytes += size;
  }
  if (waiting.length > 0) yield batchOf(waiting, position);
}

function batchOf(lines: readonly VoucherLine[], position: number): Batch {
  return { lines, records: new Set(lines.map(({ record }) => record)), position };
}

/** Null: a blank line. */
function readLine({ number, bytes }: FileLine): VoucherLine | RejectedLine | null {
  const fault = (message: string, input: unknown): RejectedLine => ({
    line: number,
    code: 'BAD_USER_INPUT',
    message,
    field: null,
    input,
  });
  if (bytes === null) return fault(`The line is longer than ${maxLineBytes / 1_048_576} MiB.`, null);
  const text = decode(bytes);
  if (text === null) return fault('The line is no valid UTF-8.', bytes.toString('latin1'));
  if (text.trim() === '') return null;
  const parsed = parse(text);
  if (parsed === undefined) return fault('The line is no JSON.', text);
  const { value, faults } = exactly(text, parsed);
  const [changed] = faults;
  if (changed !== undefined) {
    const field = placeText(changed.path);
    return { ...fault(`${field}: ${changed.message}`, text), field };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return fault('The line is no JSON object.', value);
  return {
    number,
    text,
    record: recordOf(value, number),
    versioned: 'sourceVersion' in value && value.sourceVersion !== null,
  };
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Also takes off a byte order mark. */
function decode(bytes: Buffer): string | null {
  try {
    return utf8.decode(bytes);
  } catch {
    return null;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A line without a whole identity is a record of its own: the hub will refuse it. */
function recordOf(value: object, number: number): string {
  const {
    sourceSystem,
    sourceModule,
    sourceId,
  }: { sourceSystem?: unknown; sourceModule?: unknown; sourceId?: unknown } = value;
  const whole = [sourceSystem, sourceModule, sourceId].every(part => typeof part === 'string');
  return whole ? JSON.stringify([sourceSystem, sourceModule, sourceId]) : `line ${number}`;
}
