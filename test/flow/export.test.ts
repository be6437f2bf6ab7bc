import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { loader } from '../support/child.ts';
import { runCli, startCli, startGate, temporaryFolder } from '../support/cli.ts';
import { adminKey, startTestHub } from '../support/hub.ts';
import { connectSql } from '../support/sql.ts';
import { recordVouchers, subscribe, voucherInput } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

const hub = await startTestHub();
after(() => hub[Symbol.asyncDispose]());
const sql = await connectSql(hub.databaseUrl);
after(() => sql[Symbol.asyncDispose]());
const folder = await temporaryFolder();
const env = { HUB_URL: hub.url, HUB_KEY: adminKey };

/** Of three pages. */
const many = 1_203;
const message = '=HYPERLINK("http://x"), 金额不符\n第二行';

const { id: invoices } = await subscribe(hub, { name: '税务,发票', eventTypes: ['invoice_recorded'] });
const { id: suppliers } = await subscribe(hub, { name: 'suppliers', eventTypes: ['supplier_changed'] });
for (const from of [0, 1_000])
  await recordVouchers(
    hub,
    Array.from({ length: Math.min(1_000, many - from) }, (_, n) =>
      voucherInput({ sourceId: `票-${from + n}` }),
    ),
  );
await recordVouchers(
  hub,
  ['a', 'b', 'c', 'd'].map(sourceId => voucherInput({ sourceId, eventType: 'supplier_changed' })),
);
await sql.rows(
  `update fin_open_syncs set error_code = 'HTTP_422', error_message = $1, retry_count = 2, sync_started_at = created_at
   where id = (select min(id) from fin_open_syncs)`,
  [message],
);
const turns = ['15:59:59.999', '15:59:59.9995', '16:00:00', '16:00:00.001'];
await sql.rows(
  `update fin_open_syncs o set created_at = t.at from (
     select id, ('2023-12-31T' || (array['${turns.join("','")}'])[row_number() over (order by id)] || 'Z')::timestamptz as at
     from fin_open_syncs where subscription_id = $1) t where t.id = o.id`,
  [suppliers],
);

/** A row as every format has to tell it: times as instants in UTC. */
type Told = Record<string, string | number | null>;

const expected = (
  await sql.rows<Told>(
    `select l.id::text, l.subscription_id::text, s.name as subscription, s.target_system, l.event_id::text, l.event_type,
       l.voucher_id::text, v.voucher_no, v.source_system, v.source_module, v.source_type, v.source_id, e.source_version,
       l.mode, l.status, l.transport, l.retry_count, l.error_code, l.error_message, l.created_at, l.sync_started_at,
       l.sync_completed_at, l.next_attempt_at, to_char(v.voucher_date, 'YYYY-MM-DD') as voucher_date, v.source_reference_no,
       v.company_id, v.counterparty_type, v.counterparty_id, v.counterparty_name, v.direction, v.amount::text, v.currency, v.summary
     from fin_data_sync_logs l join data_subscriptions s on s.id = l.subscription_id
       join fin_voucher_events e on e.id = l.event_id join fin_business_vouchers v on v.id = l.voucher_id
     where l.subscription_id = $1 order by l.id desc`,
    [invoices],
  )
).map(row => inUtc(row));

/** Dates, and texts with an offset, as ISO 8601 in UTC; bigints as text. */
function inUtc(row: Record<string, unknown>): Told {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => {
      if (value instanceof Date) return [name, value.toISOString()];
      if (typeof value === 'bigint') return [name, String(value)];
      const isTime = typeof value === 'string' && name.endsWith('_at');
      assert.ok(value === null || typeof value === 'string' || typeof value === 'number');
      return [name, isTime ? new Date(value).toISOString() : value];
    }),
  );
}

