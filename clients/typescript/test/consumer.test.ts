import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { GraphQLError } from 'graphql';
import { Consumer, ConsumerError, type ConsumerOptions, type HubEvent, Reject } from '../src/index.ts';
import { PushServer } from './support/push-server.ts';
import { event } from './support/samples.ts';
import { until } from './support/until.ts';

const soon = { baseMs: 5, maxMs: 20 };

/** A consumer that runs, and closes with the test. */
function start(
  server: { url: string },
  over: Partial<Omit<ConsumerOptions, 'selection' | 'handle'>> & { handle: (event: HubEvent) => unknown },
): Consumer {
  const consumer = new Consumer({
    url: server.url,
    key: 'hub_key',
    subscriptionId: '5',
    reconnect: soon,
    ...over,
  });
  consumer.run().catch(() => {});
  return consumer;
}

/** A handler whose events end when the test says so. */
class Gate {
  readonly begun: number[] = [];
  readonly #ends = new Map<number, (error?: Error) => void>();

  readonly handle = ({ sync_id }: HubEvent): Promise<void> => {
    this.begun.push(sync_id);
    return new Promise((resolve, reject) => {
      this.#ends.set(sync_id, error => (error === undefined ? resolve() : reject(error)));
    });
  };

  end(syncId: number, error?: Error): void {
    this.#ends.get(syncId)?.(error);
  }
}

async function attached(server: PushServer, times = 1): Promise<void> {
  await until(`attached ${times} times`, () => server.attachments.length >= times);
}

test('an event comes in the form of the webhook, and is acknowledged once its handler has resolved', async () => {
  await using server = await PushServer.start();
  const got: HubEvent[] = [];
  const gate = new Gate();
  const handle = (one: HubEvent) => {
    got.push(one);
    return gate.handle(one);
  };
  await using consumer = start(server, { handle, prefetch: 7 });
  await attached(server);
  assert.deepEqual({ ...server.attachments[0] }, { subscriptionId: '5', prefetch: 7 });
  server.push(1);
  await until('it is handled', () => got.length === 1);
  const expected = event(1);
  const { digest } = got[0]?.voucher ?? assert.fail();
  assert.deepEqual(got[0], { ...expected, voucher: { ...expected.voucher, digest } });
  assert.deepEqual(server.acks, []);
  gate.end(1);
  await until('it knows that it is acknowledged', () => consumer.stats.acknowledged === 1);
  assert.deepEqual(server.acks, ['1']);
  assert.deepEqual(consumer.stats, { connected: true, handled: 1, rejected: 0, acknowledged: 1 });
});

test('one record is handled in order, different ones at once up to the concurrency', async () => {
  await using server = await PushServer.start();
  const gate = new Gate();
  await using _consumer = start(server, { handle: gate.handle, concurrency: 2 });
  await attached(server);
  for (const [syncId, record] of [
    [1, 'A'],
    [2, 'A'],
    [3, 'B'],
    [4, 'C'],
  ] as const)
    server.push(syncId, record);
  await until('two have begun', () => gate.begun.length === 2);
  assert.deepEqual(gate.begun, [1, 3]);
  gate.end(1);
  await until('the next has begun', () => gate.begun.length === 3);
  assert.deepEqual(gate.begun, [1, 3, 4]);
  gate.end(3);
  await until('the second of A has begun', () => gate.begun.length === 4);
  gate.end(2);
  gate.end(4);
  await until('all are acknowledged', () => server.acks.length === 4);
});

test('acknowledgements that come together go together', async () => {
  await using server = await PushServer.start();
  await using _consumer = start(server, { handle: () => {}, ackLingerMs: 50 });
  await attached(server);
  for (let i = 1; i <= 100; i++) server.push(i, String(i));
  await until('all are acknowledged', () => server.acks.length === 100);
  assert.ok(server.acknowledged.length < 20, `${server.acknowledged.length} mutations`);
});

test('a handler that throws rejects the event: as it says by Reject, else to be tried again as HANDLER_FAILED', async () => {
  await using server = await PushServer.start();
  const errors: Error[] = [];
  const handle = ({ sync_id }: HubEvent) => {
    if (sync_id === 1) throw new Reject('UNKNOWN_COMPANY', 'There is no company 9.');
    if (sync_id === 2) throw new Reject('BUSY', 'come again', { retryable: true });
    throw new Error('a fault');
  };
  await using consumer = start(server, { handle, onError: error => errors.push(error) });
  await attached(server);
  for (let i = 1; i <= 3; i++) server.push(i, String(i));
  await until('all are rejected', () => server.rejected.length === 3);
  assert.deepEqual(server.rejected, [
    { syncId: '1', code: 'UNKNOWN_COMPANY', message: 'There is no company 9.', retryable: false },
    { syncId: '2', code: 'BUSY', message: 'come again', retryable: true },
    { syncId: '3', code: 'HANDLER_FAILED', message: 'a fault', retryable: true },
  ]);
  assert.deepEqual(server.acks, []);
  assert.equal(errors.length, 3);
  assert.equal(consumer.stats.rejected, 3);
});

