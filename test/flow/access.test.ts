import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeKey, verdict } from '../support/access.ts';
import { adminKey, startTestHub, type TestHub } from '../support/hub.ts';
import { startReceiver } from '../support/receiver.ts';
import { recordVouchers, subscribe, syncsOf, voucherInput } from '../support/vouchers.ts';

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
    ['{ apiKeys { id } }', 'analyst', () => ({})],
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