/** A CSV file as Python's reader has it, the mark at its beginning taken off. */
function readCsv(file: string): string[][] {
  const program = `import csv, json, sys
print(json.dumps(list(csv.reader(open(sys.argv[1], encoding='utf-8-sig', newline=''), strict=True))))`;
  return JSON.parse(execFileSync('python3', ['-c', program, file], { maxBuffer: 1e8, encoding: 'utf8' }));
}

function fileOf(name: string): string {
  return path.join(folder, name);
}

test('CSV, JSON Lines and Parquet tell the same syncs, each to a reader of another’s making', async () => {
  const since = ['--from', '2024-01-02', '--subscription', invoices];
  const outputs = ['csv', 'jsonl', 'parquet'].map(format =>
    runCli(['export', ...since, '--format', format, '--output', fileOf(`all.${format}`), '--json'], env),
  );
  for (const [at, end] of (await Promise.all(outputs)).entries()) {
    assert.equal(end.code, 0, end.stderr);
    const { rows, format, from } = JSON.parse(end.stdout);
    assert.deepEqual(
      [rows, format, from],
      [many, ['csv', 'jsonl', 'parquet'][at], '2024-01-02T00:00:00.000+08:00'],
    );
    assert.equal(existsSync(fileOf(`all.${format}.part`)), false);
  }

  const lines = readFileSync(fileOf('all.jsonl'), 'utf8').trimEnd().split('\n');
  assert.match(lines[0] ?? '', /"created_at":"[-0-9]+T[:.0-9]+\+08:00"/);
  assert.deepEqual(
    lines.map(line => inUtc(JSON.parse(line))),
    expected,
  );

  const file = await asyncBufferFromFile(fileOf('all.parquet'));
  const { num_rows, schema } = await parquetMetadataAsync(file);
  assert.equal(num_rows, BigInt(many));
  const times = schema.filter(({ name }) => name.endsWith('_at'));
  assert.ok(times.length >= 4);
  for (const { name, logical_type: type } of times)
    assert.ok(type?.type === 'TIMESTAMP' && type.isAdjustedToUTC, name);
  const asParquet = expected.map(row => ({
    ...row,
    amount: Number(row.amount),
    source_version: String(row.source_version),
    voucher_date: `${row.voucher_date}T00:00:00.000Z`,
  }));
  assert.deepEqual((await parquetReadObjects({ file })).map(inUtc), asParquet);

  const [head = [], ...rows] = readCsv(fileOf('all.csv'));
  assert.deepEqual(head, Object.keys(expected[0] ?? {}));
  const asCsv = expected.map(row => ({
    ...row,
    error_message: row.error_message && `'${row.error_message}`,
  }));
  assert.deepEqual(
    rows.map(row => inUtc(Object.fromEntries(head.map((name, at) => [name, row[at] || null])))),
    asCsv.map(row =>
      Object.fromEntries(
        Object.entries(row).map(([name, cell]) => [name, cell === null ? null : String(cell)]),
      ),
    ),
  );
});

test('CSV begins with the mark that Excel wants, ends its lines with CRLF, and lets no text be a formula', () => {
  const text = readFileSync(fileOf('all.csv'), 'utf8');
  assert.ok(text.startsWith('\uFEFFid,subscription_id,subscription,'));
  assert.ok(text.endsWith('\r\n'));
  assert.ok(text.includes('"税务,发票"'));
  assert.ok(text.includes(`"'=HYPERLINK(""http://x""), 金额不符\n第二行"`));
});

