import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { loader } from '../support/child.ts';
import { once, until } from '../support/wait.ts';

test('a second Ctrl-C leaves nothing of the fault lab: no hub that stands still, no PostgreSQL, no folder', {
  skip: process.platform === 'linux' ? false : 'its processes are found by /proc',
}, async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'hub-lab-stop-'));
  after(() => rm(folder, { recursive: true, force: true }));
  const lab = spawn(process.execPath, [...loader, 'faults/main.ts', '--seed=4711', '--queue=postgres'], {
    env: { ...process.env, TMPDIR: folder },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  after(() => lab.kill('SIGKILL'));
  let notes = '';
  lab.stderr.setEncoding('utf8').on('data', (text: string) => (notes += text));
  await until('its hubs are up', () => notes.includes('hubs are up'), 90_000);
  const children = await childrenOf(lab.pid ?? 0);
  assert.ok(children.length >= 4, 'three hubs and PostgreSQL');
  const frozen = children.find(({ command }) => command.includes('hub-process'));
  process.kill(frozen?.pid ?? 0, 'SIGSTOP');

  const exit = once(lab, 'exit');
  // Signals that come at once may come as one.
  const impatience = setInterval(() => lab.kill('SIGINT'), 50);
  assert.deepEqual(await exit, [130, null]);
  clearInterval(impatience);
  assert.match(notes, /Stopped at once/);
  assert.deepEqual(await readdir(folder), []);
  await until('its processes are gone', () => children.every(({ pid }) => !existsSync(`/proc/${pid}`)));
});

/** The processes that one started and that run. */
async function childrenOf(pid: number): Promise<{ pid: number; command: string }[]> {
  const pids = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ').map(Number);
  const commandOf = async (child: number) => await readFile(`/proc/${child}/cmdline`, 'utf8');
  return Promise.all(pids.map(async child => ({ pid: child, command: await commandOf(child) })));
}
