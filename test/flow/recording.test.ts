import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { createLogger } from '../../src/core/logger.ts';
import { Database } from '../../src/db/database.ts';
import { adminKey, startTestHub, type TestHub } from '../support/hub.ts';
import { createEmptyDatabase } from '../support/postgres.ts';
import { startReceiver } from '../support/receiver.ts';
import { propertySeed } from '../support/seed.ts';
import { connectSql, type Sql } from '../support/sql.ts';
import { type RecordedItem, recordVouchers, subscribe, syncsOf, voucherInput } from '../support/vouchers.ts';

const seed = propertySeed('recording');

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

test('each call comes to the outcome that the contract names, and writes what that outcome says', async () => {
  await using hub = await startTestHub();
  await using sql = await connectSql(hub.databaseUrl);
  await subscribe(hub, {});
  const steps: [Record<string, unknown>, string, number[]][] = [
    [{ sourceVersion: 3 }, 'CREATED', [1, 1, 1]],
    [{ sourceVersion: 3 }, 'DUPLICATE', [1, 1, 1]],
    [{ sourceVersion: 4, amount: '2.00' }, 'UPDATED', [1, 2, 2]],
    [{ sourceVersion: 2, amount: '9.00' }, 'STALE', [1, 3, 2]],
    [{ sourceVersion: 2, amount: '9.00' }, 'DUPLICATE', [1, 3, 2]],
    [{ sourceVersion: 4, amount: '2.01' }, 'CONFLICT sourceVersion', [1, 3, 2]],
    [{ sourceVersion: 3, amount: '2.01' }, 'CONFLICT sourceVersion', [1, 3, 2]],
    [{ sourceVersion: 3 }, 'DUPLICATE', [1, 3, 2]],
    [{ amount: '2.00' }, 'DUPLICATE', [1, 3, 2]],
    [{ amount: '3.00' }, 'UPDATED', [1, 4, 3]],
    [{ amount: '3.00', status: 'VOIDED' }, 'UPDATED', [1, 5, 4]],
    [{ amount: '3.00', status: 'VOIDED', eventType: 'invoice_updated' }, 'UPDATED', [1, 6, 5]],
  ];
  for (const [over, expected, expectedTotals] of steps) {
    const item = await record(hub, over);
    assert.equal(outcomeOf(item), expected, JSON.stringify(over));
    assert.deepEqual(await totals(sql), expectedTotals, JSON.stringify(over));
    if (item.result !== null) {
      assert.equal(item.result.event === null, expected === 'DUPLICATE');
      assert.equal(item.result.deliveries, expected === 'CREATED' || expected === 'UPDATED' ? 1 : 0);
    }
  }
  const { voucherBySource } = await hub.data<{
    voucherBySource: {
      sourceVersion: number;
      amount: string;
      status: string;
      events: { sourceVersion: number }[];
    };
  }>(
    `{ voucherBySource(sourceSystem: "settlement", sourceModule: "invoice", sourceId: "INV-1") { sourceVersion amount status events { sourceVersion } } }`,
  );
  assert.deepEqual(
    [voucherBySource.sourceVersion, voucherBySource.amount, voucherBySource.status],
    [7, '3.00', 'VOIDED'],
  );
  assert.deepEqual(
    voucherBySource.events.map(event => event.sourceVersion),
    [2, 3, 4, 5, 6, 7],
  );
});

test('a stale version is kept in the history and reaches no subscriber', async () => {
  await using hub = await startTestHub();
  await using receiver = await startReceiver();
  await subscribe(hub, { webhookUrl: receiver.url });
  await record(hub, { sourceVersion: 5 });
  const stale = await record(hub, { sourceVersion: 4, businessData: { old: true } });
  assert.equal(outcomeOf(stale), 'STALE');
  await record(hub, { sourceVersion: 6, amount: '6.00' });
  const events = await receiver.gotEvents(2);
  assert.deepEqual(
    events.map(event => event.voucher.source_version),
    [5, 6],
  );
  assert.equal((await syncsOf(hub)).length, 2);
  const { voucher } = await hub.data<{ voucher: { sourceVersion: number; events: { data: unknown }[] } }>(
    'query ($id: ID!) { voucher(id: $id) { sourceVersion events { data } } }',
    { id: stale.result?.voucher.id },
  );
  assert.deepEqual(voucher.events[0]?.data, { old: true });
});