test('days of the business time zone follow each other without a gap and without a sync in both', async () => {
  const day = (from: string, to: string, ...more: string[]) =>
    runCli(
      ['export', '--format', 'jsonl', '--subscription', suppliers, '--from', from, '--to', to, ...more],
      env,
    );
  const [first, second, elsewhere] = await Promise.all([
    day('2023-12-31', '2024-01-01'),
    day('2024-01-01', '2024-01-02'),
    day('2023-12-31T16:00:00Z', '2024-01-01', '--time-zone', 'UTC'),
  ]);
  const records = ({ stdout }: { stdout: string }) =>
    stdout
      .split('\n')
      .slice(0, -1)
      .map(line => JSON.parse(line).source_id);
  assert.deepEqual([first, second, elsewhere].map(records), [
    ['b', 'a'],
    ['d', 'c'],
    ['d', 'c'],
  ]);
  assert.match(
    first.stderr,
    /✓ 2 syncs recorded from 2023-12-31T00:00:00.000\+08:00 until 2024-01-01T00:00:00/,
  );
  assert.match(elsewhere.stdout, /"created_at":"2023-12-31T16:00:00.001\+00:00"/);
});

test('Ctrl-C leaves no half file, and what was there under its name', async () => {
  const output = fileOf('kept.csv');
  writeFileSync(output, 'of yesterday');
  let pages = 0;
  await using gate = await startGate(hub.url, async body => {
    // Pages after the first never come.
    if (body.includes('ExportSyncs') && ++pages > 1) await new Promise(() => {});
    return 'through';
  });
  const cli = startCli(['export', '--from', '2024-01-02', '--output', output], { ...env, HUB_URL: gate.url });
  await until(
    'a page is written',
    () => existsSync(`${output}.part`) && readFileSync(`${output}.part`).length > 1_000,
  );
  cli.child.kill('SIGINT');
  const { code, stderr } = await cli.ended;
  assert.equal(code, 130, stderr);
  assert.match(stderr, /Stopped\. No file was written\./);
  assert.equal(existsSync(`${output}.part`), false);
  assert.equal(readFileSync(output, 'utf8'), 'of yesterday');
});

test('a hub that is away for a moment is waited for, and nothing is missing', async () => {
  let pages = 0;
  await using gate = await startGate(hub.url, body =>
    Promise.resolve(body.includes('ExportSyncs') && ++pages === 2 ? 503 : 'through'),
  );
  const range = ['--from', '2024-01-02', '--subscription', invoices, '--format', 'jsonl'];
  const { code, stdout, stderr } = await runCli(['export', ...range], { ...env, HUB_URL: gate.url });
  assert.equal(code, 0, stderr);
  assert.match(stderr, /not ready \(HTTP 503\)\. Trying again/);
  assert.equal(stdout, readFileSync(fileOf('all.jsonl'), 'utf8'));
});

