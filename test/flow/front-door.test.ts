import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { limits } from '../../src/core/limits.ts';
import { makeKey } from '../support/access.ts';
import { adminKey, startTestHub, type TestHub } from '../support/hub.ts';
import { init, keptLog, openSocket, SocketStack } from '../support/sockets.ts';
import { once, until } from '../support/wait.ts';

/** Bare connections that are cut at the end. */
class Connections implements Disposable {
  readonly all: Socket[] = [];
  readonly #hub: TestHub;

  constructor(hub: TestHub) {
    this.#hub = hub;
  }

  /** Opens one from an address of this machine, and sends something. */
  async open(sent = '', localAddress = '127.0.0.1'): Promise<Socket> {
    const { hostname, port } = new URL(this.#hub.url);
    const socket = connect({ host: hostname, port: Number(port), localAddress });
    this.all.push(socket);
    socket.on('error', () => {});
    await once(socket, 'connect');
    if (sent !== '') socket.write(sent);
    return socket;
  }

  /** Opens many. */
  async openMany(count: number, sent = '', localAddress = '127.0.0.1'): Promise<void> {
    for (let n = 0; n < count; n += 100)
      await Promise.all(
        Array.from({ length: Math.min(100, count - n) }, () => this.open(sent, localAddress).catch(() => {})),
      );
  }

  [Symbol.dispose](): void {
    for (const socket of this.all) socket.destroy();
  }
}

/** The head of a request for GraphQL with a body of so many bytes. */
function postHead(bytes: number, key: string | null, path = '/graphql'): string {
  const authorization = key === null ? '' : `Authorization: Bearer ${key}\r\n`;
  return `POST ${path} HTTP/1.1\r\nHost: hub\r\n${authorization}Content-Type: application/json\r\nContent-Length: ${bytes}\r\n\r\n`;
}

/** What a socket has been sent, as it comes. */
function received(socket: Socket): () => string {
  let text = '';
  socket.on('data', chunk => (text += String(chunk)));
  return () => text;
}

const upgrade =
  'GET /graphql HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n';

/** Waits for one of the process's metrics. */
async function metric(hub: TestHub, name: string): Promise<number> {
  const text = await (await fetch(`${hub.hub.metricsUrl ?? hub.url}/metrics`)).text();
  const line = text.split('\n').find(some => some.startsWith(`${name} `));
  return Number(line?.split(' ').at(-1));
}

describe('without a key', () => {
  test('4,200 idle connections from one address keep out nobody: not a health check, not a caller with a key, not a consumer', async () => {
    await using hub = await startTestHub();
    using kept = await openSocket(hub);
    using flood = new Connections(hub);
    await flood.openMany(4_200, '', '127.0.0.9');
    assert.equal((await fetch(`${hub.url}/healthz`)).status, 200);
    assert.equal((await fetch(`${hub.url}/readyz`)).status, 200);
    assert.equal((await hub.ask('{ __typename }')).status, 200);
    using consumer = await openSocket(hub);
    assert.equal(consumer.messages[0]?.type, 'connection_ack');
    assert.equal(kept.end, undefined);
    assert.ok(
      (await metric(hub, 'voucher_hub_connections_dropped_total')) >=
        4_200 - limits.connectionsUnkeyedPerAddress,
    );
    assert.ok((await metric(hub, 'voucher_hub_connections{key="none"}')) <= limits.connectionsUnkeyed);
  });

  test('half-open sockets that keep coming from one address keep out no consumer, of another address or of the same', async () => {
    await using hub = await startTestHub();
    using flood = new Connections(hub);
    await flood.openMany(limits.connectionsUnkeyedPerAddress, upgrade);
    const ended = new AbortController();
    const attack = (async () => {
      while (!ended.signal.aborted) await flood.openMany(20, upgrade).then(() => new Promise(setImmediate));
    })();
    using consumers = new SocketStack();
    for (let n = 0; n < 92; n += 1)
      consumers.add(await openSocket(hub, { localAddress: n % 2 === 0 ? '127.0.0.1' : '127.0.0.2' }));
    ended.abort();
    await attack;
    assert.equal(
      consumers.sockets.filter(
        ({ messages, end }) => messages[0]?.type === 'connection_ack' && end === undefined,
      ).length,
      92,
    );
  });

  test('no body is read: where there is nothing, and where a key is missing, the answer comes before it and ends the connection', async () => {
    await using hub = await startTestHub();
    using raw = new Connections(hub);
    for (const [path, status] of [
      ['/graphql', 401],
      ['/elsewhere', 404],
      ['/healthz', 405],
      ['/metrics', 405],
    ] as const) {
      const socket = await raw.open(postHead(limits.requestBytes, null, path));
      const text = received(socket);
      await until(`${path} is closed`, () => socket.closed || socket.readableEnded);
      assert.match(text(), new RegExp(`^HTTP/1.1 ${status} `), path);
    }
  });

  test('a head that does not end, and a body of a byte a second, are cut at a deadline', async () => {
    await using hub = await startTestHub();
    using raw = new Connections(hub);
    const idle = await raw.open();
    const head = await raw.open('GET /healthz HTTP/1.1\r\nX-Slow: ');
    const body = await raw.open(postHead(100_000, adminKey));
    const answer = received(body);
    const drip = setInterval(() => {
      if (head.writable) head.write('a');
      if (body.writable) body.write(' ');
    }, 1_000);
    using _drip = { [Symbol.dispose]: () => clearInterval(drip) };
    for (const socket of [idle, head, body]) socket.resume();
    await until('idle and head are cut', () => idle.closed && head.closed, limits.requestHeadMs + 20_000);
    assert.equal(body.closed, false);
    await until('the body is cut', () => body.closed, limits.requestArrivalMs + 20_000);
    assert.match(answer(), /^HTTP\/1.1 408 /);
  });
});

describe('large requests', () => {
  test('half-sent bodies of one key take its share of room alone; others are answered meanwhile, and so is what is small', async () => {
    await using hub = await startTestHub();
    const { secret } = await makeKey(hub, 'ANALYST');
    using raw = new Connections(hub);
    const atOnce = limits.bodiesBytesPerKey / limits.requestBytes;
    await raw.openMany(3 * atOnce, `${postHead(limits.requestBytes, secret)}${' '.repeat(1_000)}`);
    const large = ' '.repeat(1_000_000);
    assert.equal((await hub.ask('{ __typename }', { large })).status, 200);
    assert.equal((await hub.ask('{ __typename }', {}, secret)).status, 200);
    const waiting = hub.ask('{ __typename }', { large }, secret);
    // Their room goes to those that wait, in the order in which they came.
    for (const socket of raw.all) socket.destroy();
    assert.equal((await waiting).status, 200);
  });

  test('what finds no room in time is told to come again', async () => {
    await using hub = await startTestHub();
    const { secret } = await makeKey(hub, 'ANALYST');
    using raw = new Connections(hub);
    const atOnce = limits.bodiesBytesPerKey / limits.requestBytes;
    await raw.openMany(atOnce, `${postHead(limits.requestBytes, secret)} `);
    const ask = () =>
      fetch(`${hub.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${secret}` },
        body: JSON.stringify({ query: '{ __typename }', variables: { large: ' '.repeat(1_000_000) } }),
      });
    // Some may come in before the half-sent ones have their room.
    const answer = await until('one is refused', async () => {
      const some = await ask();
      return some.status !== 200 && some;
    });
    assert.equal(answer.status, 503);
    assert.equal(answer.headers.get('retry-after'), '1');
    assert.match(await answer.text(), /"code":"UNAVAILABLE"/);
  });
});

