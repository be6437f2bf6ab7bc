import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { limits } from '../../src/core/limits.ts';
import type { ResolveAll } from '../../src/delivery/webhook/guard.ts';
import { listen, ManualClock, post, sender } from '../support/send-bench.ts';
import { silentAddress } from '../support/silent-address.ts';
import { until } from '../support/wait.ts';

const first = '127.0.0.90';
const second = '127.0.0.91';
const lookup: ResolveAll = async () => [first, second].map(address => ({ address, family: 4 }));

/** A receiver on the second address that closes each connection; its port. */
function receiverOnSecond(): Promise<number> {
  const server = createServer((_request, response) =>
    response.writeHead(200, { connection: 'close' }).end('second'),
  );
  return listen(server, second);
}

test('a first address that does not answer uses up 250 ms of the time-out, and nothing of the next connection’s', async () => {
  const port = await receiverOnSecond();
  await silentAddress(first, port);
  const clock = new ManualClock();
  const hub = sender({ clock, lookup });
  const url = `http://two.example:${port}/`;
  const sent = hub.send(post(url, { timeoutMs: 300 }));
  await until('the second address waits for its turn', () => clock.delays.includes(limits.nextAddressMs));
  clock.advance(limits.nextAddressMs);
  const { verdict, responseExcerpt, durationMs } = await sent;
  assert.deepEqual([verdict, responseExcerpt, durationMs], ['accepted', 'second', limits.nextAddressMs]);
  const next = await hub.send(post(url, { timeoutMs: 300 }));
  assert.deepEqual([next.verdict, next.durationMs], ['accepted', 0]);
});

test('an address that is merely far away is reached though the next one was tried beside it', async () => {
  const port = await receiverOnSecond();
  const far = await silentAddress(first, port);
  const silent = '127.0.0.92';
  await silentAddress(silent, port);
  const clock = new ManualClock();
  const both: ResolveAll = async () => [first, silent].map(address => ({ address, family: 4 }));
  const sent = sender({ clock, lookup: both }).send(post(`http://far.example:${port}/`));
  await until('the second address waits for its turn', () => clock.delays.includes(limits.nextAddressMs));
  clock.advance(limits.nextAddressMs);
  far.wake();
  const { verdict, responseExcerpt } = await sent;
  assert.deepEqual([verdict, responseExcerpt], ['accepted', 'late']);
});

test('an address that refuses is followed by the next one at once', async () => {
  const port = await receiverOnSecond();
  const clock = new ManualClock();
  const sent = await sender({ clock, lookup }).send(post(`http://refused.example:${port}/`));
  assert.deepEqual([sent.verdict, sent.responseExcerpt, sent.durationMs], ['accepted', 'second', 0]);
});

test('where no address answers the attempt ends with its time-out, as one that did not connect', async () => {
  const port = await receiverOnSecond();
  await silentAddress(first, port);
  const clock = new ManualClock();
  const one: ResolveAll = async () => [{ address: first, family: 4 }];
  const sent = sender({ clock, lookup: one }).send(
    post(`http://silent.example:${port}/`, { timeoutMs: 60_000 }),
  );
  await until('it connects', () => clock.delays.includes(limits.connectMs));
  clock.advance(limits.connectMs);
  const { verdict, errorCode, errorMessage } = await sent;
  assert.deepEqual([verdict, errorCode], ['connect', 'UND_ERR_CONNECT_TIMEOUT']);
  assert.equal(errorMessage, 'No connection to silent.example within 10000 ms.');
});

test('a name that moves to another address is followed under steady load within a connection’s life', async () => {
  const arrivals: [address: string, at: number][] = [];
  const clock = new ManualClock();
  const serve = (address: string) =>
    createServer((_request, response) => {
      arrivals.push([address, clock.now()]);
      response.end('ok');
    });
  const port = await listen(serve(first), first);
  await listen(serve(second), second, port);
  let address = first;
  const hub = sender({ clock, lookup: async () => [{ address, family: 4 }] });
  const steadily = async (times: number) => {
    for (let n = 0; n < times; n++) {
      assert.equal((await hub.send(post(`http://moved.example:${port}/`))).verdict, 'accepted');
      clock.advance(1_000);
    }
  };
  await steadily(5);
  address = second;
  const moved = clock.now();
  await steadily(70);
  const late = arrivals.filter(([to, at]) => to === first && at > moved + limits.connectionLifeMs);
  assert.deepEqual(late, []);
  assert.equal(arrivals.at(-1)?.[0], second);
  assert.ok(
    arrivals.some(([to, at]) => to === first && at > moved),
    'the connection was kept for a while',
  );
});
