import assert from 'node:assert/strict';
import { test } from 'node:test';
import { getIntrospectionQuery } from 'graphql';
import { limits } from '../../src/core/limits.ts';
import { startTestHub, type TestHub } from '../support/hub.ts';
import { askSocket, socketClient } from '../support/sockets.ts';
import { voucherInput } from '../support/vouchers.ts';

const record =
  'mutation ($inputs: [RecordVoucherInput!]!) { recordVouchers(inputs: $inputs) { error { code message } } }';

/** Records versions of one record. */
async function recordVersions(
  hub: TestHub,
  { from = 1, count }: { from?: number; count: number },
  more: (version: number) => object = () => ({}),
): Promise<void> {
  for (let first = from; first < from + count; first += 500) {
    const inputs = Array.from({ length: Math.min(500, from + count - first) }, (_, n) =>
      voucherInput({ sourceVersion: first + n, businessData: { v: first + n }, ...more(first + n) }),
    );
    const { recordVouchers } = await hub.data<{ recordVouchers: { error: unknown }[] }>(record, { inputs });
    assert.deepEqual(
      recordVouchers.filter(({ error }) => error !== null),
      [],
    );
  }
}

/** The longest that the event loop of this process, in which the hub runs, was held up during some work, milliseconds. */
async function longestStall(work: () => Promise<unknown>): Promise<number> {
  let last = performance.now();
  let longest = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }, 1);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return longest;
}

const isLimit = (answer: { errors?: readonly { extensions?: { code?: unknown } }[] }): boolean =>
  answer.errors?.[0]?.extensions?.code === 'LIMIT_EXCEEDED';

test('nested lists are counted by what they hold, over HTTP and over the socket, and refused beyond the bound', async () => {
  await using hub = await startTestHub();
  await using client = socketClient(hub);
  await recordVersions(hub, { count: 450 });
  const overHttp = (query: string) => hub.ask(query);
  const overSocket = (query: string) => askSocket(client, query);
  for (const [nested, ask] of [
    ['events { voucher { events { voucher { id } } } }', overHttp],
    ['events { voucher { events { voucher { id } } } }', overSocket],
    ['eventPages(first: 500) { edges { node { voucher { events { id } } } } }', overHttp],
    [
      'events { voucher { ...V } } } } fragment V on Voucher { events { ...E } } fragment E on VoucherEvent { voucher { id',
      overSocket,
    ],
  ] as const) {
    const answer = await ask(
      `{ voucherBySource(sourceSystem: "settlement", sourceModule: "invoice", sourceId: "INV-1") { ${nested} } }`,
    );
    assert.ok(isLimit(answer), `${nested}: ${JSON.stringify(answer).slice(0, 300)}`);
    assert.ok((answer.errors?.length ?? 0) <= limits.toldErrors);
    assert.ok(JSON.stringify(answer).length < 100_000);
  }
  const one =
    '{ voucherBySource(sourceSystem: "settlement", sourceModule: "invoice", sourceId: "INV-1") { events { id voucher { id } } } }';
  const { voucherBySource } = await hub.data<{ voucherBySource: { events: unknown[] } }>(one);
  assert.equal(voucherBySource.events.length, 450);
});

test('an answer is bounded by its characters, however few fields it has and wherever they stand', async () => {
  await using hub = await startTestHub();
  await using client = socketClient(hub);
  const pad = 'x'.repeat(900_000);
  for (let version = 1; version <= 20; version += 4)
    await recordVersions(hub, { from: version, count: 4 }, v => ({ businessData: { v, pad } }));
  const wrap = (selection: string) =>
    `{ voucherBySource(sourceSystem: "settlement", sourceModule: "invoice", sourceId: "INV-1") { ${selection} } }`;
  const aliases = Array.from({ length: 25 }, (_, n) => `a${n}: businessData`).join(' ');
  for (const selection of ['events { data }', 'eventPages { edges { node { data } } }', aliases])
    for (const answer of [await hub.ask(wrap(selection)), await askSocket(client, wrap(selection))])
      assert.ok(isLimit(answer), `${selection}: ${JSON.stringify(answer).slice(0, 300)}`);
  const { voucherBySource } = await hub.data<{ voucherBySource: { eventPages: { edges: unknown[] } } }>(
    wrap('eventPages(first: 10) { edges { node { data } } }'),
  );
  assert.equal(voucherBySource.eventPages.edges.length, 10);
});

