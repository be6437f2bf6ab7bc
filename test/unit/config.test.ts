import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { commandVariables, readClientEnvironment } from '../../src/config/client-environment.ts';
import { readConfig } from '../../src/config/config.ts';
import { settings, table } from '../../src/config/settings.ts';
import { unknownSettings } from '../../src/config/unknown-settings.ts';
import { HubError } from '../../src/core/errors.ts';
import { parseRedisUrl } from '../../src/jobs/redis-url.ts';

const key = Buffer.alloc(32, 1).toString('base64');

/** The message that an environment is refused with. */
function refusal(env: Record<string, string>): string {
  try {
    readConfig(env);
  } catch (error) {
    assert.ok(error instanceof HubError);
    assert.equal(error.code, 'BAD_USER_INPUT');
    return error.message;
  }
  throw new Error('not refused');
}

test('with nothing set, what the contract says holds', () => {
  const config = readConfig({});
  assert.deepEqual(
    [
      config.port,
      config.host,
      config.databaseUrl,
      config.redisUrl,
      config.dataDir,
      config.timeZone,
      config.adminKey,
      config.encryptionKey,
    ],
    [4000, '127.0.0.1', undefined, undefined, '.hub', 'Asia/Shanghai', undefined, undefined],
  );
  assert.deepEqual(config.roles, ['api', 'worker', 'scheduler']);
  assert.equal(config.targetAllow, 'localhost,127.0.0.0/8,::1/128');
  assert.equal(config.targetAllowIsDefault, true);
  assert.ok(Object.isFrozen(config));
});

test('on a database of one’s own, webhooks reach nothing private and an encryption key is required', () => {
  const config = readConfig({ DATABASE_URL: 'postgres://h/db', HUB_ENCRYPTION_KEY: key });
  assert.equal(config.targetAllow, 'none');
  assert.equal(config.targetAllowIsDefault, false);
  assert.match(refusal({ DATABASE_URL: 'postgres://user:hunter2@h/db' }), /HUB_ENCRYPTION_KEY/);
});

test('a replica and an address past a pooler belong to a database of one’s own, and a statement’s bound has a range', () => {
  for (const name of ['DATABASE_DIRECT_URL', 'DATABASE_REPLICA_URL'])
    assert.match(refusal({ [name]: 'postgres://user:hunter2@h/db' }), new RegExp(`${name}.*DATABASE_URL`));
  assert.equal(readConfig({}).databaseTimeout, 60);
  assert.match(refusal({ HUB_DATABASE_TIMEOUT: '3' }), /HUB_DATABASE_TIMEOUT/);
});

test('an empty variable counts as left out, and blanks around a value do not count', () => {
  const config = readConfig({
    HUB_PORT: '',
    HUB_HOST: '  ',
    HUB_TIME_ZONE: ' Europe/Berlin ',
    HUB_TARGET_ALLOW: '',
  });
  assert.deepEqual(
    [config.port, config.host, config.timeZone, config.targetAllowIsDefault],
    [4000, '127.0.0.1', 'Europe/Berlin', true],
  );
});

test('every variable at fault is named at once, and no value is ever shown', () => {
  const message = refusal({
    HUB_PORT: '70000',
    DATABASE_URL: 'mysql://user:hunter2@h/db',
    REDIS_URL: 'http://hunter2',
    HUB_ADMIN_KEY: 'hunter2',
    HUB_ENCRYPTION_KEY: 'hunter2',
    HUB_ROLES: 'api,hunter2',
    HUB_TIME_ZONE: 'hunter2',
    HUB_LOG_LEVEL: 'hunter2',
    HUB_DATABASE_POOL: 'hunter2',
    HUB_ENCRYPTION_KEY_PREVIOUS: 'hunter2',
    HUB_LOG_FORMAT: 'hunter2',
  });
  for (const name of [
    'HUB_PORT',
    'DATABASE_URL',
    'REDIS_URL',
    'HUB_ADMIN_KEY',
    'HUB_ENCRYPTION_KEY',
    'HUB_ROLES',
    'HUB_TIME_ZONE',
    'HUB_LOG_LEVEL',
    'HUB_DATABASE_POOL',
    'HUB_ENCRYPTION_KEY_PREVIOUS',
    'HUB_LOG_FORMAT',
  ]) {
    assert.match(message, new RegExp(`\\b${name}:`));
  }
  assert.ok(!message.includes('hunter2') && !message.includes('70000'), message);
});

test('ports are whole numbers from 0 to 65535', () => {
  assert.equal(readConfig({ HUB_PORT: '0' }).port, 0);
  assert.equal(readConfig({ HUB_PORT: '65535' }).port, 65_535);
  for (const text of ['-1', '65536', '80.5', 'http', '4000x', 'NaN'])
    assert.match(refusal({ HUB_PORT: text }), /HUB_PORT/);
});

