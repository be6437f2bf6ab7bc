import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../src/core/limits.ts';
import { createLogger } from '../../src/core/logger.ts';
import { makeKey, verdict } from '../support/access.ts';
import { adminKey, encryptionKey, startTestHub } from '../support/hub.ts';
import { startReceiver } from '../support/receiver.ts';
import { connectSql, dumpOf } from '../support/sql.ts';
import { recordVouchers, subscribe, syncsOf, voucherInput } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

test('a revoked key is out at once where it was revoked, and at another hub within the time that a check is remembered', async () => {
  await using first = await startTestHub();
  await using second = await startTestHub({ databaseUrl: first.databaseUrl });
  const { id, secret } = await makeKey(first, 'ANALYST');
  for (const hub of [first, second])
    assert.equal(await verdict(hub, secret, '{ eventTypes { name } }', {}), 'ok');
  const revokedAt = performance.now();
  await first.data('mutation ($id: ID!) { revokeApiKey(id: $id) { revokedAt } }', { id });
  assert.equal(await verdict(first, secret, '{ eventTypes { name } }', {}), 'UNAUTHENTICATED');
  await until(
    'the other hub refuses it',
    async () => (await verdict(second, secret, '{ eventTypes { name } }', {})) === 'UNAUTHENTICATED',
  );
  // The time that a check is remembered, and room for a busy machine.
  assert.ok(performance.now() - revokedAt < limits.keyCacheMs + 10_000);
});

test('the last admin key can not be revoked, also not by two that revoke each other', async () => {
  await using hub = await startTestHub();
  const revoke = 'mutation ($id: ID!) { revokeApiKey(id: $id) { revokedAt } }';
  const { apiKeys } = await hub.data<{ apiKeys: { id: string }[] }>('{ apiKeys { id } }');
  const first = apiKeys[0]?.id ?? '';
  const alone = await hub.ask(revoke, { id: first });
  assert.deepEqual(
    [alone.errors?.[0]?.extensions.code, alone.errors?.[0]?.message],
    ['CONFLICT', `Key ${first} is the last admin key; make another one first.`],
  );
  const second = await makeKey(hub, 'ADMIN');
  const both = await Promise.all([
    hub.ask(revoke, { id: second.id }),
    hub.ask(revoke, { id: first }, second.secret),
  ]);
  assert.deepEqual(both.map(({ errors }) => errors?.[0]?.extensions.code ?? 'revoked').toSorted(), [
    'CONFLICT',
    'revoked',
  ]);
});

test('a HUB_ADMIN_KEY that was revoked, or is of another role, is told in the log', async () => {
  await using hub = await startTestHub();
  const publisher = await makeKey(hub, 'PUBLISHER', 'erp');
  const revoked = await makeKey(hub, 'ADMIN');
  await hub.data('mutation ($id: ID!) { revokeApiKey(id: $id) { revokedAt } }', { id: revoked.id });
  for (const [{ secret, id }, said] of [
    [publisher, 'a publisher key: nobody administers with it'],
    [revoked, 'which was revoked: nobody gets in with it'],
  ] as const) {
    const lines: string[] = [];
    const log = createLogger({
      level: 'error',
      pretty: false,
      destination: { write: line => void lines.push(line) },
    });
    await using _ = await startTestHub({
      databaseUrl: hub.databaseUrl,
      env: { HUB_ADMIN_KEY: secret },
      overrides: { log },
    });
    assert.match(lines.join(''), new RegExp(`HUB_ADMIN_KEY is key ${id}, ${said}`));
  }
});

test('a key needs a name and the system that its role is bound to, and inputs that cannot be stored are refused as such', async () => {
  await using hub = await startTestHub();
  const create =
    'mutation ($name: String!, $role: Role!, $system: String) { createApiKey(name: $name, role: $role, system: $system) { apiKey { id } } }';
  const faults: [Record<string, unknown>, string | undefined][] = [
    [{ name: ' ', role: 'ADMIN' }, 'name'],
    [{ name: 'x'.repeat(201), role: 'ADMIN' }, 'name'],
    [{ name: 'n', role: 'PUBLISHER' }, 'system'],
    [{ name: 'n', role: 'SUBSCRIBER', system: ' ' }, 'system'],
    [{ name: 'n', role: 'ANALYST', system: 's' }, 'system'],
    [{ name: 'a\0b', role: 'ADMIN' }, undefined],
    [{ name: 'n', role: 'PUBLISHER', system: 'a\0' }, undefined],
  ];
  for (const [variables, field] of faults) {
    const answer = await hub.ask(create, variables);
    assert.deepEqual(
      [answer.errors?.[0]?.extensions.code, answer.errors?.[0]?.extensions.field],
      ['BAD_USER_INPUT', field],
      JSON.stringify(variables),
    );
  }
  assert.equal(
    await verdict(hub, adminKey, 'query ($s: String!) { dataSubscriptions(targetSystem: $s) { id } }', {
      s: 'a\0',
    }),
    'BAD_USER_INPUT',
  );
  assert.equal(
    await verdict(
      hub,
      adminKey,
      'query ($s: String!) { syncLogs(filter: { sourceId: $s }) { edges { cursor } } }',
      { s: 'a\0' },
    ),
    'BAD_USER_INPUT',
  );
  assert.equal(
    await verdict(
      hub,
      adminKey,
      'query ($s: String!) { voucherBySource(sourceSystem: $s, sourceModule: "m", sourceId: "i") { id } }',
      { s: 'a\0' },
    ),
    'BAD_USER_INPUT',
  );
  assert.equal(
    await verdict(
      hub,
      adminKey,
      'query ($s: String) { vouchers(filter: { companyId: $s }) { edges { cursor } } }',
      { s: 'a\0' },
    ),
    'BAD_USER_INPUT',
  );
});

