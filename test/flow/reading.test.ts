import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestHub, type TestHub } from '../support/hub.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { type PostgresProxy, startPostgresProxy } from '../support/postgres-proxy.ts';
import { startReceiver } from '../support/receiver.ts';
import { connectSql } from '../support/sql.ts';
import { recordVouchers, subscribe, syncsOf, voucherInput } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

interface Page {
  edges: { cursor: string; node: { id: string } }[];
  pageInfo: {
    hasNextPage: boolean;
    hasPreviousPage: boolean;
    startCursor: string | null;
    endCursor: string | null;
  };
}

async function pageOf(
  hub: TestHub,
  list: 'vouchers' | 'syncLogs',
  first: number,
  after: string | null,
): Promise<Page> {
  const query = `query ($first: Int, $after: String) { page: ${list}(first: $first, after: $after) { edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`;
  return (await hub.data<{ page: Page }>(query, { first, after })).page;
}

function numbered(prefix: string, count: number): Record<string, unknown>[] {
  return Array.from({ length: count }, (_, n) => voucherInput({ sourceId: `${prefix}${n}` }));
}

for (const list of ['vouchers', 'syncLogs'] as const) {
  test(`pages of ${list} walk every row that was there exactly once, newest first, while rows are added`, async () => {
    await using hub = await startTestHub();
    await subscribe(hub, {});
    await recordVouchers(hub, numbered('A', 100));
    const table = list === 'vouchers' ? 'fin_business_vouchers' : 'fin_data_sync_logs';
    await using sql = await connectSql(hub.databaseUrl);
    const expected = (
      await sql.rows<{ id: string }>(`select id::text from ${table} order by ${table}.id desc`)
    ).map(row => row.id);
    for (const size of [1, 7, 50, 100, 101, 500]) {
      const walked: string[] = [];
      let after: string | null = null;
      for (let n = 0; ; n += 1) {
        const page: Page = await pageOf(hub, list, size, after);
        walked.push(...page.edges.map(edge => edge.node.id));
        assert.ok(page.edges.length <= size);
        assert.equal(page.pageInfo.hasPreviousPage, after !== null);
        assert.deepEqual(
          [page.pageInfo.startCursor, page.pageInfo.endCursor],
          [page.edges[0]?.cursor ?? null, page.edges.at(-1)?.cursor ?? null],
        );
        if (!page.pageInfo.hasNextPage) break;
        after = page.pageInfo.endCursor;
        if (n < 3) await recordVouchers(hub, [voucherInput({ sourceId: `S${size}-${n}` })]);
      }
      assert.equal(new Set(walked).size, walked.length, 'a row came twice');
      // Rows that were added meanwhile are newer than the first page, so they come in none.
      const old = new Set(expected);
      assert.deepEqual(
        walked.filter(id => old.has(id)),
        expected,
      );
    }
    assert.deepEqual((await pageOf(hub, list, 0, null)).edges, []);
  });
}

/** How many statements some work takes at the fewest: the first time checks the key, and a new connection asks whose it is. */
async function fewestStatements(proxy: PostgresProxy, work: () => Promise<unknown>): Promise<number> {
  const counts: number[] = [];
  for (let turn = 0; turn < 4; turn += 1) {
    proxy.reset();
    await work();
    counts.push(proxy.statements());
  }
  return Math.min(...counts);
}