test('wrong usage ends with 2, a folder that is not there and a key that is not known with 1; none leaves a file', async () => {
  const output = path.join(folder, 'nowhere', 'x.csv');
  const refused = fileOf('refused.csv');
  const runs = [
    runCli(['export', '--from', '2024-01-02', '--json'], env),
    runCli(['export', '--from', '2024-01-02', '--time-zone', 'Asia/Nowhere'], env),
    runCli(['export', '--from', '2024-02-30'], env),
    runCli(['export', '--from', '2024-01-02', '--output', output], env),
    runCli(['export', '--from', '2024-01-02', '--output', refused], { ...env, HUB_KEY: 'hub_wrong' }),
  ];
  const [json, zone, day, nowhere, key] = await Promise.all(runs);
  assert.deepEqual(
    [json, zone, day, nowhere, key].map(end => end?.code),
    [2, 2, 2, 1, 1],
  );
  assert.match(json?.stderr ?? '', /name one with --output/);
  assert.match(zone?.stderr ?? '', /"Asia\/Nowhere" is no IANA time zone/);
  assert.match(day?.stderr ?? '', /2024-02-30 is no day/);
  assert.match(nowhere?.stderr ?? '', /can't be written: there is no such file or folder\./);
  assert.deepEqual([existsSync(refused), existsSync(`${refused}.part`)], [false, false]);
});

test('what is no regular file is refused before the hub is asked, and stays what it is', async () => {
  const [pipe, toPipe] = [fileOf('pipe'), fileOf('to-pipe')];
  const [directory, waiting] = [fileOf('directory'), fileOf('waiting.csv')];
  execFileSync('mkfifo', [pipe, `${waiting}.part`]);
  symlinkSync(pipe, toPipe);
  mkdirSync(directory);
  const nobody = { ...env, HUB_URL: 'http://127.0.0.1:9' };
  const ends = await Promise.all(
    [pipe, toPipe, directory, waiting].map(output =>
      runCli(['export', '--from', '2024-01-02', '--output', output], nobody),
    ),
  );
  assert.deepEqual(
    ends.map(({ code }) => code),
    [1, 1, 1, 1],
  );
  for (const end of ends) assert.equal(end.stderr.trimEnd().split('\n').length, 1, end.stderr);
  assert.match(ends[0]?.stderr ?? '', /pipe is no regular file.* leave --output out and add > /);
  assert.match(ends[1]?.stderr ?? '', /pipe is no regular file/);
  assert.match(ends[2]?.stderr ?? '', /directory is a folder/);
  assert.match(ends[3]?.stderr ?? '', /waiting\.csv\.part is no regular file/);
  assert.ok(statSync(pipe).isFIFO());
  assert.ok(statSync(`${waiting}.part`).isFIFO());
  assert.ok(lstatSync(toPipe).isSymbolicLink());
});

test('a symbolic link is followed: what it leads to is replaced whole, or made', async () => {
  mkdirSync(fileOf('elsewhere'));
  const [target, fresh] = [fileOf('elsewhere/target.csv'), fileOf('elsewhere/fresh.csv')];
  writeFileSync(target, 'of yesterday');
  symlinkSync('elsewhere/target.csv', fileOf('link.csv'));
  symlinkSync('elsewhere/fresh.csv', fileOf('dangling.csv'));
  const range = ['export', '--from', '2023-12-31', '--to', '2024-01-02'];
  for (const name of ['link.csv', 'dangling.csv']) {
    const { code, stderr } = await runCli([...range, '--output', fileOf(name)], env);
    assert.equal(code, 0, stderr);
    assert.equal(readlinkSync(fileOf(name)), `elsewhere/${name === 'link.csv' ? 'target' : 'fresh'}.csv`);
  }
  assert.match(readFileSync(target, 'utf8'), /^\uFEFFid,/);
  assert.equal(readFileSync(fresh, 'utf8'), readFileSync(target, 'utf8'));
  assert.equal(existsSync(`${target}.part`), false);
});

test('--output - is standard output', async () => {
  const { code, stdout, stderr } = await runCli(
    ['export', '--from', '2023-12-31', '--to', '2024-01-02', '--output', '-'],
    env,
  );
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^\uFEFFid,/);
  assert.equal(existsSync('-'), false);
});

