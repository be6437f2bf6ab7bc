import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { type Socket } from 'node:net';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { limits } from '../../src/core/limits.ts';
import {
  listen,
  ManualClock,
  post,
  rawReceiver,
  receiver,
  sender,
  signalled,
} from '../support/send-bench.ts';
import { until } from '../support/wait.ts';

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
  await until('the headers have come', () => clock.pending === 2);
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
  await until('the headers have come', () => clock.pending === 2);
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
  assert.deepEqual(clock.delays, [10_000], 'the total time-out alone');
  await hub.send(post(`${url}at-once`, { wantBody: false }));
  assert.deepEqual(clock.delays, [10_000, 10_000]);
  const sent = hub.send(post(`${url}never`, { wantBody: false }));
  await until('the headers have come', () => clock.pending === 2);
  assert.deepEqual(clock.delays, [10_000, 10_000, 10_000, limits.answerGraceMs]);
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
  assert.match(await outcome('garbage'), /^response HTTPParserError$/);
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
