import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { buildSchema, parse, validate } from 'graphql';
import { createLogger } from '../../src/core/logger.ts';
import { Database } from '../../src/db/database.ts';
import { analystRole } from '../../src/db/migrations/0008-analysts.ts';
import { makeKey } from '../support/access.ts';
import { startTestHub } from '../support/hub.ts';
import { createEmptyDatabase } from '../support/postgres.ts';
import { startReceiver } from '../support/receiver.ts';
import { connectSql } from '../support/sql.ts';
import { recordVouchers, subscribe, syncsOf, voucherInput } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

const text = readFileSync('docs/analytics.md', 'utf8');
const login = `analyst_${process.pid}`;
const limited = `limited_${process.pid}`;

// Before the database is made, as it goes in the order of these: the login's rights go with the database.
after(async () => {
  await analyst[Symbol.asyncDispose]();
  await hub[Symbol.asyncDispose]();
  await owner.rows(`drop owned by ${login}; drop role ${login}`);
  await owner[Symbol.asyncDispose]();
});
const hub = await startTestHub();
const receiver = await startReceiver();
after(() => receiver[Symbol.asyncDispose]());
const owner = await connectSql(hub.databaseUrl);

receiver.answer(({ body }) => (body.voucher.source_id === 'BAD' ? 422 : 200));
const { id: tax } = await subscribe(hub, {
  webhookUrl: `${receiver.url}?token=hidden`,
  eventTypes: ['invoice_recorded'],
});
await subscribe(hub, { name: 'later', eventTypes: ['supplier_changed'], mode: 'REALTIME' });
await recordVouchers(hub, [
  ...['INV-20251219-001', 'A', 'B', 'BAD'].map(sourceId => voucherInput({ sourceId, amount: '100000.00' })),
  voucherInput({ sourceId: 'S-1', eventType: 'supplier_changed', direction: 'CREDIT', amount: '7.5' }),
]);
await until('four are over', async () => {
  const over = (await syncsOf(hub)).filter(({ status }) => status === 'SUCCESS' || status === 'FAILED');
  return over.length === 4;
});

