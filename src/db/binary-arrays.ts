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
 * One array of many: the values that a column takes from the rows. Bigints and UUIDs are texts, as they come from
 * PostgreSQL; a timestamptz is in milliseconds since 1970.
 */
export type ArrayColumn<Row> =
  | ColumnOf<Row, 'text' | 'json' | 'bigint' | 'uuid', string>
  | ColumnOf<Row, 'int' | 'float8' | 'timestamptz', number>
  | ColumnOf<Row, 'bool', boolean>
  | ColumnOf<Row, 'bytea', Buffer>;

/** Dimensions, flags, type of the elements, length, lower bound. */
const headerBytes = 20;
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
 * The columns of rows as PostgreSQL's binary arrays, one parameter a column. As text each element would be quoted here
 * and taken apart there (docs/architecture.md has the cost).
 */
export function binaryArrays<Row>(rows: readonly Row[], columns: readonly ArrayColumn<Row>[]): Buffer[] {
  const values = columns.map(({ of }) => rows.map((row): Value => of(row)));
  const room = values.reduce((sum, column) => sum + roomFor(column), 0);
  if (slab.length < room && room <= slabBytes) slab = Buffer.allocUnsafe(slabBytes);
  const bytes = room <= slabBytes ? slab : Buffer.allocUnsafe(room);
  let at = 0;
  const arrays = columns.map(({ type }, n) => {
    const start = at;
    at = writeArray(bytes, at, type, values[n] ?? []);
    return bytes.subarray(start, at);
  });
  if (bytes === slab) slab = bytes.subarray(at);
  return arrays;
}

/** SQL: the rows again, of parameters from `first` on. @param alias what they are called, and what each column */
export function unnested<Row>(columns: readonly ArrayColumn<Row>[], first: number, alias: string): string {
  const arrays = columns.map(({ type }, n) => `$${first + n}::${type}[]`);
  return `unnest(${arrays.join(', ')}) as ${alias} (${columns.map(({ name }) => name).join(', ')})`;
}

/** Enough bytes; of short texts the most that they could take, as counting would take longer. */
function roomFor(values: readonly Value[]): number {
  let room = headerBytes;
  for (const value of values) {
    if (typeof value === 'string')
      room += value.length <= shortText ? 12 + value.length * bytesPerUnit : 4 + Buffer.byteLength(value);
    else room += Buffer.isBuffer(value) ? 4 + value.length : 12;
  }
  return room;
}

function writeArray(bytes: Buffer, start: number, type: Type, values: readonly Value[]): number {
  const header = [1, values.includes(null) ? 1 : 0, oids[type], values.length, 1];
  let at = start;
  for (const part of header) at = bytes.writeInt32BE(part, at);
  for (const value of values) {
    const from = at + 4;
    if (value === null) at = bytes.writeInt32BE(-1, at);
    else {
      const length = writeValue(bytes, from, type, value);
      bytes.writeInt32BE(length, at);
      at = from + length;
    }
  }
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
