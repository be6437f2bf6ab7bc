import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { runCli, startCli, startGate, temporaryFolder } from '../support/cli.ts';
import { adminKey, startTestHub, type TestHub } from '../support/hub.ts';
import { voucherInput } from '../support/vouchers.ts';

const folder = await temporaryFolder();

function access(hub: { url: string }): Record<string, string> {
  return { HUB_URL: hub.url, HUB_KEY: adminKey };
}

async function fileOf(name: string, lines: readonly (string | object)[]): Promise<string> {
  const file = path.join(folder, name);
  await writeFile(
    file,
    lines.map(line => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''),
  );
  return file;
}

async function rejectedOf(
  file: string,
): Promise<{ line: number; code: string; message: string; field: string | null; input: unknown }[]> {
  const text = await readFile(`${file}.rejected.jsonl`, 'utf8');
  return text
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line));
}

async function countVouchers(hub: TestHub): Promise<number> {
  const { vouchers } = await hub.data<{ vouchers: { totalCount: number } }>(
    '{ vouchers(first: 1) { totalCount } }',
  );
  return vouchers.totalCount;
}

function manyVouchers(count: number): object[] {
  return Array.from({ length: count }, (_, n) => voucherInput({ sourceId: `INV-${n}`, sourceVersion: 1 }));
}

test('import records every line of the samples, and run again it records nothing twice', async () => {
  await using hub = await startTestHub();
  const first = await runCli(['import', 'samples/vouchers.jsonl'], access(hub));
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stdout, /created +31 /);
  assert.match(first.stdout, /updated +8 /);
  const again = await runCli(['import', 'samples/vouchers.jsonl', '--json'], access(hub));
  assert.equal(again.code, 0);
  const { lines, created, updated, duplicate, complete } = JSON.parse(again.stdout);
  assert.deepEqual(
    { lines, created, updated, duplicate, complete },
    { lines: 39, created: 0, updated: 0, duplicate: 39, complete: true },
  );
  assert.equal(existsSync('samples/vouchers.jsonl.rejected.jsonl'), false);
});

test('import puts each refused line with its reason into FILE.rejected.jsonl and records its neighbours', async () => {
  await using hub = await startTestHub();
  const good = (id: string) => voucherInput({ sourceId: id });
  const { amount: _, ...withoutAmount } = voucherInput({ sourceId: 'no amount' });
  const file = await fileOf('bad.jsonl', [
    good('a'),
    'no JSON',
    good('b'),
    voucherInput({ sourceId: 'float', amount: 1.5 }),
    '',
    '[1]',
    good('c'),
    voucherInput({ sourceId: 'unknown field', colour: 'red' }),
    withoutAmount,
    voucherInput({ sourceId: 'type', eventType: 'never_heard_of' }),
    good('d'),
  ]);
  const run = await runCli(['import', file, '--json'], access(hub));
  assert.equal(run.code, 1);
  const { created, refused, rejectedFile } = JSON.parse(run.stdout);
  assert.deepEqual(
    { created, refused, rejectedFile },
    { created: 4, refused: 6, rejectedFile: `${file}.rejected.jsonl` },
  );
  const rejected = await rejectedOf(file);
  assert.deepEqual(
    rejected.map(({ line, field }) => [line, field]),
    [
      [2, null],
      [4, 'amount'],
      [6, null],
      [8, 'colour'],
      [9, 'amount'],
      [10, 'eventType'],
    ],
  );
  assert.ok(rejected.every(({ code, message }) => code === 'BAD_USER_INPUT' && message.length < 200));
  assert.deepEqual(rejected.map(({ input }) => input).slice(0, 2), [
    'no JSON',
    voucherInput({ sourceId: 'float', amount: 1.5 }),
  ]);

  const shown = await runCli(['import', file], access(hub));
  assert.ok(shown.stdout.startsWith(`! 6 lines refused of ${file}: 10 lines in `), shown.stdout);
  const [first] = rejected;
  assert.ok(shown.stdout.includes(`.rejected.jsonl; line ${first?.line}: ${first?.message}`), shown.stdout);

  await writeFile(file, `${JSON.stringify(good('a'))}\n`);
  assert.equal((await runCli(['import', file], access(hub))).code, 0);
  assert.equal(existsSync(`${file}.rejected.jsonl`), false, 'the file of the former import is gone');
});

