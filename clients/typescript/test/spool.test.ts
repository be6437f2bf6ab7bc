import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { inputOf, itemOf } from '../src/publisher/buffered-item.ts';
import { DiskSpool } from '../src/publisher/disk-spool.ts';
import { type ItemBuffer, MemoryBuffer } from '../src/publisher/item-buffer.ts';
import { input, seed } from './support/samples.ts';
import { once } from './support/until.ts';

const folders: string[] = [];
const damages: string[] = [];
after(() => folders.forEach(folder => rmSync(folder, { recursive: true, force: true })));

function newFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'hub-spool-'));
  folders.push(folder);
  return folder;
}

function open(folder: string, over: { maxItems?: number; maxBytes?: number } = {}): DiskSpool {
  return new DiskSpool({
    folder,
    fsync: 'never',
    maxItems: 1_000_000,
    maxBytes: 64 * 1_048_576,
    onDamage: error => damages.push(error.message),
    ...over,
  });
}

function numbered(number: number, size = 0): ReturnType<typeof itemOf> {
  return itemOf(input({ sourceId: String(number), summary: 'é'.repeat(size) }));
}

const most = { batchItems: 1_000_000, batchBytes: 64 * 1_048_576 };

/** Takes everything out, in its order. */
function drain(buffer: ItemBuffer, limits = most): number[] {
  const numbers: number[] = [];
  for (;;) {
    const head = buffer.head(limits);
    if (head.length === 0) return numbers;
    numbers.push(...head.map(item => Number(inputOf(item).sourceId)));
    buffer.drop(head.length);
  }
}

test('a spool gives what a buffer in memory gives, also after any number of openings', () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('add' as const), size: fc.integer({ min: 0, max: 400 }) }),
    fc.record({ do: fc.constant('take' as const), items: fc.integer({ min: 1, max: 5 }), keep: fc.nat(3) }),
    fc.record({ do: fc.constant('reopen' as const) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), steps => {
      const bounds = { maxItems: 20, maxBytes: 6_000 };
      const folder = newFolder();
      let spool = open(folder, bounds);
      const memory = new MemoryBuffer(bounds);
      for (const [number, action] of steps.entries()) {
        if (action.do === 'add') {
          const item = numbered(number, action.size);
          assert.equal(spool.add(item), memory.add(item));
        } else if (action.do === 'take') {
          const limits = { batchItems: action.items, batchBytes: 1_000_000 };
          const head = spool.head(limits);
          assert.deepEqual(head, memory.head({ ...limits, batchItems: head.length }));
          assert.equal(head.length > 0, memory.items > 0);
          const count = Math.max(head.length - action.keep, 0);
          spool.drop(count);
          memory.drop(count);
        } else {
          spool.close();
          spool = open(folder, bounds);
        }
        assert.equal(spool.items, memory.items);
        assert.equal(spool.bytes, memory.bytes);
      }
      assert.deepEqual(drain(spool), drain(memory));
      spool.close();
      rmSync(folder, { recursive: true });
    }),
    { seed, numRuns: 150 },
  );
});

test('a process killed with SIGKILL loses nothing that it had accepted, and its spool opens again', async () => {
  const folder = newFolder();
  const child = fileURLToPath(new URL('support/spool-child.ts', import.meta.url));
  const writer = spawn(process.execPath, [child, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  writer.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    if (said.length > 200) writer.kill('SIGKILL');
  });
  await once(writer, 'close');
  const accepted = Number(said.trimEnd().split('\n').at(-1));
  const spool = open(folder);
  const found = drain(spool, { batchItems: 500, batchBytes: 100_000 });
  assert.ok(found.length > accepted, `${found.length} found, ${accepted} accepted`);
  assert.deepEqual(
    found,
    found.map((_, index) => index),
  );
  assert.equal(spool.items, 0);
  assert.equal(spool.bytes, 0);
  spool.close();
});

