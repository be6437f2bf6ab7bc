import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type BufferedItem, cutBatch, inputOf, itemOf, itemOfLine } from '../src/publisher/buffered-item.ts';
import { publisherSettings } from '../src/publisher/settings.ts';
import { input, seed } from './support/samples.ts';

const anyInput = fc.record({
  sourceId: fc.constantFrom('A', 'B', 'C', 'D'),
  sourceVersion: fc.option(fc.integer({ min: 1, max: 9 })),
  summary: fc.string({ maxLength: 300 }),
});

const anyLimits = fc.record({
  batchItems: fc.integer({ min: 1, max: 8 }),
  batchBytes: fc.integer({ min: 200, max: 3_000 }),
});

test('batches together are all items in their order, each within its limits', () => {
  fc.assert(
    fc.property(fc.array(anyInput, { maxLength: 30 }), anyLimits, (inputs, limits) => {
      const items = inputs.map(over => itemOf(input(over)));
      const sent: BufferedItem[] = [];
      while (sent.length < items.length) {
        const batch = cutBatch(items.slice(sent.length), limits);
        assert.ok(batch.length >= 1 && batch.length <= limits.batchItems);
        const bytes = batch.reduce((sum, item) => sum + item.bytes, 0);
        assert.ok(batch.length === 1 || bytes <= limits.batchBytes);
        sent.push(...batch);
      }
      assert.deepEqual(sent, items);
    }),
    { seed, numRuns: 500 },
  );
});

test('a record stands twice in a batch only where every one of its inputs there has a version', () => {
  fc.assert(
    fc.property(fc.array(anyInput, { maxLength: 30 }), inputs => {
      const batch = cutBatch(
        inputs.map(over => itemOf(input(over))),
        { batchItems: 1_000, batchBytes: 1_048_576 },
      );
      for (const { record } of batch) {
        const same = batch.filter(item => item.record === record);
        assert.ok(same.length === 1 || same.every(({ versioned }) => versioned));
      }
    }),
    { seed, numRuns: 500 },
  );
});

test('an item read from its line is the item, and its input the input', () => {
  const given = input({
    sourceVersion: 3,
    summary: '发票\n"①"',
    businessData: { list: [1, null, { a: 'b' }] },
  });
  const item = itemOf(given);
  assert.deepEqual(itemOfLine(item.json), item);
  assert.deepEqual(inputOf(item), given);
  assert.ok(!item.json.includes('\n'));
  for (const damaged of ['', '{"a":', 'null', '[1]', '\0\0\0']) assert.equal(itemOfLine(damaged), null);
});

test('records whose names would run together are told apart', () => {
  const one = itemOf(input({ sourceModule: 'a', sourceId: 'b,c' }));
  const other = itemOf(input({ sourceModule: 'a,b', sourceId: 'c' }));
  assert.notEqual(one.record, other.record);
});

test('a setting out of its bounds is refused by name, with the bounds', () => {
  const at = { url: 'http://127.0.0.1:4000', key: 'k' };
  assert.throws(() => publisherSettings({ ...at, batchItems: 1_001 }), /batchItems: 1001; 1 to 1000/);
  assert.throws(() => publisherSettings({ ...at, batchBytes: 9 * 1_048_576 }), /batchBytes/);
  assert.throws(() => publisherSettings({ ...at, maxItems: Number.NaN }), /maxItems: NaN/);
  assert.throws(() => publisherSettings({ ...at, retry: { baseMs: 10, maxMs: 1 } }), /retry.maxMs/);
  assert.equal(publisherSettings(at).batchItems, 500);
  const fsync = JSON.parse('"sometimes"');
  assert.throws(() => publisherSettings({ ...at, fsync }), {
    name: 'RangeError',
    message: 'fsync: sometimes; always, interval, never.',
  });
});
