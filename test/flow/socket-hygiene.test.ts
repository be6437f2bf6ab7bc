import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { limits } from '../../src/core/limits.ts';
import { makeKey } from '../support/access.ts';
import { startTestHub, type TestHub } from '../support/hub.ts';
import { startPostgresProxy } from '../support/postgres-proxy.ts';
import {
  ask,
  askSocket,
  init,
  keptLog,
  openSocket,
  type SocketEnd,
  SocketStack,
  SweepClock,
  socketClient,
  socketUrl,
} from '../support/sockets.ts';
import { once, until } from '../support/wait.ts';

const revoke = 'mutation ($id: ID!) { revokeApiKey(id: $id) { id } }';

/** The head of a request that asks for a socket. */
function upgradeHead(path = '/graphql'): string {
  return `GET ${path} HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n`;
}

function connectTo(hub: TestHub): Socket {
  const { hostname, port } = new URL(hub.url);
  return connect(Number(port), hostname).on('error', () => {});
}

/** Asks for a socket without ever becoming one; the status of the answer. */
async function upgradeRaw(hub: TestHub): Promise<{ raw: Socket; status: number }> {
  const raw = connectTo(hub);
  raw.write(upgradeHead());
  const [answer]: unknown[] = await once(raw, 'data');
  return { raw, status: Number(/^HTTP\/1\.1 (\d+)/.exec(String(answer))?.[1]) };
}

/** How a socket ends that sends this. */
async function endAfter(hub: TestHub, key: string | null, ...sent: (string | object)[]): Promise<SocketEnd> {
  using bare = await openSocket(hub, key === null ? { key } : {});
  bare.send(...sent);
  return await bare.closed();
}

describe('what clients do wrong', () => {
  test('closes their socket with the code that graphql-ws defines for it, and nothing else', async () => {
    await using hub = await startTestHub();
    using bystander = await openSocket(hub);
    const known = 'the key is known';
    const cases: [what: string, key: string | null, sent: (string | object)[], end: SocketEnd][] = [
      ['a subscribe before who it is', null, [ask('1')], { code: 4401, reason: 'Unauthorized' }],
      ['no JSON', null, ['{'], { code: 4400, reason: 'Invalid message received' }],
      ['no such type', known, [{ type: 'x' }], { code: 4400, reason: 'Invalid message received' }],
      [
        'a type of servers alone',
        known,
        [{ type: 'next', id: '1', payload: {} }],
        { code: 4400, reason: 'Unexpected message of type next received' },
      ],
      ['says twice who it is', known, [init()], { code: 4429, reason: 'Too many initialisation requests' }],
      [
        'says twice at once who it is',
        null,
        [init(), init()],
        { code: 4429, reason: 'Too many initialisation requests' },
      ],
      [
        'an id in use',
        known,
        [ask('7'), ask('7')],
        { code: 4409, reason: 'Subscriber for 7 already exists' },
      ],
      [
        'a long id in use',
        known,
        [ask('七'.repeat(5_000)), ask('七'.repeat(5_000))],
        { code: 4409, reason: `Subscriber for ${'七'.repeat(25)}` },
      ],
    ];
    for (const [what, key, sent, end] of cases)
      assert.deepEqual(await endAfter(hub, key, ...sent), end, what);
    bystander.send(ask('1'));
    await until('the bystander is answered', () =>
      bystander.messages.some(message => message.type === 'next'),
    );
    assert.equal(bystander.end, undefined);
  });

  test('frames that no WebSocket may send close their socket, and the log of the hub says so', async () => {
    const { log, lines } = keptLog();
    await using hub = await startTestHub({ overrides: { log } });
    const frames: [what: string, frame: Buffer, code: number][] = [
      ['unmasked', Buffer.from([0x81, 0x02, 0x7b, 0x7d]), 1002],
      ['reserved bits', Buffer.from([0xf1, 0x80, 0, 0, 0, 0]), 1002],
      ['no such opcode', Buffer.from([0x83, 0x80, 0, 0, 0, 0]), 1002],
      ['no UTF-8', Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28]), 1007],
      ['too long', Buffer.from([0x81, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]), 1009],
      ['too many parts', Buffer.concat(fragments(limits.socketFragments + 1)), 1008],
    ];
    for (const [what, frame, code] of frames) {
      const { raw } = await upgradeRaw(hub);
      raw.write(frame);
      const chunks: Buffer[] = [];
      raw.on('data', (chunk: Buffer) => chunks.push(chunk));
      // A close frame is 0x88, a length, and the code.
      const told = await until(what, () => closeCodeIn(Buffer.concat(chunks)));
      assert.equal(told, code, what);
      raw.destroy();
    }
    assert.equal(lines().filter(line => line.msg === 'socket closed for a bad frame').length, frames.length);
    assert.equal((await hub.ask('{ __typename }')).status, 200);
  });

  test('a client that speaks another protocol, or none, is closed with 4406', async () => {
    await using hub = await startTestHub();
    const socket = new WebSocket(socketUrl(hub));
    const [code]: unknown[] = await once(socket, 'close');
    assert.equal(code, 4406);
  });

  test('a client that is refused and resets its connection at once does not end the hub', async () => {
    await using hub = await startTestHub();
    for (let round = 0; round < 50; round += 1) {
      const raw = connectTo(hub);
      await once(raw, 'connect');
      raw.write(upgradeHead('/elsewhere'), () => raw.resetAndDestroy());
      await once(raw, 'close');
    }
    assert.equal((await hub.ask('{ __typename }')).status, 200);
  });

  test('messages are not compressed, even for a client that offers it', async () => {
    await using hub = await startTestHub();
    using bare = await openSocket(hub, { perMessageDeflate: true });
    assert.equal(bare.socket.extensions, '');
  });
});

