import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createLogger } from '../../src/core/logger.ts';
import { Database } from '../../src/db/database.ts';
import { startTestHub, type TestHub } from '../support/hub.ts';
import { createEmptyDatabase, createTestDatabase } from '../support/postgres.ts';
import { startPostgresProxy } from '../support/postgres-proxy.ts';
import { propertySeed } from '../support/seed.ts';
import { connectSql, type Sql } from '../support/sql.ts';
import { type RecordedItem, recordVouchers, subscribe, voucherInput } from '../support/vouchers.ts';

const seed = propertySeed('recording at several hubs');

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

test('new and known records, several versions of each in any order at two hubs at once, come to the newest, and each version is one event', async () => {
  await using first = await startTestHub();
  await using second = await startTestHub({ databaseUrl: first.databaseUrl });
  await using sql = await connectSql(first.databaseUrl);
  await subscribe(first, {});
  const item = fc.record({ id: fc.nat({ max: 9 }), version: fc.integer({ min: 1, max: 6 }) });
  const calls = fc.sample(fc.array(item, { minLength: 1, maxLength: 12 }), { seed, numRuns: 120 });
  for (let round = 0; round < 6; round += 1) {
    const some = calls.slice(round * 20, round * 20 + 20);
    const answers = await Promise.all(
      some.map((items, n) =>
        recordVouchers(
          n % 2 === 0 ? first : second,
          items.map(({ id, version }) =>
            voucherInput({ sourceId: `N${round}-${id}`, sourceVersion: version, businessData: { version } }),
          ),
        ),
      ),
    );
    assert.deepEqual(
      answers.flat().filter(answer => answer.error !== null),
      [],
    );
    const told = answers.flatMap((items, n) =>
      items.flatMap(({ result }, at) => {
        const { id, version } = some[n]?.[at] ?? { id: -1, version: -1 };
        return result?.event ? [{ id: result.event.id, record: `N${round}-${id}`, version }] : [];
      }),
    );
    const events = await sql.rows<{ id: string; record: string; version: number }>(
      `select e.id::text, v.source_id as record, e.source_version as version from fin_voucher_events e
       join fin_business_vouchers v on v.id = e.voucher_id
       where v.source_id like 'N${round}-%' and (e.data ->> 'version')::int = e.source_version order by e.id`,
    );
    assert.deepEqual(
      told.toSorted((a, b) => Number(a.id) - Number(b.id)),
      events,
    );
    const sent = new Set(some.flat().map(({ id, version }) => `N${round}-${id}/${version}`));
    assert.deepEqual(new Set(events.map(({ record: name, version }) => `${name}/${version}`)), sent);
  }
  const wrong = await sql.rows(
    `select v.source_id, v.source_version, e.newest, l.versions from fin_business_vouchers v
     cross join lateral (select max(source_version) as newest from fin_voucher_events e where e.voucher_id = v.id) e
     cross join lateral (select array_agg(e.source_version order by l.id) as versions, array_agg(e.source_version order by e.source_version) as ordered
       from fin_data_sync_logs l join fin_voucher_events e on e.id = l.event_id where l.voucher_id = v.id) l
     where v.source_version <> e.newest or (v.business_data ->> 'version')::int <> e.newest or l.versions <> l.ordered
       or l.versions[cardinality(l.versions)] <> e.newest`,
  );
  assert.deepEqual(wrong, []);
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

test('a group of records that are new is one statement, and one of which some are known is recorded all the same, with the routing of that moment', async () => {
  const databaseUrl = await createTestDatabase();
  await using proxy = await startPostgresProxy(databaseUrl);
  await using hub = await startTestHub({ databaseUrl: proxy.url, env: { HUB_ROLES: 'api' } });
  await using other = await startTestHub({ databaseUrl, env: { HUB_ROLES: 'api' } });
  const numbered = (from: number, count: number, amount = '1.00') =>
    Array.from({ length: count }, (_, n) => voucherInput({ sourceId: `G${from + n}`, amount }));
  const outcomes = async (inputs: ReturnType<typeof numbered>) => {
    proxy.reset();
    const answer = await hub.data<{ recordVouchers: RecordedItem[] }>(
      'mutation ($inputs: [RecordVoucherInput!]!) { recordVouchers(inputs: $inputs) { result { outcome deliveries } } }',
      { inputs },
    );
    return answer.recordVouchers.map(({ result }) => `${result?.outcome} ${result?.deliveries}`);
  };
  await recordVouchers(hub, numbered(0, 1));
  assert.deepEqual(new Set(await outcomes(numbered(1, 20))), new Set(['CREATED 0']));
  assert.equal(proxy.statements(), 1);
  await subscribe(other, {});
  assert.deepEqual(new Set(await outcomes(numbered(21, 20))), new Set(['CREATED 1']));
  const mixed = await outcomes([...numbered(40, 2), ...numbered(0, 1, '2.00')]);
  assert.deepEqual(mixed, ['DUPLICATE 0', 'CREATED 1', 'UPDATED 1']);
  assert.deepEqual(await outcomes(numbered(42, 2)), ['CREATED 1', 'CREATED 1']);
  assert.deepEqual(await outcomes(numbered(44, 2)), ['CREATED 1', 'CREATED 1']);
  assert.equal(proxy.statements(), 1);
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
