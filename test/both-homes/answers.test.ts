import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createNetServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { record, type SyncDetail, settled, stateOf, theSync, vouchers } from '../support/deliveries.ts';
import { startTestHub, type TestHub } from '../support/hub.ts';
import { type Answer, startReceiver } from '../support/receiver.ts';
import { subscribe } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

/** Two retries, after some 100 and 200 ms. */
const retry = { maxRetries: 2, baseDelayMs: 100, maxDelayMs: 60_000, jitter: 0.1 };

// Registered before the hub's database registers its own removal: the hub goes first.
after(() => hub[Symbol.asyncDispose]());
// The .invalid name is permitted, so that DNS is what fails, not the guard.
const hub: TestHub = await startTestHub({
  env: { HUB_TARGET_ALLOW: 'localhost,127.0.0.0/8,hub-test.invalid' },
});

let cases = 0;

/** A subscription that gets one event. */
async function deliverOne(webhookUrl: string, settings: Record<string, unknown> = {}): Promise<string> {
  const system = `answers-${++cases}`;
  const { id } = await subscribe(hub, {
    name: system,
    sourceSystems: [system],
    webhookUrl,
    retry,
    ...settings,
  });
  await record(hub, vouchers(system, [1]));
  return id;
}

/** The pauses between the ends of attempts and the starts of the next, milliseconds. */
function pauses(sync: SyncDetail): number[] {
  const times = sync.attempts.map(({ startedAt, durationMs }) => ({
    start: Date.parse(startedAt),
    end: Date.parse(startedAt) + durationMs,
  }));
  return times.slice(1).map(({ start }, n) => start - (times[n]?.end ?? 0));
}

/** What each kind of answer must come to; the contract's table. */
type Meaning = 'success' | 'unfit' | 'gone' | 'tried again';

const statuses: [Meaning, number[]][] = [
  ['success', [200, 201, 202, 203, 204, 205, 206, 207, 226, 299]],
  ['unfit', [400, 413, 415, 422]],
  ['gone', [410]],
  ['tried again', [408, 425, 429, 500, 501, 502, 503, 504, 507, 599]],
  [
    'tried again',
    [
      300, 301, 302, 303, 304, 307, 308, 401, 402, 403, 404, 405, 406, 407, 409, 411, 412, 414, 416, 417, 418,
      421, 423, 424, 426, 428, 431, 451, 499,
    ],
  ],
];