test('roles are a list with commas, at least one, each of the three', () => {
  assert.deepEqual(readConfig({ HUB_ROLES: ' worker , api,' }).roles, ['worker', 'api']);
  for (const text of [',', 'api;worker', 'API', 'all'])
    assert.match(refusal({ HUB_ROLES: text }), /HUB_ROLES/);
});

test('the encryption key is 32 bytes in base64, nothing else', () => {
  assert.equal(readConfig({ HUB_ENCRYPTION_KEY: key }).encryptionKey, key);
  const faults = [
    Buffer.alloc(31).toString('base64'),
    Buffer.alloc(33).toString('base64'),
    key.slice(0, -5),
    'x'.repeat(32),
    `${key}!`,
    `${key.slice(0, 10)}%%%${key.slice(10)}`,
    Buffer.alloc(32, 1).toString('hex'),
  ];
  for (const text of faults) assert.match(refusal({ HUB_ENCRYPTION_KEY: text }), /HUB_ENCRYPTION_KEY/, text);
});

test('an admin key is 24 to 200 printable characters', () => {
  const key = 'yHq3vZ8mWc5tRb2nKd7sXf4g'.repeat(9);
  for (const length of [24, 200]) {
    const text = `${key.slice(0, length - 1)}!`;
    assert.equal(readConfig({ HUB_ADMIN_KEY: text }).adminKey, text);
  }
  for (const text of [
    key.slice(0, 23),
    `${key.slice(0, 200)}!`,
    `${key.slice(0, 20)} ${key.slice(0, 20)}`,
    'é'.repeat(30),
  ])
    assert.match(refusal({ HUB_ADMIN_KEY: text }), /HUB_ADMIN_KEY: must be 24 to 200/);
});

test('HUB_TARGET_ALLOW at fault is named once, with the place of the entry and not its text', () => {
  const message = refusal({ HUB_TARGET_ALLOW: 'localhost, 10.0.0.0/8, hunter2/99' });
  assert.equal(message.split('HUB_TARGET_ALLOW').length, 2, message);
  assert.match(message, /HUB_TARGET_ALLOW: entry 3 is neither/);
  assert.doesNotMatch(message, /hunter2/);
  for (const text of ['none', 'localhost,127.0.0.0/8,::1/128', '10.0.0.0/8, tax.internal,'])
    assert.equal(readConfig({ HUB_TARGET_ALLOW: text }).targetAllow, text);
});

test('commands ask HUB_URL, else the hub that this environment would start', () => {
  const cases: [Record<string, string>, string | undefined][] = [
    [{}, undefined],
    [{ HUB_PORT: '4711' }, 'http://127.0.0.1:4711'],
    [{ HUB_HOST: '0.0.0.0' }, 'http://127.0.0.1:4000'],
    [{ HUB_HOST: '10.0.0.5', HUB_PORT: '80' }, 'http://10.0.0.5:80'],
    [{ HUB_HOST: '::', HUB_PORT: '4711' }, 'http://[::1]:4711'],
    [{ HUB_PORT: '0' }, undefined],
    [{ HUB_PORT: 'many' }, undefined],
    [{ HUB_URL: 'http://hub', HUB_PORT: '4711' }, 'http://hub'],
  ];
  for (const [env, url] of cases) assert.equal(readClientEnvironment(env).url, url, JSON.stringify(env));
});

test('REDIS_URL names one Redis, Sentinels or a cluster, and a fault is told without its text', () => {
  const good = [
    'redis://h',
    'redis://:p%40@h:1/3',
    'rediss://u:p@[::1]:1',
    'redis+sentinel://h/m',
    'rediss+sentinel://u:p@h:1,[::1]:2,i/my-master.1',
    'redis+cluster://h',
    'rediss+cluster://:p/@h:1,i:2/',
  ];
  for (const url of good) assert.equal(readConfig({ REDIS_URL: url }).redisUrl, url);
  const faults: [string, RegExp][] = [
    ['redis+other://hunter2', /must begin with redis:/],
    ['redis://:hunter2#@h', /percent-encoded/],
    ['redis://:hunter2%@h', /percent-encoded/],
    ['redis://h/hunter2', /number of a database/],
    ['redis+sentinel://h:1,hunter2:x/m', /host 2 is not host:port/],
    ['redis+sentinel://h,i', /name at the Sentinels/],
    ['redis+sentinel://hunter2@h/m', /before the @/],
    ['redis+cluster://', /host 1 is not/],
    ['redis+cluster://h:70000', /host 1 is not/],
    ['redis+cluster://:hunter2%@h', /percent-encoded/],
    ['redis+cluster://h/3', /no databases/],
  ];
  for (const [url, fault] of faults) {
    const message = refusal({ REDIS_URL: url });
    assert.match(message, fault, url);
    assert.ok(message.includes('REDIS_URL:') && !message.includes('hunter2'), message);
  }
});

