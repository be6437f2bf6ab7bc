import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { runCli, startCli } from '../support/cli.ts';

async function demoFolders(): Promise<string[]> {
  return (await readdir(tmpdir())).filter(name => name.startsWith('hub-demo-'));
}

test('demo --once tells the whole story in under a minute and leaves nothing behind', async t => {
  const before = await demoFolders();
  const startedAt = performance.now();
  const run = await runCli(['demo', '--once'], { HUB_PORT: '0' });
  const tookMs = performance.now() - startedAt;
  assert.equal(run.code, 0, run.stdout + run.stderr);
  t.diagnostic(`it took ${tookMs.toFixed(0)} ms`);
  // A minute on an idle machine.
  assert.ok(tookMs < 180_000, `${tookMs} ms`);
  assert.match(run.stdout, /delivered in .* signatures verified/);
  assert.match(run.stdout, /HTTP_422: .*tax_no is missing[^]*version 2 with tax_no delivered/);
  assert.match(run.stdout, /RETRYING → SUSPENDED[^]*caught up: 5 events delivered .* in order/);
  assert.match(run.stdout, /13 SUCCESS, 1 CANCELLED, nothing waiting/);
  assert.deepEqual(await demoFolders(), before);
});

test('demo stays up with lines to copy, shows what comes after, and stops with all its processes on Ctrl-C', async () => {
  const before = await demoFolders();
  const demo = startCli(['demo'], { HUB_PORT: '0' });
  const [, url = '', key = ''] = await demo.printed(/subscriptions list --url (\S+) --key (\S+)/);
  const [, taxUrl = ''] = await demo.printed(/tax system listens at (\S+),/);
  const imported = await runCli(['import', 'samples/vouchers.jsonl', '--url', url, '--key', key]);
  assert.equal(imported.code, 0, imported.stdout + imported.stderr);
  await demo.printed(/→ tax system: INV-\S+ version 1, signatures verified, answered 200/);
  demo.child.kill('SIGINT');
  const end = await demo.ended;
  assert.equal(end.code, 0, end.stdout + end.stderr);
  await assert.rejects(fetch(taxUrl), 'the tax system is gone');
  assert.deepEqual(await demoFolders(), before);
});
