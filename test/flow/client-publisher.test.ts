import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { HubRequestError, Publisher, type RefusedItem } from '../../clients/typescript/src/index.ts';
import { loader } from '../support/child.ts';
import { recordedVersions, startLossyProxy, voucherRequest } from '../support/client.ts';
import { adminKey, startTestHub, type TestHub } from '../support/hub.ts';
import { startHubProcess } from '../support/hub-process.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { once, until } from '../support/wait.ts';

const hub: TestHub = await startTestHub();
after(() => hub[Symbol.asyncDispose]());

/** Tries again soon: the tests wait for it. */
const retry = { baseMs: 20, maxMs: 200 };

function numbered(sourceId: string, n: number | string): ReturnType<typeof voucherRequest> {
  return voucherRequest(sourceId, { businessData: { n: String(n) } });
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'hub-client-'));
  after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

function range(count: number): string[] {
  return Array.from({ length: count }, (_, n) => String(n));
}

test('what is recorded reaches the hub in the order of each record, versions counted by the hub', async () => {
  await using publisher = new Publisher({ url: hub.url, key: adminKey });
  for (let n = 0; n < 30; n++) {
    for (const id of ['order-1', 'order-2']) assert.equal(publisher.record(numbered(id, n)), 'accepted');
  }
  assert.equal(await publisher.flush(), true);
  assert.deepEqual(publisher.stats, { buffered: 0, bufferedBytes: 0, sent: 60, refused: 0 });
  for (const id of ['order-1', 'order-2']) assert.deepEqual(await recordedVersions(hub, id), range(30));
});

test('an item that the hub refuses is told with its field; those around it are recorded', async () => {
  const refused: [string, RefusedItem][] = [];
  await using publisher = new Publisher({
    url: hub.url,
    key: adminKey,
    onRefused: (input, error) => {
      refused.push([input.sourceId, error]);
    },
  });
  publisher.record(voucherRequest('good-1'));
  publisher.record(voucherRequest('bad-amount', { currency: 'yuan' }));
  publisher.record(voucherRequest('good-2'));
  // GraphQL refuses the whole request for these; the publisher finds who is meant.
  publisher.record(JSON.parse(JSON.stringify({ ...voucherRequest('bad-enum'), direction: 'SIDEWAYS' })));
  publisher.record(JSON.parse(JSON.stringify({ ...voucherRequest('bad-field'), currency: null })));
  publisher.record(voucherRequest('good-3'));
  assert.equal(await publisher.flush(), true);
  assert.deepEqual(
    refused.map(([id, { code, field }]) => [id, code, field]),
    [
      ['bad-amount', 'BAD_USER_INPUT', 'currency'],
      ['bad-enum', 'BAD_USER_INPUT', null],
      ['bad-field', 'BAD_USER_INPUT', null],
    ],
  );
  assert.deepEqual(publisher.stats, { buffered: 0, bufferedBytes: 0, sent: 3, refused: 3 });
  for (const id of ['good-1', 'good-2', 'good-3']) assert.equal((await recordedVersions(hub, id)).length, 1);
});

test('a callback that throws stops nothing; Node is told of it', async context => {
  const warned = context.mock.method(process, 'emitWarning', () => {});
  await using publisher = new Publisher({
    url: hub.url,
    key: adminKey,
    onRefused: () => {
      throw new Error('a fault of the callback');
    },
  });
  publisher.record(voucherRequest('callback-bad', { currency: 'yuan' }));
  publisher.record(voucherRequest('callback-good'));
  assert.equal(await publisher.flush(), true);
  assert.equal(publisher.stats.sent, 1);
  assert.equal(warned.mock.callCount(), 1);
});

test('a callback that rejects stops nothing either', async context => {
  const warned: unknown[] = [];
  context.mock.method(process, 'emitWarning', (warning: unknown) => warned.push(warning));
  const fault = new Error('the database of the callback is away');
  const { promise: told, resolve } = Promise.withResolvers<void>();
  await using publisher = new Publisher({
    url: hub.url,
    key: adminKey,
    onRefused: async () => {
      resolve();
      throw fault;
    },
  });
  publisher.record(voucherRequest('rejecting-bad', { currency: 'yuan' }));
  publisher.record(voucherRequest('rejecting-good'));
  assert.equal(await publisher.flush(), true);
  await told;
  assert.deepEqual(warned, [fault]);
});

