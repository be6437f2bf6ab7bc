import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { BusinessTime } from '../../src/core/business-time.ts';
import { runCli, startCli, temporaryFolder } from '../support/cli.ts';
import { adminKey, encryptionKey, startTestHub, testEnvironment } from '../support/hub.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { startReceiver } from '../support/receiver.ts';
import { keptLog } from '../support/sockets.ts';
import { recordVouchers, subscribe, syncsOf, voucherInput } from '../support/vouchers.ts';
import { once, until } from '../support/wait.ts';

interface DoctorReport {
  ok: boolean;
  hubUrl: string;
  checks: { name: string; status: string; of: string }[];
}

function access(hub: { url: string }): Record<string, string> {
  return { HUB_URL: hub.url, HUB_KEY: adminKey };
}

test('keys are made, listed and revoked; a revoked one is refused with advice', async () => {
  await using hub = await startTestHub();
  const made = await runCli(
    ['keys', 'create', '--name', '结算', '--role', 'publisher', '--system', 'settlement', '--json'],
    access(hub),
  );
  assert.equal(made.code, 0, made.stderr);
  const { secret, apiKey } = JSON.parse(made.stdout);
  const listed = await runCli(['keys', 'list'], access(hub));
  assert.match(listed.stdout, new RegExp(`${apiKey.id} +结算 +publisher +settlement`));
  assert.doesNotMatch(listed.stdout, new RegExp(secret));
  assert.equal((await runCli(['keys', 'revoke', apiKey.id], access(hub))).code, 0);
  const refused = await runCli(['import', 'samples/vouchers.jsonl'], { HUB_URL: hub.url, HUB_KEY: secret });
  assert.deepEqual({ code: refused.code, stdout: refused.stdout }, { code: 1, stdout: '' });
  assert.match(refused.stderr, /does not take this API key/);
  const unbound = await runCli(['keys', 'create', '--name', 'x', '--role', 'subscriber'], access(hub));
  assert.deepEqual(
    [unbound.code, unbound.stderr],
    [1, '✗ system: a subscriber key is bound to one system; name it.\n'],
  );
});

test('roles and modes are taken in any case', async () => {
  await using hub = await startTestHub();
  for (const role of ['ADMIN', 'Analyst']) {
    const made = await runCli(['keys', 'create', '--name', role, '--role', role, '--json'], access(hub));
    assert.equal(made.code, 0, made.stderr);
    assert.equal(JSON.parse(made.stdout).apiKey.role, role.toUpperCase());
  }
  const create = ['subscriptions', 'create', '--name', 'n', '--target-system', 'tax', '--event-types', '*'];
  assert.equal((await runCli([...create, '--mode', 'BATCH'], access(hub))).code, 0);
  const [listed] = JSON.parse((await runCli(['subscriptions', 'list', '--json'], access(hub))).stdout);
  assert.equal(listed.mode, 'BATCH');
  const wrong = await runCli([...create, '--mode', 'SLOW'], access(hub));
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /Allowed choices are realtime, batch\./);
});

test('COMPENSATION is no mode that a subscription or an event type can have, and the refusal says why', async () => {
  await using hub = await startTestHub();
  const create = ['subscriptions', 'create', '--name', 'n', '--target-system', 'tax', '--event-types', '*'];
  const offered = await runCli([...create, '--mode', 'compensation'], access(hub));
  assert.deepEqual([offered.code, /Allowed choices are realtime, batch\./.test(offered.stderr)], [2, true]);
  const { id } = await subscribe(hub, {});
  for (const mutation of [
    'createDataSubscription(input: { name: "x", targetSystem: "tax", eventTypes: ["*"], mode: COMPENSATION }) { secret }',
    `updateDataSubscription(id: ${id}, input: { mode: COMPENSATION }) { id }`,
    'upsertEventType(name: "x", mode: COMPENSATION) { name }',
  ]) {
    const { errors } = await hub.ask(`mutation { ${mutation} }`);
    assert.deepEqual(errors?.[0]?.extensions, { code: 'BAD_USER_INPUT', field: 'mode' }, mutation);
    assert.match(errors?.[0]?.message ?? '', /^mode: COMPENSATION marks what the hub sends once more/);
  }
});

