import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { limits } from '../../src/core/limits.ts';
import { adminKey, startTestHub, type TestHub } from '../support/hub.ts';
import { askSocket, type SocketAnswer, socketClient } from '../support/sockets.ts';
import { voucherInput } from '../support/vouchers.ts';
import { once } from '../support/wait.ts';

const protocol = 'graphql-transport-ws';

/** A bare socket; gives the code that it is closed with. */
async function closeCodeOf(hub: TestHub, messages: (string | object)[]): Promise<number> {
  const socket = new WebSocket(`${hub.url.replace('http', 'ws')}/graphql`, protocol);
  await once(socket, 'open');
  for (const message of messages)
    socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  const [code]: unknown[] = await once(socket, 'close');
  return Number(code);
}

/** The status that an upgrade is refused with; 101: it is taken. */
async function upgradeStatus(hub: TestHub, path: string, headers: Record<string, string>): Promise<number> {
  const socket = new WebSocket(`${hub.url.replace('http', 'ws')}${path}`, protocol, { headers });
  try {
    return await new Promise(resolve => {
      socket.on('open', () => resolve(101));
      socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
      socket.on('error', () => {});
    });
  } finally {
    socket.terminate();
  }
}

const nested = `{ voucher(id: 1) ${'{ events { voucher '.repeat(7)}{ id }${' } }'.repeat(7)} }`;
const bomb = Array.from(
  { length: 35 },
  (_, n) => `fragment F${n} on Voucher { ${n === 34 ? 'id' : `...F${n + 1} ...F${n + 1}`} }`,
).join(' ');
const tooLarge: [what: string, query: string, variables: Record<string, unknown>][] = [
  ['depth', nested, {}],
  ['cost', '{ vouchers(first: 500) { edges { node { events { voucher { events { id } } } } } } }', {}],
  [
    'cost',
    'query ($n: Int = 500) { vouchers(first: $n) { edges { node { events { voucher { events { id } } } } } } }',
    {},
  ],
  ['cost', `{ voucher(id: 1) { ...F0 } } ${bomb}`, {}],
  [
    'aliases',
    `{ ${Array.from({ length: limits.aliases + 1 }, (_, n) => `a${n}: eventTypes { name }`).join(' ')} }`,
    {},
  ],
  [
    'directives',
    `{ eventTypes { ${Array.from({ length: limits.directives + 1 }, () => '... @include(if: true) { name }').join(' ')} } }`,
    {},
  ],
  ['tokens', `{ eventTypes { ${'name '.repeat(limits.tokens)} } }`, {}],
];

test('operations that are too large are refused over HTTP and over the socket alike, at once and with one code', async () => {
  await using hub = await startTestHub();
  await using client = socketClient(hub);
  await askSocket(client, '{ __typename }');
  for (const [what, query, variables] of tooLarge) {
    const startedAt = performance.now();
    for (const [door, { errors }] of [
      ['HTTP', await hub.ask(query, variables)],
      ['socket', await askSocket(client, query, variables)],
    ] as const) {
      assert.equal(
        errors?.[0]?.extensions?.code,
        'LIMIT_EXCEEDED',
        `${what} over ${door}: ${JSON.stringify(errors)}`,
      );
      assert.ok(errors[0].message.includes(what), errors[0].message);
    }
    assert.ok(performance.now() - startedAt < 20_000, `${what}: ${performance.now() - startedAt} ms`);
  }
});

test('faults carry the same stable code over HTTP and over the socket, and never a stack', async () => {
  await using hub = await startTestHub();
  await using client = socketClient(hub);
  const record = 'mutation ($input: RecordVoucherInput!) { recordVoucher(input: $input) { outcome } }';
  const faults: [query: string, variables: Record<string, unknown>, code: string][] = [
    ['{ eventTypes { ', {}, 'BAD_USER_INPUT'],
    ['{ nothing }', {}, 'BAD_USER_INPUT'],
    ['query ($n: Int!) { vouchers(first: $n) { edges { cursor } } }', { n: 'x' }, 'BAD_USER_INPUT'],
    ['query A { eventTypes { name } } query B { eventTypes { name } }', {}, 'BAD_USER_INPUT'],
    ['{ vouchers(first: 501) { edges { cursor } } }', {}, 'BAD_USER_INPUT'],
    ['{ vouchers(after: "x") { edges { cursor } } }', {}, 'BAD_USER_INPUT'],
    [record, { input: voucherInput({ currency: 'x' }) }, 'BAD_USER_INPUT'],
    [record, { input: voucherInput({ voucherDate: '2025-02-30' }) }, 'BAD_USER_INPUT'],
    ['mutation { pauseDataSubscription(id: 77) { id } }', {}, 'NOT_FOUND'],
  ];
  for (const [query, variables, code] of faults) {
    for (const [door, { errors }] of [
      ['HTTP', await hub.ask(query, variables)],
      ['socket', await askSocket(client, query, variables)],
    ] as const) {
      assert.equal(errors?.[0]?.extensions?.code, code, `${query} over ${door}: ${JSON.stringify(errors)}`);
      assert.doesNotMatch(
        JSON.stringify(errors),
        /stack|node_modules|\.ts:\d|select /i,
        `${query} over ${door}`,
      );
    }
  }
});

