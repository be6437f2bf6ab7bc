import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { loader } from '../support/child.ts';
import { askerOf, testEnvironment } from '../support/hub.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { until } from '../support/wait.ts';

const main = path.resolve('src/main.ts');

/** A port that was free a moment ago: a hub whose output nobody reads can't say which one it took. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise(resolve => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** A hub in a process of its own whose standard output and error go into an open file. */
async function startInto(fd: number, env: Record<string, string>) {
  const port = await freePort();
  const child = spawn(process.execPath, [...loader, main, 'start'], {
    env: {
      PATH: process.env.PATH,
      ...testEnvironment(await createTestDatabase()),
      HUB_PORT: String(port),
      ...env,
    },
    stdio: ['ignore', fd, fd],
  });
  const url = `http://127.0.0.1:${port}`;
  const isReady = () =>
    fetch(`${url}/readyz`).then(
      ({ status }) => status === 200,
      () => false,
    );
  return { child, url, isReady, [Symbol.dispose]: () => void child.kill('SIGKILL') };
}

/** Resolves with the exit code, once SIGTERM has ended a process. */
async function stop(child: ChildProcess): Promise<number | null> {
  child.kill('SIGTERM');
  await until('it has ended', () => child.exitCode !== null || child.signalCode !== null, 34_000);
  return child.exitCode;
}

describe('a log that nobody reads', {
  skip: process.platform === 'linux' ? false : 'only Linux has such pipes and /dev/full',
}, () => {
  for (const format of ['json', 'pretty'])
    test(`in ${format}: with a pipe that is full from the beginning the hub starts, works, stops, and says later what was dropped`, async () => {
      const folder = await mkdtemp(path.join(tmpdir(), 'hub-log-'));
      await using _folder = { [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
      const fifo = path.join(folder, 'pipe');
      execFileSync('mkfifo', [fifo]);
      const reader = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
      fill(reader);
      using hub = await startInto(openSync(fifo, 'r+'), { HUB_LOG_LEVEL: 'trace', HUB_LOG_FORMAT: format });
      await until('it is ready', hub.isReady, 60_000);
      const ask = askerOf(hub.url);
      // Each is a line with its name: together far more than may wait.
      for (let n = 0; n < 400; n += 1) await ask(`query ${'a'.repeat(8_000)}${n} { __typename }`);
      const metrics = await (await fetch(`${hub.url}/metrics`)).text();
      assert.ok(
        Number(/^voucher_hub_log_lines_dropped_total (\d+)/m.exec(metrics)?.[1]) > 0,
        'nothing was dropped',
      );
      const read = readerOf(reader);
      await until('it says what was dropped', async () => {
        await ask('{ nope }');
        return read().includes('dropped_lines');
      });
      fill(reader);
      for (let n = 0; n < 10; n += 1) await ask('{ nope }');
      assert.equal(await stop(hub.child), 0);
    });

  test('on a full disk the hub starts, works and stops', async () => {
    using hub = await startInto(openSync('/dev/full', 'w'), { HUB_LOG_LEVEL: 'trace' });
    await until('it is ready', hub.isReady, 60_000);
    assert.equal((await askerOf(hub.url)('{ __typename }')).status, 200);
    assert.equal(await stop(hub.child), 0);
  });

  test('after its reader has gone the hub works and stops', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'hub-log-'));
    await using _folder = { [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
    const fifo = path.join(folder, 'pipe');
    execFileSync('mkfifo', [fifo]);
    const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
    using hub = await startInto(openSync(fifo, 'w'), { HUB_LOG_LEVEL: 'trace' });
    await until('it is ready', hub.isReady, 60_000);
    closeSync(reader);
    assert.equal((await askerOf(hub.url)('{ nope }')).status, 400);
    assert.equal(await stop(hub.child), 0);
  });
});

/** Fills a pipe to the brim. */
function fill(fd: number): void {
  for (const size of [4_096, 1])
    for (;;)
      try {
        writeSync(fd, 'x'.repeat(size));
      } catch {
        break;
      }
}

/** Reads what stands in a pipe, at each call; gives all that came so far. */
function readerOf(fd: number): () => string {
  let text = '';
  const buffer = Buffer.alloc(65_536);
  return () => {
    for (;;)
      try {
        text += buffer.toString('utf8', 0, readSync(fd, buffer));
      } catch {
        return text;
      }
  };
}