describe('what an answer means', { concurrency: 8 }, () => {
  for (const [meaning, codes] of statuses) {
    for (const code of codes) {
      test(`an answer of ${code} means: ${meaning}`, async () => {
        await using receiver = await startReceiver();
        receiver.answer((_request, response) => {
          response.writeHead(code).end(code === 204 || code === 205 || code === 304 ? '' : `answer ${code}`);
          return undefined;
        });
        const id = await deliverOne(receiver.url);
        const [sync] = await settled(hub, id);
        assert.ok(sync);
        const again = meaning === 'tried again';
        assert.equal(sync.status, meaning === 'success' ? 'SUCCESS' : 'FAILED');
        assert.equal(sync.errorCode, meaning === 'success' ? null : `HTTP_${code}`);
        assert.equal(sync.retryCount, again ? 2 : 0);
        assert.equal(receiver.requests.length, again ? 3 : 1);
        assert.deepEqual(
          sync.attempts.map(attempt => attempt.number),
          again ? [1, 2, 3] : [1],
        );
        for (const attempt of sync.attempts) {
          assert.equal(attempt.statusCode, code);
          assert.equal(attempt.errorCode, sync.errorCode);
          if (![204, 205, 304].includes(code)) assert.equal(attempt.responseExcerpt, `answer ${code}`);
        }
        if (again) {
          const [first = 0, second = 0] = pauses(sync);
          // Sooner than the reconciler would have found them.
          assert.ok(first >= 99 && first < 4_500, `first pause ${first} ms`);
          assert.ok(second >= 199 && second < 4_500, `second pause ${second} ms`);
        }
        assert.equal(new Set(receiver.requests.map(({ headers }) => headers['webhook-id'])).size, 1);
        if (meaning === 'gone')
          await until('the subscription is paused', async () => (await stateOf(hub, id)) === 'PAUSED');
        else assert.equal(await stateOf(hub, id), 'ACTIVE');
      });
    }
  }

  test('informational answers before the real one are passed over, any number of them', async () => {
    await using receiver = await startReceiver();
    receiver.answer((_request, response) => {
      for (let n = 0; n < 200; n += 1) response.writeEarlyHints({ link: '</style.css>; rel=preload' });
      response.writeProcessing();
      return 201;
    });
    const [sync] = await settled(hub, await deliverOne(receiver.url));
    assert.equal(sync?.status, 'SUCCESS');
    assert.equal(sync?.attempts[0]?.statusCode, 201);
  });

  test('a success after failures uses up the retries it took, and the next event goes at once', async () => {
    await using receiver = await startReceiver();
    receiver.answer(() => (receiver.requests.length < 3 ? 503 : 200));
    const [sync] = await settled(hub, await deliverOne(receiver.url));
    assert.equal(sync?.status, 'SUCCESS');
    assert.equal(sync?.retryCount, 2);
    assert.equal(sync?.errorCode, null);
    assert.deepEqual(
      sync?.attempts.map(({ statusCode }) => statusCode),
      [503, 503, 200],
    );
  });

  test('a redirect is not followed', async () => {
    await using second = await startReceiver();
    await using first = await startReceiver();
    first.answer((_request, response) => {
      response.writeHead(307, { location: second.url }).end();
      return undefined;
    });
    const [sync] = await settled(hub, await deliverOne(first.url));
    assert.equal(sync?.errorCode, 'HTTP_307');
    assert.match(sync?.errorMessage ?? '', /not followed/);
    assert.equal(first.requests.length, 3);
    assert.equal(second.requests.length, 0);
  });

  test('what a failed answer said is kept as an excerpt without control characters', async () => {
    await using receiver = await startReceiver();
    receiver.answer((_request, response) => {
      response.writeHead(422).end(`发票\u0000\u0007does not fit\n${'x'.repeat(10_000)}`);
      return undefined;
    });
    const [sync] = await settled(hub, await deliverOne(receiver.url));
    const excerpt = sync?.attempts[0]?.responseExcerpt ?? '';
    assert.ok(excerpt.startsWith('发票 does not fit x'), excerpt.slice(0, 40));
    assert.equal(excerpt.length, 500);
  });
});

