import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../src/core/limits.ts';
import { createLogger } from '../../src/core/logger.ts';
import { adminKey, encryptionKey, startTestHub, type TestHub } from '../support/hub.ts';
import { startReceiver } from '../support/receiver.ts';
import { connectSql, dumpOf } from '../support/sql.ts';
import { recordVouchers, subscribe, syncsOf, voucherInput } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

interface MadeKey {
  id: string;
  secret: string;
}

async function makeKey(hub: TestHub, role: string, system?: string): Promise<MadeKey> {
  const { createApiKey: made } = await hub.data<{ createApiKey: { apiKey: { id: string }; secret: string } }>(
    'mutation ($role: Role!, $system: String) { createApiKey(name: "test", role: $role, system: $system) { apiKey { id } secret } }',
    { role, system },
  );
  return { id: made.apiKey.id, secret: made.secret };
}

/** 'ok', or the code that an answer refuses with. */
async function verdict(
  hub: TestHub,
  key: string | null,
  query: string,
  variables: Record<string, unknown>,
): Promise<string> {
  const answer = await hub.ask(query, variables, key);
  return answer.errors?.[0]?.extensions.code ?? 'ok';
}

/** Two systems' subscriptions and a voucher that went to each. */
async function twoSystems(hub: TestHub) {
  const tax = await subscribe(hub, { name: 'tax', targetSystem: 'tax', companyIds: ['1'] });
  const bank = await subscribe(hub, { name: 'bank', targetSystem: 'bank', companyIds: ['2'] });
  const both = await subscribe(hub, { name: 'bank all', targetSystem: 'bank', companyIds: ['1', '2'] });
  const items = await recordVouchers(hub, [
    voucherInput({ sourceId: 'T', companyId: '1' }),
    voucherInput({ sourceId: 'B', companyId: '2' }),
    voucherInput({ sourceId: 'P', companyId: '3', sourceSystem: 'procurement' }),
  ]);
  const [ofBoth = '', ofBank = '', ofNone = ''] = items.map(item => item.result?.voucher.id);
  return { tax, bank, both, ofBoth, ofBank, ofNone };
}

test('each role may do what the contract says and nothing else', async () => {
  await using hub = await startTestHub();
  await using receiver = await startReceiver();
  const own = await subscribe(hub, { name: 'own', targetSystem: 'tax', webhookUrl: receiver.url });
  const keys: Record<string, string | null> = {
    admin: adminKey,
    publisher: (await makeKey(hub, 'PUBLISHER', 'settlement')).secret,
    subscriber: (await makeKey(hub, 'SUBSCRIBER', 'tax')).secret,
    analyst: (await makeKey(hub, 'ANALYST')).secret,
    none: null,
    bad: 'hub_no_such_key_0123456789',
  };
  let made = 0;
  const spare = async () => ({
    id: (await subscribe(hub, { name: `spare ${++made}`, targetSystem: 'tax' })).id,
  });
  const input = { input: voucherInput() };
  type Operation = [
    query: string,
    allowed: string,
    variables: () => Record<string, unknown> | Promise<Record<string, unknown>>,
  ];
  const operations: Operation[] = [
    [
      'mutation ($input: RecordVoucherInput!) { recordVoucher(input: $input) { outcome } }',
      'publisher',
      () => input,
    ],
    [
      'mutation ($input: RecordVoucherInput!) { recordVouchers(inputs: [$input]) { index } }',
      'publisher',
      () => input,
    ],
    ['mutation { upsertEventType(name: "new_type", mode: BATCH) { name } }', '', () => ({})],
    [
      'mutation ($input: CreateDataSubscriptionInput!) { createDataSubscription(input: $input) { subscription { id } } }',
      'subscriber',
      () => ({ input: { name: `made ${++made}`, targetSystem: 'tax', eventTypes: ['*'] } }),
    ],
    [
      'mutation ($id: ID!) { updateDataSubscription(id: $id, input: { maxInFlight: 2 }) { id } }',
      'subscriber',
      spare,
    ],
    ['mutation ($id: ID!) { pauseDataSubscription(id: $id) { id } }', 'subscriber', spare],
    ['mutation ($id: ID!) { resumeDataSubscription(id: $id) { id } }', 'subscriber', spare],
    ['mutation ($id: ID!) { deleteDataSubscription(id: $id) }', 'subscriber', spare],
    [
      'mutation ($id: ID!) { rotateDataSubscriptionSecret(id: $id) { subscription { id } } }',
      'subscriber',
      spare,
    ],
    ['mutation ($id: ID!) { testDataSubscription(id: $id) { ok } }', 'subscriber', () => ({ id: own.id })],
    ['mutation ($id: ID!) { retrySyncs(filter: { subscriptionId: $id }) }', 'subscriber', spare],
    ['mutation ($id: ID!) { cancelSyncs(filter: { subscriptionId: $id }) }', 'subscriber', spare],
    ['mutation ($id: ID!) { resync(subscriptionId: $id, filter: {}) }', 'subscriber', spare],
    ['mutation { createApiKey(name: "k", role: ANALYST) { apiKey { id } } }', '', () => ({})],
    [
      'mutation ($id: ID!) { revokeApiKey(id: $id) { id } }',
      '',
      async () => ({ id: (await makeKey(hub, 'ANALYST')).id }),
    ],
    ['{ voucher(id: 1) { id } }', 'publisher subscriber analyst', () => ({})],
    [
      '{ voucherBySource(sourceSystem: "a", sourceModule: "b", sourceId: "c") { id } }',
      'publisher subscriber analyst',
      () => ({}),
    ],
    ['{ vouchers { totalCount edges { node { id } } } }', 'publisher analyst', () => ({})],
    ['{ eventTypes { name } }', 'publisher subscriber analyst', () => ({})],
    ['query ($id: ID!) { dataSubscription(id: $id) { id backlog } }', 'subscriber analyst', spare],
    ['{ dataSubscriptions { id } }', 'subscriber analyst', () => ({})],
    ['{ syncLog(id: 1) { id } }', 'subscriber analyst', () => ({})],
    ['{ syncLogs { totalCount edges { node { id } } } }', 'subscriber analyst', () => ({})],
    ['{ apiKeys { id } }', '', () => ({})],
    ['{ __schema { queryType { name } } }', 'publisher subscriber analyst', () => ({})],
    ['{ __typename }', 'publisher subscriber analyst', () => ({})],
  ];
  for (const [query, allowed, variables] of operations) {
    for (const [role, key] of Object.entries(keys)) {
      const expected =
        key === null || role === 'bad'
          ? 'UNAUTHENTICATED'
          : role === 'admin' || allowed.split(' ').includes(role)
            ? 'ok'
            : 'FORBIDDEN';
      assert.equal(await verdict(hub, key, query, await variables()), expected, `${role}: ${query}`);
    }
  }
});