test('import reads gzip, a byte order mark and a last line without its end', async () => {
  await using hub = await startTestHub();
  const file = path.join(folder, 'packed.jsonl.gz');
  const text = manyVouchers(1_200)
    .map(line => JSON.stringify(line))
    .join('\r\n');
  await writeFile(file, gzipSync(`\ufeff${text}`));
  const run = await runCli(['import', file, '--json'], access(hub));
  assert.equal(run.code, 0, run.stderr);
  assert.equal(JSON.parse(run.stdout).created, 1_200);
  assert.equal(await countVouchers(hub), 1_200);
});

test('import keeps the order of one source record over batches that go out at once', async () => {
  await using hub = await startTestHub();
  const lines = Array.from({ length: 1_600 }, (_, n) =>
    voucherInput({ sourceId: n % 2 === 0 ? 'hot' : `cold ${n}`, amount: String(n) }),
  );
  const file = await fileOf('order.jsonl', lines);
  const run = await runCli(['import', file, '--json'], access(hub));
  assert.equal(run.code, 0, run.stderr);
  assert.match(run.stderr, /799 lines changed a record without a sourceVersion/);
  const { voucherBySource: hot } = await hub.data<{
    voucherBySource: { sourceVersion: number; amount: string };
  }>(
    '{ voucherBySource(sourceSystem: "settlement", sourceModule: "invoice", sourceId: "hot") { sourceVersion amount } }',
  );
  assert.deepEqual(hot, { sourceVersion: 800, amount: '1598' });
});

test('import waits for a hub that does not answer, goes on when it does, and loses nothing', async () => {
  await using hub = await startTestHub();
  let turnedAway = 0;
  await using gate = await startGate(hub.url, async body =>
    body.includes('ImportVouchers') && turnedAway++ < 6 ? 503 : 'through',
  );
  const file = await fileOf('patient.jsonl', manyVouchers(2_000));
  const run = await runCli(['import', file, '--json'], access(gate));
  assert.equal(run.code, 0, run.stderr);
  assert.match(run.stderr, /Trying again for up to 60 s/);
  assert.match(run.stderr, /answers again/);
  assert.equal(await countVouchers(hub), 2_000);
});

test('import gives up on a hub that stays away, and says what is done so far', async () => {
  await using hub = await startTestHub();
  let requests = 0;
  await using gate = await startGate(hub.url, async body =>
    body.includes('ImportVouchers') && ++requests > 1 ? 503 : 'through',
  );
  const file = await fileOf('away.jsonl', manyVouchers(3_000));
  const run = await runCli(['import', file, '--json', '--wait', '1'], access(gate));
  assert.equal(run.code, 1);
  assert.match(run.stderr, /Given up; run it again/);
  const { created, complete } = JSON.parse(run.stdout);
  assert.deepEqual({ created, complete }, { created: 500, complete: false });
});

test('Ctrl-C during an import finishes what is under way, sums up, and exits with 130', async () => {
  await using hub = await startTestHub();
  const held = Promise.withResolvers<void>();
  const third = Promise.withResolvers<void>();
  let requests = 0;
  await using gate = await startGate(hub.url, async body => {
    if (body.includes('ImportVouchers') && ++requests >= 3) {
      third.resolve();
      await held.promise;
    }
    return 'through';
  });
  const file = await fileOf('interrupted.jsonl', manyVouchers(20_000));
  const cli = startCli(['import', file, '--json'], access(gate));
  await third.promise;
  cli.child.kill('SIGINT');
  await cli.noted(/Stopping: requests under way/);
  held.resolve();
  const run = await cli.ended;
  assert.equal(run.code, 130, run.stderr);
  assert.match(run.stderr, /Run it again/);
  const { lines, complete } = JSON.parse(run.stdout);
  assert.equal(complete, false);
  assert.ok(lines >= 1_000 && lines < 20_000, `${lines} lines`);
  assert.equal(await countVouchers(hub), lines);
});