test('a disk that takes no more is told in one line; a reader that has seen enough is told nothing', async () => {
  const run = (script: string, ...more: string[]) => {
    const { NODE_COMPILE_CACHE: _, ...clean } = process.env;
    const command = [process.execPath, ...loader, 'src/main.ts', 'export', '--from', '2024-01-02', ...more];
    return new Promise<{ status: unknown; stdout: string; stderr: string }>(resolve =>
      execFile(
        'bash',
        ['-c', script, 'bash', ...command],
        { env: { ...clean, ...env } },
        (error, stdout, stderr) => resolve({ status: error === null ? 0 : error.code, stdout, stderr }),
      ),
    );
  };
  // 64 KiB; the signal would end the process before the error gets to it.
  const limited = 'trap "" XFSZ; ulimit -f 64;';
  const toOutput = await run(`${limited} "$@" > "${fileOf('limited.csv')}"`);
  assert.deepEqual(
    [toOutput.status, toOutput.stderr.trimEnd()],
    [1, "✗ Standard output can't be written: it would become larger than files may here (EFBIG)."],
  );
  const toFile = await run(`${limited} "$@"`, '--output', fileOf('limited.jsonl'));
  assert.equal(toFile.status, 1);
  assert.match(toFile.stderr, /^✗ --output: .*limited\.jsonl can't be written: .* \(EFBIG\)\.\n$/);
  assert.deepEqual(
    [existsSync(fileOf('limited.jsonl')), existsSync(`${fileOf('limited.jsonl')}.part`)],
    [false, false],
  );
  const toHead = await run(
    '"$@" | head -c 100 > "$0.head"; echo "${PIPESTATUS[0]}"'.replace('$0', fileOf('x')),
  );
  assert.equal(toHead.stderr, '');
  assert.equal(toHead.stdout, '1\n');
});

test('a range the wrong way round and a subscription that was never there are refused; one ahead of now is empty', async () => {
  const [backwards, nobody, ahead, word] = await Promise.all([
    runCli(['export', '--from', '2024-01-03', '--to', '2024-01-02'], env),
    runCli(['export', '--from', '2024-01-02', '--subscription', '987654'], env),
    runCli(['export', '--from', '2999-01-01', '--format', 'jsonl'], env),
    runCli(['export', '--from', '2024-01-02', '--subscription', 'x'], env),
  ]);
  assert.deepEqual(
    [backwards, nobody, ahead, word].map(end => end?.code),
    [2, 1, 0, 2],
  );
  assert.match(backwards?.stderr ?? '', /--to: 2024-01-02 is before --from, 2024-01-03\./);
  assert.match(nobody?.stderr ?? '', /There is no subscription 987654/);
  assert.match(ahead?.stderr ?? '', /2999-01-01 is ahead of now: nothing has been recorded there yet\./);
  assert.equal(ahead?.stdout, '');
});

test('vouchers are exported with their money, by their dates, and amounts are numbers to every reader', async () => {
  const over = {
    sourceSystem: 'money',
    companyId: '0001',
    counterpartyName: '上海贸易有限公司',
    voucherDate: '2020-05-31',
  };
  await recordVouchers(hub, [
    voucherInput({ ...over, sourceId: 'm1', amount: '-12345678901234.56', summary: 'x;=1+1' }),
    voucherInput({ ...over, sourceId: 'm2', amount: '0.01', voucherDate: '2020-06-01' }),
  ]);
  const since = [
    'export',
    'vouchers',
    '--from',
    '2020-05-01',
    '--to',
    '2020-06-01',
    '--source-system',
    'money',
  ];
  const ends = await Promise.all(
    ['csv', 'jsonl', 'parquet'].map(format =>
      runCli([...since, '--format', format, '--output', fileOf(`vouchers.${format}`), '--json'], env),
    ),
  );
  for (const end of ends) {
    assert.equal(end.code, 0, end.stderr);
    const { rows, from, to } = JSON.parse(end.stdout);
    assert.deepEqual([rows, from, to], [1, '2020-05-01', '2020-05-31']);
  }
  const told = JSON.parse(readFileSync(fileOf('vouchers.jsonl'), 'utf8'));
  const { amount, currency, direction, company_id, counterparty_name, voucher_date } = told;
  assert.deepEqual(
    [amount, currency, direction, company_id, counterparty_name, voucher_date],
    ['-12345678901234.56', 'CNY', 'debit', '0001', '上海贸易有限公司', '2020-05-31'],
  );
  const csv = readFileSync(fileOf('vouchers.csv'), 'utf8');
  assert.match(csv, /,-12345678901234\.56,CNY,"x;'=1\+1",/);
  const [row = {}] = await parquetReadObjects({
    file: await asyncBufferFromFile(fileOf('vouchers.parquet')),
  });
  assert.equal(Number(row.amount), -12_345_678_901_234.56);
  const wrong = await runCli(['export', 'vouchers', '--from', '2020-05-01', '--subscription', '1'], env);
  assert.deepEqual([wrong.code, /--subscription is for syncs/.test(wrong.stderr)], [2, true]);
});
