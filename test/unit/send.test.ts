import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createNetServer, type Server as NetServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { type Clock, systemClock } from '../../src/core/clock.ts';
import { limits } from '../../src/core/limits.ts';
import type { Verdict } from '../../src/core/model.ts';
import { parseTargetAllow, type ResolveAll } from '../../src/delivery/webhook/guard.ts';
import { type SendRequest, WebhookSender } from '../../src/delivery/webhook/send.ts';

/** Time that stands still until it is moved. */
class ManualClock implements Clock {
  #now = Date.UTC(2026, 10, 28);
  readonly #timers = new Set<{ at: number; fn: () => void }>();

  now = () => this.#now;

  after(delayMs: number, fn: () => void): () => void {
    const timer = { at: this.#now + delayMs, fn };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise(resolve => this.after(delayMs, resolve));
  }

  every(): () => void {
    throw new Error('not used here');
  }

  advance(ms: number): void {
    this.#now += ms;
    for (const timer of this.#timers) {
      if (timer.at > this.#now) continue;
      this.#timers.delete(timer);
      timer.fn();
    }
  }

  get pending(): number {
    return this.#timers.size;
  }
}

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function listen(server: NetServer): Promise<number> {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
  };
  server.on('connection', keep);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** An HTTP server on a free port; the URL of its root. */
async function receiver(
  handler: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  return `http://127.0.0.1:${await listen(createServer(handler))}/`;
}

/** A TCP server that is handed each connection once a whole request head has come. */
async function rawReceiver(onRequest: (socket: Socket, head: string) => void): Promise<string> {
  const server = createNetServer(socket => {
    socket.on('data', data => {
      if (data.includes('\r\n\r\n')) onRequest(socket, data.toString('latin1'));
    });
  });
  return `http://127.0.0.1:${await listen(server)}/`;
}

function sender(options: { clock?: Clock; lookup?: ResolveAll; allow?: string } = {}): WebhookSender {
  const { clock = systemClock, lookup, allow = '127.0.0.0/8' } = options;
  const made = new WebhookSender({ allow: parseTargetAllow(allow), clock, lookup });
  cleanups.push(() => made[Symbol.asyncDispose]());
  return made;
}

function post(url: string, more: Partial<SendRequest> = {}): SendRequest {
  return {
    url,
    headers: {},
    body: Buffer.from('{"event": "x"}'),
    timeoutMs: 10_000,
    wantBody: false,
    ...more,
  };
}

function local(address = '127.0.0.1'): ResolveAll {
  return async () => [{ address, family: 4 }];
}

/** A promise and the function that fulfils it. */
function signalled<T>(): { promise: Promise<T>; done: (value: T) => void } {
  const { promise, resolve } = Promise.withResolvers<T>();
  return { promise, done: resolve };
}

test('a 2xx accepts: the request goes out as the contract words it and the answer is kept as an excerpt', async () => {
  const seen: { method?: string; url?: string; headers: IncomingMessage['headers']; body: string }[] = [];
  const url = await receiver(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    seen.push({ method: request.method, url: request.url, headers: request.headers, body });
    response.end('all right\u0000\n\tthanks');
  });
  const clock = new ManualClock();
  const result = await sender({ clock }).send(
    post(`${url}hook?a=b%20c`, { headers: { 'x-signature': 'sha256:00', 'x-source-system': '结算' } }),
  );
  assert.deepEqual(result, {
    verdict: 'accepted',
    statusCode: 200,
    errorCode: null,
    errorMessage: null,
    retryAfterMs: null,
    responseExcerpt: 'all right thanks',
    startedAt: clock.now(),
    durationMs: 0,
    body: null,
    bodyComplete: true,
  });
  const [{ method, url: path, headers, body } = assert.fail('no request')] = seen;
  assert.deepEqual([method, path, body], ['POST', '/hook?a=b%20c', '{"event": "x"}']);
  assert.equal(headers['content-type'], 'application/json');
  assert.equal(headers['accept-encoding'], 'identity');
  assert.equal(headers['user-agent'], 'voucher-hub');
  assert.equal(headers['x-signature'], 'sha256:00');
  assert.equal(Buffer.from(String(headers['x-source-system']), 'latin1').toString('utf8'), '结算');
  assert.equal(clock.pending, 0);
});

test('every status that a server can give is judged by the table, with HTTP_<status> for what is no 2xx', async () => {
  const url = await receiver((request, response) => {
    request.resume();
    response.writeHead(Number(request.url?.slice(1)), { location: '/elsewhere' }).end();
  });
  const table: Partial<Record<number, Verdict>> = {
    400: 'data',
    408: 'busy',
    410: 'gone',
    413: 'data',
    415: 'data',
    422: 'data',
    425: 'busy',
    429: 'busy',
  };
  const hub = sender();
  const statuses = Array.from({ length: 400 }, (_, i) => 200 + i);
  await Promise.all(
    statuses.map(async status => {
      const result = await hub.send(post(url + status));
      const expected = table[status] ?? (status < 300 ? 'accepted' : status < 500 ? 'answer' : 'busy');
      assert.deepEqual(
        [result.verdict, result.statusCode, result.errorCode],
        [expected, status, status < 300 ? null : `HTTP_${status}`],
      );
    }),
  );
});

test('a redirect is a failure and is not followed', async () => {
  const paths: (string | undefined)[] = [];
  const url = await receiver((request, response) => {
    paths.push(request.url);
    response.writeHead(302, { location: 'http://169.254.169.254/' }).end();
  });
  const result = await sender().send(post(url));
  assert.equal(result.verdict, 'answer');
  assert.equal(result.errorCode, 'HTTP_302');
  assert.equal(result.errorMessage, 'The target answered 302 Found; redirects are not followed.');
  assert.deepEqual(paths, ['/']);
});

test('Retry-After is reported for what is not accepted, in milliseconds and at most ten minutes', async () => {
  const url = await receiver((request, response) => {
    const [, status, after] = decodeURIComponent(request.url ?? '').split('/');
    response.writeHead(Number(status), { 'retry-after': after }).end();
  });
  const clock = new ManualClock();
  const hub = sender({ clock });
  const retryAfter = async (status: number, text: string) =>
    (await hub.send(post(`${url}${status}/${encodeURIComponent(text)}`))).retryAfterMs;
  assert.equal(await retryAfter(429, '3'), 3_000);
  assert.equal(await retryAfter(503, '864000'), 600_000);
  assert.equal(await retryAfter(503, 'Sat, 28 Nov 2026 00:00:07 GMT'), 7_000);
  assert.equal(await retryAfter(429, 'soon'), null);
  assert.equal(await retryAfter(200, '3'), null);
});

test('a target that never answers ends with the total time-out', async () => {
  const asked = signalled<void>();
  const url = await receiver(() => asked.done());
  const clock = new ManualClock();
  const sent = sender({ clock }).send(post(url, { timeoutMs: 5_000 }));
  await asked.promise;
  clock.advance(5_000);
  const { verdict, errorCode, errorMessage, durationMs } = await sent;
  assert.deepEqual(
    [verdict, errorCode, errorMessage, durationMs],
    ['response', 'ETIMEDOUT', 'No answer within 5000 ms.', 5_000],
  );
  assert.equal(clock.pending, 0);
});

test('a time-out before a connection came about counts as no connection, and nothing is sent afterwards', async () => {
  let requests = 0;
  const connected = signalled<void>();
  const server = createServer(() => requests++).on('connection', () => connected.done());
  const port = await listen(server);
  const looked = signalled<void>();
  const resolved = signalled<void>();
  const clock = new ManualClock();
  const lookup: ResolveAll = async hostname => {
    looked.done();
    await resolved.promise;
    return local()(hostname);
  };
  const hub = sender({ clock, lookup });
  const sent = hub.send(post(`http://slow.example:${port}/`, { timeoutMs: 2_000 }));
  await looked.promise;
  clock.advance(2_000);
  const { verdict, errorCode, errorMessage } = await sent;
  assert.deepEqual(
    [verdict, errorCode, errorMessage],
    ['connect', 'ETIMEDOUT', 'No connection within 2000 ms.'],
  );
  resolved.done();
  await connected.promise;
  // A later request on the same pool proves that the late one was dropped, not merely delayed.
  server.removeAllListeners('request').on('request', (_request, response) => response.end());
  assert.equal((await hub.send(post(`http://slow.example:${port}/`))).verdict, 'accepted');
  assert.equal(requests, 0);
});

test('an accepted answer whose body trickles is accepted after the grace period, and the connection is cut', async () => {
  const closed = signalled<void>();
  const begun = signalled<void>();
  const url = await receiver((_request, response) => {
    response.writeHead(200).write('o');
    const timer = setInterval(() => response.write('.'), 5);
    response.on('close', () => {
      clearInterval(timer);
      closed.done();
    });
    begun.done();
  });
  const clock = new ManualClock();
  const sent = sender({ clock }).send(post(url, { timeoutMs: 60_000 }));
  await begun.promise;
  while (clock.pending < 2) await new Promise(setImmediate);
  clock.advance(limits.answerGraceMs);
  const result = await sent;
  assert.deepEqual(
    [result.verdict, result.bodyComplete, result.durationMs],
    ['accepted', false, limits.answerGraceMs],
  );
  assert.match(result.responseExcerpt ?? '', /^o?\.*$/);
  await closed.promise;
});

test('a refusal whose body trickles is reported after the grace period as well', async () => {
  const url = await receiver(
    (_request, response) => void response.writeHead(503, { 'retry-after': '9' }).write('busy'),
  );
  const clock = new ManualClock();
  const sent = sender({ clock }).send(post(url, { timeoutMs: 60_000, wantBody: true }));
  while (clock.pending < 2) await new Promise(setImmediate);
  clock.advance(limits.answerGraceMs);
  const result = await sent;
  assert.deepEqual(
    [result.verdict, result.errorCode, result.retryAfterMs, result.body],
    ['busy', 'HTTP_503', 9_000, null],
  );
});

test('a wanted body is waited for beyond the grace period, until the total time-out', async () => {
  const begun = signalled<ServerResponse>();
  const url = await receiver((_request, response) => {
    response.writeHead(207).write('{"results": ');
    begun.done(response);
  });
  const clock = new ManualClock();
  const hub = sender({ clock });
  const whole = hub.send(post(url, { wantBody: true }));
  const response = await begun.promise;
  clock.advance(limits.answerGraceMs * 5);
  response.end('[]}');
  const { verdict, statusCode, body, bodyComplete } = await whole;
  assert.deepEqual([verdict, statusCode, body, bodyComplete], ['accepted', 207, '{"results": []}', true]);

  const cut = hub.send(post(`${url}`, { wantBody: true, timeoutMs: 10_000 }));
  let settled = false;
  void cut.then(() => {
    settled = true;
  });
  await new Promise(setImmediate);
  clock.advance(9_999);
  await new Promise(setImmediate);
  assert.equal(settled, false);
});

test('a wanted body that does not end or is cut off says so, and the status still decides', async () => {
  const begun = signalled<void>();
  const url = await receiver((request, response) => {
    response.writeHead(200, { 'content-length': 100 });
    response.write('{"res', () => (request.url === '/cut' ? response.destroy() : begun.done()));
  });
  const clock = new ManualClock();
  const hub = sender({ clock });
  const cut = await hub.send(post(`${url}cut`, { wantBody: true }));
  assert.deepEqual([cut.verdict, cut.body, cut.bodyComplete], ['accepted', '{"res', false]);
  const socket = await rawReceiver(peer => peer.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"res'));
  const timer = new ManualClock();
  const slow = sender({ clock: timer }).send(post(socket, { wantBody: true, timeoutMs: 3_000 }));
  while (timer.pending < 1) await new Promise(setImmediate);
  const early = Symbol('early');
  assert.equal(await Promise.race([slow, new Promise(resolve => setTimeout(resolve, 50, early))]), early);
  timer.advance(3_000);
  const result = await slow;
  assert.deepEqual([result.verdict, result.body, result.bodyComplete], ['accepted', '{"res', false]);
});

test('of a 10 MB answer only the first part is read', async () => {
  const closed = signalled<void>();
  let accepted = 0;
  const url = await receiver((_request, response) => {
    response.on('close', () => closed.done()).writeHead(200);
    const chunk = Buffer.alloc(65_536, '中文');
    const more = () => {
      while (accepted < 10_000_000 && !response.destroyed) {
        accepted += chunk.length;
        if (!response.write(chunk)) return response.once('drain', more);
      }
      response.end();
    };
    more();
  });
  const result = await sender().send(post(url, { wantBody: true }));
  await closed.promise;
  assert.equal(result.verdict, 'accepted');
  assert.equal(result.bodyComplete, false);
  assert.ok(Buffer.byteLength(result.body ?? '') <= limits.answerBytes + 3);
  assert.equal(result.responseExcerpt?.length, limits.excerptChars);
  assert.ok(accepted < 10_000_000, `${accepted} bytes were written`);
});

test('a body of exactly the limit is whole, one byte more is not', async () => {
  const url = await receiver((request, response) => response.end('a'.repeat(Number(request.url?.slice(1)))));
  const hub = sender();
  for (const [size, complete] of [
    [limits.answerBytes, true],
    [limits.answerBytes + 1, false],
  ] as const) {
    const result = await hub.send(post(url + size, { wantBody: true }));
    assert.deepEqual([result.body?.length, result.bodyComplete], [limits.answerBytes, complete]);
  }
});

test('a compressed answer is not expanded', async () => {
  const zipped = gzipSync(Buffer.alloc(10_000_000));
  const url = await receiver((_request, response) =>
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(zipped),
  );
  const result = await sender().send(post(url, { wantBody: true }));
  assert.equal(result.verdict, 'accepted');
  assert.equal(result.body, zipped.toString('utf8', 0, limits.answerBytes));
  assert.ok(!(result.responseExcerpt ?? '').includes('\u0000'));
  assert.ok((result.responseExcerpt ?? '').isWellFormed());
});

test('endless headers are broken off', async () => {
  const url = await rawReceiver(socket => {
    socket.write('HTTP/1.1 200 OK\r\n');
    const more = (): void => {
      if (socket.destroyed) return;
      if (socket.write(`x-more: ${'a'.repeat(1_000)}\r\n`)) setImmediate(more);
      else socket.once('drain', more);
    };
    more();
  });
  const result = await sender().send(post(url));
  assert.deepEqual(
    [result.verdict, result.errorCode, result.statusCode],
    ['response', 'UND_ERR_HEADERS_OVERFLOW', null],
  );
});

test('headers that come byte by byte end with the total time-out', async () => {
  const asked = signalled<void>();
  const url = await rawReceiver(socket => {
    const timer = setInterval(() => socket.write('H'), 5);
    socket.write('HTTP/1.1 200 OK\r\nx-').toString();
    socket.on('close', () => clearInterval(timer));
    asked.done();
  });
  const clock = new ManualClock();
  const sent = sender({ clock }).send(post(url));
  await asked.promise;
  clock.advance(10_000);
  const result = await sent;
  assert.deepEqual([result.verdict, result.errorCode], ['response', 'ETIMEDOUT']);
});

test('announcing 1xx answers are passed over, and a flood of them ends with the total time-out', async () => {
  const hints = 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n';
  const url = await rawReceiver((socket, head) => {
    socket.write(hints.repeat(50));
    if (head.startsWith('POST /then'))
      return void socket.write('HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\nok');
    const timer = setInterval(() => socket.write(hints), 2);
    socket.on('close', () => clearInterval(timer));
  });
  const accepted = await sender().send(post(`${url}then`));
  assert.deepEqual(
    [accepted.verdict, accepted.statusCode, accepted.responseExcerpt],
    ['accepted', 201, 'ok'],
  );
  const flooded = await sender().send(post(`${url}flood`, { timeoutMs: 200 }));
  assert.deepEqual([flooded.verdict, flooded.errorCode, flooded.statusCode], ['response', 'ETIMEDOUT', null]);
});

test('an unasked 100 or 101 is a broken answer, not a crash', async () => {
  const url = await rawReceiver((socket, head) => {
    socket.write(
      head.startsWith('POST /100')
        ? 'HTTP/1.1 100 Continue\r\n\r\n'
        : 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
    );
  });
  for (const path of ['100', '101'])
    assert.equal((await sender().send(post(url + path))).verdict, 'response', path);
});

test('a connection that is reset, closed or speaks no HTTP instead of answering is a failed answer', async () => {
  const url = await rawReceiver((socket, head) => {
    if (head.startsWith('POST /reset')) socket.resetAndDestroy();
    else if (head.startsWith('POST /close')) socket.end();
    else socket.write('220 mail.example ESMTP\r\n');
  });
  const hub = sender();
  const outcome = async (path: string) => {
    const { verdict, errorCode } = await hub.send(post(url + path));
    return `${verdict} ${errorCode}`;
  };
  assert.equal(await outcome('reset'), 'response ECONNRESET');
  assert.equal(await outcome('close'), 'response UND_ERR_SOCKET');
  assert.match(await outcome('garbage'), /^response HPE_/);
});

test('an idle connection that the target closes as the next request comes is a failed answer like any other', async () => {
  const connections = new Set<Socket>();
  let requests = 0;
  const server = createServer((request, response) => {
    requests++;
    if (requests % 2 === 1) response.end('kept');
    else request.socket.resetAndDestroy();
  }).on('connection', socket => connections.add(socket));
  const hub = sender();
  const url = `http://127.0.0.1:${await listen(server)}/`;
  assert.equal((await hub.send(post(url))).verdict, 'accepted');
  const raced = await hub.send(post(url));
  assert.equal(raced.verdict, 'response');
  assert.match(raced.errorCode ?? '', /^(ECONNRESET|UND_ERR_SOCKET)$/);
  assert.equal(connections.size, 1, 'both went over the same connection');
  assert.equal((await hub.send(post(url))).verdict, 'accepted');
  assert.equal(requests, 3, 'the sender itself tries nothing again');
});

test('connections are kept from one request to the next', async () => {
  let connections = 0;
  const server = createServer((_request, response) => response.end('ok')).on(
    'connection',
    () => connections++,
  );
  const url = `http://127.0.0.1:${await listen(server)}/`;
  const hub = sender();
  for (let i = 0; i < 20; i++) assert.equal((await hub.send(post(url))).verdict, 'accepted');
  assert.equal(connections, 1);
});

test('a refused connection and a name that is not known are reported with the system’s codes', async () => {
  const server = createNetServer();
  const port = await listen(server);
  server.close();
  await once(server, 'close');
  const refused = await sender().send(post(`http://127.0.0.1:${port}/`));
  assert.deepEqual(
    [refused.verdict, refused.errorCode, refused.errorMessage],
    ['connect', 'ECONNREFUSED', `connect ECONNREFUSED 127.0.0.1:${port}`],
  );
  const both: ResolveAll = async () => [
    { address: '127.0.0.1', family: 4 },
    { address: '127.0.0.2', family: 4 },
  ];
  const several = await sender({ lookup: both }).send(post(`http://two.example:${port}/`));
  assert.deepEqual([several.verdict, several.errorCode], ['connect', 'ECONNREFUSED']);
  assert.match(several.errorMessage ?? '', /^connect ECONNREFUSED/);
  const unknown: ResolveAll = () =>
    Promise.reject(Object.assign(new Error('getaddrinfo ENOTFOUND no.example'), { code: 'ENOTFOUND' }));
  const lost = await sender({ lookup: unknown }).send(post('http://no.example/'));
  assert.deepEqual([lost.verdict, lost.errorCode], ['connect', 'ENOTFOUND']);
});

test('a target that is not allowed is forbidden: by address, by name, by URL', async () => {
  const hub = sender({ allow: 'none', lookup: local('10.1.2.3') });
  for (const url of [
    'http://169.254.169.254/',
    'http://[::ffff:127.0.0.1]/',
    'http://2130706433/',
    'http://internal.example/',
    'ftp://x.example/',
    'http://u:p@x.example/',
    'nonsense',
    '',
  ]) {
    const result = await hub.send(post(url));
    assert.deepEqual(
      [result.verdict, result.errorCode, result.statusCode],
      ['forbidden', 'TARGET_NOT_ALLOWED', null],
      url,
    );
  }
});

test('a header that cannot be sent is the data’s fault', async () => {
  const url = await receiver((_request, response) => response.end());
  const result = await sender().send(post(url, { headers: { 'x-source-system': 'a\r\nx-evil: 1' } }));
  assert.deepEqual([result.verdict, result.errorCode], ['data', 'UND_ERR_INVALID_ARG']);
});

test('an attempt that is called off ends at once, and one called off before it began is never made', async () => {
  let requests = 0;
  const asked = signalled<void>();
  const url = await receiver(() => {
    requests++;
    asked.done();
  });
  const clock = new ManualClock();
  const stop = new AbortController();
  const hub = sender({ clock });
  const sent = hub.send(post(url, { signal: stop.signal }));
  await asked.promise;
  stop.abort();
  for (const result of [await sent, await hub.send(post(url, { signal: stop.signal }))]) {
    assert.deepEqual([result.verdict, result.errorCode], ['response', 'UND_ERR_ABORTED']);
  }
  assert.equal(requests, 1);
  assert.equal(clock.pending, 0);
});

test('disposing of the sender ends what is under way; afterwards it sends nothing', async () => {
  const asked = signalled<void>();
  const url = await receiver(() => asked.done());
  const hub = sender();
  const sent = hub.send(post(url));
  await asked.promise;
  await hub[Symbol.asyncDispose]();
  for (const result of [await sent, await hub.send(post(url))]) {
    assert.deepEqual([result.verdict, result.errorCode], ['response', 'UND_ERR_DESTROYED']);
  }
});

test('more targets than connections are kept for are served over connections of their own', async () => {
  let open = 0;
  let kept = 0;
  const server = createServer((request, response) => {
    if (request.headers.connection !== 'close') kept++;
    response.end('ok');
  });
  server.maxConnections = 5_000;
  server.on('connection', socket => {
    open++;
    socket.on('close', () => open--);
  });
  const port = await listen(server);
  const hub = sender({ lookup: local() });
  const targets = Array.from(
    { length: limits.targetOrigins + 40 },
    (_, i) => `http://t${i}.example:${port}/`,
  );
  const results = await Promise.all(targets.map(url => hub.send(post(url, { timeoutMs: 60_000 }))));
  assert.deepEqual([...new Set(results.map(({ verdict }) => verdict))], ['accepted']);
  assert.equal(kept, limits.targetOrigins);
  while (open > limits.targetOrigins) await new Promise(setImmediate);
});

const openssl = (() => {
  try {
    return execFileSync('openssl', ['version']).toString().trim();
  } catch {
    return null;
  }
})();

describe('TLS', { skip: openssl === null ? 'openssl is not installed' : false }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'hub-tls-'));
  const trusted = getCACertificates('default');
  const run = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

