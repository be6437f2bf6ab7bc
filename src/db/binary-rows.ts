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
type Value = string | number | boolean | Buffer | null;

interface ColumnOf<Row, T extends Type, V extends Value> {
  readonly name: string;
  readonly type: T;
  readonly of: (row: Row) => V | null;
}

/**
 * One of a row's columns. Bigints and UUIDs are texts, as they come from PostgreSQL; a timestamptz is in milliseconds
 * since 1970.
 */
export type RowColumn<Row> =
  | ColumnOf<Row, 'text' | 'json' | 'bigint' | 'uuid', string>
  | ColumnOf<Row, 'int' | 'float8' | 'timestamptz', number>
  | ColumnOf<Row, 'bool', boolean>
  | ColumnOf<Row, 'bytea', Buffer>;

/** Of the array: dimensions, flags, type of the elements, length, lower bound. */
const arrayHeader = 20;
/** PostgreSQL takes the type that the statement names, unless both numbers are of its own types (since version 14). */
const anyType = 0;
/** Of a row: its length, its count of columns. Of a value: its type, its length. */
const header = 8;
/** From 1970 to 2000, from where PostgreSQL counts. */
const epochMs = 946_684_800_000;
/** UTF-8 takes so many for a unit of UTF-16, at most. */
const bytesPerUnit = 3;
const shortText = 24;

/** Bytes that are allocated at once; a call that needs more gets a buffer of its own. */
const slabBytes = 1_048_576;

/** What is left of them: each call cuts off what it writes. A buffer a call kept the garbage collector busy. */
let slab = Buffer.alloc(0);

/**
 * Rows as a binary array of a composite type (`array_recv` and `record_recv` in PostgreSQL's source). As text each value
 * would be quoted here and taken apart there; as an array a column, PostgreSQL would put them together again, column by
 * column (docs/architecture.md has the cost).
 * @param columns those of the type, in its order
 */
export function binaryRows<Row>(rows: readonly Row[], columns: readonly RowColumn<Row>[]): Buffer {
  const values = rows.map(row => columns.map(({ of }): Value => of(row)));
  const room = values.reduce((sum, row) => sum + roomFor(row), arrayHeader);
  if (slab.length < room && room <= slabBytes) slab = Buffer.allocUnsafe(slabBytes);
  const bytes = room <= slabBytes ? slab : Buffer.allocUnsafe(room);
  let at = 0;
  for (const part of [1, 0, anyType, rows.length, 1]) at = bytes.writeInt32BE(part, at);
  for (const row of values) at = writeRow(bytes, at, columns, row);
  if (bytes === slab) slab = bytes.subarray(at);
  return bytes.subarray(0, at);
}

/** Enough bytes; of short texts the most that they could take, as counting would take longer. */
function roomFor(row: readonly Value[]): number {
  let room = header;
  for (const value of row) {
    room += header;
    if (typeof value === 'string')
      room += value.length <= shortText ? 8 + value.length * bytesPerUnit : Buffer.byteLength(value);
    else room += Buffer.isBuffer(value) ? value.length : 8;
  }
  return room;
}

/** @returns where it ends */
function writeRow<Row>(
  bytes: Buffer,
  start: number,
  columns: readonly RowColumn<Row>[],
  row: readonly Value[],
): number {
  let at = bytes.writeInt32BE(columns.length, start + 4);
  for (const [n, { type }] of columns.entries()) {
    at = bytes.writeInt32BE(oids[type], at);
    const value = row[n] ?? null;
    const from = at + 4;
    const length = value === null ? -1 : writeValue(bytes, from, type, value);
    bytes.writeInt32BE(length, at);
    at = from + Math.max(0, length);
  }
  bytes.writeInt32BE(at - start - 4, start);
  return at;
}

/** @returns how many bytes it took */
function writeValue(bytes: Buffer, at: number, type: Type, value: Exclude<Value, null>): number {
  if (Buffer.isBuffer(value)) return value.copy(bytes, at);
  switch (type) {
    case 'bool':
      return bytes.writeUInt8(Number(value), at) - at;
    case 'int':
      return bytes.writeInt32BE(Number(value), at) - at;
    case 'bigint':
      return bytes.writeBigInt64BE(BigInt(value), at) - at;
    case 'float8':
      return bytes.writeDoubleBE(Number(value), at) - at;
    case 'timestamptz':
      return bytes.writeBigInt64BE(BigInt(Math.round((Number(value) - epochMs) * 1_000)), at) - at;
    case 'uuid':
      return bytes.write(String(value).replaceAll('-', ''), at, 'hex');
    default:
      return bytes.write(String(value), at);
  }
}
