import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { adminKey, startTestHub, type TestHub } from '../support/hub.ts';
import { startReceiver } from '../support/receiver.ts';
import { connectSql, type Sql } from '../support/sql.ts';
import { type RecordedItem, recordVouchers, subscribe, voucherInput } from '../support/vouchers.ts';

/** What an item came to, in a word. */
function outcomeOf(item: RecordedItem | undefined): string {
  return item?.result?.outcome ?? `${item?.error?.code} ${item?.error?.field}`;
}

async function record(hub: TestHub, over: Record<string, unknown> = {}): Promise<RecordedItem> {
  const [item] = await recordVouchers(hub, [voucherInput(over)]);
  assert.ok(item);
  return item;
}

/** How many vouchers, events and syncs there are. */
async function totals(sql: Sql): Promise<number[]> {
  const tables = ['fin_business_vouchers', 'fin_voucher_events', 'fin_data_sync_logs'];
  return Promise.all(tables.map(name => sql.count(`select count(*) from ${name}`)));
}

test('a thousand at once are recorded, and each refused one is named by its index, code and field', async () => {
  await using hub = await startTestHub();
  await using sql = await connectSql(hub.databaseUrl);
  const faults: [Record<string, unknown>, string, string | null][] = [
    [{ eventType: 'no_such_type' }, 'BAD_USER_INPUT', 'eventType'],
    [{ currency: 'cny' }, 'BAD_USER_INPUT', 'currency'],
    [{ sourceVersion: 0 }, 'BAD_USER_INPUT', 'sourceVersion'],
    [{ sourceId: '' }, 'BAD_USER_INPUT', 'sourceId'],
    [{ summary: 'a\0b' }, 'BAD_USER_INPUT', 'summary'],
    [{ sourceId: 'K0', amount: '7', sourceVersion: 1 }, 'CONFLICT', 'sourceVersion'],
  ];
  const inputs = Array.from({ length: 1_000 }, (_, n) =>
    voucherInput({
      sourceId: `K${n}`,
      sourceVersion: 1,
      ...(n % 100 === 50 ? faults[((n - 50) / 100) % faults.length]?.[0] : {}),
    }),
  );
  const items = await recordVouchers(hub, inputs);
  assert.deepEqual(
    items.map(item => item.index),
    inputs.map((_, n) => n),
  );
  for (const [n, item] of items.entries()) {
    if (n % 100 !== 50) assert.equal(item.result?.outcome, 'CREATED', `item ${n}: ${item.error?.message}`);
    else
      assert.deepEqual(
        [item.error?.code, item.error?.field, item.result],
        [...(faults[((n - 50) / 100) % faults.length]?.slice(1) ?? []), null],
      );
  }
  assert.equal(await sql.count('select count(*) from fin_business_vouchers'), 990);
});

test('more than a thousand at once are refused whole', async () => {
  await using hub = await startTestHub();
  await using sql = await connectSql(hub.databaseUrl);
  const inputs = Array.from({ length: 1_001 }, (_, n) => voucherInput({ sourceId: `K${n}` }));
  const answer = await hub.ask(
    'mutation ($inputs: [RecordVoucherInput!]!) { recordVouchers(inputs: $inputs) { index } }',
    { inputs },
  );
  assert.equal(answer.errors?.[0]?.extensions.code, 'BAD_USER_INPUT');
  assert.equal(answer.errors[0].extensions.field, 'inputs');
  assert.deepEqual(await totals(sql), [0, 0, 0]);
  assert.deepEqual(await recordVouchers(hub, []), []);
});