test('more rejections than a socket takes operations go through one after the other', async () => {
  await using server = await PushServer.start();
  const handle = () => {
    throw new Error('a fault');
  };
  await using _consumer = start(server, { handle, concurrency: 100 });
  await attached(server);
  for (let i = 1; i <= 100; i++) server.push(i, String(i));
  await until('all are rejected', () => server.rejected.length === 100);
});

test('whoever selects for himself gets what he selected, in order all the same', async () => {
  await using server = await PushServer.start();
  const got: unknown[] = [];
  const consumer = new Consumer({
    url: server.url,
    key: 'hub_key',
    subscriptionId: '5',
    selection: 'eventType voucher { amount }',
    handle: (
      one: { eventType: string; voucher: { amount: string } },
      { syncId, attempt, mode, ackDeadline },
    ) => {
      got.push([one, syncId, attempt, mode, ackDeadline.getUTCFullYear()]);
    },
  });
  const run = consumer.run();
  await attached(server);
  server.push(1, 'INV-1', { mode: 'COMPENSATION', attempt: 3 });
  await until('it is handled', () => got.length === 1);
  const voucher = {
    sourceSystem: 'settlement',
    sourceModule: 'invoice',
    sourceId: 'INV-1',
    amount: '100.00',
  };
  assert.deepEqual(JSON.parse(JSON.stringify(got)), [
    [{ voucher, eventType: 'invoice_recorded' }, '1', 3, 'compensation', 2030],
  ]);
  await consumer.close();
  await run;
});

test('a lost connection is taken up again, and what was handled meanwhile is acknowledged on the new one', async () => {
  await using server = await PushServer.start();
  const gate = new Gate();
  const errors: Error[] = [];
  await using _consumer = start(server, { handle: gate.handle, onError: error => errors.push(error) });
  await attached(server);
  server.push(1);
  await until('it has begun', () => gate.begun.length === 1);
  for (const socket of server.sockets) socket.terminate();
  await attached(server, 2);
  assert.equal(errors.length, 1);
  gate.end(1);
  await until('it is acknowledged', () => server.acks.length === 1);
});

test('an event that comes again while its handler runs is handled once', async () => {
  await using server = await PushServer.start();
  const gate = new Gate();
  await using _consumer = start(server, { handle: gate.handle });
  await attached(server);
  server.push(1);
  await until('it has begun', () => gate.begun.length === 1);
  for (const socket of server.sockets) socket.terminate();
  await attached(server, 2);
  server.push(1);
  server.push(2, 'other');
  await until('the other has begun', () => gate.begun.length === 2);
  gate.end(1);
  gate.end(2);
  await until('both are acknowledged', () => server.acks.length === 2);
  assert.deepEqual(gate.begun, [1, 2]);
});

test('an event that comes again while its acknowledgement does not get through is acknowledged, not handled again', async () => {
  await using server = await PushServer.start();
  const handled: number[] = [];
  let refusals = 0;
  server.onAcknowledge = () => {
    refusals += 1;
    throw new GraphQLError('not now', { extensions: { code: 'UNAVAILABLE' } });
  };
  await using _consumer = start(server, { handle: ({ sync_id }) => handled.push(sync_id) });
  await attached(server);
  server.push(1);
  await until('its acknowledgement was refused', () => refusals > 0);
  for (const socket of server.sockets) socket.terminate();
  await attached(server, 2);
  server.push(1);
  server.push(2, 'other');
  await until('the other is handled', () => handled.includes(2));
  server.onAcknowledge = () => {};
  await until('both are acknowledged', () => server.acks.includes('1') && server.acks.includes('2'));
  assert.deepEqual(handled, [1, 2]);
});

test('what waited for its turn when the connection broke is left to the hub to send again', async () => {
  await using server = await PushServer.start();
  const gate = new Gate();
  await using _consumer = start(server, { handle: gate.handle, concurrency: 1 });
  await attached(server);
  for (let i = 1; i <= 3; i++) server.push(i, String(i));
  await until('the first has begun', () => gate.begun.length === 1);
  for (const socket of server.sockets) socket.terminate();
  await attached(server, 2);
  gate.end(1);
  server.push(2, '2');
  await until('the second has begun', () => gate.begun.length === 2);
  gate.end(2);
  await until('both are acknowledged', () => server.acks.length === 2);
  assert.deepEqual(gate.begun, [1, 2]);
});

test('an acknowledgement that the hub is too busy for is sent again, one that it refuses is told and given up', async () => {
  await using server = await PushServer.start();
  const errors: Error[] = [];
  let code = 'UNAVAILABLE';
  server.onAcknowledge = ids => {
    if (ids.includes('1')) throw new GraphQLError('not now', { extensions: { code } });
  };
  await using _consumer = start(server, { handle: () => {}, onError: error => errors.push(error) });
  await attached(server);
  server.push(1);
  await new Promise(resolve => setImmediate(resolve));
  code = 'NOT_FOUND';
  await until('it was refused', () => errors.length > 0);
  server.push(2, 'other');
  await until('the other is acknowledged', () => server.acks.length === 1);
  assert.deepEqual(server.acks, ['2']);
  assert.equal(errors.length, 1);
});

