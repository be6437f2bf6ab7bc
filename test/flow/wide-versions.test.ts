import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { fixData, runCheck } from '../support/checks.ts';
import { acknowledgeAll, TestConsumer } from '../support/consumer.ts';
import { startTestHub, type TestHub } from '../support/hub.ts';
import { startReceiver } from '../support/receiver.ts';
import { startReferenceConsumer } from '../support/reference-consumer.ts';
import { connectSql } from '../support/sql.ts';
import { recordVouchers, subscribe, syncsOf, voucherInput } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

// Registered before the hub's database registers its own removal: the hub goes first.
after(() => hub[Symbol.asyncDispose]());
const hub: TestHub = await startTestHub();

/** Milliseconds since 1970, as many source systems count. */
const wide = 1_764_550_000_000;
const most = Number.MAX_SAFE_INTEGER;
let systems = 0;
const newSystem = () => `wide-${++systems}`;

/** Records one version after the other; gives what each came to, and the version that the record is at then. */
async function outcomes(system: string, inputs: Record<string, unknown>[]): Promise<string[]> {
  const told: string[] = [];
  for (const input of inputs) {
    const [item] = await recordVouchers(hub, [voucherInput({ sourceSystem: system, ...input })]);
    told.push(
      item?.result == null
        ? `${item?.error?.code} ${item?.error?.field} ${item?.error?.message}`
        : `${item.result.outcome} ${item.result.voucher.sourceVersion}`,
    );
  }
  return told;
}

test('versions beyond 32 bits are newer, older, duplicates and conflicts as small ones are', async () => {
  const conflict = 'CONFLICT sourceVersion';
  const system = newSystem();
  const told = await outcomes(system, [
    { sourceVersion: 7 },
    { sourceVersion: wide, amount: '2.00' },
    { sourceVersion: wide, amount: '2.00' },
    { sourceVersion: wide, amount: '3.00' },
    { sourceVersion: wide - 1, amount: '4.00' },
    { sourceVersion: wide - 1, amount: '4.00' },
    { sourceVersion: wide - 1, amount: '5.00' },
    { sourceVersion: 7 },
    { sourceVersion: 8, amount: '6.00' },
    { sourceVersion: 2_147_483_647, amount: '7.00' },
    { sourceVersion: wide + 5, amount: '8.00' },
    { amount: '9.00' },
    { sourceVersion: most, amount: '10.00' },
    { amount: '11.00' },
  ]);
  const words = told.map(text => text.replace(/(CONFLICT|BAD_USER_INPUT) (\w+) .*/, '$1 $2'));
  assert.deepEqual(words, [
    'CREATED 7',
    `UPDATED ${wide}`,
    `DUPLICATE ${wide}`,
    conflict,
    `STALE ${wide}`,
    `DUPLICATE ${wide}`,
    conflict,
    `DUPLICATE ${wide}`,
    `STALE ${wide}`,
    `STALE ${wide}`,
    `UPDATED ${wide + 5}`,
    `UPDATED ${wide + 6}`,
    `UPDATED ${most}`,
    'BAD_USER_INPUT sourceVersion',
  ]);
  const ref = { sourceSystem: system, sourceModule: 'invoice', sourceId: 'INV-1' };
  const read = await hub.data<Record<string, never>>(
    `query ($s: String!, $m: String!, $i: String!, $refs: [VoucherRef!]!, $after: String) {
      voucherBySource(sourceSystem: $s, sourceModule: $m, sourceId: $i) { sourceVersion
        events { sourceVersion }
        a: eventPages(first: 4) { totalCount pageInfo { endCursor } edges { node { sourceVersion } } }
        b: eventPages(first: 10, after: $after) { pageInfo { hasNextPage } edges { node { sourceVersion } } } }
      voucherVersions(refs: $refs) { sourceVersion }
      vouchers(filter: { sourceSystem: $s }) { edges { node { sourceVersion } } } }`,
    {
      s: system,
      m: ref.sourceModule,
      i: ref.sourceId,
      refs: [ref],
      after: Buffer.from(`version:2147483647`).toString('base64url'),
    },
  );
  const all = [7, 8, 2_147_483_647, wide - 1, wide, wide + 5, wide + 6, most];
  const nodes = (versions: number[]) => versions.map(sourceVersion => ({ node: { sourceVersion } }));
  assert.deepEqual(read, {
    voucherBySource: {
      sourceVersion: most,
      events: all.map(sourceVersion => ({ sourceVersion })),
      a: {
        totalCount: all.length,
        pageInfo: { endCursor: Buffer.from(`version:${wide - 1}`).toString('base64url') },
        edges: nodes(all.slice(0, 4)),
      },
      b: { pageInfo: { hasNextPage: false }, edges: nodes(all.slice(3)) },
    },
    voucherVersions: [{ sourceVersion: most }],
    vouchers: { edges: nodes([most]) },
  });
});

