import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adminKey, startTestHub } from '../support/hub.ts';
import { askSocket, socketClient } from '../support/sockets.ts';
import { voucherInput } from '../support/vouchers.ts';

const secret = 'whsec_c2VjcmV0IG9mIHRoZSB0ZXN0cw==';
const create =
  'mutation ($i: CreateDataSubscriptionInput!) { createDataSubscription(input: $i) { secret subscription { id } } }';
const record = 'mutation ($i: RecordVoucherInput!) { recordVoucher(input: $i) { outcome } }';
/** The same as a name. */
const plain = secret.replaceAll('=', '');
const plainly = { name: 'n', targetSystem: 'tax', eventTypes: ['*'] };
const good = { ...plainly, secret };

/** Operations that are refused, each with a secret somewhere in it. */
const faulty: [what: string, query: string, variables: object, field?: string | undefined][] = [
  ['a field of another type', create, { i: { ...good, batchSize: 'many' } }, 'batchSize'],
  ['a secret that is no text', create, { i: { ...good, secret: [secret] } }, 'secret'],
  ['a secret as an object', create, { i: { ...good, secret: { secret } } }, 'secret'],
  ['a secret where a number should be', create, { i: { ...good, timeoutMs: secret } }, 'timeoutMs'],
  ['a secret where an enum should be', create, { i: { ...good, mode: secret } }, 'mode'],
  ['an unknown field', create, { i: { ...good, secrett: secret } }, 'secrett'],
  ['a secret for a name', create, { i: { ...good, [secret]: 1 } }],
  [
    'a secret for a name, with words of the library in it',
    create,
    { i: { ...good, [`x" at "i.mode"; ${secret}`]: 1 } },
  ],
  ['a field that is missing', create, { i: { name: 'n', secret } }, 'targetSystem'],
  ['a null', create, { i: { ...good, name: null } }, 'name'],
  ['a nested input', create, { i: { ...good, retry: { maxRetries: secret } } }, 'retry.maxRetries'],
  ['a list', create, { i: { ...good, eventTypes: ['*', { secret }] } }, 'eventTypes[1]'],
  ['no object at all', create, { i: secret }],
  [
    'a list of inputs',
    'mutation ($i: [RecordVoucherInput!]!) { recordVouchers(inputs: $i) { index } }',
    { i: [voucherInput(), voucherInput({ amount: secret, businessData: { secret } })] },
    '[1].amount',
  ],
  [
    'a date',
    'query ($f: VoucherFilter) { vouchers(filter: $f) { totalCount } }',
    { f: { sourceSystem: secret, voucherDateFrom: secret } },
    'voucherDateFrom',
  ],
  [
    'business data',
    'mutation ($i: RecordVoucherInput!) { recordVoucher(input: $i) { outcome } }',
    { i: voucherInput({ businessData: [secret] }) },
    'businessData',
  ],
  [
    'a literal of another type',
    `mutation { createDataSubscription(input: {name: "n", targetSystem: "t", eventTypes: ["*"], batchSize: "${secret}"}) { secret } }`,
    {},
  ],
  [
    'a literal with a field missing',
    `mutation { createDataSubscription(input: {name: "n", secret: "${secret}"}) { secret } }`,
    {},
  ],
  [
    'a literal object for a text',
    `mutation { createDataSubscription(input: {name: {secret: "${secret}"}, targetSystem: "t", eventTypes: ["*"]}) { secret } }`,
    {},
  ],
  [
    'a literal without its quotes',
    `mutation { createDataSubscription(input: {name: "n", targetSystem: "t", eventTypes: ["*"], secret: ${secret.replaceAll('=', '')}}) { secret } }`,
    {},
  ],
  [
    'a literal for an enum',
    `mutation { createDataSubscription(input: {name: "n", targetSystem: "t", eventTypes: ["*"], mode: "${secret}"}) { secret } }`,
    {},
  ],
  ['a literal date', `{ vouchers(filter: {voucherDateFrom: "${secret}"}) { totalCount } }`, {}],
  ['a literal list', `{ syncLogs(filter: {statuses: ["${secret}"]}) { totalCount } }`, {}],
  [
    'a literal for a scalar of JSON',
    `mutation { upsertEventType(name: "x", mode: BATCH, schema: "${secret}") { name } }`,
    {},
  ],
  [
    'a literal with a null variable in it',
    `mutation ($n: String = "n") { createDataSubscription(input: {name: $n, targetSystem: "t", eventTypes: ["*"], secret: "${secret}"}) { secret } }`,
    { n: null },
  ],
  ['a default of a variable', `query ($n: Int = "${secret}") { vouchers(first: $n) { totalCount } }`, {}],
  ['a directive', `{ vouchers @include(if: "${secret}") { totalCount } }`, {}],
  ['an unknown argument', `{ vouchers(frist: "${secret}") { totalCount } }`, {}],
  ['arguments that differ', `{ voucher(id: "${secret}") { id } voucher(id: "1") { id } }`, {}],
  ['a string where a name should be', `mutation { createDataSubscription("${secret}") { secret } }`, {}],
  ['a string at the end', `{ eventTypes { name } } "${secret}"`, {}],
  ['a string that does not end', `{ voucher(id: "${secret}`, {}],
  ['an escape that is none', `{ voucher(id: "\\u${secret}") { id } }`, {}],
  ['a block string', `{ eventTypes { name } } """${secret}"""`, {}],
  ['an unknown field of the schema', `{ ${secret.replaceAll('=', '')} }`, {}],
  [
    'an id in a filter',
    'query ($i: ID!) { syncLogs(filter: { subscriptionId: $i }) { totalCount } }',
    { i: plain },
  ],
  ['an event type', record, { i: voucherInput({ eventType: plain }) }, 'eventType'],
  ['a currency', record, { i: voucherInput({ currency: plain }) }, 'currency'],
  ['a type that is subscribed to', create, { i: { ...plainly, eventTypes: [plain] } }, 'eventTypes'],
  ['a prefix that is subscribed to', create, { i: { ...plainly, eventTypes: [`${plain}!`] } }, 'eventTypes'],
  ['a key of business data', record, { i: voucherInput({ businessData: { [plain]: '\ud800' } }) }],
  ['a key before a number', record, { i: voucherInput({ businessData: { [plain]: 2 ** 60 } }) }],
  ['a payload query', create, { i: { ...plainly, payloadQuery: `{ event { ${plain} } }` } }, 'payloadQuery'],
  ['an unknown operation', `query A { eventTypes { name } } query B { eventTypes { name } }`, { secret }],
];