test('what is no input at all is refused, and told as an error', async () => {
  const [refused, errors]: [unknown[], string[]] = [[], []];
  await using publisher = new Publisher({
    url: hub.url,
    key: adminKey,
    onRefused: input => refused.push(input.sourceId),
    onError: error => errors.push(error.message),
  });
  for (const input of [undefined, null, 'text', 5, []])
    assert.equal(Reflect.apply(publisher.record, publisher, [input]), 'refused');
  assert.deepEqual(refused, []);
  assert.match(errors.join('; '), /^record: undefined is no input.*record: null is no input/);
  assert.equal(publisher.stats.refused, 5);
});

test('what can never be sent is refused at once, and without throwing', async () => {
  const refused: string[] = [];
  await using publisher = new Publisher({
    url: hub.url,
    key: adminKey,
    batchBytes: 2_000,
    onRefused: (_input, { code }) => refused.push(code),
  });
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  assert.equal(publisher.record(voucherRequest('cycle', { businessData: cycle })), 'refused');
  assert.equal(publisher.record(voucherRequest('large', { summary: 'x'.repeat(2_000) })), 'refused');
  assert.deepEqual(refused, ['BAD_USER_INPUT', 'LIMIT_EXCEEDED']);
});

test('the hub is down: recording goes on at once, and all of it arrives when the hub is there', async () => {
  const databaseUrl = await createTestDatabase();
  const first = await startTestHub({ databaseUrl });
  const { port } = new URL(first.url);
  await first[Symbol.asyncDispose]();
  const errors: Error[] = [];
  await using publisher = new Publisher({
    url: first.url,
    key: adminKey,
    retry,
    onError: error => errors.push(error),
  });
  for (let n = 0; n < 500; n++) assert.equal(publisher.record(numbered(`down-${n % 7}`, n)), 'accepted');
  await until('it has tried twice', () => errors.length >= 2);
  assert.ok(errors.every(error => error instanceof HubRequestError && error.code === 'UNREACHABLE'));
  assert.equal(await publisher.flush({ timeoutMs: 50 }), false);
  await using again = await startTestHub({ databaseUrl, env: { HUB_PORT: port } });
  assert.equal(await publisher.flush({ timeoutMs: 20_000 }), true);
  assert.equal(publisher.stats.sent, 500);
  for (let id = 0; id < 7; id++) {
    assert.deepEqual(
      await recordedVersions(again, `down-${id}`),
      range(500).filter(n => Number(n) % 7 === id),
    );
  }
});

test('a buffer that is full says so, and takes again when there is room', async () => {
  const errors: Error[] = [];
  await using nobody = await startLossyProxy(hub.url, () => true);
  const publisher = new Publisher({
    url: nobody.url,
    key: adminKey,
    maxItems: 3,
    retry: { baseMs: 60_000, maxMs: 60_000 },
    onError: error => errors.push(error),
  });
  assert.deepEqual(
    range(5).map(n => publisher.record(numbered('full', n))),
    ['accepted', 'accepted', 'accepted', 'full', 'full'],
  );
  await until('the first try failed', () => errors.length > 0);
  assert.equal(await publisher.close({ timeoutMs: 50 }), 3);
  assert.equal(publisher.record(numbered('full', 9)), 'closed');
});

test('a key that is refused loses nothing: it is told, and when the key is mended everything goes out', async () => {
  let key = 'hub_wrong';
  const codes: string[] = [];
  await using publisher = new Publisher({
    url: hub.url,
    key: () => key,
    retry,
    onError: error => codes.push(error instanceof HubRequestError ? error.code : error.message),
  });
  publisher.record(numbered('key', 0));
  publisher.record(numbered('key', 1));
  await until('it was told twice', () => codes.length >= 2);
  assert.deepEqual([...new Set(codes)], ['UNAUTHENTICATED']);
  assert.deepEqual(publisher.stats, { ...publisher.stats, buffered: 2, sent: 0, refused: 0 });
  key = adminKey;
  assert.equal(await publisher.flush(), true);
  assert.deepEqual(await recordedVersions(hub, 'key'), ['0', '1']);
});