test('REDIS_URL is shown without its password', () => {
  const cases: [string, string][] = [
    ['redis://u:hunter2@h:1/3', 'redis://u@h:1/3'],
    ['rediss+sentinel://u%40:hunter2@h,[::1]:2/m', 'rediss+sentinel://u%40@h:26379,[::1]:2/m'],
    ['redis+cluster://:hunter2@h:1,i', 'redis+cluster://h:1,i:6379'],
  ];
  for (const [url, shown] of cases) assert.equal(parseRedisUrl(url).shown, shown);
});

test('time zones are IANA names', () => {
  for (const zone of ['Asia/Shanghai', 'UTC', 'America/New_York'])
    assert.equal(readConfig({ HUB_TIME_ZONE: zone }).timeZone, zone);
  assert.match(refusal({ HUB_TIME_ZONE: 'Asia/Peking2' }), /HUB_TIME_ZONE/);
});

test('what does not fit is told in the project’s words, with what would', () => {
  const faults: [string, string, RegExp][] = [
    ['HUB_ROLES', 'api,x', /must be api, worker or scheduler$/],
    ['HUB_ROLES', ',', /must be one or more of api, worker, scheduler, with commas$/],
    ['HUB_DRAIN_DELAY_MS', 'soon', /must be a whole number, 0 to 120,000$/],
    ['HUB_RETENTION_DAYS', '0', /must be a whole number, 1 to 36,500$/],
    ['HUB_DATABASE_POOL', '5.5', /must be a whole number, 4 to 500$/],
    ['HUB_REPAIR_MAX_PERCENT', '101', /must be a number, 0 to 100$/],
    ['HUB_LANG', 'de', /must be zh or en$/],
    ['HUB_LOG_LEVEL', 'loud', /must be trace, debug, info, warn, error, fatal or silent$/],
  ];
  for (const [name, text, words] of faults) {
    assert.match(refusal({ [name]: text }), words);
    assert.doesNotMatch(refusal({ [name]: text }), /expected|Invalid|NaN|received/);
  }
});

test('a variable that nothing reads is named, with the one that may be meant', () => {
  const env = {
    HUB_TARGETS_ALLOW: 'x',
    HUB_ALLERTS_FILE: 'x',
    HUB_LANGUAGE: 'x',
    HUB_WEATHER: 'hunter2',
    HUB_SMS_PASSWORD: 'x',
    HUB_PORT: '1',
    HUB_URL: 'x',
    PATH: 'x',
  };
  assert.deepEqual(unknownSettings(env, ['HUB_SMS_PASSWORD']), [
    { variable: 'HUB_ALLERTS_FILE', nearest: 'HUB_ALERTS_FILE' },
    { variable: 'HUB_LANGUAGE', nearest: 'HUB_LANG' },
    { variable: 'HUB_TARGETS_ALLOW', nearest: 'HUB_TARGET_ALLOW' },
    { variable: 'HUB_WEATHER', nearest: null },
  ]);
});

test('what a setting is said to be without its variable is so', () => {
  const values = settings.filter(
    ({ leftOut }) => /^[\w./]+$/.test(leftOut) && !/^(none|DATABASE_URL)$/.test(leftOut),
  );
  assert.ok(values.length > 8);
  for (const { variable, leftOut } of values)
    assert.deepEqual(readConfig({ [variable]: leftOut }), readConfig({}), variable);
});

test('docs/operations.md lists what commands that ask a running hub read', () => {
  const text = readFileSync('docs/operations.md', 'utf8').split('\n## Settings\n')[1] ?? '';
  const rows = [...(text.split('\n## ')[0] ?? '').matchAll(/^\| `(\w+)` \|/gm)].map(
    ([, variable]) => variable,
  );
  assert.deepEqual(new Set(rows), new Set([...commandVariables, 'HUB_TIME_ZONE']));
});

test('every setting of the contract is in the table, with its meaning and what holds without it', () => {
  const names = settings.map(setting => setting.variable);
  for (const name of [
    'HUB_PORT',
    'HUB_HOST',
    'DATABASE_URL',
    'REDIS_URL',
    'HUB_DATA_DIR',
    'HUB_ADMIN_KEY',
    'HUB_ENCRYPTION_KEY',
    'HUB_ROLES',
    'HUB_TARGET_ALLOW',
    'HUB_TIME_ZONE',
  ]) {
    assert.ok(names.includes(name), name);
  }
  for (const { meaning, leftOut } of settings) assert.ok(meaning !== '' && leftOut !== '');
});

test('a row of the table is all that a setting needs: it has its texts, a variable of its own, and is read', () => {
  assert.deepEqual(
    settings.map(({ name }) => name),
    Object.keys(table.shape),
  );
  assert.equal(new Set(settings.map(({ variable }) => variable)).size, settings.length);
  for (const { name, variable } of settings) {
    const faults = table.safeParse({ [name]: '\0' }).error?.issues ?? [];
    // A row whose type takes any text has no fault to name.
    if (faults.some(({ path: [at] }) => at === name))
      assert.match(refusal({ [variable]: '\0' }), new RegExp(variable));
  }
});