describe('no answer', { concurrency: 8 }, () => {
  /** Retries used up, FAILED, and the shard suspended: what a fault of the connection comes to. */
  async function failsByConnection(id: string, code: RegExp, withinMs?: number): Promise<SyncDetail> {
    const sync = await theSync(hub, id, ({ status }) => status === 'FAILED', withinMs);
    assert.match(sync.errorCode ?? '', code);
    assert.equal(sync.retryCount, 2);
    assert.equal(sync.attempts.length, 3);
    assert.ok(sync.attempts.every(({ statusCode }) => statusCode === null));
    const [first = 0, second = 0] = pauses(sync);
    assert.ok(first >= 99 && second >= 199, `pauses ${first} and ${second} ms`);
    await until('the subscription is suspended', async () => (await stateOf(hub, id)) === 'SUSPENDED');
    return sync;
  }

  test('a refused connection is tried again, then the subscription is suspended', async () => {
    const receiver = await startReceiver();
    await receiver[Symbol.asyncDispose]();
    await failsByConnection(await deliverOne(receiver.url), /^ECONNREFUSED$/);
  });

  test('a connection that is reset before the answer is tried again, then the subscription is suspended', async () => {
    await using receiver = await startReceiver();
    receiver.answer((_request, response) => {
      response.socket?.resetAndDestroy();
      return undefined;
    });
    await failsByConnection(await deliverOne(receiver.url), /^ECONNRESET$/);
    assert.equal(receiver.requests.length, 3);
  });

  test('a connection that is closed before the answer is tried again, then the subscription is suspended', async () => {
    await using receiver = await startReceiver();
    receiver.answer((_request, response) => {
      response.socket?.destroy();
      return undefined;
    });
    await failsByConnection(await deliverOne(receiver.url), /^(UND_ERR_SOCKET|ECONNRESET)$/);
  });

  test('a name that does not resolve is tried again, then the subscription is suspended', async () => {
    await failsByConnection(await deliverOne('http://hub-test.invalid/hook'), /^(ENOTFOUND|EAI_AGAIN)$/);
  });

  test('no answer within timeoutMs is tried again, then the subscription is suspended', async () => {
    await using receiver = await startReceiver();
    receiver.answer(() => undefined);
    const sync = await failsByConnection(await deliverOne(receiver.url, { timeoutMs: 300 }), /^ETIMEDOUT$/);
    for (const { durationMs } of sync.attempts)
      assert.ok(durationMs >= 299 && durationMs < 20_000, `${durationMs} ms`);
  });

  test('an answer that is no HTTP is tried again, then the subscription is suspended', async () => {
    await using noise = await startNoise();
    await failsByConnection(await deliverOne(noise.url), /HPE_|HTTPParserError/);
  });

  test('a certificate that nobody vouches for is refused: tried again, then the subscription is suspended', async t => {
    const pair = selfSigned();
    if (pair === null) return t.skip('openssl is not installed');
    let requests = 0;
    const server = createTlsServer(pair, (_request, response) => {
      requests += 1;
      response.end();
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    try {
      await failsByConnection(
        await deliverOne(`https://localhost:${portOf(server)}/hook`),
        /^DEPTH_ZERO_SELF_SIGNED_CERT$/,
      );
      assert.equal(requests, 0, 'nothing was sent over a connection that was not trusted');
    } finally {
      server.close();
    }
  });

  test('a target that the hub may not reach fails at once, is never tried again, and suspends nothing', async () => {
    for (const url of [
      'http://169.254.169.254/latest/meta-data',
      'http://[::ffff:10.0.0.1]/',
      'http://10.1.2.3/hook',
    ]) {
      const id = await deliverOne(url);
      const [sync] = await settled(hub, id);
      assert.equal(sync?.status, 'FAILED');
      assert.equal(sync?.errorCode, 'TARGET_NOT_ALLOWED');
      assert.equal(sync?.retryCount, 0);
      assert.equal(sync?.attempts.length, 1);
      assert.equal(await stateOf(hub, id), 'ACTIVE');
    }
  });
});

describe('Retry-After', { concurrency: 8 }, () => {
  const after =
    (value: string): Answer =>
    (_request, response) => {
      response.writeHead(429, { 'retry-after': value }).end();
      return undefined;
    };

  /** Until when the subscription is held after the first answer, milliseconds from its end. */
  async function heldAfter(value: string): Promise<number> {
    await using receiver = await startReceiver();
    receiver.answer(after(value));
    const id = await deliverOne(receiver.url);
    const sync = await theSync(
      hub,
      id,
      ({ status, attempts }) => status === 'RETRYING' && attempts.length === 1,
    );
    const [attempt] = sync.attempts;
    assert.ok(attempt);
    assert.equal(sync.retryCount, 0, 'a pause that the target asks for uses up no retry');
    const heldUntil = await until('the subscription is held', async () => {
      const { dataSubscription } = await hub.data<{ dataSubscription: { heldUntil: string | null } }>(
        'query ($id: ID!) { dataSubscription(id: $id) { heldUntil } }',
        { id },
      );
      return dataSubscription.heldUntil ?? false;
    });
    return Date.parse(heldUntil) - Date.parse(attempt.startedAt) - attempt.durationMs;
  }

  test('in seconds it is obeyed to the second', async () => {
    await using receiver = await startReceiver();
    receiver.answer((request, response) =>
      receiver.requests.length === 1 ? after('2')(request, response) : 200,
    );
    const [sync] = await settled(hub, await deliverOne(receiver.url));
    assert.equal(sync?.status, 'SUCCESS');
    assert.ok(sync);
    const [pause = 0] = pauses(sync);
    assert.ok(pause >= 1_999 && pause < 20_000, `${pause} ms`);
  });

  test('as a date it is obeyed', async () => {
    const ms = await heldAfter(new Date(Date.now() + 300_000).toUTCString());
    assert.ok(ms > 280_000 && ms <= 300_500, `${ms} ms`);
  });

  test('beyond ten minutes it is cut to ten minutes', async () => {
    for (const value of [String(10 * 86_400), new Date(Date.now() + 10 * 86_400_000).toUTCString()]) {
      const ms = await heldAfter(value);
      assert.ok(ms >= 599_900 && ms < 610_000, `${value}: ${ms} ms`);
    }
  });

  test('garbage, the past and too short a time leave the delay to the policy', async () => {
    for (const value of [
      'soon',
      '-5',
      '1e3',
      '2147483648 s',
      '0',
      new Date(Date.now() - 86_400_000).toUTCString(),
    ]) {
      await using receiver = await startReceiver();
      receiver.answer((request, response) =>
        receiver.requests.length === 1 ? after(value)(request, response) : 200,
      );
      const [sync] = await settled(hub, await deliverOne(receiver.url));
      assert.ok(sync);
      const [pause = 0] = pauses(sync);
      assert.ok(pause >= 99 && pause < 3_000, `${value}: ${pause} ms`);
    }
  });
});

describe('answers that would do harm', { concurrency: 8 }, () => {
  /** Writes until it is told to stop or the connection is gone. */
  function pour(response: ServerResponse, bytes: number): void {
    const chunk = Buffer.alloc(65_536, 'x');
    let left = bytes;
    const write = () => {
      while (left > 0 && !response.destroyed) {
        left -= chunk.length;
        if (!response.write(chunk)) return response.once('drain', write);
      }
      return response.end();
    };
    write();
  }

  for (const status of [200, 500]) {
    test(`10 MB after ${status} are not read: the status decides`, async () => {
      await using receiver = await startReceiver();
      receiver.answer((_request, response) => {
        response.writeHead(receiver.requests.length === 1 ? status : 200);
        pour(response, 10 * 1_048_576);
        return undefined;
      });
      const [sync] = await settled(hub, await deliverOne(receiver.url));
      assert.deepEqual(
        sync?.attempts.map(({ statusCode }) => statusCode),
        status === 200 ? [200] : [500, 200],
      );
      assert.equal(sync?.status, 'SUCCESS');
      assert.equal(sync?.attempts[0]?.responseExcerpt, 'x'.repeat(500));
    });

    test(`a body that never ends after ${status} is not waited for`, async () => {
      await using receiver = await startReceiver();
      receiver.answer((_request, response) => {
        response.writeHead(receiver.requests.length === 1 ? status : 200);
        const timer = setInterval(() => response.write('.'), 50);
        response.on('close', () => clearInterval(timer));
        return undefined;
      });
      const [sync] = await settled(hub, await deliverOne(receiver.url));
      assert.equal(sync?.status, 'SUCCESS');
      for (const { durationMs } of sync?.attempts ?? []) assert.ok(durationMs < 20_000, `${durationMs} ms`);
    });
  }

  test('headers that never end are one failed attempt', async () => {
    await using noise = await startNoise(socket => {
      socket.write('HTTP/1.1 200 OK\r\n');
      const timer = setInterval(() => socket.write(`x-more: ${'y'.repeat(1_000)}\r\n`), 5);
      socket.on('close', () => clearInterval(timer));
    });
    const id = await deliverOne(noise.url, { timeoutMs: 2_000, retry: { ...retry, maxRetries: 0 } });
    const sync = await theSync(hub, id, ({ status }) => status === 'FAILED');
    assert.match(sync.errorCode ?? '', /^(UND_ERR_HEADERS_OVERFLOW|HPE_HEADER_OVERFLOW|ETIMEDOUT)$/);
    assert.equal(sync.attempts.length, 1);
  });
});

interface Noise extends AsyncDisposable {
  readonly url: string;
}

/** A TCP server that talks no HTTP, or does what it is told with each socket. */
async function startNoise(
  talk: (socket: import('node:net').Socket) => void = socket => socket.end('this is no HTTP\r\n\r\n'),
): Promise<Noise> {
  const sockets = new Set<import('node:net').Socket>();
  const server = createNetServer(socket => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', () => talk(socket));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${portOf(server)}/hook`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>(resolve => server.close(() => resolve()));
    },
  };
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** A certificate for localhost that signs itself; null without openssl. */
function selfSigned(): { key: string; cert: string } | null {
  const folder = mkdtempSync(path.join(tmpdir(), 'hub-tls-'));
  try {
    const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const files = ['-keyout', 'key.pem', '-out', 'cert.pem'];
    const about = ['-subj', '/CN=localhost', '-days', '2', '-addext', 'subjectAltName=DNS:localhost'];
    execFileSync('openssl', ['req', '-x509', ...ec, ...files, ...about], { cwd: folder, stdio: 'pipe' });
    return {
      key: readFileSync(path.join(folder, 'key.pem'), 'utf8'),
      cert: readFileSync(path.join(folder, 'cert.pem'), 'utf8'),
    };
  } catch {
    return null;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