test('a page costs the same number of statements however many rows it has, with all that hangs on them', async () => {
  const databaseUrl = await createTestDatabase();
  await using proxy = await startPostgresProxy(databaseUrl);
  await using receiver = await startReceiver();
  {
    await using worker = await startTestHub({ databaseUrl });
    await subscribe(worker, { name: 'one', webhookUrl: receiver.url });
    await subscribe(worker, { name: 'two', webhookUrl: receiver.url });
    await recordVouchers(worker, numbered('N', 60));
    await recordVouchers(
      worker,
      numbered('N', 60).map(input => ({ ...input, amount: '7.00' })),
    );
    await until(
      'all are delivered',
      async () => (await syncsOf(worker, { statuses: ['SUCCESS'] })).length === 240,
    );
  }
  await using hub = await startTestHub({ databaseUrl: proxy.url, env: { HUB_ROLES: 'api' } });
  const nested = `query ($first: Int) { vouchers(first: $first) { edges { node { id events { id voucher { id } } syncLogs { id event { id sourceVersion }
    attempts { number } subscription { id name backlog } } } } } }`;
  const logs =
    'query ($first: Int) { syncLogs(first: $first) { edges { node { id attempts { number } subscription { name backlog } event { voucher { id events { id } } } } } } }';
  for (const query of [nested, logs]) {
    const costs: number[] = [];
    for (const first of [1, 10, 60]) {
      const cost = await fewestStatements(proxy, async () => {
        const answer = await hub.data<Record<string, { edges: unknown[] }>>(query, { first });
        assert.equal(Object.values(answer)[0]?.edges.length, first);
      });
      costs.push(cost);
    }
    const [one, ten, sixty] = costs;
    assert.ok(one !== undefined && one > 0 && one <= 12, `${one} statements`);
    assert.ok(ten !== undefined && ten <= one && sixty === ten, `statements: ${costs.join(', ')}`);
  }
});