test('what cannot be kept exactly is refused with its field named, and nothing of it is written', async () => {
  await using hub = await startTestHub();
  await using sql = await connectSql(hub.databaseUrl);
  let deep: unknown = 1;
  for (let n = 0; n < 64; n += 1) deep = { deep };
  const faults: [Record<string, unknown>, RegExp][] = [
    [{ sourceSystem: 'a\0' }, /^sourceSystem$/],
    [{ sourceId: '\ud800' }, /^sourceId$/],
    [{ counterpartyName: 'x\udc00y' }, /^counterpartyName$/],
    [{ createdBy: 'x'.repeat(201) }, /^createdBy$/],
    [{ summary: 'x'.repeat(2_001) }, /^summary$/],
    [{ sourceModule: '' }, /^sourceModule$/],
    [{ businessData: { a: 'x\0' } }, /^businessData\.a$/],
    [{ businessData: { a: [{ b: '\ud83d' }] } }, /^businessData\.a\.b$/],
    [{ businessData: { 'k\0': 1 } }, /businessData/],
    [{ businessData: { '\ude00': 1 } }, /businessData/],
    [{ businessData: { id: 2 ** 53 } }, /^businessData\.id$/],
    [{ businessData: { id: [-(2 ** 60)] } }, /^businessData\.id$/],
    [{ businessData: { id: 1e300 } }, /^businessData\.id$/],
    [{ businessData: { deep } }, /^businessData$/],
    [{ businessData: { big: 'x'.repeat(1_048_600) } }, /^businessData$/],
    [{ currency: 'YUAN' }, /^currency$/],
    [{ currency: '' }, /^currency$/],
    [{ eventType: 'nothing' }, /^eventType$/],
    [{ sourceVersion: -1 }, /^sourceVersion$/],
    [{ sourceVersion: 2 ** 53 }, /^sourceVersion$/],
    [{ amount: '1'.repeat(31) }, /^amount$/],
    [{ amount: '0.12345678901' }, /^amount$/],
    [{ occurredAt: new Date(Date.now() + 25 * 3_600_000).toISOString() }, /^occurredAt$/],
  ];
  for (const [over, field] of faults) {
    const item = await record(hub, over);
    const shown = JSON.stringify(over).slice(0, 100);
    assert.equal(item.error?.code, 'BAD_USER_INPUT', shown);
    assert.match(item.error.field ?? '', field, shown);
  }
  const malformed: [Record<string, unknown>, string][] = [
    [{ voucherDate: '2025-02-30' }, 'voucherDate'],
    [{ occurredAt: '2025-12-19T08:00:00' }, 'occurredAt'],
    [{ amount: 0.1 }, 'amount'],
    [{ amount: '1e3' }, 'amount'],
    [{ businessData: [] }, 'businessData'],
    [{ businessData: 'x' }, 'businessData'],
    [{ direction: 'debit' }, 'direction'],
    [{ sourceVersion: 1.5 }, 'sourceVersion'],
    [{ status: 'GONE' }, 'status'],
    [{ currency: null }, 'currency'],
    [{ surprise: 1 }, 'surprise'],
  ];
  for (const [over, field] of malformed) {
    const answer = await hub.ask(
      'mutation ($input: RecordVoucherInput!) { recordVoucher(input: $input) { outcome } }',
      { input: voucherInput(over) },
    );
    assert.equal(answer.errors?.[0]?.extensions.code, 'BAD_USER_INPUT', JSON.stringify(over));
    const [{ message, extensions }] = answer.errors;
    assert.ok(message.includes(field), message);
    // What is no field of the input has no place there either.
    if (field !== 'surprise') assert.equal(extensions.field, field, message);
  }
  assert.deepEqual(await totals(sql), [0, 0, 0]);
});

test('a number that no JSON parser can hold is refused with its field named, and its neighbours are recorded', async () => {
  await using hub = await startTestHub();
  const query =
    'mutation ($inputs: [RecordVoucherInput!]!) { recordVouchers(inputs: $inputs) { index result { outcome } error { code field } } }';
  const inputs = JSON.stringify([
    voucherInput({ sourceId: 'A' }),
    voucherInput({ sourceId: 'B', businessData: { n: 'HERE' } }),
  ]).replace('"HERE"', '1e400');
  const response = await fetch(`${hub.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${adminKey}` },
    body: `{"query": ${JSON.stringify(query)}, "variables": {"inputs": ${inputs}}}`,
  });
  const answer: unknown = await response.json();
  assert.deepEqual(answer, {
    data: {
      recordVouchers: [
        { index: 0, result: { outcome: 'CREATED' }, error: null },
        { index: 1, result: null, error: { code: 'BAD_USER_INPUT', field: 'businessData.n' } },
      ],
    },
  });
});