test('queries and mutations work over the socket', async () => {
  await using hub = await startTestHub();
  await using client = socketClient(hub);
  const recorded = await askSocket(
    client,
    'mutation ($input: RecordVoucherInput!) { recordVoucher(input: $input) { outcome voucher { sourceId amount } } }',
    { input: voucherInput() },
  );
  assert.deepEqual(JSON.parse(JSON.stringify(recorded)), {
    data: { recordVoucher: { outcome: 'CREATED', voucher: { sourceId: 'INV-1', amount: '100.00' } } },
  });
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => askSocket(client, '{ vouchers { totalCount } }')),
  );
  for (const { data } of answers) assert.deepEqual(data, { vouchers: { totalCount: 1 } });
});

test('a subscription over plain HTTP is refused with what to do instead', async () => {
  await using hub = await startTestHub();
  for (const query of [
    'subscription { deliveries(subscriptionId: 1) { syncId } }',
    'subscription { syncLogChanged { id } }',
  ]) {
    const { status, errors } = await hub.ask(query);
    assert.equal(status, 400);
    assert.equal(errors?.[0]?.extensions?.code, 'BAD_USER_INPUT');
    assert.match(errors[0].message, /WebSocket/);
  }
});

test('a socket takes so many operations at once, and others again when those are done', async () => {
  await using hub = await startTestHub();
  await using client = socketClient(hub);
  await askSocket(client, '{ __typename }');
  const many = await Promise.all(
    Array.from({ length: limits.socketOperations * 2 }, () =>
      askSocket(client, '{ vouchers { totalCount } }'),
    ),
  );
  const refused = many.filter(answer => answer.errors?.[0]?.extensions?.code === 'LIMIT_EXCEEDED').length;
  assert.ok(refused > 0 && refused <= limits.socketOperations, `${refused} refused`);
  for (let round = 0; round < 3; round += 1) {
    const again = await Promise.all(
      Array.from({ length: limits.socketOperations - 5 }, (_, n) =>
        askSocket(client, n % 2 === 0 ? '{ vouchers { totalCount } }' : '{ nonsense }'),
      ),
    );
    assert.equal(again.filter(answer => answer.errors?.[0]?.extensions?.code === 'LIMIT_EXCEEDED').length, 0);
  }
});

test('a request body beyond the limit is refused, and one below it is read', async () => {
  await using hub = await startTestHub();
  const post = (bytes: number) =>
    fetch(`${hub.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${adminKey}` },
      body: JSON.stringify({ query: '{ __typename }', variables: { pad: 'x'.repeat(bytes) } }),
    });
  assert.equal((await post(limits.requestBytes - 1_000)).status, 200);
  const refused = await post(limits.requestBytes);
  assert.equal(refused.status, 413);
  assert.doesNotMatch(await refused.text(), /stack|node_modules/);
});

test('introspection needs a key', async () => {
  await using hub = await startTestHub();
  for (const key of [null, 'hub_bad_key']) {
    for (const query of [
      '{ __schema { types { name } } }',
      '{ __type(name: "Voucher") { name } }',
      '{ __typename }',
    ]) {
      const answer = await hub.ask(query, {}, key);
      assert.equal(answer.status, 401);
      assert.equal(answer.errors?.[0]?.extensions.code, 'UNAUTHENTICATED');
      assert.ok(answer.data == null);
    }
  }
  assert.ok((await hub.ask('{ __schema { types { name } } }')).errors === undefined);
});

test('what a page of another site could send is refused: a simple GET, a form post; so are batches and mutations by GET', async () => {
  await using hub = await startTestHub();
  const authorization = `Bearer ${adminKey}`;
  const query = encodeURIComponent('{ eventTypes { name } }');
  // A page can't add a key to what it sends without being asked first.
  const simple = await fetch(`${hub.url}/graphql?query=${query}`);
  assert.equal(simple.status, 400);
  const form = await fetch(`${hub.url}/graphql`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'text/plain' },
    body: JSON.stringify({ query: '{ eventTypes { name } }' }),
  });
  assert.ok(form.status >= 400 && form.status < 500, String(form.status));
  const declared = await fetch(`${hub.url}/graphql?query=${query}`, {
    headers: { authorization, 'apollo-require-preflight': '1' },
  });
  assert.equal(declared.status, 200);
  const mutation = encodeURIComponent('mutation { upsertEventType(name: "x", mode: BATCH) { name } }');
  assert.equal(
    (
      await fetch(`${hub.url}/graphql?query=${mutation}`, {
        headers: { authorization, 'apollo-require-preflight': '1' },
      })
    ).status,
    405,
  );
  const batch = await fetch(`${hub.url}/graphql`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify([{ query: '{ __typename }' }, { query: '{ __typename }' }]),
  });
  assert.equal(batch.status, 400);
  for (const answer of [simple, batch]) assert.match(await answer.text(), /"code":"BAD_USER_INPUT"/);
});