test('the total is counted only when it is asked for', async () => {
  const databaseUrl = await createTestDatabase();
  await using proxy = await startPostgresProxy(databaseUrl);
  await using hub = await startTestHub({ databaseUrl: proxy.url, env: { HUB_ROLES: 'api' } });
  await subscribe(hub, {});
  await recordVouchers(hub, numbered('C', 5));
  for (const list of ['vouchers', 'syncLogs']) {
    const without = await fewestStatements(proxy, async () => {
      await hub.data(`{ ${list}(first: 2) { edges { node { id } } pageInfo { hasNextPage } } }`);
      assert.doesNotMatch(proxy.texts().join('\n'), /count\(/i);
    });
    proxy.reset();
    const answer = await hub.data(`{ ${list}(first: 2) { totalCount edges { node { id } } } }`);
    assert.match(JSON.stringify(answer), /"totalCount":5/);
    assert.match(proxy.texts().join('\n'), /count\(/i);
    const withIt = await fewestStatements(proxy, () =>
      hub.data(`{ ${list}(first: 2) { totalCount edges { node { id } } } }`),
    );
    assert.equal(withIt, without + 1);
  }
});

test('each filter of vouchers finds what it names and nothing else', async () => {
  await using hub = await startTestHub();
  await recordVouchers(hub, [
    voucherInput({ sourceId: 'a', companyId: '1', counterpartyId: 'X', voucherDate: '2025-01-01' }),
    voucherInput({
      sourceId: 'b',
      companyId: '2',
      counterpartyId: 'Y',
      voucherDate: '2025-01-02',
      sourceModule: 'contract',
    }),
    voucherInput({
      sourceId: 'c',
      companyId: null,
      counterpartyId: 'X',
      voucherDate: '2025-01-03',
      sourceSystem: 'procurement',
    }),
  ]);
  const find = async (filter: Record<string, unknown> | null) => {
    const { vouchers } = await hub.data<{
      vouchers: { totalCount: number; edges: { node: { sourceId: string; updatedAt: string } }[] };
    }>(
      'query ($filter: VoucherFilter) { vouchers(filter: $filter) { totalCount edges { node { sourceId updatedAt } } } }',
      { filter },
    );
    assert.equal(vouchers.totalCount, vouchers.edges.length);
    return vouchers.edges.map(edge => edge.node);
  };
  const cases: [Record<string, unknown> | null, string][] = [
    [null, 'abc'],
    [{}, 'abc'],
    [{ sourceSystem: 'procurement' }, 'c'],
    [{ sourceModule: 'contract' }, 'b'],
    [{ sourceIds: ['a', 'c', 'zzz'] }, 'ac'],
    [{ sourceIds: [] }, ''],
    [{ companyId: '1' }, 'a'],
    [{ counterpartyId: 'X' }, 'ac'],
    [{ voucherDateFrom: '2025-01-02' }, 'bc'],
    [{ voucherDateTo: '2025-01-02' }, 'ab'],
    [{ voucherDateFrom: '2025-01-02', voucherDateTo: '2025-01-02' }, 'b'],
    [{ companyId: '1', counterpartyId: 'Y' }, ''],
    [{ sourceSystem: "x' or true --" }, ''],
    [{ companyId: null }, 'abc'],
  ];
  for (const [filter, expected] of cases)
    assert.equal(
      (await find(filter))
        .map(node => node.sourceId)
        .sort()
        .join(''),
      expected,
      JSON.stringify(filter),
    );
  const {
    rows: [before],
  } = { rows: await find(null) };
  await recordVouchers(hub, [
    voucherInput({
      sourceId: 'a',
      companyId: '1',
      counterpartyId: 'X',
      voucherDate: '2025-01-01',
      amount: '5',
    }),
  ]);
  const later = new Date(Date.parse(before?.updatedAt ?? '') + 1).toISOString();
  assert.deepEqual(
    (await find({ updatedFrom: later })).map(node => node.sourceId),
    ['a'],
  );
  assert.deepEqual(
    (await find({ updatedTo: later })).map(node => node.sourceId),
    ['c', 'b'],
  );
});

test('each filter of the sync log finds what it names and nothing else', async () => {
  await using hub = await startTestHub();
  await using receiver = await startReceiver();
  receiver.answer(request => (request.body.voucher.source_id === 'bad' ? 400 : 200));
  const live = await subscribe(hub, { name: 'live', webhookUrl: receiver.url, mode: 'REALTIME' });
  const nightly = await subscribe(hub, { name: 'nightly', mode: 'BATCH', eventTypes: ['l1_confirmed'] });
  const [good, bad, contract] = await recordVouchers(hub, [
    voucherInput({ sourceId: 'good' }),
    voucherInput({ sourceId: 'bad' }),
    voucherInput({ sourceId: 'con', eventType: 'l1_confirmed', sourceSystem: 'procurement' }),
  ]);
  await until(
    'three are done',
    async () => (await syncsOf(hub, { statuses: ['SUCCESS', 'FAILED'] })).length === 3,
  );
  const all = await syncsOf(hub);
  const find = async (filter: Record<string, unknown>) =>
    (await syncsOf(hub, filter))
      .map(sync => sync.event.voucher.sourceId)
      .sort()
      .join(' ');
  const ofBad = all.find(sync => sync.event.voucher.sourceId === 'bad');
  const cases: [Record<string, unknown>, string][] = [
    [{}, 'bad con con good'],
    [{ ids: [ofBad?.id] }, 'bad'],
    [{ ids: [] }, ''],
    [{ subscriptionId: nightly.id }, 'con'],
    [{ subscriptionId: live.id }, 'bad con good'],
    [{ statuses: ['FAILED'] }, 'bad'],
    [{ statuses: ['SUCCESS', 'FAILED'] }, 'bad con good'],
    [{ statuses: [] }, ''],
    [{ modes: ['BATCH'] }, 'con'],
    [{ modes: ['REALTIME'] }, 'bad con good'],
    [{ transports: ['WEBHOOK'] }, 'bad con good'],
    [{ transports: ['WEBSOCKET'] }, ''],
    [{ eventTypes: ['l1_confirmed'] }, 'con con'],
    [{ errorCodes: ['HTTP_400'] }, 'bad'],
    [{ sourceSystem: 'procurement' }, 'con con'],
    [{ sourceId: 'good' }, 'good'],
    [{ sourceId: 'good', sourceSystem: 'procurement' }, ''],
    [{ sourceId: 'none' }, ''],
    [{ voucherId: contract?.result?.voucher.id }, 'con con'],
    [{ voucherId: good?.result?.voucher.id, statuses: ['FAILED'] }, ''],
    [{ createdFrom: '2100-01-01T00:00:00Z' }, ''],
    [{ createdTo: '2100-01-01T00:00:00Z' }, 'bad con con good'],
    [{ createdTo: '2000-01-01T00:00:00Z' }, ''],
  ];
  for (const [filter, expected] of cases) assert.equal(await find(filter), expected, JSON.stringify(filter));
  assert.ok(bad?.result);
  for (const filter of [
    { ids: ['x'] },
    { subscriptionId: '1; drop table' },
    { voucherId: '-1' },
    { ids: Array.from({ length: 1_001 }, () => '1') },
  ]) {
    const answer = await hub.ask(
      'query ($filter: SyncLogFilter) { syncLogs(filter: $filter) { edges { cursor } } }',
      { filter },
    );
    assert.equal(answer.errors?.[0]?.extensions.code, 'BAD_USER_INPUT');
  }
});