test('a proxy in the environment, which webhooks do not use, is said at the start and by the doctor', async () => {
  const { log, lines } = keptLog();
  const environment = { HTTPS_PROXY: 'http://user:hunter2@proxy:3128', all_proxy: 'socks5://proxy' };
  await using hub = await startTestHub({ overrides: { log, environment } });
  const said = lines().find(({ msg }) => String(msg).includes('do not use a proxy'));
  assert.deepEqual(said?.['variables'], ['HTTPS_PROXY', 'all_proxy']);
  const env = { ...testEnvironment(hub.databaseUrl), ...access(hub), ...environment };
  const { stdout } = await runCli(['doctor'], env);
  assert.match(
    stdout,
    /! settings +HTTPS_PROXY, all_proxy are set, but webhooks .* do not use a proxy.*\n +→ /,
  );
  assert.ok(!`${stdout}${JSON.stringify(lines())}`.includes('hunter2'));
});

test('the first page says where to go on, in a process without the api too', async () => {
  await using hub = await startTestHub();
  await using worker = await startTestHub({ databaseUrl: hub.databaseUrl, env: { HUB_ROLES: 'worker' } });
  for (const [{ url }, paths] of [
    [hub, ['/graphiql', '/readyz', '/healthz', '/metrics']],
    [worker, ['/readyz', '/healthz', '/metrics']],
  ] as const) {
    const answer = await fetch(url);
    assert.deepEqual([answer.status, answer.headers.get('content-type')], [200, 'text/html; charset=utf-8']);
    assert.match(answer.headers.get('content-security-policy') ?? '', /^default-src 'none'/);
    const page = await answer.text();
    assert.deepEqual(
      [...page.matchAll(/href="([^"]+)"/g)].map(([, path]) => path),
      paths,
    );
  }
});

test('commands find the hub by the HUB_PORT that it was started with', async () => {
  await using hub = await startTestHub();
  const { port } = new URL(hub.url);
  const env = {
    ...testEnvironment(hub.databaseUrl),
    HUB_HOST: '127.0.0.1',
    HUB_PORT: port,
    HUB_KEY: adminKey,
  };
  const doctor = await runCli(['doctor'], env);
  assert.equal(doctor.code, 0, doctor.stdout);
  assert.match(doctor.stdout, new RegExp(`✓ hub +ready at ${hub.url}`));
  const [own, its] = doctor.stdout.split(`The hub that runs at ${hub.url}:\n`);
  assert.match(
    own ?? '',
    /^This command's own environment, .* may run with another\):\n✓ settings[^]*✓ database/,
  );
  assert.match(its ?? '', /^✓ hub [^]*✓ key /);
  const elsewhere = await runCli(['doctor'], { ...env, HUB_URL: 'http://127.0.0.1:9' });
  assert.equal(elsewhere.code, 0, elsewhere.stdout);
  assert.doesNotMatch(elsewhere.stdout, /own environment/);
  assert.match(elsewhere.stdout, /✓ port .* the hub itself is running here/);
});

test('retry queues again what failed, and only what its filters say', async () => {
  await using hub = await startTestHub();
  await using receiver = await startReceiver();
  receiver.answer(() => 422);
  const { id } = await subscribe(hub, { webhookUrl: receiver.url });
  await recordVouchers(hub, [voucherInput()]);
  await until('the sync has failed', async () => (await syncsOf(hub))[0]?.status === 'FAILED');
  receiver.answer(() => 200);
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString();
  for (const filter of [
    ['--error', 'HTTP_500'],
    ['--since', tomorrow],
  ]) {
    assert.deepEqual(
      JSON.parse((await runCli(['retry', ...filter, '--json'], access(hub))).stdout),
      { queued: 0 },
      filter.join(' '),
    );
  }
  const nobody = await runCli(['retry', '--subscription', '999'], access(hub));
  assert.deepEqual([nobody.code, nobody.stderr], [1, '✗ There is no subscription 999.\n']);
  // The day that has begun in the east begins in the west a day later.
  const day = new BusinessTime('Pacific/Kiritimati').dayOf(Date.now());
  const since = (timeZone: string) =>
    runCli(['retry', '--subscription', id, '--error', 'HTTP_422', '--since', day], {
      ...access(hub),
      HUB_TIME_ZONE: timeZone,
    });
  assert.match((await since('Etc/GMT+12')).stdout, /nothing was queued/);
  const run = await since('Pacific/Kiritimati');
  assert.deepEqual([run.code, run.stdout], [0, '✓ 1 sync queued again.\n']);
  await until('it is delivered', async () => (await syncsOf(hub))[0]?.status === 'SUCCESS');
  const wrong = await runCli(['retry', '--since', '2025-13-01'], access(hub));
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /--since: 2025-13-01 is no day of the calendar in Asia\/Shanghai/);
  assert.match((await runCli(['retry', '--since', 'now'], access(hub))).stderr, /neither a day/);
});

