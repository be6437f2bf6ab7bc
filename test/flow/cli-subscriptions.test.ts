import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { runCli } from '../support/cli.ts';
import { adminKey, startTestHub } from '../support/hub.ts';
import { startReceiver } from '../support/receiver.ts';
import { recordVouchers, subscribe, syncsOf, voucherInput } from '../support/vouchers.ts';

function access(hub: { url: string }): Record<string, string> {
  return { HUB_URL: hub.url, HUB_KEY: adminKey };
}

test('subscriptions are made with every field, listed, tested, paused and resumed', async () => {
  await using hub = await startTestHub();
  await using receiver = await startReceiver();
  const fields = [
    '--source-systems',
    'settlement,erp',
    '--company-ids',
    '1,2',
    '--mode',
    'realtime',
    '--batch-size',
    '10',
    '--max-in-flight',
    '4',
    '--rate-limit-per-second',
    '50',
    '--timeout-ms',
    '2000',
    '--max-retries',
    '5',
    '--base-delay-ms',
    '100',
    '--max-delay-ms',
    '9000',
    '--jitter',
    '0.5',
  ];
  const create = [
    'subscriptions',
    'create',
    '--name',
    '税务',
    '--target-system',
    'tax',
    '--event-types',
    'invoice_*,l1_confirmed',
    '--webhook-url',
    receiver.url,
  ];
  const made = await runCli([...create, ...fields, '--json'], access(hub));
  assert.equal(made.code, 0, made.stderr);
  const { id } = JSON.parse(made.stdout).subscription;
  assert.match(JSON.parse(made.stdout).secret, /^whsec_/);
  const [listed] = JSON.parse((await runCli(['subscriptions', 'list', '--json'], access(hub))).stdout);
  assert.deepEqual(listed.retry, { maxRetries: 5, baseDelayMs: 100, maxDelayMs: 9_000, jitter: 0.5 });
  assert.deepEqual(
    [listed.eventTypes, listed.sourceSystems, listed.companyIds],
    [
      ['invoice_*', 'l1_confirmed'],
      ['settlement', 'erp'],
      ['1', '2'],
    ],
  );
  assert.deepEqual(
    [listed.mode, listed.batchSize, listed.maxInFlight, listed.rateLimitPerSecond, listed.timeoutMs],
    ['REALTIME', 10, 4, 50, 2_000],
  );
  assert.equal((await runCli(['subscriptions', 'test', id], access(hub))).code, 0);
  receiver.answer(() => 500);
  const failed = await runCli(['subscriptions', 'test', id, '--json'], access(hub));
  assert.deepEqual([failed.code, JSON.parse(failed.stdout).statusCode], [1, 500]);
  assert.match((await runCli(['subscriptions', 'pause', id], access(hub))).stdout, /is paused/);
  assert.match(
    (await runCli(['subscriptions', 'list'], access(hub))).stdout,
    /税务 +tax +invoice_\*, l1_confirmed +paused/,
  );
  assert.match((await runCli(['subscriptions', 'resume', id], access(hub))).stdout, /is active/);
});

test('a subscription is changed field by field, emptied of what may be empty, and deleted with word of what waited', async () => {
  await using hub = await startTestHub();
  const webhookUrl = 'http://127.0.0.1:9/hook';
  const retry = { maxRetries: 5, baseDelayMs: 100, maxDelayMs: 9_000, jitter: 0.5 };
  const { id } = await subscribe(hub, { name: 'old', webhookUrl, sourceSystems: ['settlement'], retry });
  const run = (...args: string[]) => runCli(['subscriptions', ...args], access(hub));
  const changed = await run(
    'update',
    id,
    '--name',
    '税务',
    '--event-types',
    'invoice_*',
    '--max-retries',
    '7',
  );
  assert.equal(changed.code, 0, changed.stderr);
  assert.match(
    changed.stdout,
    new RegExp(
      `✓ Subscription ${id} \\(税务 of tax\\) is changed: invoice_\\* → ${webhookUrl}; active, 0 events`,
    ),
  );
  const emptied = await run(
    'update',
    id,
    '--no-webhook-url',
    '--no-source-systems',
    '--batch-size',
    '3',
    '--json',
  );
  const now = JSON.parse(emptied.stdout);
  assert.deepEqual(
    [now.name, now.webhookUrl, now.sourceSystems, now.batchSize, now.retry],
    ['税务', null, null, 3, { ...retry, maxRetries: 7 }],
  );
  await recordVouchers(hub, [voucherInput()]);
  for (const usage of [
    ['update', id],
    ['update', 'x', '--name', 'y'],
    ['delete', 'x'],
  ])
    assert.equal((await run(...usage)).code, 2, usage.join(' '));
  const deleted = await run('delete', id);
  assert.deepEqual(
    [deleted.code, deleted.stdout],
    [0, `✓ Subscription ${id} (税务 of tax) is deleted; 1 event that waited: CANCELLED. Its log stays.\n`],
  );
  assert.equal((await syncsOf(hub, { subscriptionId: id }))[0]?.status, 'CANCELLED');
  const again = await run('delete', id, '--json');
  assert.deepEqual([again.code, again.stdout], [1, '']);
  assert.match(again.stderr, /✗ There is no subscription/);
});