test('a socket subscription counts each of its events anew, and refuses one that is too large alone', async () => {
  await using hub = await startTestHub();
  await using client = socketClient(hub);
  const { createDataSubscription } = await hub.data<{
    createDataSubscription: { subscription: { id: string } };
  }>(
    'mutation { createDataSubscription(input: {name: "s", targetSystem: "tax", eventTypes: ["*"]}) { subscription { id } } }',
  );
  await recordVersions(hub, { count: 150 });
  const { id } = createDataSubscription.subscription;
  const query = `subscription { deliveries(subscriptionId: ${id}, prefetch: 1) { syncId event { voucher { events { voucher { e: events { id voucher { id } } } } } } } }`;
  let seen = 0;
  for await (const answer of client.iterate<{ deliveries: { syncId: string } }>({ query })) {
    // 150 versions, each with 150 in it: 70,000 fields an event, and three events are more than one answer may have.
    assert.equal(answer.errors, undefined, JSON.stringify(answer.errors));
    seen += 1;
    if (seen === 3) break;
    // They are of one record, so each waits for the one before.
    await hub.data(`mutation { acknowledge(syncIds: ["${answer.data?.deliveries.syncId}"]) }`);
  }
  await recordVersions(hub, { from: 151, count: 150 });
  for await (const answer of client.iterate({ query })) {
    assert.ok(
      isLimit({ errors: answer.errors?.map(({ extensions }) => ({ extensions: extensions ?? {} })) }),
    );
    break;
  }
});

test('the longest answer that is taken holds nobody else up for long: it has its turns like everything else', async () => {
  await using hub = await startTestHub();
  await recordVersions(hub, { count: 1_000 });
  const lists = Array.from({ length: 8 }, (_, n) => `l${n}: events { ...F }`).join(' ');
  const query = `{ voucherBySource(sourceSystem: "settlement", sourceModule: "invoice", sourceId: "INV-1") { ${lists} } }
    fragment F on VoucherEvent { id eventType sourceVersion occurredAt recordedAt voucher { id voucherNo sourceId amount currency digest status } }`;
  const took = performance.now();
  const stall = await longestStall(() => hub.data(query));
  const whole = performance.now() - took;
  // A slow machine slows both down alike.
  assert.ok(stall < Math.max(500, whole * 0.8), `${stall} ms of ${whole} ms`);
});

test('introspection in full is answered, and twice of it refused, over HTTP and over the socket', async () => {
  await using hub = await startTestHub();
  await using client = socketClient(hub);
  const query = getIntrospectionQuery();
  const twice =
    `${query} fragment S on Query { b: __schema { types { ...FullType } } c: __schema { types { ...FullType } } }`.replace(
      '__schema {',
      '...S __schema {',
    );
  for (const ask of [(text: string) => hub.ask(text), (text: string) => askSocket(client, text)]) {
    assert.equal((await ask(query)).errors, undefined);
    assert.ok(isLimit(await ask(twice)));
  }
});

test('a text that is longer than any operation needs is refused before it is parsed', async () => {
  await using hub = await startTestHub();
  const long = 'x'.repeat(limits.documentChars);
  for (const query of [
    `{ voucher(id: "${long}") { id } }`,
    `{ eventTypes { name } } # ${long}`,
    `{ ${long} }`,
    `{ voucher(id: """${long}""") { id } }`,
  ]) {
    const answer = await hub.ask(query);
    assert.equal(answer.status, 400);
    assert.ok(isLimit(answer));
    assert.ok(JSON.stringify(answer).length < 1_000);
  }
});

test('documents that are made to be compared for long are refused or answered at once', async () => {
  await using hub = await startTestHub();
  const value = 'x'.repeat(120);
  const documents = [
    `{ eventTypes { ${'name '.repeat(1_900)} } }`,
    `{ ${Array.from({ length: 440 }, (_, n) => `voucher(id: "${value}${n % 2}") { id }`).join(' ')} }`,
    `{ ${'eventTypes { ...F } '.repeat(300)} } ${Array.from({ length: 300 }, (_, n) => `fragment F${n === 0 ? '' : n} on EventType { name ${n === 299 ? '' : `...F${n + 1}`} }`).join(' ')}`,
    Array.from({ length: 280 }, (_, n) => `query Q${n} { ...F }`)
      .join(' ')
      .concat(' fragment F on Query { eventTypes { name } }'),
    `{ ${Array.from({ length: 1_900 }, (_, n) => `unknown${n}`).join(' ')} }`,
  ];
  for (const query of documents) {
    const started = performance.now();
    const answer = await hub.ask(query);
    assert.ok(answer.errors !== undefined);
    assert.ok(
      performance.now() - started < 5_000,
      `${query.slice(0, 60)}: ${performance.now() - started} ms`,
    );
  }
});

