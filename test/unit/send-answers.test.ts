import assert from 'node:assert/strict';
import { type Socket } from 'node:net';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { limits } from '../../src/core/limits.ts';
import { ManualClock, post, rawReceiver, receiver, sender, signalled } from '../support/send-bench.ts';
import { until } from '../support/wait.ts';

/** An answer's body is waited for from its headers on. */
const headersCame = (clock: ManualClock) =>
  until('the headers have come', () => clock.delays.at(-1) === limits.answerGraceMs);

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
  await headersCame(clock);
  clock.advance(limits.answerGraceMs);
  const result = await sent;
  assert.deepEqual(
    [result.verdict, result.bodyEnd, result.durationMs],
    ['accepted', 'late', limits.answerGraceMs],
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
  await headersCame(clock);
  clock.advance(limits.answerGraceMs);
  const result = await sent;
  assert.deepEqual(
    [result.verdict, result.errorCode, result.retryAfterMs, result.body],
    ['busy', 'HTTP_503', 9_000, null],
  );
});

test('a wanted body of an accepted answer is waited for without a grace period, and one that is whole at once needs none', async () => {
  const url = await receiver(({ url: path }, response) => {
    if (path === '/at-once') response.writeHead(200).end('ok');
    else
      response.writeHead(207).write('{"results": ', () => {
        if (path !== '/never') response.end('[]}');
      });
  });
  const clock = new ManualClock();
  const hub = sender({ clock });
  const { verdict, statusCode, body, bodyEnd } = await hub.send(post(url, { wantBody: true }));
  assert.deepEqual([verdict, statusCode, body, bodyEnd], ['accepted', 207, '{"results": []}', 'whole']);
  const beginning = [10_000, limits.connectMs];
  assert.deepEqual(clock.delays, beginning, 'the total time-out and the time to connect alone');
  await hub.send(post(`${url}at-once`, { wantBody: false }));
  assert.deepEqual(clock.delays, [...beginning, 10_000]);
  const sent = hub.send(post(`${url}never`, { wantBody: false }));
  await headersCame(clock);
  assert.deepEqual(clock.delays, [...beginning, 10_000, 10_000, limits.answerGraceMs]);
  clock.advance(limits.answerGraceMs);
  assert.equal((await sent).verdict, 'accepted');
});

test('a wanted body that is cut off or does not end in time says so, and the status still decides', async () => {
  const url = await rawReceiver((socket, head) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"res', () => {
      if (head.startsWith('POST /cut')) socket.end();
    });
  });
  for (const [path, end] of [
    ['cut', 'cut'],
    ['slow', 'late'],
  ] as const) {
    const result = await sender().send(post(url + path, { wantBody: true, timeoutMs: 500 }));
    assert.deepEqual(
      [result.verdict, result.errorCode, result.body, result.bodyEnd],
      ['accepted', null, '{"res', end],
      path,
    );
  }
});

test('of a 10 MB answer only the first part is read', async () => {
  const closed = signalled<void>();
  let accepted = 0;
  const url = await receiver((_request, response) => {
    response.on('close', () => closed.done()).writeHead(200);
    const chunk = Buffer.alloc(65_536, '中文');
    const more = (): void => {
      while (accepted < 10_000_000 && !response.destroyed) {
        accepted += chunk.length;
        if (!response.write(chunk)) return void response.once('drain', more);
      }
      response.end();
    };
    more();
  });
  const result = await sender().send(post(url, { wantBody: true }));
  await closed.promise;
  assert.equal(result.verdict, 'accepted');
  assert.equal(result.bodyEnd, 'long');
  assert.ok(Buffer.byteLength(result.body ?? '') <= limits.answerBytes + 3);
  assert.equal(result.responseExcerpt?.length, limits.excerptChars);
  assert.ok(accepted < 10_000_000, `${accepted} bytes were written`);
});

test('a body of exactly the limit is whole, one byte more is not', async () => {
  const url = await receiver((request, response) => response.end('a'.repeat(Number(request.url?.slice(1)))));
  const hub = sender();
  for (const [size, end] of [
    [limits.answerBytes, 'whole'],
    [limits.answerBytes + 1, 'long'],
  ] as const) {
    const result = await hub.send(post(url + size, { wantBody: true }));
    assert.deepEqual([result.body?.length, result.bodyEnd], [limits.answerBytes, end]);
  }
});

test('a compressed answer that expands to much is told by its size', async () => {
  const zipped = gzipSync(Buffer.alloc(10_000_000));
  const url = await receiver((_request, response) =>
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(zipped),
  );
  const result = await sender().send(post(url, { wantBody: true }));
  assert.equal(result.verdict, 'accepted');
  assert.deepEqual(
    [result.responseExcerpt, result.contentEncoding],
    [`[gzip, ${zipped.length} bytes]`, 'gzip'],
  );
});

