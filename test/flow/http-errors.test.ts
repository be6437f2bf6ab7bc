import assert from 'node:assert/strict';
import { request } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { HostNames } from '../../src/server/guards/host-check.ts';
import { errorMediaType } from '../../src/server/http/request-faults.ts';
import { adminKey, startTestHub, type TestHub } from '../support/hub.ts';
import { once } from '../support/wait.ts';

const graphqlJson = 'application/graphql-response+json; charset=utf-8';
const json = 'application/json; charset=utf-8';
const authorization = `Bearer ${adminKey}`;

interface Answer {
  readonly errors?: { extensions: { code: string } }[];
  readonly data?: unknown;
}

test('a query by GET with a key is answered, and without one it says what is missing', async () => {
  await using hub = await startTestHub();
  const url = `${hub.url}/graphql?query=${encodeURIComponent('{ eventTypes { name } }')}`;
  const accept =
    'application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed';
  const answer = await fetch(url, { headers: { authorization, accept } });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('content-type'), graphqlJson);
  const body: Answer = JSON.parse(await answer.text());
  assert.equal(body.errors, undefined);
  const mutation = `${hub.url}/graphql?query=${encodeURIComponent('mutation { upsertEventType(name: "x", mode: BATCH) { name } }')}`;
  const refused = await fetch(mutation, { headers: { authorization } });
  assert.equal(refused.status, 405);
  assert.equal(refused.headers.get('allow'), 'POST');
});

test('errors of every kind come in the media type that was accepted, with a code', async () => {
  await using hub = await startTestHub();
  const post = (body: string, headers: Record<string, string>) => ({
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', authorization, ...headers },
  });
  for (const [accept, type] of [
    ['application/graphql-response+json', graphqlJson],
    ['application/json', json],
    ['application/graphql-response+json, application/json;q=0.5', graphqlJson],
  ] as const) {
    const kinds: [what: string, path: string, init: RequestInit, status: number, code: string][] = [
      ['no JSON', '/graphql', post('{', { accept }), 400, 'BAD_USER_INPUT'],
      ['too large', '/graphql', post(' '.repeat(8 * 1_048_576 + 1), { accept }), 413, 'LIMIT_EXCEEDED'],
      ['too many values', '/graphql', post(`[${'0,'.repeat(250_000)}0]`, { accept }), 400, 'LIMIT_EXCEEDED'],
      ['no key', '/graphql', post('{}', { accept, authorization: '' }), 401, 'UNAUTHENTICATED'],
      [
        'another type',
        '/graphql',
        post('x', { accept, 'content-type': 'text/plain' }),
        400,
        'BAD_USER_INPUT',
      ],
      ['a batch', '/graphql', post('[{"query":"{ __typename }"}]', { accept }), 400, 'BAD_USER_INPUT'],
      ['no query', '/graphql', post('{"x":1}', { accept }), 400, 'BAD_USER_INPUT'],
      [
        'a long text',
        '/graphql',
        post(JSON.stringify({ query: `#${'x'.repeat(70_000)}` }), { accept }),
        400,
        'LIMIT_EXCEEDED',
      ],
      ['a method', '/graphql', { method: 'PUT', headers: { accept, authorization } }, 405, 'BAD_USER_INPUT'],
      ['a place', '/nowhere', { headers: { accept } }, 404, 'NOT_FOUND'],
      ['an address', '/%zz', { headers: { accept } }, 400, 'BAD_USER_INPUT'],
    ];
    for (const [what, path, init, status, code] of kinds) {
      const answer = await fetch(`${hub.url}${path}`, init);
      const text = await answer.text();
      assert.equal(answer.status, status, `${what}: ${text}`);
      assert.equal(answer.headers.get('content-type'), type, what);
      const body: Answer = JSON.parse(text);
      assert.equal(body.errors?.[0]?.extensions.code, code, what);
    }
  }
});