test('a publisher records and reads vouchers of its own system only, one by one and among others', async () => {
  await using hub = await startTestHub();
  const { ofNone, ofBoth } = await twoSystems(hub);
  const key = (await makeKey(hub, 'PUBLISHER', 'procurement')).secret;
  const one = await hub.ask(
    'mutation ($input: RecordVoucherInput!) { recordVoucher(input: $input) { outcome } }',
    { input: voucherInput() },
    key,
  );
  assert.deepEqual(
    [one.errors?.[0]?.extensions.code, one.errors?.[0]?.extensions.field],
    ['FORBIDDEN', 'sourceSystem'],
  );
  const mixed = [
    voucherInput({ sourceId: 'M1' }),
    voucherInput({ sourceId: 'M2', sourceSystem: 'procurement' }),
    voucherInput({ sourceId: 'M3', sourceSystem: 'Procurement' }),
    voucherInput({ sourceId: 'M4', sourceSystem: 'procurement' }),
  ];
  const items = await recordVouchers(hub, mixed, key);
  assert.deepEqual(
    items.map(item => item.error?.code ?? item.result?.outcome),
    ['FORBIDDEN', 'CREATED', 'FORBIDDEN', 'CREATED'],
  );
  assert.deepEqual(
    items.map(item => item.error?.field ?? null),
    ['sourceSystem', null, 'sourceSystem', null],
  );
  const { vouchers } = await hub.data<{
    vouchers: { totalCount: number; edges: { node: { sourceId: string } }[] };
  }>('{ vouchers { totalCount edges { node { sourceId } } } }', {}, key);
  assert.deepEqual(vouchers, {
    totalCount: 3,
    edges: ['M4', 'M2', 'P'].map(sourceId => ({ node: { sourceId } })),
  });
  const other = await hub.data(
    'query ($own: ID!, $other: ID!) { own: voucher(id: $own) { id } other: voucher(id: $other) { id } source: voucherBySource(sourceSystem: "settlement", sourceModule: "invoice", sourceId: "T") { id } filtered: vouchers(filter: { sourceSystem: "settlement" }) { totalCount } }',
    { own: ofNone, other: ofBoth },
    key,
  );
  assert.deepEqual(other, { own: { id: ofNone }, other: null, source: null, filtered: { totalCount: 0 } });
  assert.equal(
    await verdict(hub, key, 'query ($id: ID!) { voucher(id: $id) { syncLogs { id } } }', { id: ofNone }),
    'FORBIDDEN',
  );
});