test('a socket with a bad key is closed with 4403, one that never says who it is with 4408, and one that asks first with 4401', async () => {
  await using hub = await startTestHub();
  const init = (payload?: object) => ({ type: 'connection_init', payload });
  const codes = await Promise.all([
    closeCodeOf(hub, [init({ authorization: 'Bearer hub_no_such_key' })]),
    closeCodeOf(hub, [init()]),
    closeCodeOf(hub, [init({ authorization: 7 })]),
    closeCodeOf(hub, []),
    closeCodeOf(hub, [{ id: '1', type: 'subscribe', payload: { query: '{ __typename }' } }]),
    closeCodeOf(hub, ['not json']),
  ]);
  assert.deepEqual(codes, [4403, 4403, 4403, 4408, 4401, 4400]);
});

test('a message beyond the limit closes its socket, and the hub goes on', async () => {
  await using hub = await startTestHub();
  const init = { type: 'connection_init', payload: { authorization: `Bearer ${adminKey}` } };
  assert.equal(
    await closeCodeOf(hub, [
      init,
      {
        id: '1',
        type: 'subscribe',
        payload: { query: '{ __typename }', variables: { pad: 'x'.repeat(limits.socketMessageBytes) } },
      },
    ]),
    1009,
  );
  assert.equal((await hub.ask('{ __typename }')).status, 200);
});

test('a socket from a page of another origin is refused; from the hub’s own pages and from programs it is taken', async () => {
  await using hub = await startTestHub();
  const host = new URL(hub.url).host;
  assert.equal(await upgradeStatus(hub, '/graphql', {}), 101);
  assert.equal(await upgradeStatus(hub, '/graphql', { origin: `http://${host}` }), 101);
  for (const origin of ['http://evil.example', 'null', `http://${host}.evil.example`, 'http://127.0.0.1:1'])
    assert.equal(await upgradeStatus(hub, '/graphql', { origin }), 403, origin);
  assert.equal(await upgradeStatus(hub, '/other', {}), 404);
  assert.equal(await upgradeStatus(hub, '//', {}), 404);
  assert.equal((await hub.ask('{ __typename }')).status, 200);
});

test('a request that never becomes an operation is answered in the form of GraphQL, with a stable code', async () => {
  await using hub = await startTestHub();
  const post = async (body: string): Promise<{ status: number; code: unknown }> => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${adminKey}` };
    const response = await fetch(`${hub.url}/graphql`, { method: 'POST', headers, body });
    const answer: SocketAnswer = JSON.parse(await response.text());
    return { status: response.status, code: answer.errors?.[0]?.extensions?.code };
  };
  assert.deepEqual(await post('{"query": '), { status: 400, code: 'BAD_USER_INPUT' });
  assert.deepEqual(await post(' '.repeat(limits.requestBytes + 1)), { status: 413, code: 'LIMIT_EXCEEDED' });
});

test('without a good key a request is refused before its body is read, and its connection closed', async () => {
  await using hub = await startTestHub();
  const { hostname, port } = new URL(hub.url);
  for (const [header, message] of [
    ['', /An API key is needed/],
    ['Authorization: Bearer hub_wrong\r\n', /unknown or revoked/],
  ] as const) {
    const socket = connect(Number(port), hostname);
    let answer = '';
    socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
    // Eight megabytes are announced and never come.
    socket.write(
      `POST /graphql HTTP/1.1\r\nHost: hub\r\n${header}Content-Type: application/json\r\nContent-Length: 8000000\r\n\r\n{`,
    );
    await once(socket, 'end');
    assert.match(answer, /^HTTP\/1\.1 401 /);
    assert.match(answer, message);
    socket.destroy();
  }
});

test('a document nested so deep that it overflows the stack is refused like one that is too large', async () => {
  await using hub = await startTestHub();
  const answer = await hub.ask(
    `{ vouchers(filter: { sourceIds: ${'['.repeat(1_900)}${']'.repeat(1_900)} }) { totalCount } }`,
  );
  assert.notEqual(answer.errors?.[0]?.extensions.code, 'INTERNAL_SERVER_ERROR');
  const deep = await hub.ask(`${'{a'.repeat(50_000)}${'}'.repeat(50_000)}`);
  assert.equal(deep.errors?.[0]?.extensions.code, 'LIMIT_EXCEEDED');
});