test('one call with several versions of a record takes them one after another', async () => {
  await using hub = await startTestHub();
  const items = await recordVouchers(hub, [
    voucherInput({ amount: '1' }),
    voucherInput({ amount: '2' }),
    voucherInput({ amount: '2' }),
    voucherInput({ amount: '0', sourceVersion: 1 }),
    voucherInput({ amount: '1', sourceVersion: 1 }),
    voucherInput({ sourceVersion: 9 }),
    voucherInput({ sourceVersion: 5 }),
    voucherInput({ sourceVersion: 5 }),
  ]);
  assert.deepEqual(items.map(outcomeOf), [
    'CREATED',
    'UPDATED',
    'DUPLICATE',
    'CONFLICT sourceVersion',
    'DUPLICATE',
    'UPDATED',
    'STALE',
    'DUPLICATE',
  ]);
  assert.equal(new Set(items.flatMap(item => item.result?.voucher.id ?? [])).size, 1);
});

test('a call without version and date is the same call after another day’s version came', async () => {
  const day = 86_400_000;
  let now = Date.now();
  const { systemClock } = await import('../../src/core/clock.ts');
  await using hub = await startTestHub({ overrides: { clock: { ...systemClock, now: () => now } } });
  assert.equal(outcomeOf(await record(hub, { voucherDate: undefined, sourceVersion: 1 })), 'CREATED');
  now += day;
  assert.equal(outcomeOf(await record(hub, { voucherDate: undefined })), 'DUPLICATE');
  assert.equal(
    outcomeOf(await record(hub, { voucherDate: undefined, sourceVersion: 2, amount: '2.00' })),
    'UPDATED',
  );
  assert.equal(outcomeOf(await record(hub, { voucherDate: undefined, sourceVersion: 1 })), 'DUPLICATE');
});

test('the digest is what Python makes of the stored record, for any business data', async () => {
  await using hub = await startTestHub();
  await using sql = await connectSql(hub.databaseUrl);
  const data = fc.dictionary(
    fc.string({ unit: 'grapheme', maxLength: 8 }).filter(isStorable),
    fc.jsonValue({ maxDepth: 3 }).filter(isRecordable),
    { maxKeys: 6 },
  );
  const text = fc.option(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).filter(isStorable), {
    nil: null,
  });
  const records = fc.sample(fc.record({ data, summary: text, counterpartyName: text, companyId: text }), {
    seed,
    numRuns: 200,
  });
  const inputs = records.map((one, n) =>
    voucherInput({
      ...one,
      data: undefined,
      businessData: one.data,
      sourceId: `D${n}`,
      sourceVersion: 1 + (n % 3),
      amount: `${n}.50`,
    }),
  );
  const items = await recordVouchers(hub, inputs);
  assert.deepEqual(
    items.filter(item => item.error !== null),
    [],
  );
  const stored = await sql.rows<{ digest: string; line: string }>(
    `select digest, json_build_object('data', business_data, 'voucher', json_build_object('voucher_date', voucher_date::text, 'source_system', source_system,
       'source_module', source_module, 'source_type', source_type, 'source_id', source_id, 'source_reference_no', source_reference_no,
       'source_version', source_version, 'company_id', company_id, 'counterparty_type', counterparty_type, 'counterparty_id', counterparty_id,
       'counterparty_name', counterparty_name, 'direction', direction, 'amount', amount::text, 'currency', currency, 'summary', summary))::text as line
     from fin_business_vouchers order by id`,
  );
  assert.equal(stored.length, 200);
  const program =
    'import hashlib, json, sys\nfor line in sys.stdin.buffer.read().decode().split(chr(1)):\n print(hashlib.sha256(json.dumps(json.loads(line), sort_keys=True).encode()).hexdigest())';
  const python = spawnSync('python3', ['-c', program], {
    input: stored.map(row => row.line).join('\u0001'),
    encoding: 'utf8',
  });
  assert.equal(python.stderr, '');
  assert.deepEqual(
    python.stdout.trim().split('\n'),
    stored.map(row => row.digest),
  );
});

test('the same call fifty times at once, at two hubs on one database, is recorded once', async () => {
  await using first = await startTestHub();
  await using second = await startTestHub({ databaseUrl: first.databaseUrl });
  await using sql = await connectSql(first.databaseUrl);
  await subscribe(first, {});
  for (let round = 0; round < 5; round += 1) {
    const over = { sourceId: `SAME-${round}`, ...(round % 2 === 0 ? { sourceVersion: 1 } : {}) };
    const items = await Promise.all(
      Array.from({ length: 50 }, (_, n) => record(n % 2 === 0 ? first : second, over)),
    );
    const outcomes = items.map(outcomeOf).sort();
    assert.deepEqual(outcomes, ['CREATED', ...Array.from({ length: 49 }, () => 'DUPLICATE')]);
    assert.equal(new Set(items.map(item => item.result?.voucher.id)).size, 1);
    assert.deepEqual(await totals(sql), [round + 1, round + 1, round + 1]);
  }
});