/** One message in so many frames, masked with zeros. */
function fragments(count: number): Buffer[] {
  return Array.from({ length: count }, (_, n) =>
    Buffer.from([n === 0 ? 0x01 : 0x00, 0x81, 0, 0, 0, 0, 0x20]),
  );
}

function closeCodeIn(sent: Buffer): number | undefined {
  const at = sent.indexOf(0x88);
  return at < 0 || sent.length < at + 4 ? undefined : sent.readUInt16BE(at + 2);
}

describe('how many sockets there may be', () => {
  test('a key has so many at once; the next is closed with 1013 and told why, others are not touched, and when one goes there is room', async () => {
    await using hub = await startTestHub();
    const { secret } = await makeKey(hub, 'ANALYST');
    using all = new SocketStack();
    for (let n = 0; n < limits.socketsPerKey; n += 32) {
      const some = await Promise.all(Array.from({ length: 32 }, () => openSocket(hub, { key: secret })));
      for (const bare of some) all.add(bare);
    }
    assert.ok(all.sockets.every(bare => bare.messages[0]?.type === 'connection_ack'));
    using tooMany = await openSocket(hub, { key: secret });
    assert.deepEqual(await tooMany.closed(), {
      code: 1013,
      reason: `Too many sockets: at most ${limits.socketsPerKey} at once with one API key; try again later`,
    });
    using another = await openSocket(hub);
    assert.equal(another.messages[0]?.type, 'connection_ack');
    assert.ok(all.sockets.every(bare => bare.end === undefined));
    const [first] = all.sockets;
    first?.socket.close();
    await first?.closed();
    const again = await until('there is room', async () => {
      const bare = all.add(await openSocket(hub, { key: secret }));
      return bare.messages[0]?.type === 'connection_ack' && bare;
    });
    assert.equal(again.end, undefined);
  });

  test('of those that have not said who they are the oldest are closed where there are too many, so whoever comes gets in, and known ones are not touched', async () => {
    const clock = new SweepClock();
    await using hub = await startTestHub({ overrides: { clock } });
    using known = await openSocket(hub);
    const mutes: Socket[] = [];
    using _raw = { [Symbol.dispose]: () => mutes.forEach(raw => raw.destroy()) };
    for (let n = 0; n < limits.connectionsUnkeyedPerAddress + 64; n += 64)
      for (const { raw } of await Promise.all(Array.from({ length: 64 }, () => upgradeRaw(hub))))
        mutes.push(raw);
    await until('the oldest are closed', () => mutes.filter(raw => raw.closed).length >= 64);
    using newcomer = await openSocket(hub);
    assert.equal(newcomer.messages[0]?.type, 'connection_ack');
    known.send(ask('1'));
    await until('the known one is answered', () => known.messages.some(message => message.type === 'next'));
    // They never answer the close either: 4408 comes after three seconds, and the cut three seconds later.
    await until('all of them are cut', async () => {
      await clock.pass(limits.socketCloseMs);
      return mutes.every(raw => raw.closed);
    });
    assert.equal(known.end, undefined);
    assert.equal(newcomer.end, undefined);
  });
});

