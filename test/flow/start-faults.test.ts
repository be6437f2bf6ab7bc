import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { runCli, startCli, temporaryFolder } from '../support/cli.ts';
import { adminKey, askerOf, startTestHub, testEnvironment } from '../support/hub.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { connectSql, type Sql } from '../support/sql.ts';
import { subscribe } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

const otherKey = Buffer.alloc(32, 1).toString('base64');

/** An address with another database, user or password. */
function changed(url: string, over: Partial<Pick<URL, 'pathname' | 'username' | 'password'>>): string {
  return Object.assign(new URL(url), over).href;
}

async function nameOf(sql: Sql): Promise<string> {
  const [row] = await sql.rows<{ name: string }>('select current_database() as name');
  return row?.name ?? '';
}

test('a hub with another key than the one that sealed all secrets does not start, and doctor says why', async () => {
  const databaseUrl = await createTestDatabase();
  {
    await using hub = await startTestHub({ databaseUrl });
    await subscribe(hub, { name: 'one' });
    await subscribe(hub, { name: 'two' });
  }
  const env = { ...testEnvironment(databaseUrl), HUB_ENCRYPTION_KEY: otherKey };
  const said =
    /HUB_ENCRYPTION_KEY does not open the secrets of 2 subscriptions: they are sealed with another key \([0-9a-f]{8}\)/;
  const start = await runCli(['start'], env);
  assert.deepEqual([start.code, said.test(start.stderr), start.stderr.includes('    at ')], [1, true, false]);
  const doctor = await runCli(['doctor', '--url', 'http://127.0.0.1:9'], env);
  assert.equal(doctor.code, 1);
  assert.match(doctor.stdout, new RegExp(`✗ secrets +${said.source}`));
  const sound = await runCli(['doctor', '--url', 'http://127.0.0.1:9'], testEnvironment(databaseUrl));
  assert.match(sound.stdout, /✓ secrets +HUB_ENCRYPTION_KEY opens them/);
});

test('while a key is being changed a hub that opens some secrets starts', async () => {
  const databaseUrl = await createTestDatabase();
  {
    await using hub = await startTestHub({ databaseUrl });
    await subscribe(hub, { name: 'old' });
  }
  const both = {
    HUB_ENCRYPTION_KEY: otherKey,
    HUB_ENCRYPTION_KEY_PREVIOUS: testEnvironment(databaseUrl).HUB_ENCRYPTION_KEY ?? '',
  };
  {
    await using hub = await startTestHub({ databaseUrl, env: both });
    await subscribe(hub, { name: 'new' });
  }
  await using hub = await startTestHub({ databaseUrl, env: { HUB_ENCRYPTION_KEY: otherKey } });
  assert.equal((await hub.ask('{ dataSubscriptions { name } }')).status, 200);
});

test('a database that is not there is not made, and what PostgreSQL refuses is said in a line', async () => {
  const databaseUrl = await createTestDatabase();
  await using sql = await connectSql(databaseUrl);
  for (const [url, said] of [
    [
      changed(databaseUrl, { pathname: '/mistyped' }),
      /has no database of this name: make it \(createdb\), or correct the name \(3D000\)/,
    ],
    [
      changed(databaseUrl, { username: 'unknown', password: 'wrong' }),
      /refuses the user or password: correct them \(28P01\)/,
    ],
    [
      databaseUrl.replace('://', '://hub:p@ss/w:hunter2@'),
      /DATABASE_URL: must be postgres:.* percent-encoded/,
    ],
  ] as const) {
    const { code, stderr } = await runCli(['start'], { ...testEnvironment(databaseUrl), DATABASE_URL: url });
    assert.equal(code, 1, url);
    assert.match(stderr, said);
    assert.doesNotMatch(stderr, /^ +at |hunter2/m);
  }
  assert.equal(await sql.count(`select count(*) from pg_database where datname = 'mistyped'`), 0);
});