test('two hubs that record the same new records in any order at once refuse nothing and record each once', async () => {
  await using first = await startTestHub();
  await using second = await startTestHub({ databaseUrl: first.databaseUrl });
  await using sql = await connectSql(first.databaseUrl);
  const orders = fc.sample(
    fc.shuffledSubarray(
      Array.from({ length: 12 }, (_, n) => n),
      { minLength: 6 },
    ),
    { seed, numRuns: 400 },
  );
  let made = 0;
  for (let round = 0; round < 20; round += 1) {
    const some = orders.slice(round * 20, round * 20 + 20);
    const answers = await Promise.all(
      some.map((order, n) =>
        recordVouchers(
          n % 2 === 0 ? first : second,
          order.map(id => voucherInput({ sourceId: `R${round}-${id}`, sourceVersion: 1 })),
        ),
      ),
    );
    const refused = answers.flat().filter(item => item.error !== null);
    assert.deepEqual(refused, []);
    made += answers.flat().filter(item => item.result?.outcome === 'CREATED').length;
  }
  assert.deepEqual(await totals(sql), [made, made, 0]);
});

test('versions of one record recorded at two hubs at once get their syncs in the order of the versions', async () => {
  await using first = await startTestHub();
  await using second = await startTestHub({ databaseUrl: first.databaseUrl });
  await using sql = await connectSql(first.databaseUrl);
  await subscribe(first, {});
  const inputs = Array.from({ length: 60 }, (_, n) => ({
    sourceId: `O${n % 3}`,
    amount: `${n}.00`,
    businessData: { n },
  }));
  const items = await Promise.all(inputs.map((over, n) => record(n % 2 === 0 ? first : second, over)));
  assert.equal(items.filter(item => item.error !== null).length, 0);
  const rows = await sql.rows<{ voucher_id: string; versions: number[] }>(
    `select l.voucher_id, array_agg(e.source_version order by l.id) as versions
     from fin_data_sync_logs l join fin_voucher_events e on e.id = l.event_id group by 1`,
  );
  assert.equal(rows.length, 3);
  for (const { versions } of rows)
    assert.deepEqual(
      versions,
      Array.from({ length: 20 }, (_, n) => n + 1),
    );
});

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
    [{ sourceVersion: 2 ** 31 }, 'sourceVersion'],
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
    assert.ok(answer.errors[0].message.includes(field), answer.errors[0].message);
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

test('a subscription made, changed or deleted at one hub is honoured by the very next record at another', async () => {
  await using first = await startTestHub();
  await using second = await startTestHub({ databaseUrl: first.databaseUrl });
  const hubs = [first, second];
  const kinds = fc.constantFrom('create' as const, 'change' as const, 'delete' as const);
  const matchers = fc.record({
    eventTypes: fc.subarray(['invoice_*', 'invoice_recorded', 'l1_confirmed', 'l2_*'], { minLength: 1 }),
    sourceSystems: fc.option(fc.subarray(['settlement', 'other'], { minLength: 1 }), { nil: null }),
    companyIds: fc.option(fc.subarray(['1', '2'], { minLength: 1 }), { nil: null }),
  });
  const event = fc.record({
    eventType: fc.constantFrom('invoice_recorded', 'invoice_updated', 'l1_confirmed'),
    sourceSystem: fc.constantFrom('settlement', 'other'),
    companyId: fc.constantFrom('1', '2', null),
  });
  const steps = fc.sample(
    fc.record({ kind: kinds, matcher: matchers, pick: fc.nat(), at: fc.nat({ max: 1 }), event }),
    { seed, numRuns: 120 },
  );
  const live = new Map<string, (typeof steps)[number]['matcher']>();
  for (const [n, step] of steps.entries()) {
    const hub = hubs[step.at] ?? first;
    const other = hubs[1 - step.at] ?? first;
    const id = [...live.keys()][step.pick % Math.max(1, live.size)];
    if (step.kind === 'create' || id === undefined)
      live.set((await subscribe(hub, { name: `s${n}`, ...step.matcher })).id, step.matcher);
    else if (step.kind === 'delete') {
      await hub.data('mutation ($id: ID!) { deleteDataSubscription(id: $id) }', { id });
      live.delete(id);
    } else {
      await hub.data(
        'mutation ($id: ID!, $input: UpdateDataSubscriptionInput!) { updateDataSubscription(id: $id, input: $input) { id } }',
        { id, input: step.matcher },
      );
      live.set(id, step.matcher);
    }
    const expected = [...live.values()].filter(
      ({ eventTypes, sourceSystems, companyIds }) =>
        eventTypes.some(type =>
          type.endsWith('*')
            ? step.event.eventType.startsWith(type.slice(0, -1))
            : type === step.event.eventType,
        ) &&
        (sourceSystems?.includes(step.event.sourceSystem) ?? true) &&
        (companyIds === null || (step.event.companyId !== null && companyIds.includes(step.event.companyId))),
    ).length;
    const item = await record(other, { ...step.event, sourceId: `M${n}` });
    assert.equal(item.result?.deliveries, expected, `step ${n}: ${JSON.stringify(step)}`);
  }
});

