import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { createLogger } from '../../src/core/logger.ts';
import { runCli, temporaryFolder } from '../support/cli.ts';
import {
  detailsOf,
  numbers,
  record,
  retrySyncs,
  setState,
  settled,
  sql,
  stateOf,
  theSync,
  vouchers,
} from '../support/deliveries.ts';
import { adminKey, startTestHub, type TestHub } from '../support/hub.ts';
import { startPythonVerifier } from '../support/python-verifier.ts';
import { startReceiver } from '../support/receiver.ts';
import { subscribe } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

const logged: Record<string, unknown>[] = [];
const log = createLogger({
  level: 'warn',
  pretty: false,
  destination: { write: (line: string) => void logged.push(JSON.parse(line)) },
});

// Registered before the hub's database registers its own removal: the hub goes first.
after(() => hub[Symbol.asyncDispose]());
const hub: TestHub = await startTestHub({ overrides: { log } });
const python = startPythonVerifier();

const retry = { maxRetries: 3, baseDelayMs: 50, maxDelayMs: 100, jitter: 0 };
const shape = '{ id data voucher { sourceId amount direction } }';

let shards = 0;

/** A subscription of a source system of its own, whose events are shaped. */
async function shapedSubscription(
  webhookUrl: string,
  settings: Record<string, unknown> = {},
): Promise<{ id: string; system: string; secret: string }> {
  const system = `shape-${++shards}`;
  const made = await subscribe(hub, {
    name: system,
    sourceSystems: [system],
    webhookUrl,
    retry,
    payloadQuery: shape,
    ...settings,
  });
  return { ...made, system };
}

function change(id: string, input: Record<string, unknown>) {
  return hub.ask(
    'mutation ($id: ID!, $input: UpdateDataSubscriptionInput!) { updateDataSubscription(id: $id, input: $input) { payloadQuery } }',
    { id, input },
  );
}

/** Puts a payload query where no check of the hub sees it. */
function plant(databaseUrl: string, id: string, query: string): Promise<unknown> {
  return sql(databaseUrl, 'update data_subscriptions set payload_query = $2 where id = $1', [id, query]);
}