test('several wide versions of one record in one call are taken in turn', async () => {
  const system = newSystem();
  const items = await recordVouchers(
    hub,
    [wide, wide + 1, wide + 1, wide - 1, 3].map(sourceVersion =>
      voucherInput({ sourceSystem: system, sourceVersion, amount: `${sourceVersion % 1_000}.00` }),
    ),
  );
  assert.deepEqual(
    items.map(({ result }) => result?.outcome),
    ['CREATED', 'UPDATED', 'DUPLICATE', 'STALE', 'STALE'],
  );
  await using sql = await connectSql(hub.databaseUrl);
  assert.deepEqual(
    await sql.rows(
      `select source_version, source_version_wide::text as wide from fin_business_vouchers where source_system = '${system}'`,
    ),
    [{ source_version: 2_147_483_647, wide: String(wide + 1) }],
  );
  assert.deepEqual(
    await sql.rows(
      `select version::text, source_version from analyst_events where source_system = '${system}' order by analyst_events.version`,
    ),
    [
      { version: '3', source_version: 3 },
      ...[wide - 1, wide, wide + 1].map(version => ({ version: String(version), source_version: null })),
    ],
  );
});

test('webhooks, shaped data and sockets carry a version beyond 32 bits as it is', async () => {
  const system = newSystem();
  await using receiver = await startReceiver();
  await subscribe(hub, {
    name: `${system}-hook`,
    sourceSystems: [system],
    webhookUrl: receiver.url,
    payloadQuery: '{ sourceVersion voucher { sourceVersion } }',
  });
  const { id } = await subscribe(hub, { name: `${system}-socket`, sourceSystems: [system] });
  using consumer = new TestConsumer(hub.url, {
    subscriptionId: id,
    onEvent: acknowledgeAll,
  });
  await outcomes(system, [{ sourceVersion: wide }, { sourceVersion: most, amount: '2.00' }]);
  const bodies = await receiver.gotEvents(2);
  assert.deepEqual(
    bodies.map(({ voucher, data }) => [voucher.source_version, data]),
    [wide, most].map(sourceVersion => [sourceVersion, { sourceVersion, voucher: { sourceVersion } }]),
  );
  await until('both came over the socket', () => Promise.resolve(consumer.got.length === 2));
  assert.deepEqual(
    consumer.got.map(({ event }) => [event.sourceVersion, event.voucher.sourceVersion]),
    [
      [wide, wide],
      [most, most],
    ],
  );
  const syncs = await syncsOf(hub, { subscriptionId: id });
  assert.deepEqual(
    syncs.map(({ event }) => event.sourceVersion),
    [wide, most],
  );
});

test('a check of versions beyond 32 bits finds what differs, and a repair sends the current one', async () => {
  const system = newSystem();
  await using consumer = await startReferenceConsumer(hub, { name: system, sourceSystems: [system] });
  await outcomes(system, [
    { sourceId: 'A', sourceVersion: wide },
    { sourceId: 'B', sourceVersion: wide },
    { sourceId: 'B', sourceVersion: wide + 1, amount: '2.00' },
    { sourceId: 'C', sourceVersion: 5 },
  ]);
  await until('all are delivered', async () => {
    const syncs = await syncsOf(hub, { subscriptionId: consumer.id });
    return syncs.length === 4 && syncs.every(({ status }) => status === 'SUCCESS');
  });
  assert.equal((await runCheck(hub, { subscriptionId: consumer.id })).differenceCount, 0);
  const older = consumer.events.find(
    ({ voucher }) => voucher.source_version === wide && voucher.source_id === 'B',
  );
  assert.ok(older);
  consumer.db.exec(`delete from hub_cache where source_id in ('A', 'B')`);
  await consumer.cache.apply({ ...older, mode: 'realtime' });
  const { differences } = await runCheck(hub, { subscriptionId: consumer.id });
  assert.deepEqual(
    differences
      .map(({ kind, sourceId, expectedVersion, actualVersion }) => [
        kind,
        sourceId,
        expectedVersion,
        actualVersion,
      ])
      .toSorted((a, b) => (String(a[1]) < String(b[1]) ? -1 : 1)),
    [
      ['MISSING', 'A', wide, null],
      ['STALE', 'B', wide + 1, wide],
    ],
  );
  const fixed = await fixData(hub, { date: '2025-12-19', subscriptionId: consumer.id, dryRun: false });
  assert.deepEqual([fixed.found, fixed.fixed], [2, 2]);
  assert.equal((await runCheck(hub, { subscriptionId: consumer.id })).differenceCount, 0);
});