test('a secret is rotated: the new one is shown once, with how long both hold and what the consumer does', async () => {
  await using receiver = await startReceiver();
  await using hub = await startTestHub();
  const { id, secret: old } = await subscribe(hub, { name: '税务', webhookUrl: receiver.url });
  const rotate = (...args: string[]) => runCli(['subscriptions', 'rotate', id, ...args], access(hub));
  const shown = await rotate();
  assert.equal(shown.code, 0, shown.stderr);
  const [head, secretLine, advice] = shown.stdout.split('\n');
  assert.equal(head, `✓ Subscription ${id} (税务 of tax) has a new secret; for 24 hours both sign.`);
  const fresh = /^ {2}(whsec_\S+) {3}\(keep it: shown this once\)$/.exec(secretLine ?? '')?.[1] ?? '';
  assert.match(advice ?? '', /take both now .*drop the old one after the 24 hours/);
  await recordVouchers(hub, [voucherInput()]);
  await receiver.gotEvents(1);
  const [request] = receiver.requests;
  const hmac = (secret: string) =>
    `sha256:${createHmac('sha256', secret)
      .update(request?.rawBody ?? '')
      .digest('hex')}`;
  const headers = ['x-signature', 'x-signature-next'].map(name => request?.headers[name]);
  assert.deepEqual(headers, [hmac(old), hmac(fresh)]);
  const atOnce = JSON.parse((await rotate('--overlap-hours', '0', '--json')).stdout);
  assert.deepEqual(atOnce, {
    secret: atOnce.secret,
    warnings: [],
    subscription: { id, name: '税务', targetSystem: 'tax' },
    overlapHours: 0,
  });
  assert.match(atOnce.secret, /^whsec_/);
  assert.match((await rotate('--overlap-hours', '0')).stdout, /it alone signs from now on/);
  const [tooLong, noHours] = await Promise.all([
    rotate('--overlap-hours', '169'),
    rotate('--overlap-hours', 'x'),
  ]);
  assert.deepEqual([tooLong.code, tooLong.stderr], [1, '✗ overlapHours: 0 to 168.\n']);
  assert.equal(noHours.code, 2);
});

test('a subscription whose target will not be reached is made, and its making says so', async () => {
  await using hub = await startTestHub();
  const create = ['subscriptions', 'create', '--target-system', 'tax', '--event-types', '*'];
  const named = (name: string, webhookUrl: string, ...more: string[]) =>
    runCli([...create, '--name', name, '--webhook-url', webhookUrl, ...more], access(hub));
  const [inner, mapped, nameless, sound] = await Promise.all([
    named('inner', 'http://10.1.2.3/hook', '--json'),
    named('mapped', 'http://[::ffff:10.1.2.3]/hook'),
    named('nameless', 'https://tax.invalid/hook', '--consistency-url', 'http://169.254.169.254/'),
    named('sound', 'http://127.0.0.1:9/hook', '--consistency-url', 'http://127.0.0.1:9/hook'),
  ]);
  const notAllowed =
    /^! webhookUrl: The hub may not reach \S+: its address is private \(10\.0\.0\.0\/8\)\. HUB_TARGET_ALLOW can permit it\. Until then .* FAILED \(TARGET_NOT_ALLOWED\)\.\n$/;
  for (const { code, stderr } of [inner, mapped])
    assert.deepEqual([code, notAllowed.test(stderr)], [0, true]);
  assert.match(
    nameless.stderr,
    /^! webhookUrl: The name tax\.invalid does not resolve \(E\w+\)\. .*\n! consistencyUrl: The hub may not/,
  );
  assert.deepEqual([nameless.code, sound.code, sound.stderr], [0, 0, '']);
  const { subscription } = JSON.parse(inner.stdout);
  assert.equal(subscription.warnings.length, 1);
  const update = (url: string) =>
    runCli(['subscriptions', 'update', subscription.id, '--webhook-url', url], access(hub));
  assert.match((await update('http://192.168.0.1/')).stderr, /^! webhookUrl: .* private \(192\.168/);
  assert.equal((await update('http://127.0.0.1:9/')).stderr, '');
});

test('a subscription to a pattern that no event type fits is made, and its making says so', async () => {
  await using hub = await startTestHub();
  const create = ['subscriptions', 'create', '--target-system', 'tax', '--name', 'tax'];
  const made = await runCli([...create, '--event-types', 'invoice_*,invoices_*'], access(hub));
  const warning = '! eventTypes: invoices_* covers no event type of the catalogue by now.\n';
  assert.deepEqual([made.code, made.stderr], [0, warning]);
});

test('a secret that the public Standard Webhooks libraries read otherwise is taken with a warning, until it is rotated', async () => {
  await using hub = await startTestHub();
  const create = ['subscriptions', 'create', '--target-system', 'tax', '--event-types', '*'];
  const made = (secret: string, url: string | null = 'http://127.0.0.1:9/hook') =>
    runCli(
      [
        ...create,
        '--name',
        secret.slice(0, 20) + String(url === null),
        '--secret',
        secret,
        '--json',
        ...(url === null ? [] : ['--webhook-url', url]),
      ],
      access(hub),
    );
  const warning = /^! secret: it does not begin with whsec_, .* Verify X-Signature, or rotate/;
  const plain = '0123456789abcdef'.repeat(4);
  const [base64, words, standard, pushed] = await Promise.all([
    made('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'),
    made(plain),
    made('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'),
    made(`${plain}-pushed`, null),
  ]);
  for (const { code, stderr } of [base64, words]) {
    assert.equal(code, 0);
    assert.match(stderr, warning);
    assert.ok(!stderr.includes(plain));
  }
  assert.deepEqual([standard.stderr, pushed.stderr], ['', ''], 'nothing is posted to the last one');
  const { id } = JSON.parse(words.stdout).subscription;
  const update = () => runCli(['subscriptions', 'update', id, '--timeout-ms', '5000'], access(hub));
  assert.match((await update()).stderr, warning);
  assert.equal((await runCli(['subscriptions', 'rotate', id], access(hub))).stderr, '');
  assert.equal((await update()).stderr, '', 'the new secret is what a consumer changes over to');
});