test('a wrong method is answered 405 with the methods that there are', async () => {
  await using hub = await startTestHub();
  for (const [method, path, allow] of [
    ['PUT', '/graphql', 'GET, HEAD, POST'],
    ['DELETE', '/graphql?query=x', 'GET, HEAD, POST'],
    ['POST', '/healthz', 'GET, HEAD'],
    ['POST', '/metrics', 'GET, HEAD'],
  ] as const) {
    const answer = await fetch(`${hub.url}${path}`, { method, headers: { authorization } });
    assert.equal(answer.status, 405, `${method} ${path}`);
    assert.equal(answer.headers.get('allow'), allow);
  }
});

test('what is no HTTP, or has too long a head, is told so with a code', async () => {
  await using hub = await startTestHub();
  const { hostname, port } = new URL(hub.url);
  for (const [sent, status, code] of [
    ['nonsense\r\n\r\n', 400, 'BAD_USER_INPUT'],
    [`GET /graphql?query=${'x'.repeat(20_000)} HTTP/1.1\r\nHost: hub\r\n\r\n`, 431, 'LIMIT_EXCEEDED'],
  ] as const) {
    const socket = connect(Number(port), hostname);
    let answer = '';
    socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
    socket.write(sent);
    await once(socket, 'close');
    assert.ok(answer.startsWith(`HTTP/1.1 ${status} `), answer);
    assert.ok(answer.includes(`"code":"${code}"`), answer);
  }
});

test('a media type is chosen as the client weighs them', () => {
  assert.equal(errorMediaType(), json);
  assert.equal(errorMediaType('*/*'), json);
  assert.equal(errorMediaType('text/html'), json);
  assert.equal(errorMediaType('application/json;q=0.9, application/graphql-response+json'), graphqlJson);
  assert.equal(errorMediaType('application/graphql-response+json;q=0, application/json'), json);
  assert.equal(errorMediaType('APPLICATION/GRAPHQL-RESPONSE+JSON; charset=utf-8'), graphqlJson);
});

/** The status that a page is answered with under a name. */
function statusUnder(hub: TestHub, path: string, host: string): Promise<number> {
  const { hostname, port } = new URL(hub.url);
  return new Promise((resolve, reject) => {
    request({ hostname, port, path, headers: { host } }, answer => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    })
      .on('error', reject)
      .end();
  });
}

test('metrics and GraphiQL are served under names of the hub alone', async () => {
  await using hub = await startTestHub({
    env: { HUB_ALLOWED_HOSTS: 'hub,*.svc.cluster.local', HUB_PUBLIC_URL: 'https://hub.example.com' },
  });
  for (const path of ['/metrics', '/graphiql']) {
    assert.equal(await statusUnder(hub, path, 'evil.example'), 421, path);
    assert.equal(await statusUnder(hub, path, 'localhost.evil.example:4000'), 421, path);
  }
  for (const host of [
    'localhost:4000',
    '10.1.2.3:4000',
    '[::1]:4000',
    'hub',
    'x.svc.cluster.local',
    'HUB.example.com.',
  ])
    assert.equal(await statusUnder(hub, '/metrics', host), 200, host);
  assert.equal(await statusUnder(hub, '/healthz', 'evil.example'), 200);
});

test('any name is allowed where the setting says so', () => {
  assert.ok(new HostNames(['*']).allow('evil.example'));
  assert.ok(!new HostNames(['*.a.example']).allow('a.example'));
  assert.ok(new HostNames([]).allow(undefined));
});

test('a second subscribe under an id in use closes with 4409, even while the first is being worked on', async () => {
  await using hub = await startTestHub();
  const socket = new WebSocket(`${hub.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  await once(socket, 'open');
  socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization } }));
  await once(socket, 'message');
  const subscribe = JSON.stringify({
    id: '1',
    type: 'subscribe',
    payload: { query: '{ vouchers { totalCount } }' },
  });
  socket.send(subscribe);
  socket.send(subscribe);
  const [code]: unknown[] = await once(socket, 'close');
  assert.equal(code, 4409);
});
