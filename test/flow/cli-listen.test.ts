import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, describe, test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { makeKey } from '../support/access.ts';
import { type RunningCli, runCli, startCli, startGate } from '../support/cli.ts';
import {
  detailsOf,
  numbers,
  record,
  settled,
  theSync,
  unsubscribe,
  vouchers,
} from '../support/deliveries.ts';
import { adminKey, startTestHub, type TestHub } from '../support/hub.ts';
import { startHubProcess } from '../support/hub-process.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { type ReceivedRequest, startReceiver } from '../support/receiver.ts';
import { subscribe } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

after(() => hub[Symbol.asyncDispose]());
const hub: TestHub = await startTestHub();

type AnyHub = Pick<TestHub, 'url' | 'data'>;

/** A subscription to one source system of its own, without a webhook. */
async function makeSubscription(
  system: string,
  over: Record<string, unknown> = {},
  at: AnyHub = hub,
): Promise<string> {
  const retry = { maxRetries: 3, baseDelayMs: 50 };
  return (await subscribe(at, { name: system, sourceSystems: [system], retry, ...over })).id;
}

/** Runs `hub listen` and waits until it is attached. */
async function listen(
  id: string,
  args: string[] = [],
  env: Record<string, string> = {},
  at: AnyHub = hub,
): Promise<RunningCli> {
  const cli = startCli(['listen', '--subscription', id, ...args], {
    HUB_URL: at.url,
    HUB_KEY: adminKey,
    ...env,
  });
  await Promise.race([until('it is attached', () => isAttached(at, id)), failed(cli)]);
  return cli;
}

async function failed(cli: RunningCli): Promise<never> {
  throw new Error(`It has ended: ${JSON.stringify(await cli.ended)}`);
}

async function isAttached(at: AnyHub, id: string): Promise<boolean> {
  const { dataSubscription: found } = await at.data<{ dataSubscription: { connected: boolean } | null }>(
    'query ($id: ID!) { dataSubscription(id: $id) { connected } }',
    { id },
  );
  return found?.connected === true;
}

/** Ctrl-C; how it ended. */
async function interrupt(cli: RunningCli) {
  cli.child.kill('SIGINT');
  return cli.ended;
}

/** Verifies both signatures of a request. */
function verify(secret: string, { rawBody, headers }: ReceivedRequest): void {
  const texts = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
  assert.doesNotThrow(() => new Webhook(secret).verify(rawBody, texts));
  const expected = createHmac('sha256', secret).update(rawBody).digest('hex');
  assert.equal(headers['x-signature'], `sha256:${expected}`);
}

const secretOf = (seed: number) => `whsec_${Buffer.alloc(32, seed).toString('base64')}`;