test('one record with many versions that many vouchers lead to is read once, and no batch is larger than a statement may be', async () => {
  await using hub = await startTestHub();
  const inputs = Array.from({ length: 500 }, (_, n) => voucherInput({ sourceId: `R-${n}` }));
  await hub.data(record, { inputs });
  const { vouchers } = await hub.data<{ vouchers: { edges: { node: { events: { voucher: object }[] } }[] } }>(
    '{ vouchers(first: 500) { edges { node { events { voucher { sourceId } } } } } }',
  );
  assert.equal(vouchers.edges.length, 500);
  assert.ok(vouchers.edges.every(({ node }) => node.events.length === 1));
});

test('a list of versions that is cut says so beside the data, over HTTP and over the socket; pages give all of them', async () => {
  await using hub = await startTestHub();
  await using client = socketClient(hub);
  await recordVersions(hub, { count: limits.nestedList + 5 });
  const where = 'voucherBySource(sourceSystem: "settlement", sourceModule: "invoice", sourceId: "INV-1")';
  const cut = `{ ${where} { id events { sourceVersion } } }`;
  const http = await hub.ask(cut);
  const socket = await askSocket(client, cut);
  for (const answer of [http, socket]) {
    const {
      data,
      errors,
      extensions,
    }: {
      data: unknown;
      errors?: unknown;
      extensions: { warnings: { code: string; path: string[]; message: string }[] };
    } = JSON.parse(JSON.stringify(answer));
    assert.equal(errors, undefined);
    const { voucherBySource }: { voucherBySource: { events: { sourceVersion: number }[] } } = JSON.parse(
      JSON.stringify(data),
    );
    assert.equal(voucherBySource.events.length, limits.nestedList);
    assert.deepEqual(
      extensions.warnings.map(({ code, path }) => ({ code, path })),
      [{ code: 'LIST_CUT', path: ['voucherBySource', 'events'] }],
    );
    assert.match(extensions.warnings[0]?.message ?? '', /eventPages/);
  }
  const versions: number[] = [];
  let after: string | null = null;
  for (let page = 0; page < 10; page += 1) {
    const answer: {
      voucherBySource: {
        eventPages: {
          totalCount: number;
          pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; endCursor: string | null };
          edges: { cursor: string; node: { sourceVersion: number; data: { v: number } } }[];
        };
      };
    } = await hub.data(
      `query ($after: String) { ${where} { eventPages(first: 400, after: $after) { totalCount pageInfo { hasNextPage hasPreviousPage endCursor } edges { cursor node { sourceVersion data } } } } }`,
      { after },
    );
    const { totalCount, pageInfo, edges } = answer.voucherBySource.eventPages;
    assert.equal(totalCount, limits.nestedList + 5);
    assert.equal(pageInfo.hasPreviousPage, page > 0);
    assert.equal(pageInfo.endCursor, edges.at(-1)?.cursor);
    for (const { node } of edges) assert.equal(node.data.v, node.sourceVersion);
    versions.push(...edges.map(({ node }) => node.sourceVersion));
    after = pageInfo.endCursor;
    if (!pageInfo.hasNextPage) break;
  }
  assert.deepEqual(
    versions,
    Array.from({ length: limits.nestedList + 5 }, (_, n) => n + 1),
  );
  const uncut = await hub.ask(`{ ${where} { eventPages(first: 1000) { totalCount } } }`);
  assert.equal(uncut.errors?.[0]?.extensions.field, 'first');
  const foreign = await hub.ask(`{ ${where} { eventPages(after: "aWQ6MQ") { totalCount } } }`);
  assert.equal(foreign.errors?.[0]?.extensions.field, 'after');
});

test('a list that is whole has no warning', async () => {
  await using hub = await startTestHub();
  await recordVersions(hub, { count: 3 });
  const answer = await hub.ask(
    '{ vouchers { edges { node { events { id } eventPages(first: 2) { edges { cursor } } } } } }',
  );
  assert.ok(!('extensions' in answer), JSON.stringify(answer));
});