describe('wrong keys', () => {
  test('are counted, told in one line a minute, and answered later and later, while a good key of the same address waits for nothing', async () => {
    const { log, lines } = keptLog();
    await using hub = await startTestHub({ overrides: { log } });
    const wrong = Array.from(
      { length: 30 },
      (_, n) => `hub_wrong_key_of_the_tests_${String(n).padStart(10, '0')}`,
    );
    let answered = 0;
    const tries = wrong.map(async key => {
      assert.equal((await hub.ask('{ __typename }', {}, key)).status, 401);
      answered += 1;
    });
    await until('the first are answered', () => answered >= limits.wrongKeysFree);
    assert.equal((await hub.ask('{ __typename }')).status, 200);
    assert.ok(answered < wrong.length, 'the good key was answered after all wrong ones');
    await Promise.all(tries);
    using bare = await openSocket(hub, { key: null });
    bare.send(init(wrong[0]));
    assert.equal((await bare.closed()).code, 4403);
    assert.equal(await metric(hub, 'voucher_hub_wrong_keys_total'), wrong.length + 1);
    const told = lines().filter(line => line.msg === 'wrong API keys came from this address');
    assert.deepEqual(
      told.map(({ address, wrong_keys }) => ({ address, wrong_keys })),
      [{ address: '127.0.0.1', wrong_keys: 1 }],
    );
  });

  test('count for the caller that a trusted proxy names, and for who connected where the proxy is not trusted', async () => {
    for (const [trusted, address] of [
      ['127.0.0.0/8', '203.0.113.7'],
      ['192.0.2.1', '127.0.0.1'],
    ] as const) {
      const { log, lines } = keptLog();
      await using hub = await startTestHub({
        env: { HUB_TRUSTED_PROXIES: trusted },
        overrides: { log },
      });
      await fetch(`${hub.url}/graphql?query={__typename}`, {
        headers: { authorization: 'Bearer wrong', 'x-forwarded-for': '198.51.100.1, 203.0.113.7' },
      });
      const told = lines().filter(line => line.msg === 'wrong API keys came from this address');
      assert.deepEqual(
        told.map(line => line.address),
        [address],
      );
    }
  });
});

test('with a port of its own for metrics the other one has none, and both answer health checks', async () => {
  await using hub = await startTestHub({ env: { HUB_METRICS_PORT: '0' } });
  const { metricsUrl } = hub.hub;
  assert.ok(metricsUrl !== null && metricsUrl !== hub.url);
  const statusOf = async (url: string) => (await fetch(url)).status;
  assert.equal(await statusOf(`${hub.url}/metrics`), 404);
  assert.equal(await statusOf(`${hub.url}/readyz`), 200);
  assert.equal(await statusOf(`${metricsUrl}/metrics`), 200);
  assert.equal(await statusOf(`${metricsUrl}/readyz`), 200);
  assert.equal(await statusOf(`${metricsUrl}/healthz`), 200);
  assert.equal(await statusOf(`${metricsUrl}/graphql`), 404);
});