describe('keys of open sockets', () => {
  test('when a key is revoked its sockets can ask nothing more and are closed with 4403, and those of other keys stay', async () => {
    const clock = new SweepClock();
    await using hub = await startTestHub({ overrides: { clock } });
    const { id, secret } = await makeKey(hub, 'ANALYST');
    await using client = socketClient(hub, secret);
    assert.equal((await askSocket(client, '{ eventTypes { name } }')).errors, undefined);
    using first = await openSocket(hub, { key: secret });
    using second = await openSocket(hub, { key: secret });
    using other = await openSocket(hub);
    await hub.data(revoke, { id });
    const { errors } = await askSocket(client, '{ eventTypes { name } }');
    assert.equal(errors?.[0]?.extensions?.code, 'UNAUTHENTICATED');
    await clock.pass(limits.socketSweepMs);
    for (const bare of [first, second])
      assert.deepEqual(await bare.closed(), { code: 4403, reason: 'Forbidden: the API key is revoked' });
    await clock.pass(10_000);
    assert.equal(other.end, undefined);
  });

  test('the database is asked once for a key every few seconds, however many sockets it has', async () => {
    const clock = new SweepClock();
    await using base = await startTestHub({ env: { HUB_ROLES: 'api' } });
    await using proxy = await startPostgresProxy(base.databaseUrl);
    await using hub = await startTestHub({
      databaseUrl: proxy.url,
      env: { HUB_ROLES: 'api' },
      overrides: { clock },
    });
    using all = new SocketStack();
    for (let n = 0; n < 30; n += 1) all.add(await openSocket(hub));
    proxy.reset();
    await clock.pass(10 * limits.keyCacheMs);
    assert.ok(proxy.statements() >= 8 && proxy.statements() <= 12, `${proxy.statements()} statements`);
  });

  test('while the database is away open sockets stay, and who comes is told to come again', async () => {
    const clock = new SweepClock();
    await using base = await startTestHub({ env: { HUB_ROLES: 'api' } });
    await using proxy = await startPostgresProxy(base.databaseUrl);
    await using hub = await startTestHub({
      databaseUrl: proxy.url,
      env: { HUB_ROLES: 'api' },
      overrides: { clock },
    });
    const { secret } = await makeKey(hub, 'ANALYST');
    using open = await openSocket(hub);
    await proxy[Symbol.asyncDispose]();
    await clock.pass(4 * limits.keyCacheMs);
    assert.equal(open.end, undefined);
    using late = await openSocket(hub, { key: secret });
    assert.deepEqual(await late.closed(), {
      code: 1013,
      reason: 'Try again later: the database does not answer',
    });
  });
});

describe('when the hub stops', () => {
  test('sockets are closed with 1012 and told to connect again, and one that does not answer holds up the stop for three seconds at most', async () => {
    const hub = await startTestHub();
    using polite = await openSocket(hub);
    using mute = await openSocket(hub);
    mute.socket.pause();
    const startedAt = performance.now();
    await hub[Symbol.asyncDispose]();
    const tookMs = performance.now() - startedAt;
    assert.deepEqual(await polite.closed(), { code: 1012, reason: 'Service restart: connect again' });
    assert.ok(tookMs >= limits.socketCloseMs - 100 && tookMs < limits.stopMs, `${tookMs} ms`);
  });

  test('where all answer, the stop does not wait', async () => {
    const stops: number[] = [];
    for (let n = 0; n < 3; n += 1) {
      await using hub = await startTestHub();
      using polite = await openSocket(hub);
      const startedAt = performance.now();
      await hub[Symbol.asyncDispose]();
      assert.equal((await polite.closed()).code, 1012);
      stops.push(performance.now() - startedAt);
    }
    // The quickest, as the machine may be busy during one.
    assert.ok(Math.min(...stops) < limits.socketCloseMs, `${stops} ms`);
  });

  test('the public client connects again by itself to the hub that comes after', async () => {
    const first = await startTestHub();
    const connected: unknown[] = [];
    const client = createClient({
      lazy: false,
      url: socketUrl(first),
      webSocketImpl: WebSocket,
      connectionParams: { authorization: `Bearer ${(await makeKey(first, 'ANALYST')).secret}` },
      retryAttempts: 50,
      retryWait: () => new Promise(resolve => setTimeout(resolve, 50)),
      shouldRetry: () => true,
      on: { connected: socket => void connected.push(socket) },
    });
    await until('it is connected', () => connected.length === 1);
    await first[Symbol.asyncDispose]();
    await using second = await startTestHub({
      databaseUrl: first.databaseUrl,
      env: { HUB_PORT: new URL(first.url).port },
    });
    await using _client = { [Symbol.asyncDispose]: async () => client.dispose() };
    assert.equal(second.url, first.url);
    await until('it is connected again', () => connected.length === 2);
    assert.equal((await askSocket(client, '{ eventTypes { name } }')).errors, undefined);
  });
});
