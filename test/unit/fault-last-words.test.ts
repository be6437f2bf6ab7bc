import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { lastWords } from '../../faults/last-words.ts';

const folder = await mkdtemp(path.join(tmpdir(), 'hub-words-'));
after(() => rm(folder, { recursive: true }));

async function words(before: string, lines: readonly string[]): Promise<string> {
  const file = path.join(folder, 'hub-c.log');
  await writeFile(file, [before, ...lines].join('\n'));
  return await lastWords(file, Buffer.byteLength(before), ['top-secret']);
}

test('of a process that ended its errors are told and what is no line of its log, without secrets', async () => {
  const error = { level: 50, err: { message: 'no answer from hub:top-secret@db' }, msg: 'a claim failed' };
  const lines = [
    JSON.stringify({ level: 30, msg: 'hub is up' }),
    JSON.stringify(error),
    'TypeError: x is not a function\u001b[2J',
    '    at claim (shard.ts:1:2)',
    '{"level":50,"msg":"cut o',
  ];
  assert.equal(
    await words('Error: of the process before\n', lines),
    'a claim failed: no answer from hub:[secret]@db | TypeError: x is not a function [2J | at claim (shard.ts:1:2)',
  );
});

test('of a long log the end alone is told, and of one without errors that there is none', async () => {
  const long = Array.from({ length: 20_000 }, (_, n) => `line ${n}`);
  assert.match(await words('', long), /^line 19994 \| .* \| line 19999$/);
  assert.equal(await words('', []), 'its log has no error');
});