describe('payload queries', { concurrency: 4 }, () => {
  test('data is what the query selects, as GraphQL shows it, in bytes that verify in every way', async () => {
    await using receiver = await startReceiver();
    const { id, system, secret } = await shapedSubscription(receiver.url, {
      payloadQuery: `{
        type: eventType sourceVersion occurredAt recordedAt data
        voucher { ...V businessData }
      }
      fragment V on Voucher { id voucherNo voucherDate sourceSystem companyId summary direction amount currency status digest }`,
    });
    const businessData = { 发票号: 'INV-1', total: 12.5, small: 1.5e-7, lines: [{ n: 1 }, null, true] };
    await record(hub, vouchers(system, [1], { businessData, summary: '摘要', direction: 'CREDIT' }));
    const [event] = await receiver.gotEvents(1);
    const { syncLogs } = await hub.data<{
      syncLogs: { edges: { node: { event: Record<string, unknown> } }[] };
    }>(
      `query ($id: ID!) { syncLogs(filter: { subscriptionId: $id }) { edges { node { event { type: eventType sourceVersion occurredAt recordedAt data
        voucher { id voucherNo voucherDate sourceSystem companyId summary direction amount currency status digest businessData } } } } } }`,
      { id },
    );
    assert.ok(event);
    assert.deepEqual(event.data, syncLogs.edges[0]?.node.event);
    assert.deepEqual(event.data.data, businessData);
    assert.equal(event.voucher.source_id, `${system}-1`, 'what stands around `data` stays as it is');
    const [request] = receiver.requests;
    assert.ok(request);
    const { rawBody, headers } = request;
    const signature = String(headers['x-signature']);
    assert.equal(signature, `sha256:${createHmac('sha256', secret).update(rawBody).digest('hex')}`);
    assert.deepEqual(await python.verify({ body: rawBody, signature, secret }), { same: true, signed: true });
    const standard = ['webhook-id', 'webhook-timestamp', 'webhook-signature'];
    new Webhook(secret).verify(
      rawBody,
      Object.fromEntries(standard.map(name => [name, String(headers[name])])),
    );
    await settled(hub, id);
  });

  test('a retry sends the same bytes again, though a newer version was recorded meanwhile', async () => {
    await using receiver = await startReceiver();
    const { id, system } = await shapedSubscription(receiver.url, {
      payloadQuery: '{ id sourceVersion data voucher { sourceVersion amount businessData digest status } }',
    });
    receiver.answer(async () => {
      if (receiver.requests.length > 1) return 200;
      await record(
        hub,
        vouchers(system, [1], { amount: '999.00', businessData: { n: 2 }, status: 'VOIDED' }),
      );
      return 503;
    });
    await record(hub, vouchers(system, [1], { amount: '100.00', businessData: { n: 1 } }));
    await receiver.gotEvents(3);
    const [first, again, newer] = receiver.requests;
    assert.equal(again?.rawBody, first?.rawBody);
    assert.deepEqual(first?.body.data.data, { n: 1 });
    assert.deepEqual(newer?.body.data.data, { n: 2 });
    await settled(hub, id);
    const lookedUp = await hub.data<{ voucherBySource: { amount: string } }>(
      `query ($system: String!, $id: String!) { voucherBySource(sourceSystem: $system, sourceModule: "invoice", sourceId: $id) { amount } }`,
      { system, id: `${system}-1` },
    );
    assert.equal(lookedUp.voucherBySource.amount, '999.00');
  });

  test('subscriptions of one shape get the same data of an event, one of another shape its own, one without the business data', async () => {
    await using one = await startReceiver();
    await using two = await startReceiver();
    await using other = await startReceiver();
    await using plain = await startReceiver();
    const { system } = await shapedSubscription(one.url);
    const more = { sourceSystems: [system], retry };
    await subscribe(hub, { ...more, name: `${system}-two`, webhookUrl: two.url, payloadQuery: shape });
    await subscribe(hub, { ...more, name: `${system}-other`, webhookUrl: other.url, payloadQuery: '{ id }' });
    await subscribe(hub, { ...more, name: `${system}-plain`, webhookUrl: plain.url });
    await record(hub, vouchers(system, numbers(20)));
    const [a, b, c, d] = await Promise.all([one, two, other, plain].map(to => to.gotEvents(20)));
    const byEvent = (events: typeof a) => new Map(events?.map(event => [event.event_id, event.data]));
    assert.deepEqual(byEvent(b), byEvent(a));
    for (const [eventId, data] of byEvent(a)) {
      assert.deepEqual(data.data, { invoice_no: 'INV-1' });
      assert.equal(data.id, String(eventId));
    }
    for (const [eventId, data] of byEvent(c)) assert.deepEqual(data, { id: String(eventId) });
    for (const data of byEvent(d).values()) assert.deepEqual(data, { invoice_no: 'INV-1' });
  });

  test('a batch is shaped item by item; an item that can not be is FAILED alone, with an alert, and keeps nothing back', async () => {
    await using receiver = await startReceiver();
    const { id, system } = await shapedSubscription(receiver.url, { batchSize: 10 });
    await setState(hub, id, 'pause');
    await record(hub, vouchers(system, numbers(10)));
    const before = await detailsOf(hub, id);
    const broken = before[3];
    assert.ok(broken);
    await sql(
      hub.databaseUrl,
      `update fin_voucher_events set voucher = (voucher::jsonb - 'amount')::json
       where id = (select event_id from fin_data_sync_logs where id = $1)`,
      [broken.id],
    );
    await setState(hub, id, 'resume');
    const syncs = await settled(hub, id);
    for (const sync of syncs) {
      if (sync.id !== broken.id) {
        assert.equal(sync.status, 'SUCCESS');
        continue;
      }
      assert.deepEqual(
        [sync.status, sync.errorCode, sync.retryCount],
        ['FAILED', 'PAYLOAD_QUERY_INVALID', 0],
      );
      assert.match(sync.errorMessage ?? '', /voucher\.amount/);
      assert.deepEqual(
        sync.attempts.map(({ statusCode, errorCode }) => [statusCode, errorCode]),
        [[null, 'PAYLOAD_QUERY_INVALID']],
      );
    }
    const items = receiver.requests.flatMap(({ body }) => body.items ?? []);
    assert.equal(items.length, 9);
    for (const { data, event_id } of items) assert.equal(data.id, String(event_id));
    const line = logged.find(({ sync }) => sync === broken.id);
    assert.deepEqual([line?.alert, line?.error_code], ['critical', 'PAYLOAD_QUERY_INVALID']);
    assert.equal(await stateOf(hub, id), 'ACTIVE');
  });

  test('another query holds from its change on, and null gives the business data again', async () => {
    await using receiver = await startReceiver();
    const { id, system } = await shapedSubscription(receiver.url, { payloadQuery: '{ first: id }' });
    const rank = (key?: string) => ['first', 'second', 'invoice_no'].indexOf(key ?? '');
    let recorded = 0;
    const shapedAs = (key: string) =>
      until(`an event has ${key}`, async () => {
        await record(hub, vouchers(system, [++recorded]));
        await receiver.gotEvents(recorded);
        return receiver.events().some(({ data }) => key in data);
      });
    await shapedAs('first');
    assert.equal((await change(id, { payloadQuery: '{ second: id }' })).errors, undefined);
    await shapedAs('second');
    assert.equal((await change(id, { payloadQuery: null })).errors, undefined);
    await shapedAs('invoice_no');
    const order = receiver.events().map(({ data }) => Object.keys(data)[0]);
    assert.deepEqual([...new Set(order)], ['first', 'second', 'invoice_no']);
    assert.deepEqual(
      order,
      order.toSorted((a, b) => rank(a) - rank(b)),
      'no way back to an older query',
    );
    await settled(hub, id);
  });

  test('a query that does not fit is refused when it is saved, with its line and column, and nothing is changed', async () => {
    const refused: [string, RegExp][] = [
      ['{ id', /^payloadQuery: line 1, column 5: Syntax Error/],
      [
        '{\n  voucher { createdAt }\n}',
        /^payloadQuery: line 2, column 13: Voucher\.createdAt can't be selected\. What is frozen with an event.*amount/,
      ],
      ['query ($a: ID) { id }', /one bare selection/],
      [
        `{ ${numbers(31)
          .map(n => `a${n}: id`)
          .join(' ')} }`,
        /aliases/,
      ],
      [`{ id #${'x'.repeat(9_000)}\n}`, /bytes/],
    ];
    const { id } = await shapedSubscription('http://127.0.0.1:1/');
    const count = () => sql(hub.databaseUrl, `select id from data_subscriptions where name = 'refused'`);
    for (const [query, message] of refused) {
      const made = await hub.ask(
        'mutation ($input: CreateDataSubscriptionInput!) { createDataSubscription(input: $input) { secret } }',
        { input: { name: 'refused', targetSystem: 'tax', eventTypes: ['*'], payloadQuery: query } },
      );
      for (const { errors } of [made, await change(id, { payloadQuery: query, name: 'renamed' })]) {
        assert.deepEqual(errors?.[0]?.extensions, { code: 'BAD_USER_INPUT', field: 'payloadQuery' });
        assert.match(errors[0].message, message);
      }
    }
    assert.deepEqual(await count(), []);
    const { dataSubscription: kept } = await hub.data<{
      dataSubscription: { payloadQuery: string; name: string };
    }>('query ($id: ID!) { dataSubscription(id: $id) { payloadQuery name } }', { id });
    assert.equal(kept.payloadQuery, shape);
    assert.notEqual(kept.name, 'renamed');
  });

  test('a query broken behind the running hub makes its events FAILED at once and others go on; mended, a retry delivers them shaped', async () => {
    await using receiver = await startReceiver();
    await using neighbour = await startReceiver();
    const { id, system } = await shapedSubscription(receiver.url);
    await subscribe(hub, {
      name: `${system}-neighbour`,
      sourceSystems: [system],
      webhookUrl: neighbour.url,
      retry,
    });
    await plant(hub.databaseUrl, id, '{ id nonsense }');
    await record(hub, vouchers(system, numbers(5)));
    const failed = await settled(hub, id);
    assert.ok(
      failed.every(
        ({ status, errorCode, attempts }) =>
          status === 'FAILED' && errorCode === 'PAYLOAD_QUERY_INVALID' && attempts.length === 1,
      ),
    );
    assert.match(failed[0]?.errorMessage ?? '', /line 1, column 6: VoucherEvent\.nonsense can't be selected/);
    assert.equal(receiver.requests.length, 0);
    assert.equal(await stateOf(hub, id), 'ACTIVE');
    await neighbour.gotEvents(5);
    assert.equal((await change(id, { payloadQuery: shape })).errors, undefined);
    let later = 0;
    await until('an event is delivered again', async () => {
      await record(hub, vouchers(system, [`later-${++later}`]));
      return receiver.requests.length > 0;
    });
    await retrySyncs(hub, { subscriptionId: id, errorCodes: ['PAYLOAD_QUERY_INVALID'] });
    const mended = await settled(hub, id);
    assert.ok(mended.every(({ status }) => status === 'SUCCESS'));
    assert.ok(
      receiver
        .events()
        .every(({ data, voucher }) => 'voucher' in data && voucher.source_id.startsWith(system)),
    );
    assert.equal(receiver.events().length, mended.length);
  });

  test('an event that can not be shaped says nothing of a target that is down: the subscription stays SUSPENDED', async () => {
    const { id, system } = await shapedSubscription('http://127.0.0.1:9/', {
      retry: { ...retry, maxRetries: 0 },
    });
    await record(hub, vouchers(system, ['first']));
    await until('the subscription is suspended', async () => (await stateOf(hub, id)) === 'SUSPENDED');
    await plant(hub.databaseUrl, id, '{ nonsense }');
    await record(hub, vouchers(system, ['second', 'third']));
    await theSync(
      hub,
      id,
      ({ status, errorCode }) => status === 'FAILED' && errorCode === 'PAYLOAD_QUERY_INVALID',
    );
    assert.equal(await stateOf(hub, id), 'SUSPENDED');
    await hub.data('mutation ($id: ID!) { deleteDataSubscription(id: $id) }', { id });
  });
});

test('a hub does not start on a stored query that does not fit, and names the subscription; a deleted one keeps nobody', async () => {
  const first = await startTestHub();
  const { databaseUrl } = first;
  const { id } = await subscribe(first, { name: 'fits', targetSystem: 'tax', payloadQuery: shape });
  const bad = await subscribe(first, { name: 'breaks', targetSystem: 'erp', payloadQuery: '{ id }' });
  const gone = await subscribe(first, { name: 'gone', targetSystem: 'erp', payloadQuery: '{ id }' });
  await first.data('mutation ($id: ID!) { deleteDataSubscription(id: $id) }', { id: gone.id });
  await first[Symbol.asyncDispose]();
  await plant(databaseUrl, gone.id, '{ nonsense }');
  {
    await using again = await startTestHub({ databaseUrl });
    assert.ok(again.url);
  }
  await plant(databaseUrl, bad.id, '{ id voucher { colour } }');
  await assert.rejects(startTestHub({ databaseUrl }), (error: Error) => {
    assert.equal(error.name, 'HubError');
    assert.match(
      error.message,
      new RegExp(
        `subscription ${bad.id} \\(breaks of erp\\): line 1, column 16: Voucher\\.colour can't be selected`,
      ),
    );
    assert.doesNotMatch(error.message, new RegExp(`subscription (${id}|${gone.id}) `));
    return true;
  });
  await plant(databaseUrl, bad.id, '{ id }');
  await using mended = await startTestHub({ databaseUrl });
  assert.ok(mended.url);
});

test('check-queries tells which stored queries another schema would break, for people and programs', async () => {
  await using running = await startTestHub();
  const access = { HUB_URL: running.url, HUB_KEY: adminKey };
  const folder = await temporaryFolder();
  const queryFile = path.join(folder, 'query.graphql');
  await writeFile(queryFile, '{\n  data\n  voucher { amount }\n}\n');
  const create = ['subscriptions', 'create', '--target-system', 'tax', '--event-types', '*'];
  const made = await runCli(
    [
      ...create,
      '--name',
      'from-file',
      '--payload-query',
      `@${queryFile}`,
      '--ack-timeout-ms',
      '500',
      '--json',
    ],
    access,
  );
  assert.equal(made.code, 0, made.stderr);
  const { id } = JSON.parse(made.stdout).subscription;
  assert.equal((await runCli([...create, '--name', 'inline', '--payload-query', '{ id }'], access)).code, 0);
  assert.equal((await runCli([...create, '--name', 'none'], access)).code, 0);
  const missing = await runCli([...create, '--name', 'x', '--payload-query', '@nowhere'], access);
  assert.equal(missing.code, 2);
  assert.match(missing.stderr, /there is no such file/);
  const listed = JSON.parse((await runCli(['subscriptions', 'list', '--json'], access)).stdout);
  assert.deepEqual(
    [listed[0].ackTimeoutMs, listed[0].payloadQuery, listed[2].payloadQuery],
    [500, '{\n  data\n  voucher { amount }\n}\n', null],
  );

  const fits = await runCli(['check-queries'], access);
  assert.deepEqual(
    [fits.code, fits.stdout],
    [0, '✓ 2 subscriptions with a payloadQuery: nothing breaks on the schema of this version.\n'],
  );
  const served = await readFile(new URL('../../src/schema/schema.graphql', import.meta.url), 'utf8');
  const next = path.join(folder, 'next.graphql');
  await writeFile(next, served.replaceAll(/^ {2}amount: Decimal!$/gm, '  total: Decimal!'));
  const breaks = await runCli(['check-queries', '--schema', next], access);
  assert.equal(breaks.code, 1);
  assert.match(
    breaks.stdout,
    new RegExp(
      `^✗ Subscription ${id} \\(from-file of tax\\): line 3, column 13: Voucher\\.amount can't be selected.*\n\n1 of 2 subscriptions`,
    ),
  );
  const forPrograms = await runCli(['check-queries', '--schema', next, '--json'], access);
  assert.equal(forPrograms.code, 1);
  const { ok, checked, broken } = JSON.parse(forPrograms.stdout);
  assert.deepEqual([ok, checked, broken[0].id, broken.length], [false, 2, id, 1]);

  await writeFile(next, 'type Query { a: Int }');
  const noHub = await runCli(['check-queries', '--schema', next], access);
  assert.equal(noHub.code, 1);
  assert.match(noHub.stderr, /--schema: .*next\.graphql is no schema of a hub: .*VoucherEvent/);
  const away = await runCli(['check-queries'], { HUB_URL: 'http://127.0.0.1:9', HUB_KEY: adminKey });
  assert.equal(away.code, 1);
});