test('dates that can not be meant end with 2, before any hub is asked', async () => {
  const env = { HUB_URL: 'http://127.0.0.1:9', HUB_KEY: 'hub_none' };
  const runs = await Promise.all([
    runCli(['check', '--subscription', '1', '--from', '2025-12-02', '--to', '2025-12-01'], env),
    runCli(['audit', 'verify', '--from', '2025-02-30'], env),
    runCli(['retry', '--since', 'yesterday'], env),
  ]);
  assert.deepEqual(
    runs.map(({ code }) => code),
    [2, 2, 2],
  );
  assert.match(runs[0]?.stderr ?? '', /--to: 2025-12-01 is before --from, 2025-12-02/);
  assert.match(runs[1]?.stderr ?? '', /--from: 2025-02-30 is no day of the calendar/);
  assert.match(runs[2]?.stderr ?? '', /--since: "yesterday" is neither a day/);
});

test('keys reencrypt moves every secret to the new key, and says what it did', async () => {
  const databaseUrl = await createTestDatabase();
  {
    await using hub = await startTestHub({ databaseUrl });
    await subscribe(hub, { name: 'one' });
    await subscribe(hub, { name: 'two' });
  }
  const newKey = Buffer.alloc(32, 9).toString('base64');
  const env = {
    ...testEnvironment(databaseUrl),
    HUB_ENCRYPTION_KEY: newKey,
    HUB_ENCRYPTION_KEY_PREVIOUS: encryptionKey,
  };
  const first = await runCli(['keys', 'reencrypt'], env);
  assert.equal(first.code, 0, first.stderr);
  assert.match(first.stdout, /secrets of 2 subscriptions were sealed anew/);
  const { HUB_ENCRYPTION_KEY_PREVIOUS: _, ...without } = env;
  assert.deepEqual(JSON.parse((await runCli(['keys', 'reencrypt', '--json'], without)).stdout), {
    resealed: 0,
  });
  const wrong = await runCli(['keys', 'reencrypt'], {
    ...without,
    HUB_ENCRYPTION_KEY: Buffer.alloc(32, 1).toString('base64'),
  });
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /^✗ A secret was sealed with key/);
});

test('doctor finds nothing to mend on a sound hub, and looks at its targets without sending anything', async () => {
  await using hub = await startTestHub();
  await using receiver = await startReceiver();
  await subscribe(hub, { webhookUrl: receiver.url });
  const run = await runCli(['doctor', '--json'], { ...testEnvironment(hub.databaseUrl), ...access(hub) });
  assert.equal(run.code, 0, run.stdout);
  const { ok, hubUrl, checks }: DoctorReport = JSON.parse(run.stdout);
  assert.equal(hubUrl, hub.url);
  const environment = checks.filter(check => check.of === 'environment').map(({ name }) => name);
  assert.deepEqual(
    [...new Set(environment)],
    ['settings', 'database', 'secrets', 'scheduler', 'analysts', 'clock', 'queue'],
  );
  assert.equal(ok, true);
  assert.deepEqual([...new Set(checks.map(({ name }) => name))].toSorted(), [
    'alert',
    'analysts',
    'clock',
    'database',
    'hub',
    'key',
    'queue',
    'scheduler',
    'secrets',
    'settings',
    'target',
  ]);
  assert.ok(
    checks.every(({ status }) => status === 'ok'),
    run.stdout,
  );
  assert.equal(receiver.requests.length, 0);
});