describe('hub listen', { concurrency: 2 }, () => {
  test('prints one readable line an event, acknowledges it, and sums up at Ctrl-C', async () => {
    const id = await makeSubscription('plain');
    const cli = await listen(id);
    await record(hub, vouchers('plain', ['x', 'evil\u001b[2J'], { amount: '12.50' }));
    const syncs = await settled(hub, id);
    assert.ok(syncs.every(({ status, attempts }) => status === 'SUCCESS' && attempts.length === 1));
    const { code, stdout, stderr } = await interrupt(cli);
    assert.equal(code, 0, stderr);
    const lines = stdout.trimEnd().split('\n');
    assert.equal(lines.length, 2);
    const form =
      /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+08:00 {2}sync \d+ {2}invoice_recorded {2}plain\/invoice\/plain-(x|evil \[2J) {2}v1 {2}12\.50 CNY {2}realtime$/;
    for (const line of lines) assert.match(line, form);
    assert.ok(
      !(stdout + stderr).includes('\u001b'),
      'no colours, and nothing of a voucher steers the terminal',
    );
    assert.match(stderr, new RegExp(`Listening to subscription ${id} \\(plain of tax\\); up to 10 at once`));
    assert.match(stderr, /\n2 events: 2 acknowledged, 0 rejected\.\n$/);
  });

  test('forwards byte for byte what the webhook sends, with its headers, and signs with the given secret', async () => {
    await using webhook = await startReceiver();
    await using local = await startReceiver();
    const odd = {
      'ключ 😀': ['é', '\u001f\u007f"\\/', null, true],
      numbers: [1, 1.5, -0, 1e-7, 1.5e-300, 2 ** 53 - 1, 0.1, 5e-324],
      nested: { z: { a: [{}] }, a: [], '￿': 1, '😀': 2 },
    };
    const system = '结算';
    const sourceSystems = [system];
    await subscribe(hub, { name: 'odd-webhook', sourceSystems, webhookUrl: webhook.url });
    const id = await makeSubscription('odd', { sourceSystems });
    const secret = secretOf(1);
    const cli = await listen(id, ['--forward', local.url], { HUB_WEBHOOK_SECRET: secret });
    await record(hub, [
      ...vouchers(system, ['odd'], {
        businessData: odd,
        summary: '摘要',
        amount: '-0.10',
        direction: 'CREDIT',
        counterpartyName: 'Müller & Söhne',
        occurredAt: '2025-12-19T08:00:00.120+08:00',
      }),
      ...vouchers(system, numbers(20)),
    ]);
    const syncs = await settled(hub, id);
    assert.ok(syncs.every(({ status }) => status === 'SUCCESS'));
    await webhook.gotEvents(21);
    assert.equal(local.requests.length, 21);
    for (const got of local.requests) {
      verify(secret, got);
      const real = webhook.requests.find(({ body }) => body.event_id === got.body.event_id);
      assert.ok(real);
      assert.notEqual(got.body.sync_id, real.body.sync_id);
      const alike = got.rawBody.replace(`"sync_id": ${got.body.sync_id}`, `"sync_id": ${real.body.sync_id}`);
      assert.equal(alike, real.rawBody);
      assert.deepEqual(Object.keys(got.headers).toSorted(), Object.keys(real.headers).toSorted());
      for (const name of ['content-type', 'user-agent', 'x-source-system', 'accept-encoding'])
        assert.equal(got.headers[name], real.headers[name], name);
      assert.equal(got.headers['webhook-id'], `sync_${got.body.sync_id}`);
    }
    assert.match((await interrupt(cli)).stdout, /sync \d+ .*→ 200 in \d+ ms\n/);
  });

  test('forwards what the subscription makes of an event: its payloadQuery, and batches', async () => {
    await using webhook = await startReceiver();
    await using local = await startReceiver();
    const shape = {
      sourceSystems: ['shaped'],
      batchSize: 5,
      payloadQuery: '{ no: voucher { sourceId amount } eventType }',
    };
    await subscribe(hub, { name: 'shaped-webhook', webhookUrl: webhook.url, ...shape });
    const id = await makeSubscription('shaped', shape);
    const cli = await listen(id, ['--forward', local.url, '--secret', secretOf(2), '--json']);
    await record(hub, vouchers('shaped', ['x']));
    await settled(hub, id);
    await webhook.gotEvents(1);
    const [got, real] = [local.requests[0], webhook.requests[0]];
    assert.ok(got && real);
    verify(secretOf(2), got);
    assert.equal(got.body.event, 'batch');
    const [one, other] = [got.body.items?.[0], real.body.items?.[0]];
    assert.deepEqual(one?.data, {
      no: { sourceId: 'shaped-x', amount: '100.00' },
      eventType: 'invoice_recorded',
    });
    assert.equal(got.rawBody.replace(`: ${one.sync_id}`, `: ${other?.sync_id}`), real.rawBody);
    const line = JSON.parse((await interrupt(cli)).stdout);
    assert.deepEqual(line.body, one);
    assert.equal(line.forward.statusCode, 200);
    await record(hub, vouchers('shaped', numbers(20)));
    const again = await listen(id, ['--forward', local.url, '--secret', secretOf(2)]);
    await settled(hub, id);
    assert.ok(local.requests.length < 15, `${local.requests.length} requests for 21 events`);
    assert.ok(local.requests.every(({ body }) => (body.items?.length ?? 0) <= 5));
    assert.equal((await interrupt(again)).code, 0);
    const printer = await listen(id, ['--json']);
    await record(hub, vouchers('shaped', ['printed']));
    await settled(hub, id);
    const shown = JSON.parse((await interrupt(printer)).stdout);
    assert.deepEqual(
      shown.body.data.no,
      { sourceId: 'shaped-printed', amount: '100.00' },
      'without --forward too',
    );
  });

  test('an answer of 500 brings the event again by the retry policy; each line says what came of it', async () => {
    await using local = await startReceiver();
    local.answer(() => (local.requests.length === 1 ? 500 : 200));
    const id = await makeSubscription('busy');
    const cli = await listen(id, ['--forward', local.url, '--secret', secretOf(3)]);
    await record(hub, vouchers('busy', ['x']));
    const [sync] = await settled(hub, id);
    assert.equal(sync?.status, 'SUCCESS');
    assert.deepEqual(
      sync.attempts.map(({ errorCode }) => errorCode),
      ['FORWARD_HTTP_500', null],
    );
    const { stdout, stderr } = await interrupt(cli);
    assert.match(stdout, /→ HTTP_500 in \d+ ms, rejected \(retryable\)\n.*  attempt 2  → 200 in/);
    assert.match(stderr, /\n2 events: 1 acknowledged, 1 rejected\.\n$/);
  });

  test('an answer of 422 makes it FAILED, and says how to send it again', async () => {
    await using local = await startReceiver();
    local.answer((_request, response) => void response.writeHead(422).end('no such tax id'));
    const id = await makeSubscription('unfit');
    const cli = await listen(id, ['--forward', local.url, '--secret', secretOf(4)]);
    await record(hub, vouchers('unfit', ['x', 'y']));
    const [sync, other] = await settled(hub, id);
    assert.deepEqual(
      [sync?.status, sync?.errorCode, sync?.attempts.length],
      ['FAILED', 'FORWARD_HTTP_422', 1],
    );
    assert.match(sync?.errorMessage ?? '', /422 Unprocessable Entity\. no such tax id/);
    for (const failed of [sync, other])
      await cli.noted(new RegExp(`! Sync ${failed?.id} is FAILED .* hub retry --subscription ${id}\n`));
    const { stdout, stderr } = await interrupt(cli);
    assert.match(stdout, /→ HTTP_422 in \d+ ms, rejected for good\n/);
    assert.match(stderr, new RegExp(`2 rejected, of which 2 FAILED; .hub retry --subscription ${id}. sends`));
  });

  test('while nothing listens it waits, and then attaches: no retry is used up, before its receiver is there or after', async () => {
    const place = await startReceiver();
    await place[Symbol.asyncDispose]();
    const id = await makeSubscription('away', { retry: { maxRetries: 1 } });
    await record(hub, vouchers('away', ['early']));
    const cli = startCli(['listen', '--subscription', id, '--forward', place.url, '--secret', secretOf(8)], {
      HUB_URL: hub.url,
      HUB_KEY: adminKey,
    });
    await cli.noted(
      /! Nothing takes connections at http.* \(ECONNREFUSED\): start your receiver\. .* keeps the events\.\n/,
    );
    assert.equal(await isAttached(hub, id), false);
    {
      await using _receiver = await startReceiver(place.port);
      await settled(hub, id);
    }
    await record(hub, vouchers('away', ['later', 'too']));
    await cli.noted(/The receiver is away: .* uses up no retry\. Trying again in/);
    await until('it is not attached', async () => !(await isAttached(hub, id)));
    await using _receiver = await startReceiver(place.port);
    const syncs = await settled(hub, id);
    assert.deepEqual([syncs.length, new Set(syncs.map(({ status }) => status))], [3, new Set(['SUCCESS'])]);
    const codes = syncs.flatMap(({ attempts }) => attempts.map(({ errorCode }) => errorCode));
    assert.ok(!codes.includes('FORWARD_ECONNREFUSED'), JSON.stringify(codes));
    assert.equal(syncs[0]?.attempts.length, 1);
    assert.equal((await interrupt(cli)).code, 0);
  });

  test('a hub that goes just as it starts is waited for', async () => {
    const id = await makeSubscription('going');
    let isUp = false;
    // It lets no socket through: the hub goes between the first answer and the socket.
    await using gate = await startGate(hub.url, async () => (isUp ? 'through' : 503));
    const run = (...args: string[]) => startCli(args, { HUB_URL: gate.url, HUB_KEY: adminKey });
    const both = [run('listen', '--subscription', id), run('tail')];
    for (const cli of both) await cli.noted(/is not ready \(HTTP 503\)\. Trying again in/);
    isUp = true;
    for (const cli of both) {
      await cli.noted(/The connection to the hub was lost .*Trying again in/);
      assert.equal((await interrupt(cli)).code, 0);
    }
  });

  test('without a secret it makes one and says so; what it forwards is signed with that', async () => {
    await using local = await startReceiver();
    const id = await makeSubscription('unsigned');
    const cli = await listen(id, ['--forward', local.url]);
    const [, secret = ''] = await cli.noted(/signatures do not verify: (whsec_\S+)\n/);
    await record(hub, vouchers('unsigned', ['x']));
    const [request] = await until('it came', () => local.requests.length > 0 && local.requests);
    assert.ok(request);
    verify(secret, request);
    await settled(hub, id);
    assert.equal((await interrupt(cli)).code, 0);
  });

  test('never has more requests under way than --prefetch', async () => {
    await using local = await startReceiver();
    let [now, most] = [0, 0];
    const held: (() => void)[] = [];
    local.answer(async () => {
      most = Math.max(most, ++now);
      await new Promise<void>(resolve => held.push(resolve));
      now -= 1;
      return 204;
    });
    const id = await makeSubscription('window');
    await record(hub, vouchers('window', numbers(12)));
    const cli = await listen(id, ['--forward', local.url, '--prefetch', '3', '--secret', secretOf(5)]);
    for (const n of numbers(12)) {
      await until('as many as may are under way', () => held.length >= Math.min(3, 12 - n));
      held.shift()?.();
    }
    await settled(hub, id);
    assert.equal(most, 3);
    assert.equal((await interrupt(cli)).code, 0);
  });

  test('Ctrl-C in the middle lets what is under way finish, and loses and repeats nothing', async () => {
    await using local = await startReceiver();
    const held: (() => void)[] = [];
    local.answer(async () => {
      if (local.requests.length > 20) await new Promise<void>(resolve => held.push(resolve));
      return 200;
    });
    const id = await makeSubscription('middle');
    await record(hub, vouchers('middle', numbers(60)));
    const args = ['--forward', local.url, '--secret', secretOf(6)];
    const cli = await listen(id, args);
    await until('ten are under way', () => held.length === 10);
    cli.child.kill('SIGINT');
    await cli.noted(/Stopping: what is under way is finished first/);
    local.answer(() => 200);
    for (const answer of held) answer();
    const { code, stderr } = await cli.ended;
    assert.equal(code, 0, stderr);
    assert.match(stderr, /\n30 events: 30 acknowledged, 0 rejected\.\n$/);
    assert.equal(local.requests.length, 30);
    const again = await listen(id, args);
    const syncs = await settled(hub, id);
    assert.ok(syncs.every(({ status }) => status === 'SUCCESS'));
    assert.equal(syncs.length, 60);
    assert.equal(local.requests.length, 60);
    assert.equal(new Set(local.requests.map(({ body }) => body.sync_id)).size, 60);
    assert.equal((await interrupt(again)).code, 0);
  });

  test('when nobody reads its output it stops, and what nobody saw is not acknowledged', async () => {
    const id = await makeSubscription('unread');
    const cli = await listen(id, ['--json']);
    await record(hub, vouchers('unread', ['seen']));
    const [line] = await cli.printed(/^.*\n/);
    const { attempt, body } = JSON.parse(line);
    assert.deepEqual([attempt, body.voucher.source_id, body.mode], [1, 'unread-seen', 'realtime']);
    await settled(hub, id);
    cli.child.stdout?.destroy();
    await record(hub, vouchers('unread', numbers(5)));
    assert.equal((await cli.ended).code, 0);
    assert.deepEqual(
      (await detailsOf(hub, id)).filter(({ status }) => status === 'SUCCESS').length,
      1,
      'only what was read is acknowledged',
    );
    const next = await listen(id);
    assert.ok((await settled(hub, id)).every(({ status }) => status === 'SUCCESS'));
    assert.equal((await interrupt(next)).code, 0);
  });

  test('a hub that restarts is found again, and what was under way meanwhile is not posted twice', async () => {
    await using local = await startReceiver();
    let answer = () => {};
    local.answer(async ({ body }) => {
      if (body.voucher.source_id === 'restart-held')
        await new Promise<void>(resolve => {
          answer = resolve;
        });
      return 200;
    });
    const databaseUrl = await createTestDatabase();
    await using first = await startHubProcess(databaseUrl);
    const at = { url: first.url, data: first.hub.data };
    const id = await makeSubscription('restart', {}, at);
    const cli = await listen(id, ['--forward', local.url, '--secret', secretOf(7)], {}, at);
    await record(at, vouchers('restart', ['before', 'held']));
    await until('both came', () => local.requests.length === 2);
    assert.equal(await first.stop(), 0);
    // 1012 mostly; 1006 where a busy machine lets the hub end first.
    await cli.noted(/The connection to the hub was lost \(10\d\d.*\)\. Trying again in/);
    await using second = await startHubProcess(databaseUrl, { HUB_PORT: new URL(first.url).port });
    await cli.noted(/\nConnected again after/);
    await record(second.hub, vouchers('restart', ['after']));
    await until('the new one came', () => local.requests.length === 3);
    await theSync(
      second.hub,
      id,
      ({ attempts, status, event }) =>
        event.voucher.sourceId === 'restart-held' && attempts.length === 1 && status === 'PROCESSING',
    );
    answer();
    const syncs = await settled(second.hub, id);
    assert.ok(
      syncs.every(({ status }) => status === 'SUCCESS'),
      JSON.stringify(syncs),
    );
    assert.equal(local.requests.length, 3);
    assert.equal((await interrupt(cli)).code, 0);
  });

  test('what can not work ends with 1 and says why: key, subscription, hub, options', async () => {
    const id = await makeSubscription('refused');
    const { secret: foreign } = await makeKey(hub, 'SUBSCRIBER', 'elsewhere');
    const { secret: analyst } = await makeKey(hub, 'ANALYST');
    const { secret: publisher } = await makeKey(hub, 'PUBLISHER', 'settlement');
    const run = (args: string[], env: Record<string, string> = {}) =>
      runCli(['listen', ...args], { HUB_URL: hub.url, HUB_KEY: adminKey, ...env });
    const cases: [string[], Record<string, string>, RegExp][] = [
      [['--subscription', id], { HUB_KEY: 'hub_wrong' }, /does not take this API key/],
      [['--subscription', '999999'], {}, /There is no subscription 999999 that this key may see/],
      // No secret is made for nothing: it is one line.
      [['--subscription', '999999', '--forward', 'http://127.0.0.1:9'], {}, /^✗ There is no subscription/],
      [['--subscription', id], { HUB_KEY: foreign }, /There is no subscription/],
      [
        ['--subscription', id],
        { HUB_KEY: analyst },
        /^✗ An analyst key may not do this; it takes admin or subscriber\.$/m,
      ],
      [
        ['--subscription', id],
        { HUB_KEY: publisher },
        /^✗ Listening takes an admin key, or a subscriber key of/,
      ],
      [['--subscription', id], { HUB_URL: 'http://127.0.0.1:9' }, /No hub answers/],
      [['--subscription', id, '--forward', 'ftp://x'], {}, /--forward must begin with http/],
      [['--subscription', id, '--secret', 'x'], {}, /goes with --forward/],
      [
        ['--subscription', id, '--forward', 'http://x', '--secret', 'short'],
        {},
        /--secret \(HUB_WEBHOOK_SECRET\): 16 to 200/,
      ],
    ];
    for (const [args, env, message] of cases) {
      const { code, stdout, stderr } = await run(args, env);
      assert.deepEqual([code, stdout], [1, ''], stderr);
      assert.match(stderr, message);
      assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
    }
    for (const wrong of [
      [],
      ['--subscription', 'abc'],
      ['--subscription', id, '--prefetch', '0'],
      ['--subscription', id, '--prefetch', '501'],
    ])
      assert.equal((await run(wrong)).code, 2);
  });

  test('a subscription that is deleted meanwhile, or a key that is revoked, ends it with 1', async () => {
    const [gone, kept] = [await makeSubscription('gone'), await makeSubscription('kept')];
    const { id: keyId, secret } = await makeKey(hub, 'SUBSCRIBER', 'tax');
    const [one, other] = [await listen(gone), await listen(kept, [], { HUB_KEY: secret })];
    await unsubscribe(hub, gone);
    const deleted = await one.ended;
    assert.equal(deleted.code, 1);
    assert.match(deleted.stderr, new RegExp(`✗ There is no subscription ${gone} any more: it was deleted`));
    await hub.data('mutation ($id: ID!) { revokeApiKey(id: $id) { id } }', { id: keyId });
    const revoked = await other.ended;
    assert.equal(revoked.code, 1);
    assert.match(revoked.stderr, /does not take this API key .* revoked/);
  });

  test('it warns of a webhook whose events it takes, and of a subscription that is paused', async () => {
    await using webhook = await startReceiver();
    const id = await makeSubscription('warned', { webhookUrl: webhook.url });
    await hub.data('mutation ($id: ID!) { pauseDataSubscription(id: $id) { state } }', { id });
    const cli = await listen(id);
    await cli.noted(/! This subscription has a webhook \(http.*\): while this listens its events come here/);
    await cli.noted(new RegExp(`! It is paused: nothing comes until \`hub subscriptions resume ${id}\``));
    assert.equal((await interrupt(cli)).code, 0);
  });
});