test('a subscriber sees its own subscriptions and their syncs only, by whatever way it asks', async () => {
  await using hub = await startTestHub();
  const { tax, bank, both, ofBoth, ofBank, ofNone } = await twoSystems(hub);
  const key = (await makeKey(hub, 'SUBSCRIBER', 'tax')).secret;
  const all = await syncsOf(hub);
  assert.equal(all.length, 4);
  const mine = await hub.data<{
    syncLogs: { edges: { node: { id: string; subscription: { id: string } } }[] };
  }>('{ syncLogs { totalCount edges { node { id subscription { id } } } } }', {}, key);
  assert.deepEqual(
    mine.syncLogs.edges.map(({ node }) => node.subscription.id),
    [tax.id],
  );
  const [own] = mine.syncLogs.edges.map(({ node }) => node.id);
  const foreign = all.map(sync => sync.id).filter(id => id !== own);
  const asked = await hub.data(
    `query ($tax: ID!, $bank: ID!, $ids: [ID!], $foreign: ID!, $ofBoth: ID!, $ofBank: ID!, $ofNone: ID!) {
      subscriptions: dataSubscriptions { id } ofBank: dataSubscriptions(targetSystem: "bank") { id } own: dataSubscription(id: $tax) { id } other: dataSubscription(id: $bank) { id }
      byId: syncLog(id: $foreign) { id } byIds: syncLogs(filter: { ids: $ids }) { totalCount edges { node { id } } } bySubscription: syncLogs(filter: { subscriptionId: $bank }) { totalCount edges { node { id } } }
      byVoucher: syncLogs(filter: { voucherId: $ofBank }) { totalCount edges { node { id } } } bySource: syncLogs(filter: { sourceId: "B" }) { totalCount edges { node { id } } }
      sent: voucher(id: $ofBoth) { sourceId syncLogs { subscription { id } event { voucher { syncLogs { subscription { id } } } } } }
      notSent: voucher(id: $ofBank) { id } nobodys: voucher(id: $ofNone) { id } source: voucherBySource(sourceSystem: "settlement", sourceModule: "invoice", sourceId: "B") { id } }`,
    { tax: tax.id, bank: bank.id, ids: foreign, foreign: foreign[0], ofBoth, ofBank, ofNone },
    key,
  );
  const nothing = { totalCount: 0, edges: [] };
  assert.deepEqual(asked, {
    subscriptions: [{ id: tax.id }],
    ofBank: [],
    own: { id: tax.id },
    other: null,
    byId: null,
    byIds: nothing,
    bySubscription: nothing,
    byVoucher: nothing,
    bySource: nothing,
    sent: {
      sourceId: 'T',
      syncLogs: [
        {
          subscription: { id: tax.id },
          event: { voucher: { syncLogs: [{ subscription: { id: tax.id } }] } },
        },
      ],
    },
    notSent: null,
    nobodys: null,
    source: null,
  });
  const changes = [
    'updateDataSubscription(id: $id, input: { name: "mine" }) { id }',
    'pauseDataSubscription(id: $id) { id }',
    'resumeDataSubscription(id: $id) { id }',
    'deleteDataSubscription(id: $id)',
    'rotateDataSubscriptionSecret(id: $id) { secret }',
    'testDataSubscription(id: $id) { ok }',
    'resync(subscriptionId: $id, filter: {})',
  ];
  for (const change of changes) {
    for (const id of [bank.id, both.id, '999999', 'x'])
      assert.equal(
        await verdict(hub, key, `mutation ($id: ID!) { ${change} }`, { id }),
        'NOT_FOUND',
        `${change} of ${id}`,
      );
  }
  const counts = await hub.data(
    'mutation ($ids: [ID!], $bank: ID!) { a: cancelSyncs(filter: { ids: $ids }) b: cancelSyncs(filter: { subscriptionId: $bank }) c: retrySyncs(filter: { ids: $ids }) }',
    { ids: foreign, bank: bank.id },
    key,
  );
  assert.deepEqual(counts, { a: 0, b: 0, c: 0 });
  assert.deepEqual(
    (await syncsOf(hub)).map(sync => sync.status),
    ['PENDING', 'PENDING', 'PENDING', 'PENDING'],
  );
  const made = await hub.ask(
    'mutation { createDataSubscription(input: { name: "x", targetSystem: "bank", eventTypes: ["*"] }) { secret } }',
    {},
    key,
  );
  assert.deepEqual(
    [made.errors?.[0]?.extensions.code, made.errors?.[0]?.extensions.field],
    ['FORBIDDEN', 'targetSystem'],
  );
});

