/** Types of elements, by the names that SQL knows them by, with the numbers that PostgreSQL gives them. */
const oids = {
  bool: 16,
  bytea: 17,
  bigint: 20,
  int: 23,
  text: 25,
  json: 114,
  float8: 701,
  timestamptz: 1184,
  uuid: 2950,
} as const;

type Type = keyof typeof oids;
type Value = string | number | boolean | null;

interface ColumnOf<Row, T extends Type, V extends Value> {
  readonly name: string;
  readonly type: T;
  readonly of: (row: Row) => V | null;
}

/**
 * One of a row's columns. Bigints and UUIDs are texts, as they come from PostgreSQL; a bytea is hex digits; a timestamptz
 * is in milliseconds since 1970.
 */
export type RowColumn<Row> =
  | ColumnOf<Row, 'text' | 'json' | 'bigint' | 'uuid' | 'bytea', string>
  | ColumnOf<Row, 'int' | 'float8' | 'timestamptz', number>
  | ColumnOf<Row, 'bool', boolean>;

/** PostgreSQL takes the type that the statement names, unless both numbers are of its own types (since version 14). */
const anyType = 0;
/** From 1970 to 2000, from where PostgreSQL counts. */
const epochMs = 946_684_800_000;
/** UTF-8 takes so many for a unit of UTF-16, at most. */
const bytesPerUnit = 3;
/** Texts up to this are written here while they are ASCII: to call for it took longer. */
const shortText = 32;
/** A value's type and its length, and a value that is no text. */
const fixedRoom = 8 + 16;
const halfOfBigint = 2 ** 32;

/** Bytes that are allocated at once, at least. */
const slabBytes = 1_048_576;

/** Holds what is left of them: each call cuts off what it writes. A buffer a call kept the garbage collector busy. */
let slab: Buffer = Buffer.alloc(0);

/**
 * Rows as a binary array of a composite type (`array_recv` and `record_recv` in PostgreSQL's source). As text each value
 * would be quoted here and taken apart there; as an array a column, PostgreSQL would put them together again, column by
 * column (docs/performance.md has the cost).
 * @param columns those of the type, in its order
 */
export function binaryRows<Row>(rows: readonly Row[], columns: readonly RowColumn<Row>[]): Buffer {
  const sink = new Sink();
  // Dimensions, flags, type of the elements, length, lower bound.
  for (const part of [1, 0, anyType, rows.length, 1]) sink.int(part);
  for (const row of rows) {
    const start = sink.open();
    sink.int(columns.length);
    for (const { type, of } of columns) sink.value(type, of(row));
    sink.close(start);
  }
  return sink.end();
}

const hyphen = 0x2d;

/** Gives what a hex digit stands for: letters, of either case, have a bit that digits have not. */
function nibble(digit: number): number {
  return (digit & 0xf) + (digit & 0x40 ? 9 : 0);
}

/** Bytes that grow at their end. */
class Sink {
  #bytes = slab;
  #at = 0;

  int(value: number): void {
    this.#reserve(4);
    this.#at = this.#bytes.writeInt32BE(value, this.#at);
  }

  /** Leaves room for a length. @returns where */
  open(): number {
    this.#reserve(4);
    const start = this.#at;
    this.#at += 4;
    return start;
  }

  /** Writes the length of what came since. */
  close(start: number): void {
    this.#bytes.writeInt32BE(this.#at - start - 4, start);
  }

  value(type: Type, value: Value): void {
    this.#reserve(typeof value === 'string' ? fixedRoom + value.length * bytesPerUnit : fixedRoom);
    this.#at = this.#bytes.writeInt32BE(oids[type], this.#at);
    if (value === null) {
      this.#at = this.#bytes.writeInt32BE(-1, this.#at);
      return;
    }
    const start = this.open();
    if (typeof value === 'string') this.#string(type, value);
    else if (typeof value === 'number') this.#number(type, value);
    else this.#at = this.#bytes.writeUInt8(Number(value), this.#at);
    this.close(start);
  }

  /** Gives what was written; later calls leave it alone. What is left of a larger buffer than most need is not kept. */
  end(): Buffer {
    slab = this.#bytes.buffer.byteLength > slabBytes ? Buffer.alloc(0) : this.#bytes.subarray(this.#at);
    return this.#bytes.subarray(0, this.#at);
  }

  #string(type: Type, value: string): void {
    if (type === 'bigint') this.#bigint(Number(value), value);
    else if (type === 'uuid' || type === 'bytea') this.#hex(value);
    else this.#text(value);
  }

  #number(type: Type, value: number): void {
    if (type === 'int') this.#at = this.#bytes.writeInt32BE(value, this.#at);
    else if (type === 'float8') this.#at = this.#bytes.writeDoubleBE(value, this.#at);
    else {
      const microseconds = Math.round((value - epochMs) * 1_000);
      this.#bigint(microseconds, microseconds);
    }
  }

  /** By halves, as a BigInt costs an allocation. @param exact what to write where a number can't hold it */
  #bigint(value: number, exact: string | number): void {
    if (!Number.isSafeInteger(value)) {
      this.#at = this.#bytes.writeBigInt64BE(BigInt(exact), this.#at);
      return;
    }
    const high = Math.floor(value / halfOfBigint);
    this.#at = this.#bytes.writeInt32BE(high, this.#at);
    this.#at = this.#bytes.writeUInt32BE(value - high * halfOfBigint, this.#at);
  }

  /** By hand, as to take a UUID's hyphens out makes another text of it. */
  #hex(value: string): void {
    for (let n = 0; n < value.length; n += 2) {
      if (value.charCodeAt(n) === hyphen) n += 1;
      this.#bytes[this.#at] = (nibble(value.charCodeAt(n)) << 4) | nibble(value.charCodeAt(n + 1));
      this.#at += 1;
    }
  }

  #text(value: string): void {
    const bytes = this.#bytes;
    const from = this.#at;
    if (value.length <= shortText) {
      let n = 0;
      for (; n < value.length; n += 1) {
        const unit = value.charCodeAt(n);
        if (unit > 0x7f) break;
        bytes[from + n] = unit;
      }
      if (n === value.length) {
        this.#at = from + n;
        return;
      }
    }
    this.#at = from + bytes.write(value, from);
  }

  #reserve(count: number): void {
    if (this.#bytes.length - this.#at >= count) return;
    const grown = Buffer.allocUnsafe(Math.max(slabBytes, (this.#at + count) * 2));
    this.#bytes.copy(grown, 0, 0, this.#at);
    this.#bytes = grown;
  }
}
