import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { Consumer, nodeHandler, WebhookReceiver } from '../../clients/typescript/src/index.ts';
import { systemClock } from '../../src/core/clock.ts';
import { createLogger } from '../../src/core/logger.ts';
import { Database } from '../../src/db/database.ts';
import type { SealRange } from '../../src/db/monitoring/audit-statements.ts';
import { dropPartition, makePartitions } from '../../src/db/monitoring/partitions.ts';
import { Audit, type AuditPage } from '../../src/monitoring/audit/audit.ts';
import { runCli } from '../support/cli.ts';
import { adminKey, startTestHub, type TestHub } from '../support/hub.ts';
import { seeded } from '../support/random.ts';
import { startReceiver } from '../support/receiver.ts';
import { socketClient } from '../support/sockets.ts';
import { connectSql } from '../support/sql.ts';
import { recordVouchers, subscribe, voucherInput } from '../support/vouchers.ts';
import { once, until } from '../support/wait.ts';

after(() => hub[Symbol.asyncDispose]());
// Without a scheduler: the tests seal by themselves.
const hub: TestHub = await startTestHub({ env: { HUB_ROLES: 'api,worker' } });
const log = createLogger({ level: 'silent', pretty: false });
const db = await Database.connect({ url: hub.databaseUrl, poolSize: 4, log });
after(() => db[Symbol.asyncDispose]());
const sql = await connectSql(hub.databaseUrl);
after(() => sql[Symbol.asyncDispose]());
const audit = new Audit({ db, clock: systemClock, log });
const everything: SealRange = { subscriptionId: null, from: null, to: null };

interface Proven {
  status: string;
  bodyDigest: string | null;
  attempts: { bodyDigest: string | null; receipt: { value: string; valid: boolean } | null }[];
}

/** The syncs of a subscription, once none is on its way, the oldest first. */
async function proven(subscriptionId: string, count: number): Promise<Proven[]> {
  const query = `query ($id: ID!) { syncLogs(filter: { subscriptionId: $id, statuses: [SUCCESS] }) { edges { node {
    status bodyDigest attempts { bodyDigest receipt { value valid } } } } } }`;
  return until('all are delivered', async () => {
    const { syncLogs } = await hub.data<{ syncLogs: { edges: { node: Proven }[] } }>(query, {
      id: subscriptionId,
    });
    return syncLogs.edges.length === count && syncLogs.edges.map(edge => edge.node).reverse();
  });
}

