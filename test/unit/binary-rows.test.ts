import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { binaryRows, type RowColumn } from '../../src/db/recording/binary-rows.ts';
import { propertySeed } from '../support/seed.ts';

const seed = propertySeed('binary rows');

interface Row {
  readonly text: string | null;
  readonly json: string;
  readonly int: number;
  readonly bigint: string;
  readonly float: number;
  readonly time: number;
  readonly bool: boolean | null;
  readonly uuid: string;
  readonly bytes: string | null;
}

const columns: readonly RowColumn<Row>[] = [
  { name: 'a', type: 'text', of: row => row.text },
  { name: 'b', type: 'json', of: row => row.json },
  { name: 'c', type: 'int', of: row => row.int },
  { name: 'd', type: 'bigint', of: row => row.bigint },
  { name: 'e', type: 'float8', of: row => row.float },
  { name: 'f', type: 'timestamptz', of: row => row.time },
  { name: 'g', type: 'bool', of: row => row.bool },
  { name: 'h', type: 'uuid', of: row => row.uuid },
  { name: 'i', type: 'bytea', of: row => row.bytes },
];

/** The numbers that PostgreSQL gives its types, from `select oid, typname from pg_type`, in the order of the columns. */
const columnOids = [25, 114, 23, 20, 701, 1184, 16, 2950, 17];

/** Reads an array as `array_recv` of PostgreSQL does, and each row of it as `record_recv`. */
function read(bytes: Buffer): (Buffer | null)[][] {
  const header = [bytes.readInt32BE(0), bytes.readInt32BE(4), bytes.readInt32BE(16)];
  assert.deepEqual(header, [1, 0, 1], 'one dimension, no null among the rows, from 1');
  const rows: (Buffer | null)[][] = [];
  let at = 20;
  for (let left = bytes.readInt32BE(12); left > 0; left -= 1) {
    const end = at + 4 + bytes.readInt32BE(at);
    const row: (Buffer | null)[] = [];
    assert.equal(bytes.readInt32BE(at + 4), columns.length);
    at += 8;
    for (const oid of columnOids) {
      assert.equal(bytes.readInt32BE(at), oid);
      const length = bytes.readInt32BE(at + 4);
      at += 8;
      row.push(length === -1 ? null : bytes.subarray(at, at + length));
      at += Math.max(0, length);
    }
    assert.equal(at, end, 'a row ends where it says');
    rows.push(row);
  }
  assert.equal(at, bytes.length, 'nothing is left over');
  return rows;
}

/** What was written of a row, as it was given. */
function valuesOf(row: readonly (Buffer | null)[]): Row {
  const [text, json, int, bigint, float, time, bool, uuid, bytes] = row;
  assert.ok(json && int && bigint && float && time && uuid && text !== undefined && bool !== undefined);
  return {
    text: text === null ? null : text.toString(),
    json: json.toString(),
    int: int.readInt32BE(),
    bigint: String(bigint.readBigInt64BE()),
    float: float.readDoubleBE(),
    time: Number(time.readBigInt64BE() / 1_000n) + Date.UTC(2000, 0, 1),
    bool: bool === null ? null : bool.readUInt8() === 1,
    uuid: uuid.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
    bytes: bytes?.toString('hex') ?? null,
  };
}

test('any rows are read again as they were given, and what was given before is not written over', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 80 });
  const row = fc.record<Row>({
    text: fc.option(text, { nil: null }),
    json: text.map(value => JSON.stringify({ value })),
    int: fc.integer({ min: -2_147_483_648, max: 2_147_483_647 }),
    bigint: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
    float: fc.double({ noNaN: true }),
    time: fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('2100-01-01') }).map(Number),
    bool: fc.option(fc.boolean(), { nil: null }),
    uuid: fc.uuid(),
    bytes: fc.option(
      fc.uint8Array({ maxLength: 40 }).map(bytes => Buffer.from(bytes).toString('hex')),
      { nil: null },
    ),
  });
  const small = { float: 0.5, time: 0, bool: true, uuid: randomUUID(), bytes: 'ff'.repeat(100_000) };
  const long = { ...small, text: 'é'.repeat(700_000), json: '{}', int: 1, bigint: '1' };
  const groups = fc.sample(fc.array(row, { maxLength: 40 }), { seed, numRuns: 300 });
  const given = [...groups, [long, long], ...groups];
  const made = given.map(rows => binaryRows(rows, columns));
  for (const [n, rows] of given.entries()) {
    const bytes = made[n];
    assert.ok(bytes);
    assert.deepEqual(
      read(bytes).map(valuesOf),
      rows.map(row => ({ ...row })),
    );
  }
});