test('doctor names each fault with what to mend, and exits with 1', async () => {
  await using hub = await startTestHub();
  await subscribe(hub, { name: 'deaf', webhookUrl: 'http://127.0.0.1:9/hook' });
  await subscribe(hub, { name: 'inner', webhookUrl: 'http://10.1.2.3/hook' });
  const env = { ...testEnvironment(hub.databaseUrl), ...access(hub), REDIS_URL: 'redis://127.0.0.1:9' };
  const traced = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' };
  const run = await runCli(['doctor'], { ...env, ...traced });
  assert.equal(run.code, 1);
  assert.match(run.stdout, /✗ queue +redis:\/\/127\.0\.0\.1:9 can't be reached/);
  assert.match(run.stdout, /! traces +off: OTEL_EXPORTER_OTLP_PROTOCOL: the hub speaks/);
  assert.match(run.stdout, /✗ target +deaf of tax .* takes no connection \(ECONNREFUSED\)/);
  assert.match(run.stdout, /✗ target +inner of tax .* is not allowed\n +→ .*HUB_TARGET_ALLOW/);
  const settings = await runCli(['doctor'], { ...env, HUB_PORT: 'many', HUB_TIME_ZONE: 'Mars/Olympus' });
  assert.equal(settings.code, 1);
  assert.match(settings.stdout, /✗ settings +HUB_PORT:[^]*✗ settings +HUB_TIME_ZONE:/);
});

test('doctor names settings that nothing reads, and an alerts file that is not there', async () => {
  const file = path.join(await temporaryFolder(), 'alerts.yml');
  const env = { HUB_DATA_DIR: path.dirname(file), HUB_ALERTS_FILE: file, HUB_TARGETS_ALLOW: '10.0.0.0/8' };
  const missing = await runCli(['doctor', '--url', 'http://127.0.0.1:9'], env);
  assert.equal(missing.code, 1);
  assert.match(
    missing.stdout,
    /✗ settings +HUB_ALERTS_FILE: .*alerts\.yml.* there is no such file or folder/,
  );
  assert.match(missing.stdout, /! settings +HUB_TARGETS_ALLOW is no setting .*: is HUB_TARGET_ALLOW meant\?/);
  // What the alerts file refers to is read.
  await writeFile(file, 'channels: { wecom: { type: wecom, url: "${HUB_WECOM_URL}" } }');
  const found = await runCli(['doctor', '--url', 'http://127.0.0.1:9'], {
    ...env,
    HUB_WECOM_URL: 'https://x',
  });
  assert.deepEqual([found.code, found.stdout.match(/^[!✗] settings/gm)?.length], [0, 1], found.stdout);
  const unfit = await runCli(['doctor', '--url', 'http://127.0.0.1:9'], { ...env, HUB_WECOM_URL: 'hunter2' });
  assert.match(
    unfit.stdout,
    /✗ settings +HUB_ALERTS_FILE: channels\.wecom\.url: \$\{HUB_WECOM_URL\} holds no http/,
  );
  assert.doesNotMatch(unfit.stdout, /hunter2/);
});

test('a start with an alerts file that is not there makes nothing', async () => {
  const folder = await temporaryFolder();
  const dataDir = path.join(folder, 'data');
  const refused = await runCli(['start'], {
    HUB_DATA_DIR: dataDir,
    HUB_ALERTS_FILE: path.join(folder, 'no.yml'),
  });
  assert.deepEqual([refused.code, refused.stdout, existsSync(dataDir)], [1, '', false]);
  assert.match(
    refused.stderr,
    /✗ The alerts file \S+no\.yml can't be read: there is no such file or folder\.\n$/,
  );
});

test('fix-data with nobody to ask says so and exits with 1, in words and in JSON', async () => {
  await using hub = await startTestHub();
  await subscribe(hub, { webhookUrl: 'http://127.0.0.1:9/hook' });
  const command = ['fix-data', '--date', '2025-12-19', '--dry-run'];
  const alone = await runCli(command, access(hub));
  assert.deepEqual([alone.code, alone.stdout], [1, ''], 'nothing is said to be as it should be');
  assert.match(alone.stderr, /^✗ Subscription \d+ \(tax of tax\), report \d+: .*\n$/);
  await subscribe(hub, { name: 'second' });
  const told = await runCli(command, access(hub));
  assert.deepEqual([told.code, told.stdout], [1, '']);
  assert.match(told.stderr, /^✗ No consumer answers consistency questions: .*\n$/);
  const json = await runCli([...command, '--json'], access(hub));
  assert.deepEqual([json.code, JSON.parse(json.stdout).reports], [1, []]);
});

test('what an option or a file holds wrongly is told by its name, before any hub is asked', async () => {
  const create = ['subscriptions', 'create', '--name', 'n', '--target-system', 't', '--event-types', '*'];
  const plan = path.join(await temporaryFolder(), 'plan.json');
  await writeFile(plan, '{ "plan": "voucher-hub fix-data", "items": [] }');
  const cases: [string[], number, RegExp][] = [
    [['fix-data'], 2, /^error: --date or --apply is needed\n/],
    [
      ['fix-data', '--date', 'today'],
      2,
      /'--date <day>' argument 'today' is invalid\. A calendar day is exp/,
    ],
    [['fix-data', '--date', '2025-04-31'], 2, /A calendar day is expected, e\.g\. 2025-12-19\./],
    [['fix-data', '--date', '2025-04-30', '--subscription', 'x'], 2, /A number is expected/],
    [['check', '--subscription', '1', '--from', 'x'], 2, /'--from <day>' argument 'x' is invalid/],
    [[...create, '--batch-size', '1.5'], 2, /A whole number is expected/],
    [[...create, '--timeout-ms', '1e10'], 2, /A whole number is expected/],
    [[...create, '--payload-query', '@/nowhere'], 2, /\/nowhere can't be read: there is no such file/],
    [
      ['fix-data', '--apply', plan],
      1,
      /^✗ --apply: \S+ is no plan of fix-data: items must have 1 or more entries\. /,
    ],
    [['fix-data', '--apply', '/dev/null'], 1, /^✗ --apply: \/dev\/null is no plan of fix-data\. /],
    [
      ['fix-data', '--apply', process.execPath],
      1,
      /^✗ --apply: \S+ is no plan of fix-data: it is longer than/,
    ],
    [
      ['fix-data', '--apply', '/dev/zero'],
      1,
      /^✗ --apply: \/dev\/zero is no plan of fix-data: it is longer than/,
    ],
    [['fix-data', '--apply', '/nowhere'], 1, /^✗ --apply: \/nowhere can't be read: there is no such file/],
  ];
  await Promise.all(
    cases.map(async ([args, code, message]) => {
      const run = await runCli(args, { HUB_URL: 'http://127.0.0.1:9' });
      assert.equal(run.code, code, run.stderr);
      assert.match(run.stderr, message);
      assert.doesNotMatch(run.stderr, /ENOENT|\$|No hub answers/);
    }),
  );
});

test('errors are one line that helps, and wrong usage exits with 2', async () => {
  const away = await runCli(['keys', 'list', '--url', 'http://127.0.0.1:9']);
  assert.equal(away.code, 1);
  assert.match(away.stderr, /^✗ No hub answers at http:\/\/127\.0\.0\.1:9\.? .*\n$/);
  const noFile = await runCli(['import', '/nowhere.jsonl']);
  assert.deepEqual(
    [noFile.code, noFile.stderr],
    [1, "✗ /nowhere.jsonl can't be read: there is no such file or folder.\n"],
  );
  const oddKey = await runCli(['keys', 'list', '--key', 'hub_钥匙']);
  assert.deepEqual(
    [oddKey.code, oddKey.stderr],
    [2, '✗ --key (HUB_KEY): holds a space, a letter or a sign that no API key has.\n'],
  );
  const noUrl = await runCli(['keys', 'list', '--url', 'nonsense']);
  assert.equal(noUrl.code, 2);
  assert.match(noUrl.stderr, /^✗ --url/);
  for (const usage of [
    ['nonsense'],
    ['import'],
    ['keys', 'create', '--name', 'x'],
    ['keys', 'create', '--name', 'x', '--role', 'king'],
    ['keys', 'revoke', 'abc'],
    ['alerts', 'silence', '--for', '2x', '--reason', 'x'],
  ]) {
    assert.equal((await runCli(usage)).code, 2, usage.join(' '));
  }
  assert.equal((await runCli(['--help'])).code, 0);
});

test('a first start that fails uses up no key: the next one prints it', async () => {
  const { HUB_ADMIN_KEY: _, ...env } = testEnvironment(await createTestDatabase());
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const address = other.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  assert.equal((await runCli(['start'], { ...env, HUB_PORT: String(port) })).code, 1);
  other.close();
  const hub = startCli(['start'], env);
  await hub.printed(/Admin key: +hub_\S+/);
  hub.child.kill('SIGTERM');
  assert.equal((await hub.ended).code, 0);
});

test('start prints where it is and its first key once, says which port is taken, and stops cleanly on SIGTERM', async () => {
  const { HUB_ADMIN_KEY: _, ...env } = testEnvironment(await createTestDatabase());
  const hub = startCli(['start'], { ...env, HUB_LOG_LEVEL: 'info', HUB_LANGUAGE: 'en' });
  const [, url = ''] = await hub.printed(/The hub is up: (\S+)\n/);
  const [, key = ''] = await hub.printed(/Admin key: +(hub_\S+) +\(keep it: shown this once\)/);
  assert.equal((await runCli(['keys', 'list', '--url', url, '--key', key])).code, 0);
  const second = await runCli(['start'], { ...env, HUB_PORT: new URL(url).port });
  assert.deepEqual([second.code, second.stdout], [1, '']);
  assert.match(
    second.stderr,
    new RegExp(`✗ Another program listens on port ${new URL(url).port} .*HUB_PORT`),
  );
  hub.child.kill('SIGTERM');
  const end = await hub.ended;
  assert.equal(end.code, 0, end.stderr);
  assert.match(end.stderr, /HUB_LANGUAGE is no setting of the hub and changes nothing: is HUB_LANG meant\?/);
  assert.doesNotMatch(end.stderr, new RegExp(key), 'the log does not hold the key');
  assert.doesNotMatch(end.stdout, /postgres:\/\/[^ ]*:[^ ]*@/, 'no password is printed');
});