test('business data may have any keys: __proto__ and constructor are data, from a variable and from the text', async () => {
  await using hub = await startTestHub();
  const text = '{"__proto__": {"polluted": true}, "constructor": {"prototype": {"x": 1}}, "toString": "t"}';
  const response = await fetch(`${hub.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${adminKey}` },
    body: `{"query": "mutation ($input: RecordVoucherInput!) { recordVoucher(input: $input) { outcome voucher { businessData } event { data } } }",
      "variables": {"input": ${JSON.stringify(voucherInput({ businessData: 'HERE' })).replace('"HERE"', text)}}}`,
  });
  const expected = `"businessData":${text.replaceAll(': ', ':').replaceAll(', ', ',')}`;
  const answer = await response.text();
  // The order of the keys is the stored one: sorted.
  assert.ok(
    answer.includes('"__proto__":{"polluted":true}') && answer.includes('"prototype":{"x":1}'),
    `${answer} instead of ${expected}`,
  );
  await using sql = await connectSql(hub.databaseUrl);
  const [row] = await sql.rows<{ text: string }>(
    'select business_data::text as text from fin_business_vouchers',
  );
  assert.equal(
    row?.text,
    '{"__proto__": {"polluted": true}, "constructor": {"prototype": {"x": 1}}, "toString": "t"}',
  );
});