test('an answer in GBK, with or without its name, and escapes in JSON are kept as text', async () => {
  const gbk = Buffer.from('b7a2c6b1bac5b2bbb4e6d4da', 'hex');
  const url = await receiver(({ url: path }, response) => {
    if (path === '/named') response.setHeader('content-type', 'text/plain; charset=GBK');
    response.writeHead(422).end(path === '/json' ? '{"message":"\\u53d1\\u7968\\u53f7"}' : gbk);
  });
  const excerpt = async (path: string) => (await sender().send(post(url + path))).responseExcerpt;
  assert.equal(await excerpt('named'), '发票号不存在');
  assert.equal(await excerpt('silent'), '发票号不存在');
  assert.equal(await excerpt('json'), '{"message":"发票号"}');
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
    socket.write('HTTP/1.1 200 OK\r\nx-');
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

const continued = 'HTTP/1.1 100 Continue\r\n\r\n';
const processing = 'HTTP/1.1 102 Processing\r\nx-place: 3\r\n\r\n';
const final = 'HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\nok';

for (const [how, ...parts] of [
  ['in one piece', continued + final],
  ['in pieces of their own', continued, processing, final],
  ['byte by byte', ...(continued + processing + final).split('')],
  ['with bare line feeds', 'HTTP/1.1 100 Continue\n\n', final],
  ['and the final one cut within its first line', `${continued}HTTP/1.1 2`, final.slice('HTTP/1.1 2'.length)],
] as const) {
  test(`unasked informational answers before the final one are read over: they come ${how}`, async () => {
    const connections = new Set<Socket>();
    const url = await rawReceiver(async socket => {
      connections.add(socket.setNoDelay(true));
      for (const part of parts) {
        await new Promise<void>(resolve => socket.write(part, () => setImmediate(resolve)));
      }
    });
    const hub = sender();
    for (let n = 0; n < 3; n++) {
      const { verdict, statusCode, responseExcerpt } = await hub.send(post(url));
      assert.deepEqual([verdict, statusCode, responseExcerpt], ['accepted', 201, 'ok']);
    }
    assert.equal(connections.size, 1, 'the connection is kept');
  });
}

test('a 100 that nothing follows ends with the total time-out, an unasked 101 is a broken answer', async () => {
  const url = await rawReceiver((socket, head) => {
    socket.write(
      head.startsWith('POST /100')
        ? continued
        : 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n',
    );
  });
  const alone = await sender().send(post(`${url}100`, { timeoutMs: 300 }));
  assert.deepEqual([alone.verdict, alone.errorCode], ['response', 'ETIMEDOUT']);
  const switched = await sender().send(post(`${url}101`));
  assert.deepEqual([switched.verdict, switched.errorCode], ['response', 'UND_ERR_SOCKET']);
});

test('a head whose lines end with a bare line feed is an answer, in one piece and byte by byte', async () => {
  const answer = 'HTTP/1.1 422 No\nContent-Type: text/plain\nRetry-After: 7\nContent-Length: 9\n\nline\nfeed';
  const url = await rawReceiver(async (socket, head) => {
    socket.setNoDelay(true);
    for (const part of head.startsWith('POST /bytes') ? answer : [answer]) {
      await new Promise<void>(resolve => socket.write(part, () => setImmediate(resolve)));
    }
  });
  for (const path of ['whole', 'bytes']) {
    const { verdict, responseExcerpt, retryAfterMs, bodyEnd } = await sender().send(post(url + path));
    assert.deepEqual(
      [verdict, responseExcerpt, retryAfterMs, bodyEnd],
      ['data', 'line feed', 7_000, 'whole'],
    );
  }
});

test('a line feed alone within a head that otherwise ends its lines with CRLF is refused', async () => {
  const url = await rawReceiver(
    socket => void socket.write('HTTP/1.1 200 OK\r\nx-a: b\nset-cookie: c\r\ncontent-length: 0\r\n\r\n'),
  );
  assert.equal((await sender().send(post(url))).verdict, 'response');
});

test('headers of up to 64 KiB are an answer', async () => {
  const url = await receiver((_request, response) => {
    for (let n = 0; n < 15; n++) response.appendHeader('set-cookie', `c${n}=${'a'.repeat(4_096)}`);
    response.setHeader('x-policy', 'b'.repeat(3_000)).writeHead(200).end('ok');
  });
  const { verdict, responseExcerpt } = await sender().send(post(url));
  assert.deepEqual([verdict, responseExcerpt], ['accepted', 'ok']);
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
  assert.match(await outcome('garbage'), /^response HTTPParserError$/);
});

for (const [how, end] of [
  ['resets', (socket: Socket) => socket.resetAndDestroy()],
  ['closes', (socket: Socket) => socket.end()],
] as const) {
  test(`a kept connection that the target ${how} as the next request comes costs nothing: it goes out again over a new one`, async () => {
    const served = new Map<Socket, number>();
    let requests = 0;
    const url = await rawReceiver(socket => {
      requests += 1;
      const before = served.get(socket) ?? 0;
      served.set(socket, before + 1);
      if (before === 0) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
      else end(socket);
    });
    const hub = sender();
    for (let n = 0; n < 3; n++) assert.equal((await hub.send(post(url))).verdict, 'accepted');
    assert.deepEqual([requests, served.size], [5, 3]);
  });
}

test('a request goes out again once at most, and not where an answer had begun, the connection was new or it was called off', async () => {
  const requests: string[] = [];
  const clock = new ManualClock();
  const url = await rawReceiver((socket, head) => {
    const path = head.slice('POST /'.length, head.indexOf(' HTTP'));
    requests.push(path);
    if (path === 'good') socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
    else if (path === 'begun') socket.end('HTTP/1.1 2');
    else if (path !== 'silent') socket.resetAndDestroy();
  });
  const outcome = async (path: string, warm: boolean) => {
    const hub = sender({ clock });
    if (warm) await hub.send(post(`${url}good`));
    requests.length = 0;
    const sent = hub.send(post(url + path));
    if (path === 'silent') {
      await until('it has come', () => requests.length === 1);
      clock.advance(10_000);
    }
    const { verdict, errorCode } = await sent;
    return [verdict, errorCode, requests.length];
  };
  assert.deepEqual(await outcome('reset', true), ['response', 'ECONNRESET', 2]);
  assert.deepEqual(await outcome('reset', false), ['response', 'ECONNRESET', 1]);
  assert.deepEqual(await outcome('begun', true), ['response', 'UND_ERR_SOCKET', 1]);
  assert.deepEqual(await outcome('silent', true), ['response', 'ETIMEDOUT', 1]);
});