test('the log of a deleted subscription stays its system’s, and nobody else’s', async () => {
  await using hub = await startTestHub();
  const { tax, ofBoth } = await twoSystems(hub);
  await hub.data('mutation ($id: ID!) { deleteDataSubscription(id: $id) }', { id: tax.id });
  const key = (await makeKey(hub, 'SUBSCRIBER', 'tax')).secret;
  const asked = await hub.data(
    'query ($id: ID!, $v: ID!) { dataSubscription(id: $id) { id } syncLogs { edges { node { status subscription { name } } } } voucher(id: $v) { syncLogs { status } } }',
    { id: tax.id, v: ofBoth },
    key,
  );
  assert.deepEqual(asked, {
    dataSubscription: null,
    syncLogs: { edges: [{ node: { status: 'CANCELLED', subscription: { name: 'tax' } } }] },
    voucher: { syncLogs: [{ status: 'CANCELLED' }] },
  });
});

test('a revoked key is out at once where it was revoked, and at another hub within the time that a check is remembered', async () => {
  await using first = await startTestHub();
  await using second = await startTestHub({ databaseUrl: first.databaseUrl });
  const { id, secret } = await makeKey(first, 'ANALYST');
  for (const hub of [first, second])
    assert.equal(await verdict(hub, secret, '{ eventTypes { name } }', {}), 'ok');
  const revokedAt = performance.now();
  await first.data('mutation ($id: ID!) { revokeApiKey(id: $id) { revokedAt } }', { id });
  assert.equal(await verdict(first, secret, '{ eventTypes { name } }', {}), 'UNAUTHENTICATED');
  await until(
    'the other hub refuses it',
    async () => (await verdict(second, secret, '{ eventTypes { name } }', {})) === 'UNAUTHENTICATED',
    limits.keyCacheMs + 2_000,
  );
  assert.ok(performance.now() - revokedAt < limits.keyCacheMs + 1_000);
});

test('a key needs a name and the system that its role is bound to, and inputs that cannot be stored are refused as such', async () => {
  await using hub = await startTestHub();
  const create =
    'mutation ($name: String!, $role: Role!, $system: String) { createApiKey(name: $name, role: $role, system: $system) { apiKey { id } } }';
  const faults: [Record<string, unknown>, string | undefined][] = [
    [{ name: ' ', role: 'ADMIN' }, 'name'],
    [{ name: 'x'.repeat(201), role: 'ADMIN' }, 'name'],
    [{ name: 'n', role: 'PUBLISHER' }, 'system'],
    [{ name: 'n', role: 'SUBSCRIBER', system: ' ' }, 'system'],
    [{ name: 'n', role: 'ANALYST', system: 's' }, 'system'],
    [{ name: 'a\0b', role: 'ADMIN' }, undefined],
    [{ name: 'n', role: 'PUBLISHER', system: 'a\0' }, undefined],
  ];
  for (const [variables, field] of faults) {
    const answer = await hub.ask(create, variables);
    assert.deepEqual(
      [answer.errors?.[0]?.extensions.code, answer.errors?.[0]?.extensions.field],
      ['BAD_USER_INPUT', field],
      JSON.stringify(variables),
    );
  }
  assert.equal(
    await verdict(hub, adminKey, 'query ($s: String!) { dataSubscriptions(targetSystem: $s) { id } }', {
      s: 'a\0',
    }),
    'BAD_USER_INPUT',
  );
  assert.equal(
    await verdict(
      hub,
      adminKey,
      'query ($s: String!) { syncLogs(filter: { sourceId: $s }) { edges { cursor } } }',
      { s: 'a\0' },
    ),
    'BAD_USER_INPUT',
  );
  assert.equal(
    await verdict(
      hub,
      adminKey,
      'query ($s: String!) { voucherBySource(sourceSystem: $s, sourceModule: "m", sourceId: "i") { id } }',
      { s: 'a\0' },
    ),
    'BAD_USER_INPUT',
  );
  assert.equal(
    await verdict(
      hub,
      adminKey,
      'query ($s: String) { vouchers(filter: { companyId: $s }) { edges { cursor } } }',
      { s: 'a\0' },
    ),
    'BAD_USER_INPUT',
  );
});

