import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { startTestHub, type TestHub } from '../support/hub.ts';
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

test('the digest and the frozen voucher are what Python makes of the stored record, for any business data and texts', async () => {
  await using hub = await startTestHub();
  await using sql = await connectSql(hub.databaseUrl);
  const data = fc.dictionary(
    fc.string({ unit: 'grapheme', maxLength: 8 }).filter(isStorable),
    fc.jsonValue({ maxDepth: 3 }).filter(isRecordable),
    { maxKeys: 6 },
  );
  const text = fc.option(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }).filter(isStorable), {
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
  const fields = `'voucher_date', voucher_date::text, 'source_system', source_system, 'source_module', source_module,
    'source_type', source_type, 'source_id', source_id, 'source_reference_no', source_reference_no, 'source_version', v.source_version,
    'company_id', company_id, 'counterparty_type', counterparty_type, 'counterparty_id', counterparty_id,
    'counterparty_name', counterparty_name, 'direction', direction, 'amount', amount::text, 'currency', currency, 'summary', summary`;
  const stored = await sql.rows<{ digest: string; frozen: string; content: string; voucher: string }>(
    `select v.digest, e.frozen, json_build_object('data', v.business_data, 'voucher', json_build_object(${fields}))::text as content,
       json_build_object(${fields}, 'voucher_no', voucher_no, 'status', status, 'digest', v.digest)::text as voucher
     from fin_business_vouchers v join (select voucher_id, voucher::text as frozen, data from fin_voucher_events) e on e.voucher_id = v.id
     where e.data::text = v.business_data::text order by v.id`,
  );
  assert.equal(stored.length, 200);
  const program =
    'import hashlib, json, sys\ndump = lambda text: json.dumps(json.loads(text), sort_keys=True)\nlines = sys.stdin.buffer.read().decode().split(chr(1))\nprint(json.dumps([[hashlib.sha256(dump(content).encode()).hexdigest(), dump(voucher)] for content, voucher in zip(lines[::2], lines[1::2])]))';
  const python = spawnSync('python3', ['-c', program], {
    input: stored.flatMap(row => [row.content, row.voucher]).join('\u0001'),
    encoding: 'utf8',
  });
  assert.equal(python.stderr, '');
  assert.deepEqual(
    JSON.parse(python.stdout),
    stored.map(row => [row.digest, row.frozen]),
  );
});

test('a voucher that the database refuses takes no neighbour with it, new ones or known ones, and leaves nothing', async () => {
  await using hub = await startTestHub();
  await using sql = await connectSql(hub.databaseUrl);
  await subscribe(hub, {});
  await recordVouchers(hub, [voucherInput({ sourceId: 'K1' }), voucherInput({ sourceId: 'K2' })]);
  await sql.rows('alter table fin_business_vouchers add constraint refused check (amount <> 13)');
  const items = await recordVouchers(hub, [
    ...['N1', 'N2', 'N3'].map(sourceId => voucherInput({ sourceId })),
    voucherInput({ sourceId: 'K1', amount: '13' }),
    voucherInput({ sourceId: 'K2', amount: '14' }),
    voucherInput({ sourceId: 'BAD', amount: '13.00' }),
    voucherInput({ sourceId: 'N4' }),
  ]);
  assert.deepEqual(items.map(outcomeOf), [
    'CREATED',
    'CREATED',
    'CREATED',
    'BAD_USER_INPUT null',
    'UPDATED',
    'BAD_USER_INPUT null',
    'CREATED',
  ]);
  assert.deepEqual(await totals(sql), [6, 7, 7]);
  assert.equal(await sql.count(`select count(*) from fin_business_vouchers where amount = 13`), 0);
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
