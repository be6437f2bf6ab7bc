import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../src/core/limits.ts';
import { numbers, record, vouchers } from '../support/deliveries.ts';
import { startTestHub } from '../support/hub.ts';
import {
  ask,
  askSocket,
  type BareSocket,
  keptLog,
  openSocket,
  SweepClock,
  socketClient,
} from '../support/sockets.ts';
import { recordVouchers, subscribe, voucherInput } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';
import { isWatching, watch } from '../support/watcher.ts';

const mebibyte = 1_048_576;

test('what waits for a client is bounded in bytes and in messages: beyond it the client is dropped with 4413', async () => {
  const clock = new SweepClock();
  const { log, lines } = keptLog();
  await using hub = await startTestHub({ overrides: { clock, log } });
  for (const [bytes, most] of [
    [60_000, limits.socketBufferedBytes],
    [2_000, limits.socketBufferedMessages * 2_200],
  ] as const) {
    const before = drops(lines).length;
    using bare = await openSocket(hub);
    bare.socket.pause();
    await flood(bare, bytes, () => drops(lines).length > before, 256 * mebibyte);
    const buffered = Number(drops(lines)[before]?.buffered);
    assert.ok(buffered <= most && buffered > most / 2, `${buffered} of ${most} bytes`);
    bare.socket.resume();
    assert.deepEqual(await bare.closed(), {
      code: 4413,
      reason: 'Slow reader: too much waits to be read; connect again',
    });
  }
  assert.equal((await hub.ask('{ __typename }')).status, 200);
});

test('a client that asks for much and reads nothing is dropped too, and cut when it does not answer that', async () => {
  const clock = new SweepClock();
  const { log, lines } = keptLog();
  await using hub = await startTestHub({ overrides: { clock, log } });
  const [recorded] = await recordVouchers(hub, [
    voucherInput({ businessData: { pad: 'x'.repeat(1_000_000) } }),
  ]);
  const id = recorded?.result?.voucher.id;
  using bare = await openSocket(hub);
  bare.socket.pause();
  for (let n = 0; n < 32; n += 1)
    bare.send(ask(String(n), 'query ($id: ID!) { voucher(id: $id) { events { data } } }', { id }));
  await until('it is dropped', () => drops(lines).length > 0);
  assert.equal(bare.end, undefined, 'it does not know yet');
  await clock.pass(limits.socketCloseMs);
  bare.socket.resume();
  assert.equal((await bare.closed()).code, 1006);
});

test('a client that answers pings and reads nothing is dropped after 30 s, and one for which nothing waits is not', async () => {
  const clock = new SweepClock();
  const { log, lines } = keptLog();
  await using hub = await startTestHub({ overrides: { clock, log } });
  using bare = await openSocket(hub);
  using idle = await openSocket(hub);
  bare.socket.pause();
  let waitedMs = 0;
  // How much the system takes before anything waits in the hub is the system's affair: a little more each time.
  while (drops(lines).length === 0) {
    waitedMs = 0;
    await flood(bare, 60_000, () => false, 2 * mebibyte);
    await clock.pass(limits.socketStallMs + 5_000, () => {
      bare.socket.pong();
      if (drops(lines).length === 0) waitedMs += limits.socketSweepMs;
    });
  }
  const [drop] = drops(lines);
  assert.equal(drop?.reason, 'Slow reader: nothing was read for 30 s; connect again');
  assert.ok(Number(drop.buffered) < limits.socketBufferedBytes, JSON.stringify(drop));
  assert.ok(waitedMs > limits.socketStallMs - 2_000, `dropped after ${waitedMs} ms`);
  assert.equal(idle.end, undefined);
});

test('a watcher that does not read is dropped with LIMIT_EXCEEDED, and no other is held up', async () => {
  // Its sockets are not looked after, so that on a busy machine it is not dropped as one that reads nothing for 30 s.
  await using hub = await startTestHub({ overrides: { clock: new SweepClock() } });
  for (const n of numbers(50)) await subscribe(hub, { name: `many-${n}`, sourceSystems: ['many'] });
  await subscribe(hub, { name: 'large', sourceSystems: ['large'] });
  await using reader = watch(hub, { select: 'id' });
  await isWatching(hub, reader, 'large');
  using bare = await openSocket(hub);
  const seen = () => bare.messages.filter(({ id }) => id === 'watch');
  bare.send(ask('watch', 'subscription { syncLogChanged { id event { data } } }'));
  await until('it watches', async () => {
    await record(hub, vouchers('large', [`begin-${seen().length}-${Math.random()}`]));
    return seen().length > 0;
  });
  bare.socket.pause();
  // More than the kernel's buffers take, so that the hub has to wait for its reader.
  const pad = 'x'.repeat(900_000);
  for (const n of numbers(30)) await record(hub, vouchers('large', [`pad-${n}`], { businessData: { pad } }));
  const readSoFar = () => new Set(reader.told.map(({ id }) => id)).size;
  for (const round of numbers(Math.ceil(limits.watcherBacklog / 5_000) + 1)) {
    const before = readSoFar();
    await record(
      hub,
      vouchers(
        'many',
        numbers(100).map(n => `${round}-${n}`),
      ),
    );
    await until('the other has read it', () => readSoFar() >= before + 5_000);
  }
  bare.socket.resume();
  const end = await until('it is told why', () => seen().find(({ type }) => type !== 'next'));
  assert.equal(end.type, 'error');
  assert.match(JSON.stringify(end.payload), /LIMIT_EXCEEDED/);
  assert.match(JSON.stringify(end.payload), /this watcher is too slow/);
  assert.ok(seen().length < 100, `${seen().length} messages were kept for it`);
  bare.send(ask('after'));
  await until('the socket goes on', () => bare.messages.some(({ id }) => id === 'after'));
});

test('an answer beyond the bound reaches a client that reads', async () => {
  await using hub = await startTestHub();
  const pad = 'x'.repeat(1_000_000);
  for (let version = 1; version <= 10; version += 1)
    await recordVouchers(hub, [voucherInput({ businessData: { pad, version } })]);
  await using client = socketClient(hub);
  const { data, errors } = await askSocket(client, '{ vouchers { edges { node { events { data } } } } }');
  assert.equal(errors, undefined);
  assert.ok(JSON.stringify(data).length > limits.socketBufferedBytes);
});

/** Sends pings whose answers it does not read until the hub has had enough; the bytes that it sent. */
async function flood(
  bare: BareSocket,
  bytes: number,
  hasEnough: () => boolean,
  atMost: number,
): Promise<number> {
  const message = JSON.stringify({ type: 'ping', payload: { pad: 'x'.repeat(bytes) } });
  let sent = 0;
  while (!hasEnough() && sent < atMost) {
    await new Promise(resolve => bare.socket.send(message, resolve));
    sent += message.length;
  }
  return sent;
}

/** The lines of clients that were dropped for not reading. */
function drops(lines: () => Record<string, unknown>[]): Record<string, unknown>[] {
  return lines().filter(line => line.code === 4413);
}