test('a disk that is full refuses an item, takes nothing of it, and keeps what it had', async () => {
  const folder = newFolder();
  const child = fileURLToPath(new URL('support/spool-child.ts', import.meta.url));
  // A bound on the size of files does what a full disk does: it takes a part of a line.
  const command = `trap '' XFSZ; ulimit -f 64; exec "${process.execPath}" "${child}" "${folder}"`;
  const writer = spawn('bash', ['-c', command], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  writer.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await once(writer, 'close');
  const [, accepted] = /(\d+) accepted, then Error: EFBIG/.exec(said) ?? [];
  assert.ok(Number(accepted) > 10, said);
  const file = path.join(folder, '000000000000.jsonl');
  assert.ok(readFileSync(file, 'utf8').endsWith('}\n'));
  const spool = open(folder);
  spool.add(numbered(Number(accepted)));
  assert.deepEqual(
    drain(spool),
    Array.from({ length: Number(accepted) + 1 }, (_, index) => index),
  );
  spool.close();
});

test('a torn last line is cut off, and the next item stands by itself', () => {
  for (const cut of [1, 5, 100]) {
    const folder = newFolder();
    const spool = open(folder);
    for (let i = 0; i < 3; i++) spool.add(numbered(i));
    spool.close();
    const file = path.join(folder, '000000000000.jsonl');
    truncateSync(file, statSync(file).size - cut);
    const again = open(folder);
    assert.equal(again.items, 2);
    again.add(numbered(9));
    assert.deepEqual(drain(again), [0, 1, 9]);
    again.close();
  }
});

test('damaged lines are told and passed over, what is around them is kept', () => {
  const folder = newFolder();
  const spool = open(folder);
  spool.add(numbered(0));
  spool.close();
  appendFileSync(path.join(folder, '000000000000.jsonl'), '{"half": \n\0\0\n');
  const again = open(folder);
  again.add(numbered(1));
  damages.length = 0;
  assert.equal(again.items, 2);
  assert.deepEqual(drain(again), [0, 1]);
  assert.equal(damages.length, 2);
  again.close();
});

test('a position that is lost, damaged or ahead of the file sends again rather than not at all', () => {
  for (const position of [null, 'garbage', '{"segment":0,"offset":999999}', '{"segment":0}']) {
    const folder = newFolder();
    const spool = open(folder);
    for (let i = 0; i < 3; i++) spool.add(numbered(i));
    spool.head({ batchItems: 1, batchBytes: 1_000 });
    spool.drop(1);
    spool.close();
    const file = path.join(folder, 'position');
    if (position === null) rmSync(file);
    else writeFileSync(file, position);
    const again = open(folder);
    assert.equal(again.items, 3, String(position));
    again.add(numbered(3));
    assert.deepEqual(drain(again), [0, 1, 2, 3]);
    again.close();
  }
});

test('a spool is bounded by items and by bytes, and takes again once there is room', () => {
  const byItems = open(newFolder(), { maxItems: 2 });
  assert.deepEqual(
    [0, 1, 2].map(number => byItems.add(numbered(number))),
    [true, true, false],
  );
  byItems.head({ batchItems: 1, batchBytes: 1_000 });
  byItems.drop(1);
  assert.equal(byItems.add(numbered(3)), true);
  assert.deepEqual(drain(byItems), [1, 3]);
  byItems.close();
  const byBytes = open(newFolder(), { maxBytes: 2_000 });
  assert.equal(byBytes.add(numbered(0, 800)), true);
  assert.equal(byBytes.add(numbered(1, 800)), false);
  byBytes.close();
});

test('the files of what was sent go away, however much goes through', () => {
  const folder = newFolder();
  const spool = open(folder, { maxBytes: 40_000 });
  for (let i = 0; i < 600; i++) {
    assert.equal(spool.add(numbered(i, 200)), true);
    assert.equal(spool.head({ batchItems: 10, batchBytes: 100_000 }).length, 1);
    spool.drop(1);
  }
  const bytes = readdirSync(folder).reduce((sum, name) => sum + statSync(path.join(folder, name)).size, 0);
  assert.ok(bytes < 40_000, `${bytes} bytes are left`);
  spool.close();
});

test('a folder belongs to one process at a time, and to whoever comes after one that died', async () => {
  const folder = newFolder();
  const spool = open(folder);
  assert.throws(() => open(folder), /give each process its own/);
  assert.equal(readFileSync(path.join(folder, 'lock'), 'utf8'), String(process.pid));
  spool.close();
  open(folder).close();
  const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  await once(other, 'spawn');
  writeFileSync(path.join(folder, 'lock'), String(other.pid));
  assert.throws(() => open(folder), /is the spool of process/);
  other.kill('SIGKILL');
  await once(other, 'exit');
  open(folder).close();
});

test('items are forced onto the disk as the policy says, and none of the policies loses them', () => {
  for (const fsync of ['always', 'interval', 'never'] as const) {
    const folder = newFolder();
    const options = { folder, fsync, maxItems: 100, maxBytes: 1_000_000, onDamage: () => {} };
    const spool = new DiskSpool(options);
    for (let i = 0; i < 5; i++) spool.add(numbered(i));
    spool.close();
    const again = new DiskSpool(options);
    assert.deepEqual(drain(again), [0, 1, 2, 3, 4]);
    again.close();
  }
});