test('closing takes no more, lets handlers finish, acknowledges, and ends run()', async () => {
  await using server = await PushServer.start();
  const gate = new Gate();
  const consumer = new Consumer({
    url: server.url,
    key: 'k',
    subscriptionId: '5',
    handle: gate.handle,
    concurrency: 1,
    ackLingerMs: 60_000,
  });
  const run = consumer.run();
  await attached(server);
  server.push(1, 'A');
  server.push(2, 'B');
  await until('the first has begun', () => gate.begun.length === 1);
  const closed = consumer.close();
  server.push(3, 'C');
  assert.equal(consumer.close(), closed, 'closing twice is closing once');
  gate.end(1);
  await Promise.all([closed, run]);
  assert.deepEqual(gate.begun, [1]);
  assert.deepEqual(server.acks, ['1']);
  await until('it is gone', () => server.sockets.length === 0);
});

test('closing waits no longer than it was told; handlers learn of it by their signal', async () => {
  await using server = await PushServer.start();
  let aborted = false;
  const consumer = new Consumer({
    url: server.url,
    key: 'k',
    subscriptionId: '5',
    handle: (_event, { signal }) =>
      new Promise(() => {
        signal.addEventListener('abort', () => {
          aborted = true;
        });
      }),
  });
  const run = consumer.run();
  await attached(server);
  server.push(1);
  await until('it has begun', () => consumer.stats.connected);
  await new Promise(resolve => setTimeout(resolve, 20));
  await consumer.close({ timeoutMs: 50 });
  await run;
  assert.equal(aborted, true);
  assert.deepEqual(server.acks, []);
});

test('an AbortSignal closes it too, also before it has begun', async () => {
  await using server = await PushServer.start();
  const off = new AbortController();
  const options = { url: server.url, key: 'k', subscriptionId: '5', handle: () => {}, signal: off.signal };
  const run = new Consumer(options).run();
  await attached(server);
  off.abort();
  await run;
  await new Consumer(options).run();
  assert.equal(server.attachments.length, 1);
});

test('a key that is refused ends it with FORBIDDEN, also where the key is revoked later', async () => {
  await using server = await PushServer.start();
  server.letsIn = authorization => authorization === 'Bearer good';
  const consumer = (key: string) =>
    new Consumer({ url: server.url, key, subscriptionId: '5', handle: () => {}, reconnect: soon });
  await assert.rejects(consumer('bad').run(), (error: unknown) => {
    assert.ok(error instanceof ConsumerError);
    assert.equal(error.code, 'FORBIDDEN');
    return true;
  });
  const revoked = consumer('good').run();
  await attached(server);
  for (const socket of server.sockets) socket.close(4403, 'Forbidden');
  await assert.rejects(revoked, { code: 'FORBIDDEN' });
});

test('a close that says that the client is wrong ends it, and others do not', async () => {
  await using server = await PushServer.start();
  const run = start(server, { handle: () => {} }).run();
  for (const [times, code] of [
    [1, 1000],
    [2, 1001],
    [3, 1011],
    [4, 4408],
    [5, 4500],
    [6, 1013],
    [7, 4429],
    [8, 4400],
  ] as const) {
    await attached(server, times);
    for (const socket of server.sockets) socket.close(code, 'because');
  }
  await assert.rejects(run, { code: 'CLOSED_4400' });
  assert.equal(server.attachments.length, 8);
});

test('a selection that is wrong ends it with what the hub says of it', async () => {
  await using server = await PushServer.start();
  const options = { url: server.url, key: 'k', subscriptionId: '5', handle: () => {} };
  await assert.rejects(new Consumer({ ...options, selection: 'none' }).run(), (error: unknown) => {
    assert.ok(error instanceof ConsumerError);
    assert.match(error.message, /Cannot query field "none"/);
    return true;
  });
});

test('a hub that takes the connection and never says a word is given up and tried again', async () => {
  let connections = 0;
  const silent = createServer(() => {
    connections += 1;
  });
  await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve));
  const address = silent.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const errors: string[] = [];
  const consumer = start(
    { url: `http://127.0.0.1:${address.port}` },
    { handle: () => {}, onError: error => errors.push(error.message) },
  );
  await until('it came twice', () => connections === 2, 30_000);
  assert.match(errors[0] ?? '', /timed out/);
  silent.close();
  await consumer.close({ timeoutMs: 1 });
});

test('a hub that stops answering pings is given up, and the consumer comes back', async () => {
  await using server = await PushServer.start();
  await using _consumer = start(server, { handle: () => {} });
  await attached(server);
  // Holds what comes in: no pong goes out.
  for (const socket of server.sockets) socket.pause();
  await attached(server, 2);
  assert.equal(server.connections, 2);
});
