import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { readReport } from '../support/checks.ts';
import { runCli, startCli } from '../support/cli.ts';
import { adminKey, startTestHub, type TestHub } from '../support/hub.ts';
import { type Answer, startReceiver } from '../support/receiver.ts';
import { startReferenceConsumer } from '../support/reference-consumer.ts';
import { recordVouchers, subscribe, syncsOf, voucherInput } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

// Registered before the hub's database registers its own removal: the hub goes first.
after(() => hub[Symbol.asyncDispose]());
const hub: TestHub = await startTestHub();

test('a long repair is followed as it moves, goes on after Ctrl-C, and is shown by its id', async () => {
  const system = 'followed';
  await using receiver = await startReceiver();
  const { id: subscription } = await subscribe(hub, {
    name: system,
    sourceSystems: [system],
    webhookUrl: receiver.url,
    consistencyUrl: receiver.url,
  });
  await using other = await startReferenceConsumer(hub, { name: 'beside', sourceSystems: ['beside'] });
  const gate = Promise.withResolvers<number>();
  const answerTo: Answer = ({ body }, response) => {
    const question: { event?: string; prefixes?: string[] } = { ...body };
    if (!question.event?.startsWith('consistency.')) return 200;
    const nodes = question.prefixes?.map(prefix => ({ prefix, count: 0, digest: '0'.repeat(16) }));
    const isDigest = question.event === 'consistency.digest';
    response.writeHead(200).end(JSON.stringify(isDigest ? { nodes } : { entries: [] }));
    return undefined;
  };
  receiver.answer(answerTo);
  await recordVouchers(
    hub,
    [1, 2, 3].map(n => voucherInput({ sourceSystem: system, sourceId: `F-${n}`, voucherDate: '2025-09-09' })),
  );
  await receiver.gotEvents(3);
  await until('all is delivered', async () =>
    (await syncsOf(hub, { subscriptionId: subscription })).every(({ status }) => status === 'SUCCESS'),
  );
  receiver.answer((request, response) => {
    const { event }: { event?: string } = { ...request.body };
    return event?.startsWith('consistency.') ? answerTo(request, response) : gate.promise;
  });
  const env = { HUB_URL: hub.url, HUB_KEY: adminKey };
  const day = ['--date', '2025-09-09', '--subscription', subscription];
  const stopped = startCli(['fix-data', ...day], env);
  const [, id = ''] = await stopped.noted(
    /report (\d+): \d+ questions?, .* 3 differences, 0 verified so far/,
  );
  const running = await readReport(hub, id);
  assert.deepEqual(
    [running?.state, running?.checked, running?.differenceCount, running?.differences.length],
    ['RUNNING', 3, 3, 3],
  );
  const all = await runCli(['fix-data', '--date', '2025-09-09', '--json'], env);
  const others: {
    reports: { subscription: { id: string } }[];
    notCompared: { subscription: { id: string } }[];
  } = JSON.parse(all.stdout);
  assert.deepEqual(
    [all.code, others.reports, others.notCompared].map(of =>
      Array.isArray(of) ? of.map(one => one.subscription.id) : of,
    ),
    [1, [other.id], [subscription]],
  );
  const words = await runCli(['fix-data', '--date', '2025-09-09'], env);
  assert.equal(words.code, 1);
  assert.match(words.stdout, /0 records of 1 subscription compared: nothing differs/);
  assert.match(words.stderr, new RegExp(`✗ Subscription ${subscription} .* was not compared: Another check`));
  stopped.child.kill('SIGINT');
  const left = await stopped.ended;
  assert.equal(left.code, 130);
  assert.match(
    left.stderr,
    new RegExp(`the hub goes on with report ${id}\\. hub check --report ${id} shows it`),
  );
  const watching = startCli(['check', '--report', id], env);
  await watching.noted(/so far/);
  gate.resolve(200);
  const shown = await watching.ended;
  assert.equal(shown.code, 1);
  assert.match(shown.stdout, new RegExp(`3 differences \\(3 records, .*; report ${id}\\)`));
  const lines = shown.stderr.split('\n').filter(line => line.includes('so far'));
  assert.deepEqual(lines, [...new Set(lines)], 'a line only where something has changed');
  const whole = await runCli(['fix-data', ...day], env);
  assert.match(whole.stdout, /3 differences, 0 sent again and verified/);
  const { stdout: help } = await runCli(['fix-data', '--help']);
  assert.match(help, /Ctrl-C ends the watching, not the repair/);
});
