import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { makeKey } from '../support/access.ts';
import { type RunningCli, runCli, startCli } from '../support/cli.ts';
import { cancelSyncs, numbers, record, settled, sql, vouchers } from '../support/deliveries.ts';
import { adminKey, startTestHub, type TestHub } from '../support/hub.ts';
import { startHubProcess } from '../support/hub-process.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { startReceiver } from '../support/receiver.ts';
import { subscribe, syncsOf } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

after(() => hub[Symbol.asyncDispose]());
const hub: TestHub = await startTestHub();

type AnyHub = Pick<TestHub, 'url' | 'data'>;

/** A subscription to one source system of its own. */
async function makeSubscription(
  system: string,
  over: Record<string, unknown> = {},
  at: AnyHub = hub,
): Promise<string> {
  const retry = { maxRetries: 1, baseDelayMs: 50 };
  return (await subscribe(at, { name: system, sourceSystems: [system], retry, ...over })).id;
}

/** Runs `hub tail`; when it has printed the first of the log it tells changes. */
function tail(args: string[] = [], env: Record<string, string> = {}, at: AnyHub = hub): RunningCli {
  return startCli(['tail', ...args], { HUB_URL: at.url, HUB_KEY: adminKey, ...env });
}

/** Ctrl-C; how it ended. */
async function interrupt(cli: RunningCli) {
  cli.child.kill('SIGINT');
  return cli.ended;
}

/** What it has printed so far. */
async function soFar(cli: RunningCli): Promise<string> {
  return String(await cli.printed(/^[^]*$/));
}

/** The lines of a `--json` tail, as far as the tests read them. */
function syncsIn(stdout: string): { id: string; status: string; attempts: unknown[] }[] {
  return stdout
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line));
}

