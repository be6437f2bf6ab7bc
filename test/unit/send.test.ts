import assert from 'node:assert/strict';
import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createNetServer } from 'node:net';
import { test } from 'node:test';
import { type Clock, systemClock } from '../../src/core/clock.ts';
import { limits } from '../../src/core/limits.ts';
import type { Verdict } from '../../src/core/model.ts';
import { parseTargetAllow, type ResolveAll } from '../../src/delivery/webhook/guard.ts';
import { WebhookSender } from '../../src/delivery/webhook/send.ts';
import {
  cleanUp,
  listen,
  local,
  ManualClock,
  post,
  rawReceiver,
  receiver,
  sender,
  signalled,
} from '../support/send-bench.ts';
import { once, until } from '../support/wait.ts';

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
    bodyEnd: 'whole',
    contentEncoding: null,
    receipt: null,
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

test('a date in Retry-After is held against the time that is given, though the clock is an hour off', async () => {
  const url = await receiver((_request, response) => {
    response.writeHead(503, { 'retry-after': 'Sat, 28 Nov 2026 00:00:07 GMT' }).end();
  });
  const time = new ManualClock();
  const clock: Clock = { ...systemClock, now: () => time.now() - 3_600_000 };
  const hub = new WebhookSender({ allow: parseTargetAllow('127.0.0.0/8'), clock, time });
  cleanUp(() => hub[Symbol.asyncDispose]());
  assert.equal((await hub.send(post(url))).retryAfterMs, 7_000);
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
  const paths: (string | undefined)[] = [];
  const connected = signalled<void>();
  const server = createServer((request, response) => {
    paths.push(request.url);
    response.end();
  }).on('connection', () => connected.done());
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
  const sent = hub.send(post(`http://slow.example:${port}/late`, { timeoutMs: 2_000 }));
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
  assert.equal((await hub.send(post(`http://slow.example:${port}/next`))).verdict, 'accepted');
  assert.deepEqual(paths, ['/next']);
});

/** Sends so many requests one after the other, in so many rows at once; how many connections that took. */
async function connectionsOf(rows: number, requests: number): Promise<number> {
  let connections = 0;
  const server = createServer((_request, response) => response.end('ok')).on(
    'connection',
    () => connections++,
  );
  const url = `http://127.0.0.1:${await listen(server)}/`;
  const hub = sender();
  const follow = async () => {
    for (let i = 0; i < requests; i++) assert.equal((await hub.send(post(url))).verdict, 'accepted');
  };
  await Promise.all(Array.from({ length: rows }, follow));
  return connections;
}

test('connections are kept from one request to the next', async () => {
  assert.equal(await connectionsOf(1, 20), 1);
});

test('as many connections are opened as there are requests at once, however fast they follow one another', async () => {
  assert.equal(await connectionsOf(8, 50), 8);
});

for (const header of ['Connection: close\r\n', '']) {
  const how = header === '' ? 'and goes on reading' : 'and closes';
  test(`a 2xx that comes before the whole request is out is no acceptance, where the target answers ${how}`, async () => {
    const url = await rawReceiver(socket => {
      socket.pause();
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 2\r\n${header}\r\nok`);
      setTimeout(() => socket.resume(), 50);
    });
    const result = await sender().send(post(url, { body: Buffer.alloc(20_000_000, 0x20) }));
    assert.deepEqual([result.verdict, result.errorCode], ['response', 'ANSWERED_EARLY']);
    assert.match(result.errorMessage ?? '', /answered 200 before the whole request had been sent/);
  });
}

test('a large request that is read to its end before the answer is accepted', async () => {
  let bytes = 0;
  const url = await receiver(async (request, response) => {
    for await (const chunk of request) bytes += chunk.length;
    response.end('ok');
  });
  const result = await sender().send(post(url, { body: Buffer.alloc(20_000_000, 0x20) }));
  assert.deepEqual([result.verdict, bytes], ['accepted', 20_000_000]);
});

for (const [how, header] of [
  ['and says so', 'Connection: close\r\n'],
  ['without a word', ''],
] as const) {
  test(`a target that closes each connection behind its answer, ${how}, takes every request`, async () => {
    let connections = 0;
    const url = await rawReceiver(socket => {
      connections += 1;
      socket.end(`HTTP/1.1 200 OK\r\nContent-Length: 2\r\n${header}\r\nok`);
    });
    const hub = sender();
    const shard = async () => {
      const verdicts: string[] = [];
      for (let n = 0; n < 50; n++) verdicts.push((await hub.send(post(url))).verdict);
      return verdicts;
    };
    const verdicts = await Promise.all(Array.from({ length: 4 }, shard));
    assert.deepEqual([...new Set(verdicts.flat())], ['accepted']);
    assert.equal(connections, 200);
  });
}

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
  await until('the connections beyond the bound are closed', () => open <= limits.targetOrigins);
});