test('events recorded while subscriptions come and go go to exactly those that were there at their commit', async () => {
  await using first = await startTestHub();
  await using second = await startTestHub({ databaseUrl: first.databaseUrl });
  await using sql = await connectSql(first.databaseUrl);
  let told = 0;
  const recording = Array.from({ length: 4 }, async (_, worker) => {
    for (let n = 0; n < 60; n += 1) {
      const { result } = await record(worker % 2 === 0 ? first : second, { sourceId: `W${worker}-${n}` });
      told += result?.deliveries ?? 0;
    }
  });
  const changing = Array.from({ length: 2 }, async (_, worker) => {
    const hub = worker === 0 ? second : first;
    for (let n = 0; n < 15; n += 1) {
      const { id } = await subscribe(hub, { name: `c${worker}-${n}` });
      if (n % 3 === 0) await hub.data('mutation ($id: ID!) { deleteDataSubscription(id: $id) }', { id });
    }
  });
  await Promise.all([...recording, ...changing]);
  assert.equal(await sql.count('select count(*) from fin_data_sync_logs'), told);
  assert.equal((await record(first, { sourceId: 'last' })).result?.deliveries, 20);
  const late = await sql.count(
    `select count(*) from fin_data_sync_logs l join data_subscriptions s on s.id = l.subscription_id where s.deleted_at is not null and l.status in ('pending', 'retrying', 'processing')`,
  );
  assert.equal(late, 0, 'syncs for subscriptions that had been deleted');
});

test('hubs that start at once on an empty database all come up, and the migrations were applied once', async () => {
  const databaseUrl = await createEmptyDatabase();
  const hubs = await Promise.all([1, 2, 3].map(() => startTestHub({ databaseUrl })));
  try {
    await using sql = await connectSql(databaseUrl);
    const applied = await sql.rows<{ name: string }>('select name from hub_migrations order by name');
    assert.equal(applied.length, new Set(applied.map(row => row.name)).size);
    assert.ok(applied.length >= 1);
    for (const [n, hub] of hubs.entries()) {
      assert.equal(outcomeOf(await record(hub, { sourceId: `E${n}` })), 'CREATED');
      assert.equal((await fetch(`${hub.url}/readyz`)).status, 200);
    }
  } finally {
    await Promise.all(hubs.map(hub => hub[Symbol.asyncDispose]()));
  }
});

test('the ORM’s comparison of schemas never touches the queue’s tables', async () => {
  await using hub = await startTestHub();
  await using sql = await connectSql(hub.databaseUrl);
  assert.ok(
    (await sql.count(`select count(*) from information_schema.tables where table_schema = 'bullmq'`)) > 0,
  );
  await using db = await Database.connect({
    url: hub.databaseUrl,
    poolSize: 4,
    log: createLogger({ level: 'silent', pretty: false }),
  });
  const update = await db.orm.schema.getUpdateSchemaSQL();
  assert.doesNotMatch(update, /bullmq/i);
  assert.doesNotMatch(update, /drop schema/i);
});

function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

/** Whether the hub takes a JSON value: no NUL, no half pairs, no whole numbers that have lost digits. */
function isRecordable(value: unknown): boolean {
  if (typeof value === 'string') return isStorable(value);
  if (typeof value === 'number') return Number.isSafeInteger(value) || !Number.isInteger(value);
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([key, item]) => isStorable(key) && isRecordable(item));
}