test('a version is taken as a literal and as an Int variable; one beyond 2^53-1 is refused by its field and bound', async () => {
  const system = newSystem();
  const fields =
    'eventType: "invoice_recorded", sourceModule: "m", sourceType: "t", sourceId: "1", direction: DEBIT, amount: "1", currency: "CNY", businessData: {}';
  const literal = (version: string) =>
    hub.ask(
      `mutation { recordVoucher(input: { ${fields}, sourceSystem: "${system}", sourceVersion: ${version} }) { outcome voucher { sourceVersion } } }`,
    );
  const variable = (version: unknown) =>
    hub.ask(
      `mutation ($v: Int) { recordVoucher(input: { ${fields}, sourceSystem: "${system}", sourceVersion: $v }) { outcome voucher { sourceVersion } } }`,
      { v: version },
    );
  const { data: first } = await literal(String(wide));
  assert.deepEqual(first, { recordVoucher: { outcome: 'CREATED', voucher: { sourceVersion: wide } } });
  const { data: again } = await variable(wide);
  assert.deepEqual(again, { recordVoucher: { outcome: 'DUPLICATE', voucher: { sourceVersion: wide } } });
  for (const answer of [
    await literal('9007199254740992'),
    await variable(9_007_199_254_740_992),
    await literal('9007199254740993'),
    await variable(1e30),
    await literal('0'),
    await variable(-3_000_000_000),
  ]) {
    const [error] = answer.errors ?? [];
    assert.deepEqual(
      [error?.extensions.code, error?.extensions.field, error?.message],
      ['BAD_USER_INPUT', 'sourceVersion', `sourceVersion: a whole number, 1 to ${most}.`],
    );
  }
  for (const wrong of [1.5, '5', true]) {
    const [error] = (await variable(wrong)).errors ?? [];
    assert.equal(error?.extensions.code, 'BAD_USER_INPUT', JSON.stringify(wrong));
  }
});

test('other whole numbers keep their own bounds beyond 32 bits', async () => {
  const { id } = await subscribe(hub, { name: 'bounded' });
  const huge = 3_000_000_000;
  const faults: [string, Record<string, unknown>][] = [];
  const first = [
    'vouchers(first: $n) { totalCount }',
    'syncLogs(first: $n) { totalCount }',
    'alerts(first: $n) { id }',
    'consistencyReports(first: $n) { id }',
    'compensationRuns(first: $n) { id }',
    'syncMetrics(windowMinutes: $n) { total }',
    'voucherBySource(sourceSystem: "wide-1", sourceModule: "invoice", sourceId: "INV-1") { eventPages(first: $n) { totalCount } }',
  ];
  for (const n of [huge, -huge])
    for (const field of first) faults.push([`query ($n: Int) { ${field} }`, { n }]);
  const settings = [
    'batchSize',
    'batchMaxBytes',
    'maxInFlight',
    'shards',
    'rateLimitPerSecond',
    'timeoutMs',
    'ackTimeoutMs',
  ];
  const changes = [
    ...settings.map(name => ({ [name]: huge })),
    ...['maxRetries', 'baseDelayMs', 'maxDelayMs'].map(name => ({ retry: { [name]: huge } })),
  ];
  for (const input of changes)
    faults.push([
      'mutation ($id: ID!, $input: UpdateDataSubscriptionInput!) { updateDataSubscription(id: $id, input: $input) { id } }',
      { id, input },
    ]);
  faults.push([
    'mutation ($id: ID!, $n: Int) { rotateDataSubscriptionSecret(id: $id, overlapHours: $n) { secret } }',
    { id, n: huge },
  ]);
  for (const [query, variables] of faults) {
    const { errors } = await hub.ask(query, variables);
    const told = `${query} ${JSON.stringify(variables)}: ${JSON.stringify(errors)}`;
    assert.match(errors?.[0]?.extensions.code ?? '', /^(BAD_USER_INPUT|LIMIT_EXCEEDED)$/, told);
    assert.doesNotMatch(errors?.[0]?.message ?? '', /Cannot query|Unknown|not defined/, told);
  }
});
