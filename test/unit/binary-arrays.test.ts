import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { type ArrayColumn, binaryArrays } from '../../src/db/binary-arrays.ts';
import { propertySeed } from '../support/seed.ts';

const seed = propertySeed('binary arrays');

interface Row {
  readonly text: string | null;
  readonly json: string;
  readonly int: number;
  readonly bigint: string;
  readonly float: number;
  readonly time: number;
  readonly bool: boolean | null;
  readonly uuid: string;
  readonly bytes: Buffer | null;
}

const columns: readonly ArrayColumn<Row>[] = [
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

/** Reads an array as `array_recv` of PostgreSQL does. */
function read<T>(bytes: Buffer, valueOf: (element: Buffer) => T): (T | null)[] {
  assert.deepEqual([bytes.readInt32BE(0), bytes.readInt32BE(16)], [1, 1], 'one dimension, from 1');
  const values: (T | null)[] = [];
  let at = 20;
  for (let left = bytes.readInt32BE(12); left > 0; left -= 1) {
    const length = bytes.readInt32BE(at);
    at += 4;
    values.push(length === -1 ? null : valueOf(bytes.subarray(at, at + length)));
    at += Math.max(0, length);
  }
  assert.equal(at, bytes.length, 'nothing is left over');
  assert.equal(bytes.readInt32BE(4), values.includes(null) ? 1 : 0);
  return values;
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
      fc.uint8Array({ maxLength: 40 }).map(bytes => Buffer.from(bytes)),
      { nil: null },
    ),
  });
  const small = { float: 0.5, time: 0, bool: true, uuid: randomUUID(), bytes: Buffer.alloc(100_000) };
  const long = { ...small, text: 'é'.repeat(700_000), json: '{}', int: 1, bigint: '1' };
  const groups = fc.sample(fc.array(row, { maxLength: 40 }), { seed, numRuns: 300 });
  const given = [...groups, [long, long], ...groups];
  const made = given.map(rows => binaryArrays(rows, columns));
  for (const [n, rows] of given.entries()) {
    const [texts, jsons, ints, bigints, floats, times, bools, uuids, bytes] = made[n] ?? [];
    assert.ok(texts && jsons && ints && bigints && floats && times && bools && uuids && bytes);
    const asText = (element: Buffer) => element.toString();
    assert.deepEqual(
      read(texts, asText),
      rows.map(one => one.text),
    );
    assert.deepEqual(
      read(jsons, asText),
      rows.map(one => one.json),
    );
    assert.deepEqual(
      read(ints, element => element.readInt32BE()),
      rows.map(one => one.int),
    );
    assert.deepEqual(
      read(bigints, element => String(element.readBigInt64BE())),
      rows.map(one => one.bigint),
    );
    assert.deepEqual(
      read(floats, element => element.readDoubleBE()),
      rows.map(one => one.float),
    );
    assert.deepEqual(
      read(times, element => Number(element.readBigInt64BE() / 1_000n) + Date.UTC(2000, 0, 1)),
      rows.map(one => one.time),
    );
    assert.deepEqual(
      read(bools, element => element.readUInt8() === 1),
      rows.map(one => one.bool),
    );
    assert.deepEqual(
      read(uuids, element => element.toString('hex')),
      rows.map(one => one.uuid.replaceAll('-', '')),
    );
    assert.deepEqual(
      read(bytes, element => Buffer.from(element)),
      rows.map(one => one.bytes),
    );
  }
});
