/** Types of elements, by the names that SQL knows them by, with the numbers that PostgreSQL gives them. */
const oids = { text: 25, json: 114, int: 23, bigint: 20 } as const;

/** One array of many: the values that a column takes from the rows. Bigints are decimal texts, as they come from PostgreSQL. */
export interface ArrayColumn<Row> {
  readonly name: string;
  readonly type: keyof typeof oids;
  readonly of: (row: Row) => string | number | null;
}

/** Dimensions, flags, type of the elements, length, lower bound. */
const headerBytes = 20;
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
  const values = columns.map(column => rows.map(column.of));
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
function roomFor(values: readonly (string | number | null)[]): number {
  let room = headerBytes;
  for (const value of values) {
    if (typeof value !== 'string') room += 8;
    else if (value.length <= shortText) room += 12 + value.length * bytesPerUnit;
    else room += 4 + Buffer.byteLength(value);
  }
  return room;
}

function writeArray(
  bytes: Buffer,
  start: number,
  type: ArrayColumn<unknown>['type'],
  values: readonly (string | number | null)[],
): number {
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
function writeValue(
  bytes: Buffer,
  at: number,
  type: ArrayColumn<unknown>['type'],
  value: string | number,
): number {
  if (type === 'int') return bytes.writeInt32BE(Number(value), at) - at;
  if (type === 'bigint') return bytes.writeBigInt64BE(BigInt(value), at) - at;
  return bytes.write(String(value), at);
}