test('on a database that only reads a hub is not ready, says UNAVAILABLE, and doctor says what it is', async () => {
  await using hub = await startTestHub();
  await using sql = await connectSql(hub.databaseUrl);
  await sql.rows(`alter database "${await nameOf(sql)}" set default_transaction_read_only = on`);
  await sql.rows(
    'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
  );
  await until('it is not ready', async () => (await fetch(`${hub.url}/readyz`)).status === 503);
  const { errors } = await hub.ask(
    `mutation { createApiKey(name: "x", role: ANALYST) { secret } }`,
    {},
    adminKey,
  );
  assert.equal(errors?.[0]?.extensions.code, 'UNAVAILABLE');
  assert.equal((await hub.ask('{ dataSubscriptions { name } }')).errors, undefined, 'it still reads');
  const doctor = await runCli(['doctor'], {
    ...testEnvironment(hub.databaseUrl),
    HUB_URL: hub.url,
    HUB_KEY: adminKey,
  });
  assert.equal(doctor.code, 1);
  assert.match(doctor.stdout, /✗ database +it only reads\n +→ Is it a standby/);
});

test('doctor misses a scheduler that has been away, and a worker where events are due and nobody sends them', async () => {
  await using hub = await startTestHub({ env: { HUB_ROLES: 'api' } });
  await using sql = await connectSql(hub.databaseUrl);
  const env = { ...testEnvironment(hub.databaseUrl), HUB_URL: hub.url, HUB_KEY: adminKey };
  assert.match((await runCli(['doctor'], env)).stdout, /! scheduler +none has run yet/);
  const { id } = await subscribe(hub, { webhookUrl: 'http://127.0.0.1:9/hook' });
  await sql.rows(
    `insert into schedules (name, begun, done, ended_at) values ('reconcile', now() - interval '2 hours', now(), now() - interval '1 hour')`,
  );
  await sql.rows(
    `insert into fin_open_syncs (event_id, voucher_id, subscription_id, event_type, source_system, mode, next_attempt_at)
     values (1, 1, $1, 'invoice_recorded', 's', 'realtime', now() - interval '2 minutes')`,
    [id],
  );
  const { stdout } = await runCli(['doctor'], env);
  assert.match(stdout, /✗ scheduler +none has run for 1 h 0 min\n/);
  assert.match(stdout, /✗ worker +events are due since more than a minute, and nobody sends them\n/);
});

test('without its key file the embedded default makes no new one that opens nothing', async () => {
  const folder = await temporaryFolder();
  const { DATABASE_URL: _, HUB_ENCRYPTION_KEY: __, ...rest } = testEnvironment('');
  const env = { ...rest, HUB_DATA_DIR: folder };
  const first = startCli(['start'], env);
  const [, url = ''] = await first.printed(/The hub is up: (\S+)\n/);
  const create = `mutation { createDataSubscription(input: { name: "x", targetSystem: "t", eventTypes: ["*"] }) { secret } }`;
  assert.equal((await askerOf(url)(create)).errors, undefined);
  first.child.kill('SIGTERM');
  assert.equal((await first.ended).code, 0);
  const file = path.join(folder, 'encryption.key');
  const kept = await readFile(file);
  await rm(file);
  const { code, stderr } = await runCli(['start'], env);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /There is no .*encryption\.key.* a new key would not open the secrets of 1 subscriptions.* Put the file back/,
  );
  assert.equal(existsSync(file), false);
  await writeFile(file, kept);
  const again = startCli(['start'], env);
  await again.printed(/The hub is up: (\S+)\n/);
  again.child.kill('SIGTERM');
  assert.equal((await again.ended).code, 0);
});

test('a HUB_HOST that can not be found is told by its name', async () => {
  const env = { ...testEnvironment(await createTestDatabase()), HUB_HOST: 'nowhere.invalid' };
  const { code, stderr } = await runCli(['start'], env);
  assert.deepEqual([code, stderr], [1, '✗ HUB_HOST: nowhere.invalid is no address that can be found.\n']);
});