test('data nested to the limit is recorded, and nested a hundred thousand deep is refused without harm', async () => {
  await using hub = await startTestHub();
  let data: unknown = { n: 1 };
  for (let n = 1; n < 64; n += 1) data = { d: data };
  assert.equal(outcomeOf(await record(hub, { businessData: data })), 'CREATED');
  const deep = `{"d":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
  const response = await fetch(`${hub.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${adminKey}` },
    body: `{"query": "mutation ($input: RecordVoucherInput!) { recordVoucher(input: $input) { outcome } }",
      "variables": {"input": ${JSON.stringify(voucherInput({ sourceId: 'DEEP', businessData: 'HERE' })).replace('"HERE"', deep)}}}`,
  });
  assert.match(await response.text(), /"code":"BAD_USER_INPUT","field":"businessData"/);
});

test('money is exact from the input through the database to the webhook', async () => {
  await using hub = await startTestHub();
  await using sql = await connectSql(hub.databaseUrl);
  await using receiver = await startReceiver();
  await subscribe(hub, { webhookUrl: receiver.url });
  const amounts = [
    '0.10',
    '0.1',
    '100000.00',
    '123456789012345678901234567890.0123456789',
    '-0.01',
    '0',
    '0.0000000001',
    '9007199254740993',
    '-999999999999999999999999999999',
  ];
  const items = await recordVouchers(
    hub,
    amounts.map(amount => voucherInput({ sourceId: amount, amount })),
  );
  assert.deepEqual(
    items.map(outcomeOf),
    amounts.map(() => 'CREATED'),
  );
  assert.equal(outcomeOf(await record(hub, { sourceId: 'int', amount: 42 })), 'CREATED');
  const literal =
    await hub.ask(`mutation { recordVoucher(input: { eventType: "invoice_recorded", sourceSystem: "settlement", sourceModule: "invoice", sourceType: "s",
    sourceId: "literal", direction: CREDIT, amount: 12345678901234567890123, currency: "CNY", businessData: { a: 1 } }) { voucher { amount } } }`);
  assert.deepEqual(literal.data, { recordVoucher: { voucher: { amount: '12345678901234567890123' } } });
  const expected = Object.fromEntries([
    ...amounts.map(amount => [amount, amount]),
    ['int', '42'],
    ['literal', '12345678901234567890123'],
  ]);
  const stored = await sql.rows<{ source_id: string; amount: string }>(
    'select source_id, amount::text from fin_business_vouchers',
  );
  assert.deepEqual(Object.fromEntries(stored.map(row => [row.source_id, row.amount])), expected);
  const events = await receiver.gotEvents(Object.keys(expected).length);
  assert.deepEqual(
    Object.fromEntries(events.map(({ voucher }) => [voucher.source_id, voucher.amount])),
    expected,
  );
  for (const { rawBody } of receiver.requests) assert.match(rawBody, /"amount": "-?\d+(\.\d+)?"/);
  const { vouchers } = await hub.data<{
    vouchers: { edges: { node: { sourceId: string; amount: string } }[] };
  }>('{ vouchers { edges { node { sourceId amount } } } }');
  assert.deepEqual(
    Object.fromEntries(vouchers.edges.map(({ node }) => [node.sourceId, node.amount])),
    expected,
  );
});

test('an event type’s JSON Schema is enforced from the next record on, at every hub, and taken back', async () => {
  await using first = await startTestHub();
  await using second = await startTestHub({ databaseUrl: first.databaseUrl });
  const upsert =
    'mutation ($schema: JSONObject) { upsertEventType(name: "tax_filed", description: "Filed", mode: REALTIME, schema: $schema) { name mode schema } }';
  assert.equal(
    outcomeOf(await record(second, { eventType: 'tax_filed', sourceId: 'T0' })),
    'BAD_USER_INPUT eventType',
  );
  const schema = {
    type: 'object',
    required: ['no'],
    properties: {
      no: { type: 'string', minLength: 3 },
      lines: { type: 'array', prefixItems: [{ type: 'integer' }] },
    },
  };
  assert.deepEqual((await first.data<{ upsertEventType: unknown }>(upsert, { schema })).upsertEventType, {
    name: 'tax_filed',
    mode: 'REALTIME',
    schema,
  });
  const tryIt = (businessData: unknown) =>
    record(second, { eventType: 'tax_filed', sourceId: 'T1', businessData });
  assert.equal(outcomeOf(await tryIt({})), 'BAD_USER_INPUT businessData');
  assert.equal(outcomeOf(await tryIt({ no: 'ab' })), 'BAD_USER_INPUT businessData.no');
  assert.equal(outcomeOf(await tryIt({ no: 'abc', lines: ['x'] })), 'BAD_USER_INPUT businessData.lines.0');
  assert.equal(outcomeOf(await tryIt({ no: 'abc', lines: [1, 'x'] })), 'CREATED');
  await first.data(upsert, { schema: null });
  assert.equal(outcomeOf(await tryIt({})), 'UPDATED');
});

test('a schema that cannot be used is refused and changes nothing', async () => {
  await using hub = await startTestHub();
  const upsert =
    'mutation ($name: String!, $description: String, $schema: JSONObject) { upsertEventType(name: $name, description: $description, mode: REALTIME, schema: $schema) { name } }';
  const bad = [
    { type: 'objekt' },
    { properties: 7 },
    { $ref: 'https://example.com/other.json' },
    { $ref: '#/nowhere' },
    { pattern: '(' },
    { $schema: 'http://json-schema.org/draft-07/schema#' },
    { $async: true, type: 'object', required: ['a'] },
    { const: 'a\0' },
    { const: '\ud800' },
  ];
  for (const schema of bad) {
    const answer = await hub.ask(upsert, { name: 'invoice_recorded', schema });
    assert.equal(answer.errors?.[0]?.extensions.code, 'BAD_USER_INPUT', JSON.stringify(schema));
  }
  for (const [name, description] of [
    ['', null],
    ['a b', null],
    ['x'.repeat(101), null],
    ['名', null],
    ['ok', 'nul \0'],
    ['ok', 'x'.repeat(2_001)],
  ]) {
    const answer = await hub.ask(upsert, { name, description });
    assert.equal(answer.errors?.[0]?.extensions.code, 'BAD_USER_INPUT', JSON.stringify([name, description]));
  }
  assert.equal(outcomeOf(await record(hub)), 'CREATED');
});

test('a record at the highest version takes no call without a version, and its neighbours are recorded', async () => {
  await using hub = await startTestHub();
  const top = { sourceId: 'TOP', sourceVersion: Number.MAX_SAFE_INTEGER };
  const items = await recordVouchers(hub, [
    voucherInput(top),
    voucherInput({ sourceId: 'TOP', amount: '5' }),
    voucherInput({ sourceId: 'BESIDE' }),
  ]);
  assert.deepEqual(items.map(outcomeOf), ['CREATED', 'BAD_USER_INPUT sourceVersion', 'CREATED']);
  assert.equal(
    outcomeOf(await record(hub, { sourceId: 'TOP', amount: '5' })),
    'BAD_USER_INPUT sourceVersion',
  );
});

test('a body that is no UTF-8 is refused whole: ids in GBK would all become one', async () => {
  await using hub = await startTestHub();
  await using sql = await connectSql(hub.databaseUrl);
  const query =
    'mutation ($inputs: [RecordVoucherInput!]!) { recordVouchers(inputs: $inputs) { index result { outcome } } }';
  const text = JSON.stringify({ query, variables: { inputs: [voucherInput({ sourceId: 'NAME' })] } });
  const gbk = Buffer.from([0xd5, 0xc5, 0xc8, 0xfd]);
  const [before = '', behind = ''] = text.split('NAME');
  const send = (name: Buffer) =>
    fetch(`${hub.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${adminKey}` },
      body: Buffer.concat([Buffer.from(before), name, Buffer.from(behind)]),
    });
  const refused = await send(gbk);
  assert.equal(refused.status, 400);
  assert.match(await refused.text(), /UTF-8.*BAD_USER_INPUT/);
  assert.deepEqual(await totals(sql), [0, 0, 0]);
  assert.equal((await send(Buffer.from('张三'))).status, 200);
  const [row] = await sql.rows('select source_id from fin_business_vouchers');
  assert.deepEqual(row, { source_id: '张三' });
});

test('a compressed body is refused as such', async () => {
  await using hub = await startTestHub();
  const body = gzipSync(JSON.stringify({ query: '{ eventTypes { name } }' }));
  const send = (encoding: string, sent: Buffer | string) =>
    fetch(`${hub.url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'content-encoding': encoding,
        authorization: `Bearer ${adminKey}`,
      },
      body: sent,
    });
  const refused = await send('gzip', body);
  assert.equal(refused.status, 415);
  assert.match(await refused.text(), /is compressed \(Content-Encoding\); send it as it is/);
  assert.equal((await send('identity', '{"query": "{ eventTypes { name } }"}')).status, 200);
});