test('answers that get lost make nothing be recorded twice or out of order, without any version given', async () => {
  await using proxy = await startLossyProxy(hub.url, request => request % 3 !== 2);
  await using publisher = new Publisher({ url: proxy.url, key: adminKey, retry, batchItems: 5 });
  for (let n = 0; n < 40; n++) publisher.record(numbered(`lost-${n % 3}`, n));
  assert.equal(await publisher.flush({ timeoutMs: 20_000 }), true);
  assert.ok(proxy.lost() > 10);
  for (let id = 0; id < 3; id++) {
    assert.deepEqual(
      await recordedVersions(hub, `lost-${id}`),
      range(40).filter(n => Number(n) % 3 === id),
    );
  }
});

test('the hub is killed again and again in the middle: nothing is lost, doubled or out of order', async () => {
  const databaseUrl = await createTestDatabase();
  let running = await startHubProcess(databaseUrl);
  const { port } = new URL(running.url);
  try {
    await using publisher = new Publisher({ url: running.url, key: adminKey, retry, batchItems: 20 });
    for (let n = 0; n < 3_000; n++) publisher.record(numbered(`kill-${n % 25}`, n));
    for (let kills = 1; kills <= 3; kills++) {
      await until(`${kills * 400} are sent`, () => publisher.stats.sent >= kills * 400);
      await running.kill();
      running = await startHubProcess(databaseUrl, { HUB_PORT: port });
    }
    assert.equal(await publisher.flush({ timeoutMs: 60_000 }), true);
    assert.equal(publisher.stats.refused, 0);
    for (let id = 0; id < 25; id++) {
      assert.deepEqual(
        await recordedVersions(running.hub, `kill-${id}`),
        range(3_000).filter(n => Number(n) % 25 === id),
      );
    }
  } finally {
    await running[Symbol.asyncDispose]();
  }
});

test('a publisher with a spool is killed in the middle: the next one sends what was left, once and in order', async () => {
  const spoolDir = await temporaryFolder();
  await using own = await startTestHub();
  const child = fileURLToPath(new URL('../support/client-publisher-child.ts', import.meta.url));
  const process_ = spawn(process.execPath, [...loader, child, own.url, adminKey, spoolDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let accepted = 0;
  process_.stdout.setEncoding('utf8').on('data', (text: string) => {
    accepted = Number(text.trimEnd().split('\n').at(-1));
  });
  await until('some are sent', async () => (await recordedVersions(own, 'INV-0')).length > 5);
  process_.kill('SIGKILL');
  await once(process_, 'close');
  await using publisher = new Publisher({ url: own.url, key: adminKey, spoolDir });
  assert.ok(publisher.stats.buffered > 0, 'something was left');
  assert.equal(await publisher.flush({ timeoutMs: 60_000 }), true);
  let total = 0;
  for (let id = 0; id < 40; id++) {
    const versions = await recordedVersions(own, `INV-${id}`);
    assert.deepEqual(
      versions,
      versions.map((_, at) => String(at * 40 + id)),
    );
    total += versions.length;
  }
  assert.ok(total > accepted, `${total} recorded, ${accepted} accepted`);
});

test('what is buffered in a spool outlasts a close, and goes out with the next publisher', async () => {
  const spoolDir = await temporaryFolder();
  const offline = new Publisher({ url: 'http://127.0.0.1:9', key: adminKey, spoolDir, retry });
  for (let n = 0; n < 5; n++) offline.record(numbered('spool', n));
  assert.equal(await offline.close({ timeoutMs: 20 }), 5);
  await using publisher = new Publisher({ url: hub.url, key: adminKey, spoolDir });
  assert.equal(publisher.stats.buffered, 5);
  assert.equal(await publisher.flush(), true);
  assert.deepEqual(await recordedVersions(hub, 'spool'), range(5));
});