/** The fenced blocks of a kind in the document, each with the heading that it stands under. */
function blocks(kind: string): { heading: string; code: string }[] {
  const fence = /^(?:#+ (?<heading>.+)|```(?<kind>[a-z ]+)\n(?<code>[\s\S]*?)^```)$/gm;
  let heading = '';
  return [...text.matchAll(fence)].flatMap(({ groups = {} }) => {
    heading = groups.heading ?? heading;
    return groups.kind === kind ? [{ heading, code: groups.code ?? '' }] : [];
  });
}

/** The address of a database for another user. */
function addressFor(user: string, password: string, address: string): string {
  const url = new URL(address);
  [url.username, url.password] = [user, password];
  return url.href;
}

const [{ code: makeLogin } = { code: '' }] = blocks('sql login');
await owner.rows(makeLogin.replaceAll('li_wei', login));
const analyst = await connectSql(addressFor(login, 'choose-a-long-one', hub.databaseUrl));

test('an analyst’s login is made as the document says: it belongs to the role, only reads, and has a time-out', async () => {
  const settings = await analyst.rows(
    `select current_setting('transaction_read_only') as read_only, current_setting('statement_timeout') as timeout,
       current_setting('timezone') as zone, pg_has_role('voucher_hub_analyst', 'usage') as member`,
  );
  assert.deepEqual(settings, [{ read_only: 'on', timeout: '5min', zone: 'Asia/Shanghai', member: true }]);
  // Even where the analyst takes the read-only default off.
  for (const refused of [
    'update analyst_subscriptions set name = name',
    'delete from analyst_vouchers',
    'select secret from data_subscriptions',
    'select key_hash from api_keys',
    'select receipt from fin_data_sync_attempts',
    'create table x (y int)',
  ])
    await assert
      .rejects(analyst.rows(`begin read write; ${refused}`), /permission denied/, refused)
      .finally(() => analyst.rows('rollback'));
});

const views = [
  'analyst_attempts',
  'analyst_events',
  'analyst_subscriptions',
  'analyst_vouchers',
  'fin_data_sync_logs',
];

test('the role may read its five views and nothing else, and each of their columns is explained', async () => {
  const readable = await owner.rows<{ name: string; writes: boolean }>(
    `select c.oid::regclass::text as name, has_table_privilege('voucher_hub_analyst', c.oid, 'insert, update, delete, truncate') as writes
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg_toast%'
       and case when c.relkind = 'S' then has_sequence_privilege('voucher_hub_analyst', c.oid, 'select, usage, update')
         when c.relkind in ('r', 'p', 'v', 'm', 'f') then has_any_column_privilege('voucher_hub_analyst', c.oid, 'select') end
     order by 1`,
  );
  assert.deepEqual(
    readable,
    views.map(name => ({ name, writes: false })),
  );
  const unexplained = await owner.rows(
    `select attrelid::regclass::text as view, attname from pg_attribute
     where attrelid = any($1::regclass[]) and attnum > 0 and not attisdropped and col_description(attrelid, attnum) is null`,
    [views],
  );
  assert.deepEqual(unexplained, []);
});

test('no view is made of a secret, and of a webhook’s address the host alone is shown', async () => {
  const made = await owner.rows<{ table: string; column: string }>(
    `select distinct table_name as table, column_name as column from information_schema.view_column_usage where view_name = any($1)`,
    [views],
  );
  assert.ok(made.some(({ column }) => column === 'webhook_url'));
  const secret = made.filter(
    ({ table, column }) =>
      table === 'api_keys' ||
      /secret|key|token|lease/.test(column.replace('claim_token', '')) ||
      column === 'receipt',
  );
  assert.deepEqual(secret, []);
  assert.deepEqual(
    await analyst.rows('select webhook_host from analyst_subscriptions where id = $1', [tax]),
    [{ webhook_host: new URL(receiver.url).host }],
  );
});

test('the analysts’ own statements work as they stand', async () => {
  const statements = readFileSync('test/support/analyst.sql', 'utf8')
    .split(';')
    .filter(part => /select/i.test(part));
  const answers: Record<string, unknown>[][] = [];
  for (const statement of statements) answers.push(await analyst.rows(statement));
  const [rate, delay, failures] = answers;
  assert.equal(Number(rate?.[0]?.success_rate), 75);
  assert.ok(Number(delay?.[0]?.avg_delay_seconds) >= 0);
  assert.deepEqual(failures, [{ error_code: 'HTTP_422', count: '1' }]);
});

/** What some recipes must come to on what was recorded above. */
const results: Record<string, (rows: Record<string, unknown>[]) => void> = {
  'Success rate': rows => assert.deepEqual(rows, [{ success_percent: '75.00', syncs: '4' }]),
  Delays: ([row]) => assert.deepEqual([row?.name, row?.delivered], ['tax', '3']),
  'Failures by error': ([row]) => assert.equal(row?.error_code, 'HTTP_422'),
  Lag: ([row]) => assert.deepEqual([row?.name, row?.waiting, row?.net_amount], ['later', '1', '-7.5']),
  'One voucher’s whole story': ([row]) =>
    assert.deepEqual(
      [row?.amount, row?.status, row?.attempt, row?.status_code],
      ['100000.00', 'success', 1, 200],
    ),
  'A table by day and subscription': rows => {
    assert.equal(rows.length, 14);
    const sums = ['recorded', 'delivered', 'failed', 'waiting'].map(name =>
      rows.reduce((sum, row) => sum + Number(row[name]), 0),
    );
    assert.deepEqual(sums, [5, 3, 1, 1]);
  },
};

for (const [at, { heading, code }] of blocks('sql').entries())
  test(`SQL recipe ${at + 1} (${heading}) works as it stands`, async () => {
    const rows = await analyst.rows<Record<string, unknown>>(code);
    assert.ok(rows.length > 0);
    results[heading.replace("'", '’')]?.(rows);
  });

test('the lag by SQL is that of GraphQL: gross, each record once a subscription, batches that wait left out', async () => {
  await subscribe(hub, { name: 'too', eventTypes: ['supplier_changed'], mode: 'REALTIME' });
  await subscribe(hub, { name: 'by night', eventTypes: ['supplier_changed'], mode: 'BATCH' });
  const supplier = { eventType: 'supplier_changed', sourceModule: 'supplier' };
  await recordVouchers(hub, [
    voucherInput({ ...supplier, sourceId: 'S-2', amount: '10' }),
    voucherInput({ ...supplier, sourceId: 'S-3', amount: '5', currency: 'USD' }),
  ]);
  await recordVouchers(hub, [
    voucherInput({ ...supplier, sourceId: 'S-2', sourceVersion: 2, amount: '12.5', direction: 'CREDIT' }),
  ]);
  const [{ code } = { code: '' }] = blocks('sql').filter(({ heading }) => heading === 'Lag');
  const rows = await analyst.rows<Record<string, string>>(code);
  const lagOf = async (id: string | null) => {
    const { syncMetrics } = await hub.data<{
      syncMetrics: { lag: { seconds: number; amounts: { currency: string; amount: string }[] } };
    }>(
      'query ($id: ID) { syncMetrics(subscriptionId: $id) { lag { seconds amounts { currency amount } } } }',
      { id },
    );
    return syncMetrics.lag;
  };
  assert.deepEqual(new Set(rows.map(({ name }) => name)), new Set(['later', 'too']));
  for (const id of new Set(rows.map(row => String(row.id)))) {
    const mine = rows.filter(row => String(row.id) === id);
    const { seconds, amounts } = await lagOf(id);
    const gross = (one: { currency: string; amount: string }[]) =>
      Object.fromEntries(one.map(({ currency, amount }) => [currency, Number(amount)]));
    assert.deepEqual(
      gross(mine.map(({ currency = '', amount = '' }) => ({ currency, amount }))),
      gross(amounts),
    );
    const longest = Math.max(...mine.map(row => Number(row.lag_seconds)));
    assert.ok(Math.abs(seconds - longest) < 5, `${seconds} s, by SQL ${longest} s`);
  }
  const all = await lagOf(null);
  for (const { currency, amount } of all.amounts) {
    const sum = rows.filter(row => row.currency === currency).reduce((so, row) => so + Number(row.amount), 0);
    assert.equal(Number(amount), sum);
  }
  const [yuan] = rows.filter(({ name, currency }) => name === 'too' && currency === 'CNY');
  assert.deepEqual([yuan?.records, yuan?.waiting, yuan?.net_amount].map(Number), [1, 2, -12.5]);
});

test('GraphQL recipes fit the schema, and an analyst’s key gets an answer', async () => {
  const schema = buildSchema(readFileSync('src/schema/schema.graphql', 'utf8'));
  const { secret } = await makeKey(hub, 'ANALYST');
  const recipes = blocks('graphql');
  assert.ok(recipes.length >= 5);
  for (const { code } of recipes) {
    assert.deepEqual(validate(schema, parse(code)), [], code);
    const answer = await hub.ask(code, {}, secret);
    assert.equal(answer.errors, undefined, code);
    for (const value of Object.values(answer.data ?? {})) assert.notEqual(value, null, code);
  }
});

test('a hub whose database user may not make roles migrates all the same, and says so by grant_to_analysts', async () => {
  const url = await createEmptyDatabase();
  await using server = await connectSql(url);
  const database = new URL(url).pathname.slice(1);
  await server.rows(
    `create role ${limited} login password 'p'; grant all on schema public to ${limited}; grant create on database ${database} to ${limited}`,
  );
  try {
    const log = createLogger({ level: 'silent', pretty: false });
    await Database.migrate({ url: addressFor(limited, 'p', url), log });
    const [{ code: grant } = { code: '' }] = blocks('sql grant');
    // Another database's hub has made the role here. Where nobody has:
    await server.rows(
      `begin; alter role voucher_hub_analyst rename to ${limited}_away; set local role ${limited}; ${analystRole}`,
    );
    assert.deepEqual(await server.rows(grant), [{ grant_to_analysts: false }]);
    await server.rows('rollback');
    assert.deepEqual(await server.rows(grant), [{ grant_to_analysts: true }]);
  } finally {
    await server.rows(`rollback; drop owned by ${limited} cascade; drop role ${limited}`);
  }
});

test('two databases of one server may make the role at the same moment', async () => {
  const raced = `raced_${process.pid}`;
  const makeRole = analystRole.replaceAll('voucher_hub_analyst', raced);
  await using first = await connectSql(hub.databaseUrl);
  await using second = await connectSql(hub.databaseUrl);
  const [{ pid } = { pid: 0 }] = await second.rows<{ pid: number }>('select pg_backend_pid() as pid');
  await first.rows(`begin; ${makeRole}`);
  const made = second.rows(makeRole);
  await until('the second waits for the first', async () => {
    const waiting = `select count(*) from pg_stat_activity where pid = $1 and wait_event_type = 'Lock'`;
    return (await owner.count(waiting, [pid])) === 1;
  });
  await first.rows('commit');
  await made;
  await first.rows(`drop role ${raced}`);
});