test('a schema’s pattern costs a time that grows with the text, and one that can’t be matched so is refused', async () => {
  await using hub = await startTestHub();
  const upsert = (pattern: string) =>
    hub.ask(
      'mutation ($schema: JSONObject) { upsertEventType(name: "patterned", mode: REALTIME, schema: $schema) { name } }',
      { schema: { type: 'object', properties: { a: { type: 'string', pattern } } } },
    );
  assert.equal((await upsert('^(a+)+$')).errors, undefined);
  const startedAt = performance.now();
  const over = { eventType: 'patterned', businessData: { a: `${'a'.repeat(5_000)}!` } };
  assert.equal(outcomeOf(await record(hub, over)), 'BAD_USER_INPUT businessData.a');
  assert.ok(performance.now() - startedAt < 30_000);
  assert.equal(outcomeOf(await record(hub, { ...over, businessData: { a: 'aaa' } })), 'CREATED');
  assert.match(JSON.stringify((await upsert('^(?=b)a\\1$')).errors), /BAD_USER_INPUT/);
});

test('what is not of the schema’s types refuses the whole call, and says which item’s field it is', async () => {
  await using hub = await startTestHub();
  await using sql = await connectSql(hub.databaseUrl);
  const query = 'mutation ($i: [RecordVoucherInput!]!) { recordVouchers(inputs: $i) { index } }';
  for (const [over, field] of [
    [{ amount: '1e5' }, '[1].amount'],
    [{ voucherDate: '2025-02-30' }, '[1].voucherDate'],
    [{ businessData: undefined }, '[1].businessData'],
    [{ summary: '; Field "a" of required type at "i.b";', sourceId: undefined }, '[1].sourceId'],
    [{ sumary: 'mistyped' }, '[1].sumary'],
  ] as const) {
    const answer = await hub.ask(query, { i: [voucherInput({ sourceId: 'OK' }), voucherInput(over)] });
    const { code, field: told } = answer.errors?.[0]?.extensions ?? {};
    assert.deepEqual([code, told], ['BAD_USER_INPUT', field]);
  }
  const one = await hub.ask('mutation ($i: RecordVoucherInput!) { recordVoucher(input: $i) { outcome } }', {
    i: { ...voucherInput(), businessData: undefined },
  });
  assert.equal(one.errors?.[0]?.extensions?.field, 'businessData');
  assert.deepEqual(await totals(sql), [0, 0, 0]);
});

test('a stored schema that this version can’t use holds up its own event type alone, and loses nothing', async () => {
  await using hub = await startTestHub();
  await using sql = await connectSql(hub.databaseUrl);
  await sql.rows(
    `update event_types set schema = '{"properties": {"a": {"pattern": "(?=a)"}}}' where name = 'invoice_updated'`,
  );
  const items = await recordVouchers(hub, [
    voucherInput({ sourceId: 'A', eventType: 'invoice_updated' }),
    voucherInput({ sourceId: 'B' }),
  ]);
  assert.deepEqual(
    items.map(item => item.result?.outcome ?? item.error?.code),
    ['UNAVAILABLE', 'CREATED'],
  );
});
