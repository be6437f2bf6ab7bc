import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import { after, mock, test } from 'node:test';
import express from 'express';
import fastify from 'fastify';
import { limits } from '../../../src/core/limits.ts';
import {
  fastifyWebhook,
  type HubEvent,
  nodeHandler,
  pythonJson,
  type ReceiverOptions,
  Reject,
  WebhookReceiver,
} from '../src/index.ts';
import { event, signedHeaders } from './support/samples.ts';
import { once } from './support/until.ts';

const secret = `whsec_${Buffer.alloc(32, 3).toString('base64')}`;
const closing: (() => Promise<unknown>)[] = [];
after(() => Promise.all(closing.map(close => close())));

/** Starts a server around a receiver; gives its address. */
type Start = (receiver: WebhookReceiver) => Promise<string>;

async function listen(server: Server): Promise<string> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  closing.push(async () => {
    server.closeAllConnections();
    await new Promise(resolve => server.close(resolve));
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://127.0.0.1:${address.port}/hook`;
}

const onNode: Start = receiver => {
  const handler = nodeHandler(receiver);
  return listen(createServer((request, response) => void handler(request, response)));
};

const onExpress: Start = receiver => {
  const app = express();
  app.post('/hook', nodeHandler(receiver));
  app.use(express.json());
  return listen(createServer(app));
};

const onExpressRaw: Start = receiver => {
  const app = express();
  app.post('/hook', express.raw({ type: '*/*', limit: '11mb' }), nodeHandler(receiver));
  return listen(createServer(app));
};

const onFastify: Start = async receiver => {
  const app = fastify();
  await app.register(fastifyWebhook(receiver, '/hook'));
  app.post('/json', (request, reply) => reply.send({ parsed: request.body }));
  closing.push(() => app.close());
  return `${await app.listen({ port: 0, host: '127.0.0.1' })}/hook`;
};

const servers: Record<string, Start> = {
  'node:http': onNode,
  Express: onExpress,
  'Express behind express.raw': onExpressRaw,
  Fastify: onFastify,
};

interface Answer {
  status: number;
  body: string;
}

async function post(url: string, body: string, headers = signedHeaders(body, secret)): Promise<Answer> {
  const response = await fetch(url, { method: 'POST', body, headers });
  return { status: response.status, body: await response.text() };
}

function receiverOf(over: Partial<ReceiverOptions> & Pick<ReceiverOptions, 'handle'>): WebhookReceiver {
  return new WebhookReceiver({ secrets: secret, ...over });
}

/** What `JSON.parse` gives for Python-form JSON. */
function wire(value: unknown): string {
  return pythonJson(JSON.parse(JSON.stringify(value)));
}

for (const [name, start] of Object.entries(servers)) {
  test(`${name}: an event is verified, handed over and accepted; a forged one never reaches the handler`, async () => {
    const got: HubEvent[] = [];
    const url = await start(receiverOf({ handle: one => got.push(one) }));
    const body = wire(event(1, { summary: '发票 ①' }));
    assert.equal((await post(url, body)).status, 204);
    assert.deepEqual(got, [event(1, { summary: '发票 ①' })]);
    assert.equal((await post(url, body, signedHeaders(body, 'another secret'))).status, 401);
    assert.equal((await post(url, `${body} `, signedHeaders(body, secret))).status, 401);
    assert.equal((await post(url, body, { 'content-type': 'application/json' })).status, 401);
    assert.equal(got.length, 1);
  });

  test(`${name}: a batch is answered item by item`, async () => {
    const handle = ({ sync_id }: HubEvent) => {
      if (sync_id === 2) throw new Reject('UNKNOWN_COMPANY', 'There is no company 9.');
      if (sync_id === 3) throw new Error('database away');
    };
    const url = await start(receiverOf({ handle }));
    const items = [1, 2, 3, 4].map(id => event(id, { source_id: `INV-${id}` }));
    const { status, body } = await post(url, wire({ event: 'batch', items }));
    assert.equal(status, 207);
    assert.deepEqual(JSON.parse(body), {
      results: [
        { sync_id: 1, code: 0, message: '' },
        { sync_id: 2, code: 422, message: 'UNKNOWN_COMPANY: There is no company 9.' },
        { sync_id: 3, code: 500, message: 'HANDLER_FAILED: database away' },
        { sync_id: 4, code: 0, message: '' },
      ],
    });
  });

  test(`${name}: a body beyond the bound is refused with 413, one at the bound is taken`, async () => {
    const body = wire(event(1));
    const url = await start(receiverOf({ handle: () => {}, maxBodyBytes: body.length }));
    assert.equal((await post(url, body)).status, 204);
    const large = wire(event(1, { summary: 'x'.repeat(body.length * 2) }));
    assert.equal((await post(url, large)).status, 413);
    assert.equal((await post(url, body)).status, 204);
  });

  test(`${name}: ten mebibytes are taken by default`, async () => {
    let summary = 0;
    const url = await start(
      receiverOf({
        handle: ({ voucher }) => {
          summary = voucher.summary?.length ?? 0;
        },
      }),
    );
    assert.equal((await post(url, wire(event(1, { summary: 'x'.repeat(9 * 1_048_576) })))).status, 204);
    assert.equal(summary, 9 * 1_048_576);
  });
}

test('how the handler ends decides the answer', async () => {
  const ends: [() => unknown, number][] = [
    [() => Promise.resolve('anything'), 204],
    [() => Promise.reject(new Reject('BAD', 'does not fit')), 422],
    [() => Promise.reject(new Reject('BUSY', 'come again', { retryable: true })), 503],
    [() => Promise.reject(new Reject('GONE', 'leave me alone', { status: 410 })), 410],
    [() => Promise.reject(new Error('a fault')), 500],
    [() => Promise.reject('no error at all'), 500],
  ];
  for (const [handle, status] of ends) {
    const body = wire(event(1));
    const answer = await receiverOf({ handle }).receive(Buffer.from(body), signedHeaders(body, secret));
    assert.equal(answer.status, status);
  }
  assert.throws(() => new Reject('OK', 'accepts', { status: 200 }), RangeError);
  // What the hub takes as a code.
  assert.equal(new Reject('unknown company №9', '').code, 'unknown_company__9');
  assert.equal(new Reject('', '').code, 'REJECTED');
  for (const own of ['HTTP_422', 'ACK_TIMEOUT', 'SOCKET_CLOSED'])
    assert.equal(new Reject(own, '').code, `REJECTED_${own}`);
  assert.equal(new Reject('x'.repeat(100), '').code.length, 64);
});

test('what a handler throws is told where it happens, with its event', async () => {
  const told: [string, unknown, number | undefined][] = [];
  const fault = new TypeError('x is undefined');
  const refusal = new Reject('CURRENCY', 'CNY only');
  const receiver = receiverOf({
    handle: ({ sync_id }) => {
      if (sync_id !== 3) throw sync_id === 1 ? fault : refusal;
    },
    onError: async (error, rejected) => {
      told.push([error.message, error.cause, rejected?.sync_id]);
      // What the callback itself does wrong harms no answer.
      throw new Error('a fault of the callback');
    },
  });
  const warned = mock.method(process, 'emitWarning', () => {});
  const bodies = [event(1), { event: 'batch', items: [event(2), event(3)] }, { event: 'unknown' }];
  const statuses: number[] = [];
  for (const body of bodies.map(wire))
    statuses.push((await receiver.receive(Buffer.from(body), signedHeaders(body, secret))).status);
  warned.mock.restore();
  assert.deepEqual(statuses, [500, 207, 400]);
  assert.deepEqual(told, [
    ['Event 1 was rejected: HANDLER_FAILED: x is undefined', fault, 1],
    ['Event 2 was rejected: CURRENCY: CNY only', refusal, 2],
    ['The body is no event of a voucher.', undefined, undefined],
  ]);
  assert.equal(warned.mock.callCount(), 3);
});

test('a batch all of which is accepted is a 200, and one that is empty too', async () => {
  const receiver = receiverOf({ handle: () => {} });
  for (const items of [[event(1), event(2)], []]) {
    const body = wire({ event: 'batch', items });
    const answer = await receiver.receive(Buffer.from(body), signedHeaders(body, secret));
    assert.equal(answer.status, 200);
    assert.equal(JSON.parse(answer.body ?? '').results.length, items.length);
  }
});

test('in a batch one record stays in order: behind one to be tried again nothing of it is handled, behind a misfit it goes on', async () => {
  const handled: number[] = [];
  const handle = async ({ sync_id }: HubEvent) => {
    handled.push(sync_id);
    await new Promise(resolve => setImmediate(resolve));
    if (sync_id === 1) throw new Error('try again');
    if (sync_id === 4) throw new Reject('BAD', 'does not fit');
  };
  const items = [event(1), event(2), event(3), ...[4, 5].map(id => event(id, { source_id: 'INV-2' }))];
  const body = wire({ event: 'batch', items });
  const answer = await receiverOf({ handle }).receive(Buffer.from(body), signedHeaders(body, secret));
  const { results }: { results: { code: number }[] } = JSON.parse(answer.body ?? '');
  assert.deepEqual(
    results.map(({ code }) => code),
    [500, 503, 503, 422, 0],
  );
  assert.deepEqual(handled, [1, 4, 5]);
});

test('the answer to the largest batch, all of it refused at length, stays within what the hub reads', async () => {
  const handle = () => {
    throw new Reject('BAD', '不合适'.repeat(1_000));
  };
  const items = Array.from({ length: 100 }, (_, id) => event(id + 1_000_000_000, { source_id: String(id) }));
  const body = wire({ event: 'batch', items });
  const answer = await receiverOf({ handle }).receive(Buffer.from(body), signedHeaders(body, secret));
  assert.equal(answer.status, 207);
  assert.ok(Buffer.byteLength(answer.body ?? '') < limits.answerBytes);
});

test('events of a batch are handled together up to the concurrency', async () => {
  let [now, most] = [0, 0];
  const handle = async () => {
    most = Math.max(most, ++now);
    await new Promise(resolve => setImmediate(resolve));
    now -= 1;
  };
  const items = Array.from({ length: 20 }, (_, id) => event(id, { source_id: String(id) }));
  const body = wire({ event: 'batch', items });
  await receiverOf({ handle, concurrency: 4 }).receive(Buffer.from(body), signedHeaders(body, secret));
  assert.equal(most, 4);
});

test("the hub's test request is accepted without being an event", async () => {
  const receiver = receiverOf({ handle: () => assert.fail('not an event') });
  const body = wire({ event: 'hub.test', data: {}, sync_id: 0, event_id: 0, voucher_id: 0, voucher: {} });
  assert.equal((await receiver.receive(Buffer.from(body), signedHeaders(body, secret))).status, 204);
});

test('signed bodies that are no event are refused for good and never handled', async () => {
  const receiver = receiverOf({ handle: () => assert.fail('not an event') });
  const bodies = [
    '',
    'null',
    '[]',
    '{',
    '{}',
    '{"event": "x"}',
    wire({ event: 'batch', items: [event(1), {}] }),
  ];
  const noVersion = { ...event(1), voucher: { source_system: 'a', source_module: 'b', source_id: 'c' } };
  for (const body of [...bodies, wire(noVersion), wire({ ...event(1), sync_id: 'x' })]) {
    const { status } = await receiver.receive(Buffer.from(body), signedHeaders(body, secret));
    assert.equal(status, 400, body);
  }
});

test('consistency is answered where there is something to answer from, and is a 404 elsewhere', async () => {
  const asked: unknown[] = [];
  const consistency = {
    nodes: async (prefixes: readonly string[], filter: unknown) => {
      asked.push(filter);
      return prefixes.map(prefix => ({ prefix, count: 1, digest: '00000000000000ff' }));
    },
    entries: async () => [],
  };
  const ask = async (question: Record<string, unknown>, over: Partial<ReceiverOptions> = {}) => {
    const body = wire(question);
    const receiver = receiverOf({ handle: () => assert.fail('not an event'), consistency, ...over });
    return receiver.receive(Buffer.from(body), signedHeaders(body, secret));
  };
  const digest = {
    event: 'consistency.digest',
    filter: { from: '2025-12-01', to: null },
    prefixes: ['0', 'a1'],
  };
  assert.deepEqual(JSON.parse((await ask(digest)).body ?? ''), {
    nodes: ['0', 'a1'].map(prefix => ({ prefix, count: 1, digest: '00000000000000ff' })),
  });
  assert.deepEqual(asked, [{ from: '2025-12-01', to: null }]);
  const entries = await ask({ event: 'consistency.entries', filter: null, prefixes: [''] });
  assert.deepEqual(JSON.parse(entries.body ?? ''), { entries: [] });
  assert.equal((await ask(digest, { consistency: undefined })).status, 404);
  for (const bad of [
    { prefixes: ['g'] },
    { prefixes: 'a' },
    { prefixes: ['A'] },
    { filter: { from: '1 or 1=1' } },
    { filter: [] },
  ])
    assert.equal((await ask({ ...digest, ...bad })).status, 400, JSON.stringify(bad));
});

test('Express with a parsed body says so with a 500 instead of refusing what is good', async () => {
  const app = express();
  app.use(express.json());
  app.post('/hook', nodeHandler(receiverOf({ handle: () => {} })));
  const { status, body } = await post(await listen(createServer(app)), wire(event(1)));
  assert.equal(status, 500);
  assert.match(body, /BODY_PARSED.*before/);
});

test('the other routes of a Fastify app keep their JSON', async () => {
  const url = await onFastify(receiverOf({ handle: () => {} }));
  const answer = await post(url.replace('/hook', '/json'), '{"a": 1}');
  assert.deepEqual(JSON.parse(answer.body), { parsed: { a: 1 } });
});

test('a sender that reads only when it has written far too much still hears the 413', async () => {
  const url = await onNode(receiverOf({ handle: () => {}, maxBodyBytes: 8 * 1_048_576 }));
  const socket = connect(Number(new URL(url).port), '127.0.0.1').pause();
  // More than the system's buffers take by themselves.
  const bytes = 30 * 1_048_576;
  await new Promise(resolve =>
    socket.write(
      `POST /hook HTTP/1.1\r\nHost: x\r\nContent-Length: ${bytes}\r\n\r\n${'x'.repeat(bytes)}`,
      resolve,
    ),
  );
  const [head] = await once(socket.resume(), 'data');
  assert.match(String(head), /^HTTP\/1.1 413/);
  socket.destroy();
});

test('there is an end to what is read of a body that is too large', async () => {
  const url = await onNode(receiverOf({ handle: () => {}, maxBodyBytes: 1_048_576 }));
  const [end] = await Promise.allSettled([post(url, 'x'.repeat(64 * 1_048_576))]);
  assert.ok(end?.status === 'rejected' || end?.value.status === 413);
});

test('what is no POST is a 405', async () => {
  const response = await fetch(await onNode(receiverOf({ handle: () => {} })));
  assert.equal(response.status, 405);
  assert.equal(response.headers.get('allow'), 'POST');
});

test('a sender that goes away in the middle harms nobody', async () => {
  const got: number[] = [];
  const url = await onNode(receiverOf({ handle: ({ sync_id }) => got.push(sync_id) }));
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.write('POST /hook HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nhalf');
  await new Promise(resolve => socket.write(' of it', resolve));
  socket.destroy();
  assert.equal((await post(url, wire(event(1)))).status, 204);
  assert.deepEqual(got, [1]);
});