test('secrets and keys stand nowhere but in the answers that give them: not in other answers, the database, the queue, or the logs', async () => {
  const lines: string[] = [];
  const log = createLogger({
    level: 'trace',
    pretty: false,
    destination: { write: line => void lines.push(line) },
  });
  const secrets: string[] = [adminKey, encryptionKey];
  const given = 'a-secret-that-the-caller-chose-0123456789';
  let databaseUrl: string;
  {
    await using hub = await startTestHub({ overrides: { log } });
    databaseUrl = hub.databaseUrl;
    await using receiver = await startReceiver();
    const made = await subscribe(hub, { webhookUrl: receiver.url });
    await using chatty = await startReceiver();
    const echoed = await subscribe(hub, { name: 'chatty', webhookUrl: chatty.url });
    chatty.answer((_request, response) => {
      response.writeHead(422).end(`the debug page shows ${echoed.secret}, twice: ${echoed.secret}`);
      return undefined;
    });
    secrets.push(echoed.secret);
    const chosen = await subscribe(hub, { name: 'chosen', webhookUrl: receiver.url, secret: given });
    assert.equal(chosen.secret, given);
    const { rotateDataSubscriptionSecret: rotated } = await hub.data<{
      rotateDataSubscriptionSecret: { secret: string };
    }>('mutation ($id: ID!) { rotateDataSubscriptionSecret(id: $id) { secret } }', { id: made.id });
    const keys = await Promise.all([
      makeKey(hub, 'PUBLISHER', 'settlement'),
      makeKey(hub, 'SUBSCRIBER', 'tax'),
      makeKey(hub, 'ANALYST'),
    ]);
    secrets.push(made.secret, given, rotated.secret, ...keys.map(key => key.secret));
    assert.match(made.secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
    await recordVouchers(hub, [voucherInput()]);
    await receiver.gotEvents(2);
    await until('the debug page was logged', async () =>
      (await syncsOf(hub)).some(sync => sync.errorCode === 'HTTP_422'),
    );
    receiver.answer(() => 500);
    await recordVouchers(hub, [voucherInput({ sourceId: 'FAILS' })]);
    await until('a delivery failed', async () =>
      (await syncsOf(hub)).some(sync => sync.errorCode === 'HTTP_500'),
    );
    await hub.ask('{ nonsense }');
    await hub.ask('{ eventTypes { name } }', {}, given);
    await hub.data('mutation ($id: ID!) { testDataSubscription(id: $id) { ok } }', { id: made.id });
    const answers = await hub.ask(`{ apiKeys { id name role system createdAt lastUsedAt revokedAt }
      dataSubscriptions { id name targetSystem eventTypes state webhookUrl backlog } syncLogs { edges { node { id errorMessage attempts { responseExcerpt errorMessage } } } } }`);
    assert.equal(answers.errors, undefined);
    const { __schema: schema } = await hub.data<{
      __schema: { types: { name: string; fields: { name: string }[] | null }[] };
    }>('{ __schema { types { name fields { name } } } }');
    const withSecret = schema.types
      .filter(type => type.name !== 'Mutation' && type.fields?.some(field => /secret|hash/i.test(field.name)))
      .map(type => type.name)
      .sort();
    // A seal's hash is of attempts, and no secret.
    assert.deepEqual(withSecret, ['ApiKeyWithSecret', 'AuditSeal', 'DataSubscriptionWithSecret']);
    await using sql = await connectSql(databaseUrl);
    const dump = await dumpOf(sql);
    assert.match(dump, /-- bullmq\./);
    for (const secret of secrets) {
      assert.ok(!JSON.stringify(answers).includes(secret), 'in an answer');
      assert.ok(!dump.includes(secret), `in the database: ${secret}`);
    }
  }
  assert.ok(lines.length > 10);
  const logged = lines.join('');
  for (const secret of secrets) {
    assert.ok(!logged.includes(secret), `in the log: ${lines.find(line => line.includes(secret))}`);
    assert.ok(!logged.includes(secret.replace('whsec_', '')), 'in the log, without its prefix');
  }
  assert.ok(
    !logged.includes(new URL(databaseUrl).password) || new URL(databaseUrl).password === '',
    'the database’s password is in the log',
  );
});

test('after the encryption key is changed, with the one before at hand, old secrets sign on', async () => {
  const newKey = Buffer.alloc(32, 9).toString('base64');
  await using receiver = await startReceiver();
  let databaseUrl: string;
  {
    await using hub = await startTestHub();
    databaseUrl = hub.databaseUrl;
    await subscribe(hub, { webhookUrl: receiver.url, secret: 'a-secret-from-before-the-change' });
  }
  await using hub = await startTestHub({
    databaseUrl,
    env: { HUB_ENCRYPTION_KEY: newKey, HUB_ENCRYPTION_KEY_PREVIOUS: encryptionKey },
  });
  await recordVouchers(hub, [voucherInput()]);
  await receiver.gotEvents(1);
  const { createHmac } = await import('node:crypto');
  const [request] = receiver.requests;
  assert.equal(
    request?.headers['x-signature'],
    `sha256:${createHmac('sha256', 'a-secret-from-before-the-change')
      .update(request?.rawBody ?? '')
      .digest('hex')}`,
  );
});