  /** A certificate for `host`, signed by the authority of these tests unless `self`. */
  function certificate(
    name: string,
    host: string,
    days: number,
    self = false,
  ): { key: string; cert: string } {
    writeFileSync(join(folder, `${name}.ext`), `subjectAltName=DNS:${host}\n`);
    if (self) {
      run(
        'req',
        '-x509',
        ...ec,
        '-keyout',
        `${name}.key`,
        '-out',
        `${name}.pem`,
        '-subj',
        `/CN=${host}`,
        '-days',
        String(days),
        '-addext',
        `subjectAltName=DNS:${host}`,
      );
    } else {
      run('req', ...ec, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${host}`);
      run(
        'x509',
        '-req',
        '-in',
        `${name}.csr`,
        '-CA',
        'ca.pem',
        '-CAkey',
        'ca.key',
        '-days',
        String(days),
        '-extfile',
        `${name}.ext`,
        '-out',
        `${name}.pem`,
      );
    }
    const read = (suffix: string) => readFileSync(join(folder, `${name}.${suffix}`), 'utf8');
    return { key: read('key'), cert: read('pem') };
  }

  async function tlsReceiver(options: {
    key: string;
    cert: string;
    maxVersion?: 'TLSv1.1';
    minVersion?: 'TLSv1';
    ciphers?: string;
  }): Promise<string> {
    let requests = 0;
    const server = createTlsServer(options, (_request, response) => response.end(`request ${++requests}`));
    server.on('tlsClientError', () => {});
    return `https://tls.example:${await listen(server)}/`;
  }

  before(() => {
    run(
      'req',
      '-x509',
      ...ec,
      '-keyout',
      'ca.key',
      '-out',
      'ca.pem',
      '-subj',
      '/CN=Test authority',
      '-days',
      '2',
    );
    setDefaultCACertificates([...trusted, readFileSync(join(folder, 'ca.pem'), 'utf8')]);
  });
  after(() => {
    setDefaultCACertificates(trusted);
    rmSync(folder, { recursive: true });
  });

  test('a target with a good certificate is reached', async () => {
    const url = await tlsReceiver(certificate('good', 'tls.example', 2));
    const result = await sender({ lookup: local() }).send(post(url));
    assert.deepEqual(
      [result.verdict, result.errorMessage, result.responseExcerpt],
      ['accepted', null, 'request 1'],
    );
  });

  test('self-signed, expired and wrongly named certificates are refused every time, whatever the environment says', async () => {
    const verify = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    cleanups.push(() => {
      if (verify === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
      else process.env.NODE_TLS_REJECT_UNAUTHORIZED = verify;
    });
    for (const [name, host, days, self, code] of [
      ['self', 'tls.example', 2, true, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
      ['expired', 'tls.example', -1, false, 'CERT_HAS_EXPIRED'],
      ['wrong', 'other.example', 2, false, 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ] as const) {
      const url = await tlsReceiver(certificate(name, host, days, self));
      const hub = sender({ lookup: local() });
      for (let attempt = 0; attempt < 3; attempt++) {
        const result = await hub.send(post(url));
        assert.deepEqual(
          [result.verdict, result.errorCode],
          ['connect', code],
          `${name}, attempt ${attempt}`,
        );
      }
    }
  });

  test('an obsolete TLS version, and a target that speaks no TLS at all, are refused', async () => {
    const old = await tlsReceiver({
      ...certificate('old', 'tls.example', 2),
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    const obsolete = await sender({ lookup: local() }).send(post(old));
    assert.equal(obsolete.verdict, 'connect');
    assert.match(obsolete.errorCode ?? '', /^(ERR_SSL_|EPROTO|ECONNRESET)/);
    const plain = await receiver((_request, response) => response.end());
    const bare = await sender({ lookup: local() }).send(post(plain.replace('http:', 'https:')));
    assert.equal(bare.verdict, 'connect');
    assert.match(bare.errorCode ?? '', /^(ERR_SSL_|EPROTO)/);
  });
});