function inputs(system: string, count: number): Record<string, unknown>[] {
  return Array.from({ length: count }, (_, n) =>
    voucherInput({ sourceSystem: system, sourceId: `${system}-${n}` }),
  );
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const hmac = (secret: string, text: string) => createHmac('sha256', secret).update(text).digest('hex');

test("a sync log keeps the digest of the bytes that were sent, and a webhook's receipt, good or not", async () => {
  let answer = (_digest: string): string => '';
  await using receiver = await startReceiver();
  receiver.answer(({ rawBody }, response) => {
    response.writeHead(200).end(answer(sha256(rawBody)));
    return undefined;
  });
  const { id, secret } = await subscribe(hub, {
    name: 'hook',
    sourceSystems: ['hook'],
    webhookUrl: receiver.url,
    maxInFlight: 1,
  });
  const answers = [
    (digest: string) => JSON.stringify({ ok: true, receipt: hmac(secret, digest) }),
    () => '{"receipt": "not one"}',
    () => '{"receipt": 7}',
    () => 'thanks for the "receipt"',
    () => '',
  ];
  for (const [n, one] of answers.entries()) {
    answer = one;
    await recordVouchers(hub, [voucherInput({ sourceSystem: 'hook', sourceId: `H${n}` })]);
    await proven(id, n + 1);
  }
  const syncs = await proven(id, answers.length);
  const digests = receiver.requests.map(({ rawBody }) => sha256(rawBody));
  assert.deepEqual(
    syncs.map(sync => sync.bodyDigest),
    digests,
  );
  assert.deepEqual(
    syncs.map(({ attempts }) => attempts.map(attempt => attempt.receipt)),
    [
      [{ value: hmac(secret, digests[0] ?? ''), valid: true }],
      [{ value: 'not one', valid: false }],
      [null],
      [null],
      [null],
    ],
  );
});

test("the client's receiver returns receipts for single events and batches, its consumer over the socket", async () => {
  const secrets: string[] = [];
  const serve = (request: IncomingMessage, response: ServerResponse) =>
    nodeHandler(new WebhookReceiver({ secrets, receipts: true, handle: () => {} }))(request, response);
  const server = createServer((request, response) => void serve(request, response)).listen(0, '127.0.0.1');
  after(() => server.close());
  await once(server, 'listening');
  const address: AddressInfo | string | null = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const common = { webhookUrl: `http://127.0.0.1:${port}/`, sourceSystems: ['proof'] };
  const single = await subscribe(hub, { ...common, name: 'single', targetSystem: 'a' });
  const batches = await subscribe(hub, { ...common, name: 'batches', targetSystem: 'b', batchSize: 10 });
  const pushed = await subscribe(hub, { ...common, name: 'pushed', targetSystem: 'c', webhookUrl: null });
  secrets.push(single.secret, batches.secret);
  await using consumer = new Consumer({
    url: hub.url,
    key: adminKey,
    subscriptionId: pushed.id,
    receiptSecret: pushed.secret,
    handle: () => {},
  });
  const running = consumer.run();
  await recordVouchers(hub, inputs('proof', 5));
  const overSocket = await proven(pushed.id, 5);
  const bySingle = await proven(single.id, 5);
  const byBatch = await proven(batches.id, 5);
  for (const sync of [...overSocket, ...bySingle]) assert.equal(sync.attempts[0]?.receipt?.valid, true);
  // A receiver of two subscriptions signs receipts with its first secret, which is not this subscription's.
  for (const sync of byBatch) assert.equal(sync.attempts[0]?.receipt?.valid, false);
  await consumer.close();
  await running;
});

test('a receipt is kept that comes in at another hub than the one that pushed', async () => {
  await using other = await startTestHub({ databaseUrl: hub.databaseUrl, env: { HUB_ROLES: 'api' } });
  const { id, secret } = await subscribe(hub, { name: 'there', targetSystem: 'd', sourceSystems: ['there'] });
  const pushed: { syncId: string; bodyDigest: string }[] = [];
  await using consumer = socketClient(hub);
  consumer.subscribe<{ deliveries: { syncId: string; bodyDigest: string } }>(
    {
      query: 'subscription ($id: ID!) { deliveries(subscriptionId: $id) { syncId bodyDigest } }',
      variables: { id },
    },
    {
      next: ({ data }) => void (data == null || pushed.push(data.deliveries)),
      error: () => {},
      complete: () => {},
    },
  );
  await recordVouchers(hub, inputs('there', 2));
  await until('both are pushed', () => pushed.length === 2);
  const [good, bad] = pushed.toSorted((a, b) => Number(a.syncId) - Number(b.syncId));
  assert.ok(good && bad);
  const receipts = [hmac(secret, good.bodyDigest), hmac('another', bad.bodyDigest)];
  const { acknowledge } = await other.data<{ acknowledge: number }>(
    'mutation ($syncIds: [ID!]!, $receipts: [String]) { acknowledge(syncIds: $syncIds, receipts: $receipts) }',
    { syncIds: [good.syncId, bad.syncId], receipts },
  );
  assert.equal(acknowledge, 2);
  const syncs = await proven(id, 2);
  assert.deepEqual(
    syncs.map(({ bodyDigest, attempts }) => ({
      bodyDigest,
      receipts: attempts.map(({ receipt }) => receipt),
    })),
    [
      { bodyDigest: good.bodyDigest, receipts: [{ value: receipts[0], valid: true }] },
      { bodyDigest: bad.bodyDigest, receipts: [{ value: receipts[1], valid: false }] },
    ],
  );
});

/** Sync logs are of no matter to seals: attempts as outcomes write them, of three subscriptions. */
async function addAttempts(count: number): Promise<void> {
  await sql.rows(
    `insert into fin_data_sync_attempts (sync_id, subscription_id, number, transport, started_at, duration_ms, status_code, response_excerpt, body_digest)
     select 1000000 + nextval('fin_business_vouchers_id_seq'), 900 + n % 3, 1, 'webhook', now(), n, 200, 'ok "," 好', sha256(n::text::bytea) from generate_series(1, $1::int) n`,
    [count],
  );
}

async function verifyAll(range = everything): Promise<AuditPage> {
  let [seals, attempts] = [0, 0];
  for (let next: string | null = null; ; ) {
    const page: AuditPage = await audit.verify(range, next);
    seals += page.seals;
    attempts += page.attempts;
    if (page.next === null) return { ...page, seals, attempts };
    next = page.next;
  }
}

test('attempts are sealed once however many seal them, and what was sealed is found as it was', async () => {
  for (let n = 0; n < 25; n += 1) {
    await addAttempts(9);
    await Promise.all([audit.seal(), new Audit({ db, clock: systemClock, log }).seal()]);
  }
  const page = await verifyAll();
  assert.equal(page.firstBreak, null);
  assert.equal(page.unsealed, 0);
  assert.equal(page.attempts, await sql.count('select count(*) from fin_data_sync_attempts'));
  const one = await verifyAll({ ...everything, subscriptionId: '901' });
  assert.deepEqual([one.seals, one.attempts, one.lastSeal?.number], [25, 75, '25']);
});

test('an attempt that a transaction has not committed yet is sealed with a later turn, not passed over', async () => {
  await using slow = await connectSql(hub.databaseUrl);
  const insert = `insert into fin_data_sync_attempts (sync_id, subscription_id, number, transport, started_at, duration_ms) select nextval('fin_business_vouchers_id_seq'), 77, 1, 'webhook', now(), 1 where pg_current_xact_id() is not null`;
  await slow.rows('begin');
  await slow.rows(insert);
  await sql.rows(insert);
  const instant = { ...systemClock, sleep: () => Promise.resolve() };
  assert.equal(await new Audit({ db, clock: instant, log }).seal(), 0);
  await slow.rows('commit');
  await audit.seal();
  const page = await verifyAll({ ...everything, subscriptionId: '77' });
  assert.deepEqual([page.attempts, page.unsealed, page.firstBreak], [2, 0, null]);
});

test('attempts can neither be changed nor deleted, of whichever partition', async () => {
  const month = await sql.rows<{ name: string }>(
    'select tableoid::regclass::text as name from fin_data_sync_attempts limit 1',
  );
  for (const table of ['fin_data_sync_attempts', month[0]?.name]) {
    await assert.rejects(sql.rows(`update ${table} set status_code = 500`), /append only/);
    await assert.rejects(sql.rows(`delete from ${table}`), /append only/);
  }
});

test('whatever is changed, removed or added behind the trigger is found, and the first break named', async () => {
  const { random, seed } = seeded();
  const pick = <T>(of: readonly T[]): T => {
    const one = of[Math.floor(random() * of.length)];
    assert.ok(one !== undefined);
    return one;
  };
  await using vandal = await connectSql(hub.databaseUrl);
  await vandal.rows('set session_replication_role = replica');
  const columns = [
    `sync_id = -sync_id`,
    `subscription_id = subscription_id + 1`,
    `number = number + 1`,
    `transport = 'websocket'`,
    `started_at = started_at + interval '1 microsecond'`,
    `duration_ms = duration_ms + 1`,
    `status_code = 201`,
    `error_code = ''`,
    `error_message = 'x'`,
    `response_excerpt = null`,
    `body_digest = sha256('x')`,
    `receipt = 'x'`,
    `receipt_valid = true`,
    `logged_at = logged_at + interval '1 microsecond'`,
  ];
  const seals = [
    `attempts = attempts + 1`,
    `rows_hash = sha256('x')`,
    `hash = sha256('x')`,
    `sealed_at = sealed_at + interval '1 second'`,
    `first_at = first_at + interval '1 second'`,
  ];
  const attempts = await sql.rows<{ id: string }>(
    'select id::text from fin_data_sync_attempts where subscription_id between 900 and 902',
  );
  // The last seal of a chain is what nothing else vouches for: it is to be noted elsewhere.
  const chain = await sql.rows<{ number: string; subscription_id: string }>(
    'select number::text, subscription_id::text from audit_seals where subscription_id between 900 and 902 and number < 25',
  );
  for (let n = 0; n < 60; n += 1) {
    const { id } = pick(attempts);
    const seal = pick(chain);
    const [what, values] = pick([
      [`update fin_data_sync_attempts set ${pick(columns)} where id = $1`, [id]],
      ['delete from fin_data_sync_attempts where id = $1', [id]],
      [
        `insert into fin_data_sync_attempts (id, sync_id, subscription_id, number, transport, started_at, duration_ms)
        select id, sync_id, 903, number + 1, 'webhook', now(), 1 from fin_data_sync_attempts where id = $1`,
        [id],
      ],
      [
        `update audit_seals set ${pick(seals)} where number = $1 and subscription_id = $2`,
        [seal.number, seal.subscription_id],
      ],
      [
        'delete from audit_seals where number = $1 and subscription_id = $2',
        [seal.number, seal.subscription_id],
      ],
    ]);
    await vandal.rows(
      `create temp table were as select * from fin_data_sync_attempts; create temp table sealed as select * from audit_seals`,
    );
    await vandal.rows(what, values);
    const { firstBreak } = await verifyAll();
    assert.ok(firstBreak !== null, `not found with seed ${seed}: ${what} ${values}`);
    if (what.includes('fin_data_sync_attempts') && !what.includes('subscription_id =')) {
      const named = [firstBreak.afterAttemptId, firstBreak.lastAttemptId].map(Number);
      assert.ok(
        (named[0] ?? 0) < Number(id) && Number(id) <= (named[1] ?? 0),
        `seed ${seed}: ${JSON.stringify(firstBreak)}`,
      );
    }
    await vandal.rows(`delete from fin_data_sync_attempts; insert into fin_data_sync_attempts select * from were;
      delete from audit_seals; insert into audit_seals select * from sealed; drop table were, sealed`);
  }
  assert.equal((await verifyAll()).firstBreak, null);
});

test('seals that were removed whole are missed, with what they were over or without it', async () => {
  await using vandal = await connectSql(hub.databaseUrl);
  await vandal.rows('set session_replication_role = replica');
  const of900: SealRange = { ...everything, subscriptionId: '900' };
  const turn = `last_id = (select last_id from audit_seals where subscription_id = 900 and number = 9)`;
  const range = `id > (select after_id from sealed where subscription_id = 900 and number = 9) and id <= (select last_id from sealed where subscription_id = 900 and number = 9)`;
  const whole = (await verifyAll(of900)).attempts;
  for (const [what, text, ofOne] of [
    [
      'delete from audit_seals where number > 1',
      /^\d+ attempts are there that no seal is over: they were added, or their seals were removed$/,
      /^\d+ attempts/,
    ],
    [
      `delete from audit_seals where ${turn}`,
      /^\d+ attempts are there that no seal is over: they were added, or their seals were removed$/,
      /^\d+ attempts/,
    ],
    [
      `delete from audit_seals where ${turn}; delete from fin_data_sync_attempts where ${range}`,
      /^seals were removed, and with them all that they were over$/,
      /^the seal was changed, or the one before it was changed or removed$/,
    ],
  ] as const) {
    await vandal.rows(
      'create temp table were as select * from fin_data_sync_attempts; create temp table sealed as select * from audit_seals',
    );
    await vandal.rows(what);
    assert.match((await verifyAll()).firstBreak?.what ?? 'no break', text, what);
    const { firstBreak, attempts } = await verifyAll(of900);
    assert.match(firstBreak?.what ?? 'no break', ofOne, what);
    assert.ok(attempts < whole);
    await vandal.rows(`delete from fin_data_sync_attempts; insert into fin_data_sync_attempts select * from were;
      delete from audit_seals; insert into audit_seals select * from sealed; drop table were, sealed`);
  }
  assert.equal((await verifyAll()).firstBreak, null);
});

test('of one subscription too an attempt is found that was added where only others were sealed, and one whose last seal is gone', async () => {
  await using vandal = await connectSql(hub.databaseUrl);
  await vandal.rows('set session_replication_role = replica');
  const of900: SealRange = { ...everything, subscriptionId: '900' };
  const [foreign] = await vandal.rows<{ id: string }>(
    `select last_id::text as id from audit_seals o where not exists (
       select 1 from audit_seals s where s.subscription_id = 900 and s.last_id = o.last_id) order by last_id limit 1`,
  );
  assert.ok(foreign, 'a turn in which 900 had no attempts');
  await vandal.rows(`insert into fin_data_sync_attempts (sync_id, number, transport, started_at, duration_ms, logged_at, id, subscription_id)
    select sync_id, 9, transport, started_at, duration_ms, logged_at, ${foreign.id}, 900 from fin_data_sync_attempts where subscription_id = 900 limit 1`);
  assert.match(
    (await verifyAll(of900)).firstBreak?.what ?? 'no break',
    /^1 attempts are there that no seal is over/,
  );
  await vandal.rows(`delete from fin_data_sync_attempts where id = ${foreign.id} and subscription_id = 900`);
  assert.equal((await verifyAll(of900)).firstBreak, null);
  await vandal.rows(`create temp table last_seal as select * from audit_seals where subscription_id = 900 order by number desc limit 1;
    delete from audit_seals s using last_seal l where s.subscription_id = 900 and s.number = l.number`);
  assert.match(
    (await verifyAll(of900)).firstBreak?.what ?? 'no break',
    /^\d+ attempts are there that no seal is over/,
  );
  await vandal.rows('insert into audit_seals select * from last_seal; drop table last_seal');
  assert.equal((await verifyAll()).firstBreak, null);
});

test('what can have no seals is refused, and does not pass for whole', async () => {
  await assert.rejects(audit.verify({ ...everything, subscriptionId: '77000' }, null), {
    code: 'NOT_FOUND',
    message: 'There is no subscription 77000.',
  });
  const [from, to] = [new Date('2026-12-01'), new Date('2026-11-01')];
  await assert.rejects(audit.verify({ ...everything, from, to }, null), {
    code: 'BAD_USER_INPUT',
    message: 'from: later than to.',
  });
});

test('hub audit verify says what holds, and what does not with exit code 1', async () => {
  const env = { HUB_URL: hub.url, HUB_KEY: adminKey };
  const good = await runCli(['audit', 'verify', '--subscription', '900', '--json'], env);
  assert.equal(good.code, 0, good.stderr);
  const told: unknown = JSON.parse(good.stdout);
  assert.ok(typeof told === 'object' && told !== null && 'ok' in told && told.ok === true);
  await using vandal = await connectSql(hub.databaseUrl);
  await vandal.rows('set session_replication_role = replica');
  await vandal.rows(
    'delete from fin_data_sync_attempts where id = (select min(id) from fin_data_sync_attempts where subscription_id = 900)',
  );
  const bad = await runCli(['audit', 'verify'], env);
  assert.equal(bad.code, 1);
  assert.match(bad.stdout, /first break is in the chain of subscription 900: 1 of 3 attempts are gone/);
});

test('a seal that was noted shows a chain whose end was cut off, or that was made anew', async () => {
  const env = { HUB_URL: hub.url, HUB_KEY: adminKey };
  const verify = (...args: string[]) => runCli(['audit', 'verify', '--subscription', '901', ...args], env);
  const [, noted = ''] = /--expect (901:25:[0-9a-f]{64})\n/.exec((await verify()).stdout) ?? [];
  const whole = await verify('--expect', noted, '--expect', noted);
  assert.deepEqual(
    [whole.code, whole.stdout.match(/✓ Seal 25 of subscription 901 is the one/g)?.length],
    [0, 2],
  );
  assert.equal((await verify('--expect', '901:25')).code, 2);
  await using vandal = await connectSql(hub.databaseUrl);
  await vandal.rows('set session_replication_role = replica');
  await vandal.rows(`update audit_seals set hash = sha256('x') where subscription_id = 901 and number = 25`);
  const other = await verify('--expect', noted);
  assert.match(
    other.stdout,
    /✗ Seal 25 of subscription 901 is not the one that was noted: its chain was made anew/,
  );
  await vandal.rows(
    `delete from fin_data_sync_attempts where subscription_id = 901 and id > (select after_id from audit_seals where subscription_id = 901 and number = 25)`,
  );
  await vandal.rows('delete from audit_seals where subscription_id = 901 and number = 25');
  assert.equal((await verify()).code, 0, 'the chain itself does not show it');
  const cut = await verify('--expect', noted, '--json');
  const { ok, expected } = JSON.parse(cut.stdout);
  assert.deepEqual([cut.code, ok, expected[0].found], [1, false, null]);
});

test('a month that retention drops leaves the chain whole', async () => {
  const old = new Date(Date.UTC(2024, 4, 10));
  await db.transaction(client => makePartitions(client, old));
  await sql.rows(
    `insert into fin_data_sync_attempts (sync_id, subscription_id, number, transport, started_at, duration_ms, logged_at) values (1, 55, 1, 'webhook', $1, 1, $1)`,
    [old],
  );
  await audit.seal();
  const month = {
    table: 'fin_data_sync_attempts',
    name: 'fin_data_sync_attempts_2024_05',
    from: new Date(Date.UTC(2024, 4)),
    to: new Date(Date.UTC(2024, 5)),
  } as const;
  await db.transaction(client => dropPartition(client, month, 1_000));
  const page = await verifyAll({ ...everything, subscriptionId: '55' });
  assert.deepEqual([page.firstBreak, page.droppedSeals, page.attempts], [null, 1, 0]);
});