describe('hub tail', { concurrency: 2 }, () => {
  test('shows the last syncs, the oldest first, and then one going to SUCCESS and one to FAILED', async () => {
    await using receiver = await startReceiver();
    const id = await makeSubscription('shown', { webhookUrl: receiver.url });
    await record(hub, vouchers('shown', numbers(12)));
    await settled(hub, id);
    receiver.answer(({ body }) =>
      body.voucher.source_id === 'shown-bad' ? 422 : body.voucher.source_id === 'shown-worse' ? 500 : 200,
    );
    const cli = tail(['--subscription', id]);
    await cli.printed(/shown-11 .*\n/);
    await record(hub, vouchers('shown', ['good', 'bad', 'worse']));
    const time = '\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d \\+08:00';
    const who = `sync \\d+  shown \\(${id}\\)  shown/invoice/shown`;
    await cli.printed(new RegExp(`${time}  ${who}-good  v1  SUCCESS  in [\\d.]+ m?s\\n`));
    await cli.printed(
      new RegExp(`${time}  ${who}-bad  v1  FAILED  HTTP_422 The target answered 422 .*  after 1 attempt\\n`),
    );
    await cli.printed(new RegExp(`${time}  ${who}-worse  v1  FAILED  HTTP_500 .*  after 2 attempts\\n`));
    const { code, stdout, stderr } = await interrupt(cli);
    assert.deepEqual([code, stderr], [0, '']);
    const first = stdout.split('\n').slice(0, 10);
    assert.deepEqual(
      first.map(line => /shown-(\d+) {2}v1 {2}SUCCESS/.exec(line)?.[1]),
      numbers(10).map(n => String(n + 2)),
    );
    assert.ok(!stdout.includes('\u001b'), 'no colours where it is no terminal');
  });

  test('--verbose shows what the target answered to what failed, as people read it', async () => {
    await using receiver = await startReceiver();
    receiver.answer((_, response) => {
      response.writeHead(422).end('{"message": "\\u91d1\\u989d\\u4e0d\\u7b26\\u001b[2J"}');
      return undefined;
    });
    const id = await makeSubscription('worded', { webhookUrl: receiver.url });
    await record(hub, vouchers('worded', [1]));
    await until(
      'it has failed',
      async () => (await syncsOf(hub, { subscriptionId: id }))[0]?.status === 'FAILED',
    );
    const cli = tail(['--subscription', id, '--verbose']);
    await cli.printed(/worded-1 {2}v1 {2}FAILED .*\n {4}answered: \{"message": "金额不符\\u001b\[2J"\}\n/);
    assert.equal((await interrupt(cli)).code, 0);
    const plain = tail(['--subscription', id]);
    await plain.printed(/worded-1 .*\n/);
    assert.doesNotMatch((await interrupt(plain)).stdout, /answered:/);
  });

  test('shows only what its filters cover, and each state once', async () => {
    await using receiver = await startReceiver();
    receiver.answer(({ body }) => (body.voucher.source_id === 'filtered-bad' ? 422 : 200));
    const id = await makeSubscription('filtered', { webhookUrl: receiver.url });
    await record(hub, vouchers('filtered', ['bad']));
    await settled(hub, id);
    const args = ['--subscription', id, '--json', '--last', '1'];
    const [all, failed, other] = [
      tail(args),
      tail([...args, '--status', 'failed,CANCELLED']),
      tail([...args, '--error', 'HTTP_500']),
    ];
    await Promise.all([all.printed(/"FAILED"/), failed.printed(/"FAILED"/)]);
    await record(hub, vouchers('filtered', numbers(30)));
    await settled(hub, id);
    assert.equal(await cancelSyncs(hub, { subscriptionId: id }), 1);
    await all.printed(/"CANCELLED"/);
    await failed.printed(/"CANCELLED"/);
    const succeeded = async () => (await soFar(all)).match(/"SUCCESS"/g)?.length;
    await until('all ends are told', async () => (await succeeded()) === 30);
    const told = syncsIn((await interrupt(all)).stdout);
    const states = told.map(({ id, status, attempts }) => `${id} ${status} ${attempts.length}`);
    assert.deepEqual(states, [...new Set(states)]);
    assert.deepEqual(
      syncsIn((await interrupt(failed)).stdout).map(({ status }) => status),
      ['FAILED', 'CANCELLED'],
    );
    assert.equal((await interrupt(other)).stdout, '');
  });

  test('after a hub that restarts it shows what it missed, each state once, and says that there may be a gap', async () => {
    await using receiver = await startReceiver();
    receiver.answer(() => 500);
    const databaseUrl = await createTestDatabase();
    await using first = await startHubProcess(databaseUrl);
    const at = { url: first.url, data: first.hub.data };
    const id = await makeSubscription(
      'away',
      { webhookUrl: receiver.url, retry: { maxRetries: 20, baseDelayMs: 100, maxDelayMs: 300 } },
      at,
    );
    await record(at, vouchers('away', ['open']));
    const cli = tail(['--json'], {}, at);
    await cli.printed(/"RETRYING"/);
    assert.equal(await first.stop(), 0);
    await cli.noted(/The connection to the hub was lost \(1012: .*\)\. Trying again in/);
    // While it is away: the open one ends, and new ones come and end.
    receiver.answer(() => 200);
    {
      await using meanwhile = await startHubProcess(databaseUrl);
      await record(meanwhile.hub, vouchers('away', numbers(5)));
      await settled(meanwhile.hub, id);
      assert.equal(await meanwhile.stop(), 0);
    }
    await using second = await startHubProcess(databaseUrl, { HUB_PORT: new URL(first.url).port });
    await cli.noted(/\nConnected again after .*\n6 syncs made up for: .* may be missing \(a gap\)\.\n/);
    await record(second.hub, vouchers('away', ['after']));
    const all = await settled(second.hub, id);
    await cli.printed(/"SUCCESS".*away-after/);
    const { code, stdout } = await interrupt(cli);
    assert.equal(code, 0);
    const told = syncsIn(stdout);
    const states = told.map(({ id, status, attempts }) => `${id} ${status} ${attempts.length}`);
    assert.deepEqual(states, [...new Set(states)]);
    for (const { id: sync } of all)
      assert.equal(told.filter(({ id, status }) => id === sync && status === 'SUCCESS').length, 1, sync);
  });

  test('names the attempt that is under way, also where its end is written while it is read', async () => {
    const id = await makeSubscription('counted');
    await record(hub, vouchers('counted', ['x']));
    // What a reader finds that read the sync before, and its attempts after, the end of the first attempt was written.
    await sql(
      hub.databaseUrl,
      `with claimed as (update fin_open_syncs set claim_token = gen_random_uuid() where subscription_id = $1 returning id)
       insert into fin_data_sync_attempts (sync_id, subscription_id, number, transport, started_at, duration_ms)
       select id, $1, 1, 'webhook', now(), 1 from claimed`,
      [id],
    );
    const cli = tail(['--subscription', id]);
    const [, attempt] = await cli.printed(/counted-x .*PROCESSING {2}attempt (\d)\n/);
    assert.equal(attempt, '1');
    assert.equal((await interrupt(cli)).code, 0);
  });

  test('shows a subscriber its own system alone', async () => {
    await makeSubscription('theirs');
    await makeSubscription('ours', { targetSystem: 'erp' });
    const { secret } = await makeKey(hub, 'SUBSCRIBER', 'erp');
    const cli = tail(['--last', '0'], { HUB_KEY: secret });
    await until('it tells of ours', async () => {
      await record(hub, [...vouchers('theirs', [Math.random()]), ...vouchers('ours', [Math.random()])]);
      return (await soFar(cli)).includes('ours-');
    });
    const { code, stdout } = await interrupt(cli);
    assert.equal(code, 0);
    assert.doesNotMatch(stdout, /theirs-/);
  });

  test('what can not work ends with 1 and says why, and nobody reading ends it with 0', async () => {
    const env = { HUB_URL: hub.url, HUB_KEY: adminKey };
    const { secret: publisher } = await makeKey(hub, 'PUBLISHER', 'settlement');
    for (const [args, over, message] of [
      [[], { HUB_KEY: 'hub_wrong' }, /does not take this API key/],
      [[], { HUB_KEY: publisher }, /^✗ .*publisher/],
      [[], { HUB_URL: 'http://127.0.0.1:9' }, /No hub answers/],
    ] as const) {
      const { code, stdout, stderr } = await runCli(['tail', ...args], { ...env, ...over });
      assert.deepEqual([code, stdout], [1, ''], stderr);
      assert.match(stderr, message);
    }
    for (const wrong of [
      ['--subscription', 'nonsense'],
      ['--status', 'lost'],
      ['--last', '501'],
      ['--last', 'x'],
    ])
      assert.equal((await runCli(['tail', ...wrong], env)).code, 2, wrong.join(' '));
    await makeSubscription('unread');
    await record(hub, vouchers('unread', ['x']));
    const cli = tail();
    await cli.printed(/unread-x/);
    cli.child.stdout?.destroy();
    await record(hub, vouchers('unread', ['y']));
    assert.equal((await cli.ended).code, 0);
  });
});