test('no error repeats what the caller sent, over HTTP and over the socket, in variables and in literals', async () => {
  await using hub = await startTestHub();
  await using client = socketClient(hub);
  for (const [what, query, variables, field] of faulty) {
    for (const [door, { errors }] of [
      ['HTTP', await hub.ask(query, { ...variables })],
      ['socket', await askSocket(client, query, { ...variables })],
    ] as const) {
      const told = JSON.stringify(errors);
      assert.ok(errors !== undefined && errors.length > 0, `${what} over ${door} is refused`);
      assert.doesNotMatch(told, /c2VjcmV0/, `${what} over ${door}`);
      assert.equal(errors[0]?.extensions?.code, 'BAD_USER_INPUT', told);
      if (field !== undefined) assert.equal(errors[0].extensions.field, field, `${what}: ${told}`);
    }
  }
});

test('an error of an input says what is expected and where, without the value', async () => {
  await using hub = await startTestHub();
  const messageOf = async (query: string, variables: Record<string, unknown> = {}) =>
    (await hub.ask(query, variables)).errors?.[0]?.message;
  assert.equal(
    await messageOf(create, { i: { ...good, batchSize: 'many' } }),
    'Variable "$i" is invalid at "batchSize": Int: a whole number is expected.',
  );
  assert.equal(
    await messageOf(create, { i: { ...good, mode: 'realtime' } }),
    'Variable "$i" is invalid at "mode": SyncMode: one of BATCH, COMPENSATION, REALTIME is expected.'.replace(
      'BATCH, COMPENSATION, REALTIME',
      'REALTIME, BATCH, COMPENSATION',
    ),
  );
  assert.match(
    (await messageOf(create, { i: { ...good, secrett: 'x' } })) ?? '',
    /^Variable "\$i" is invalid: Field "secrett" is not defined by type "CreateDataSubscriptionInput"\. Did you mean "secret"\?$/,
  );
  assert.equal(
    await messageOf('mutation ($i: RecordVoucherInput!) { recordVoucher(input: $i) { outcome } }', {
      i: voucherInput({ amount: 1.5 }),
    }),
    'Variable "$i" is invalid at "amount": Decimal: a number with a fraction (or beyond 2^53) is not exact in JSON; send it as a string.',
  );
  assert.equal(
    await messageOf('{ vouchers(first: "x") { totalCount } }'),
    'Int: a whole number is expected.',
  );
  assert.equal(await messageOf('{ eventTypes { name '), 'Syntax Error: Expected Name, found <EOF>.');
});

test('a body that is no JSON, and an input that the database refuses, are told without what was sent', async () => {
  await using hub = await startTestHub();
  for (const body of [
    `{"query": "{ x }", "variables": {"secret": ${secret}}}`,
    secret,
    `{"secret": "${secret}"`,
  ]) {
    const response = await fetch(`${hub.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${adminKey}` },
      body,
    });
    const text = await response.text();
    assert.equal(response.status, 400);
    assert.match(text, /no valid JSON/);
    assert.doesNotMatch(text, /whsec/);
  }
});

test('an error that repeats a name keeps it short', async () => {
  await using hub = await startTestHub();
  const answer = await hub.ask(`{ ${'x'.repeat(50_000)} }`);
  assert.ok((answer.errors?.[0]?.message.length ?? 0) < 2_000);
});