test('secrets and keys stand nowhere but in the answers that give them: not in other answers, the database, the queue, or the logs', async () => {
  const lines: string[] = [];
  const log = createLogger({
    level: 'trace',
    pretty: false,
    destination: { write: line => void lines.push(line) },
  });
  const secrets: string[] = [adminKey, encryptionKey];
  const given = 'a-secret-that-the-caller-chose-0123456789';
  let databaseUrl: string;
  {
    await using hub = await startTestHub({ overrides: { log } });
    databaseUrl = hub.databaseUrl;
    await using receiver = await startReceiver();
    const made = await subscribe(hub, { webhookUrl: receiver.url });
    const chosen = await subscribe(hub, { name: 'chosen', webhookUrl: receiver.url, secret: given });
    assert.equal(chosen.secret, given);
    const { rotateDataSubscriptionSecret: rotated } = await hub.data<{
      rotateDataSubscriptionSecret: { secret: string };
    }>('mutation ($id: ID!) { rotateDataSubscriptionSecret(id: $id) { secret } }', { id: made.id });
    const keys = await Promise.all([
      makeKey(hub, 'PUBLISHER', 'settlement'),
      makeKey(hub, 'SUBSCRIBER', 'tax'),
      makeKey(hub, 'ANALYST'),
    ]);
    secrets.push(made.secret, given, rotated.secret, ...keys.map(key => key.secret));
    assert.match(made.secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
    await recordVouchers(hub, [voucherInput()]);
    await receiver.gotEvents(2);
    receiver.answer(() => 500);
    await recordVouchers(hub, [voucherInput({ sourceId: 'FAILS' })]);
    await until('a delivery failed', async () =>
      (await syncsOf(hub)).some(sync => sync.errorCode === 'HTTP_500'),
    );
    await hub.ask('{ nonsense }');
    await hub.ask('{ eventTypes { name } }', {}, given);
    await hub.data('mutation ($id: ID!) { testDataSubscription(id: $id) { ok } }', { id: made.id });
    const answers = await hub.ask(`{ apiKeys { id name role system createdAt lastUsedAt revokedAt }
      dataSubscriptions { id name targetSystem eventTypes state webhookUrl backlog } syncLogs { edges { node { id errorMessage attempts { responseExcerpt errorMessage } } } } }`);
    assert.equal(answers.errors, undefined);
    const { __schema: schema } = await hub.data<{
      __schema: { types: { name: string; fields: { name: string }[] | null }[] };
    }>('{ __schema { types { name fields { name } } } }');
    const withSecret = schema.types
      .filter(type => type.name !== 'Mutation' && type.fields?.some(field => /secret|hash/i.test(field.name)))
      .map(type => type.name)
      .sort();
    assert.deepEqual(withSecret, ['ApiKeyWithSecret', 'DataSubscriptionWithSecret']);
    await using sql = await connectSql(databaseUrl);
    const dump = await dumpOf(sql);
    assert.match(dump, /-- bullmq\./);
    for (const secret of secrets) {
      assert.ok(!JSON.stringify(answers).includes(secret), 'in an answer');
      assert.ok(!dump.includes(secret), `in the database: ${secret}`);
    }
  }
  assert.ok(lines.length > 10);
  const logged = lines.join('');
  for (const secret of secrets) {
    assert.ok(!logged.includes(secret), `in the log: ${lines.find(line => line.includes(secret))}`);
    assert.ok(!logged.includes(secret.replace('whsec_', '')), 'in the log, without its prefix');
  }
  assert.ok(
    !logged.includes(new URL(databaseUrl).password) || new URL(databaseUrl).password === '',
    'the database’s password is in the log',
  );
});

test('after the encryption key is changed, with the one before at hand, old secrets sign on', async () => {
  const newKey = Buffer.alloc(32, 9).toString('base64');
  await using receiver = await startReceiver();
  let databaseUrl: string;
  {
    await using hub = await startTestHub();
    databaseUrl = hub.databaseUrl;
    await subscribe(hub, { webhookUrl: receiver.url, secret: 'a-secret-from-before-the-change' });
  }
  await using hub = await startTestHub({
    databaseUrl,
    env: { HUB_ENCRYPTION_KEY: newKey, HUB_ENCRYPTION_KEY_PREVIOUS: encryptionKey },
  });
  await recordVouchers(hub, [voucherInput()]);
  await receiver.gotEvents(1);
  const { createHmac } = await import('node:crypto');
  const [request] = receiver.requests;
  assert.equal(
    request?.headers['x-signature'],
    `sha256:${createHmac('sha256', 'a-secret-from-before-the-change')
      .update(request?.rawBody ?? '')
      .digest('hex')}`,
  );
});
