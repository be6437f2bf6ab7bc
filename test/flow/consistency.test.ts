import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import path from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { Consumer, recordHash, recordKey, xorHashes } from '../../clients/typescript/src/index.ts';
import { childrenOf } from '../../src/consistency/digests.ts';
import { Fold } from '../../src/consistency/fold.ts';
import { StoredSide } from '../../src/consistency/hub-side.ts';
import { covers } from '../../src/core/event-pattern.ts';
import { createLogger } from '../../src/core/logger.ts';
import { Database } from '../../src/db/database.ts';
import { makeKey, verdict } from '../support/access.ts';
import { type DifferenceView, fixData, readReport, runCheck } from '../support/checks.ts';
import { runCli, temporaryFolder } from '../support/cli.ts';
import { adminKey, startTestHub, type TestHub } from '../support/hub.ts';
import { type Answer, type ReceivedRequest, startReceiver } from '../support/receiver.ts';
import {
  openReferenceCache,
  type ReferenceCache,
  startReferenceConsumer,
} from '../support/reference-consumer.ts';
import { propertySeed } from '../support/seed.ts';
import { connectSql } from '../support/sql.ts';
import { recordVouchers, subscribe, syncsOf, voucherInput } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

/** What the hub logged with an alert. */
const alerts: Record<string, unknown>[] = [];
const log = createLogger({
  level: 'error',
  pretty: false,
  destination: { write: line => void alerts.push(JSON.parse(line)) },
});

// Registered before the hub's database registers its own removal: the hub goes first.
after(() => hub[Symbol.asyncDispose]());
const hub: TestHub = await startTestHub({ overrides: { log } });
const seed = propertySeed('consistency');

let systems = 0;
const newSystem = () => `checked-${++systems}`;

/** Records so many vouchers of a system; every second one twice, so that it stands at version 2. */
async function recordSome(system: string, count: number, over: Record<string, unknown> = {}): Promise<void> {
  const versions = (n: number) => Array.from({ length: 1 + (n % 2) }, (_, version) => version + 1);
  const inputs = Array.from({ length: count }, (_, n) =>
    versions(n).map(version =>
      voucherInput({
        sourceSystem: system,
        sourceId: `记录-${n}`,
        sourceVersion: version,
        businessData: { n, version },
        ...over,
      }),
    ),
  ).flat();
  const items = await recordVouchers(hub, inputs);
  assert.deepEqual(
    items.filter(({ error }) => error !== null),
    [],
  );
}

/** Waits until everything of a subscription is delivered. */
async function delivered(subscriptionId: string, count: number): Promise<void> {
  await until(`${count} syncs have succeeded`, async () => {
    const syncs = await syncsOf(hub, { subscriptionId });
    return syncs.length >= count && syncs.every(({ status }) => status === 'SUCCESS');
  });
}

/** How a record is damaged. */
type Damage = 'missing' | 'stale' | 'altered' | 'ahead';

/** Damages one record of a cache; gives the difference that must be found, undefined where it can't be damaged so. */
async function damage(
  { cache, db, events }: ReferenceCache,
  n: number,
  how: Damage,
): Promise<Partial<DifferenceView> | undefined> {
  const sourceId = `记录-${n}`;
  const expectedVersion = 1 + (n % 2);
  if (how === 'missing') {
    db.prepare('delete from hub_cache where source_id = ?').run(sourceId);
    return { kind: 'MISSING', sourceId, expectedVersion, actualVersion: null };
  }
  if (how === 'stale') {
    const first = events.find(
      ({ voucher }) => voucher.source_id === sourceId && voucher.source_version === 1,
    );
    if (expectedVersion === 1 || first === undefined) return undefined;
    db.prepare('delete from hub_cache where source_id = ?').run(sourceId);
    await cache.apply({ ...first, mode: 'realtime' });
    return { kind: 'STALE', sourceId, expectedVersion, actualVersion: 1 };
  }
  if (how === 'altered') {
    db.prepare(`update hub_cache set data = '{"forged": true}' where source_id = ?`).run(sourceId);
    await cache.recomputeDigests();
    return { kind: 'DIVERGENT', sourceId, expectedVersion, actualVersion: expectedVersion };
  }
  const row = db.prepare('select k, digest from hub_cache where source_id = ?').get(sourceId);
  const h = BigInt.asIntN(64, BigInt(`0x${recordHash(String(row?.k), 7, String(row?.digest))}`));
  db.prepare('update hub_cache set source_version = 7, h = ? where source_id = ?').run(h, sourceId);
  return { kind: 'DIVERGENT', sourceId, expectedVersion, actualVersion: 7 };
}

/** Lets a cache hold a record that the hub never had. */
async function invent(
  { cache, events }: ReferenceCache,
  system: string,
  n: number | string,
): Promise<Partial<DifferenceView>> {
  const [event] = events;
  assert.ok(event);
  const sourceId = `invented-${n}`;
  await cache.apply({
    ...event,
    mode: 'realtime',
    voucher: { ...event.voucher, source_system: system, source_id: sourceId, source_version: 3 },
  });
  return { kind: 'UNEXPECTED', sourceId, expectedVersion: null, actualVersion: 3 };
}

function seen(differences: readonly DifferenceView[]): Partial<DifferenceView>[] {
  return sorted(
    differences.map(({ kind, sourceId, expectedVersion, actualVersion }) => ({
      kind,
      sourceId,
      expectedVersion,
      actualVersion,
    })),
  );
}

function sorted(differences: readonly Partial<DifferenceView>[]): Partial<DifferenceView>[] {
  return differences.toSorted((a, b) => ((a.sourceId ?? '') < (b.sourceId ?? '') ? -1 : 1));
}

test('a check finds exactly what is missing, stale, altered or invented, and a repair leaves none but the invented', async () => {
  const system = newSystem();
  const count = 90;
  await using consumer = await startReferenceConsumer(hub, {
    name: system,
    sourceSystems: [system],
    maxInFlight: 64,
  });
  await recordSome(system, count);
  await delivered(consumer.id, count * 1.5);
  const { id: subscriptionId } = consumer;
  const clean = await runCheck(hub, { subscriptionId });
  assert.deepEqual(
    { ...clean, id: '', bytesExchanged: 0 },
    {
      id: '',
      state: 'DONE',
      autoFix: false,
      checked: count,
      requests: 1,
      bytesExchanged: 0,
      differenceCount: 0,
      errorMessage: null,
      differences: [],
    },
  );
  const hurt = fc.uniqueArray(
    fc.record({
      n: fc.nat(count - 1),
      how: fc.constantFrom<Damage>('missing', 'stale', 'altered', 'ahead'),
    }),
    { maxLength: 30, selector: ({ n }) => n },
  );
  await fc.assert(
    fc.asyncProperty(hurt, fc.nat(4), async (damages, invented) => {
      const expected: Partial<DifferenceView>[] = [];
      for (const { n, how } of damages) expected.push((await damage(consumer, n, how)) ?? {});
      for (let n = 0; n < invented; n += 1) expected.push(await invent(consumer, system, n));
      const wanted = sorted(expected.filter(({ kind }) => kind !== undefined));
      const found = await runCheck(hub, { subscriptionId });
      assert.equal(found.state, 'DONE', found.errorMessage ?? '');
      assert.deepEqual(seen(found.differences), wanted);
      assert.ok(found.differences.every(({ repaired }) => !repaired));
      const fixed = await runCheck(hub, { subscriptionId, autoFix: true });
      assert.equal(fixed.state, 'DONE');
      assert.equal(fixed.errorMessage, null);
      assert.deepEqual(seen(fixed.differences), wanted);
      assert.ok(fixed.differences.every(({ kind, repaired }) => repaired === (kind !== 'UNEXPECTED')));
      const left = await runCheck(hub, { subscriptionId });
      assert.deepEqual(
        seen(left.differences),
        wanted.filter(({ kind }) => kind === 'UNEXPECTED'),
      );
      consumer.db.exec(`delete from hub_cache where source_id like 'invented%'`);
    }),
    { seed, numRuns: 5 },
  );
});

test('an attached consumer without a URL is asked over its socket at another node, and mended over it', async () => {
  await using other = await startTestHub({ databaseUrl: hub.databaseUrl });
  const system = newSystem();
  const reference = await openReferenceCache(hub);
  const { id: subscriptionId } = await subscribe(hub, { name: system, sourceSystems: [system] });
  const nobody = await runCheck(hub, { subscriptionId });
  assert.equal(nobody.state, 'FAILED');
  assert.match(nobody.errorMessage ?? '', /no consistencyUrl, and no consumer/);
  await using consumer = new Consumer({
    url: other.url,
    key: adminKey,
    subscriptionId,
    handle: event => reference.take(event),
    consistency: reference.cache,
  });
  const run = consumer.run();
  await recordSome(system, 20);
  await delivered(subscriptionId, 30);
  const expected = [await damage(reference, 3, 'missing'), await damage(reference, 5, 'stale')];
  const fixed = await runCheck(hub, { subscriptionId, autoFix: true });
  assert.equal(fixed.errorMessage, null);
  assert.deepEqual(seen(fixed.differences), sorted(expected.map(one => one ?? {})));
  assert.ok(fixed.differences.every(({ repaired }) => repaired));
  assert.equal((await runCheck(hub, { subscriptionId })).differenceCount, 0);
  await consumer.close();
  await run;
});

test('fixData of a day shows what it would send, sends it, and leaves other days alone', async () => {
  const system = newSystem();
  await using consumer = await startReferenceConsumer(hub, { name: system, sourceSystems: [system] });
  const { id: subscriptionId } = consumer;
  await recordSome(system, 10, { voucherDate: '2025-11-30' });
  await delivered(subscriptionId, 15);
  await damage(consumer, 2, 'missing');
  await damage(consumer, 3, 'stale');
  const other = await fixData(hub, { date: '2025-12-01', subscriptionId });
  assert.deepEqual([other.found, other.reports[0]?.checked], [0, 0]);
  const dry = await fixData(hub, { date: '2025-11-30', subscriptionId });
  assert.deepEqual([dry.dryRun, dry.found, dry.fixed, dry.reports[0]?.checked], [true, 2, 0, 10]);
  assert.deepEqual(
    dry.differences.map(({ kind, sourceId, subscription }) => [kind, sourceId, subscription.id]),
    [
      ['MISSING', '记录-2', subscriptionId],
      ['STALE', '记录-3', subscriptionId],
    ],
  );
  const sent = consumer.events.length;
  const fixed = await fixData(hub, { date: '2025-11-30', subscriptionId, dryRun: false });
  assert.deepEqual([fixed.found, fixed.fixed], [2, 2]);
  const repairs = consumer.events.slice(sent);
  assert.deepEqual(repairs.map(({ mode, voucher }) => `${mode} ${voucher.source_version}`).toSorted(), [
    'compensation 1',
    'compensation 2',
  ]);
  assert.equal((await fixData(hub, { date: '2025-11-30', subscriptionId })).found, 0);
});

test('the command line writes a plan, sends exactly it, and refuses it once the world has moved on', async () => {
  const system = newSystem();
  await using consumer = await startReferenceConsumer(hub, { name: system, sourceSystems: [system] });
  const { id: subscription } = consumer;
  await recordSome(system, 6, { voucherDate: '2025-10-10' });
  await delivered(subscription, 9);
  for (const n of [1, 2]) await damage(consumer, n, 'missing');
  await invent(consumer, system, 1);
  const folder = await temporaryFolder();
  const env = { HUB_URL: hub.url, HUB_KEY: adminKey };
  const day = ['fix-data', '--date', '2025-10-10', '--subscription', subscription, '--dry-run'];
  const plan = path.join(folder, 'plan.json');
  const dry = await runCli([...day, '--plan', plan], env);
  assert.equal(dry.code, 0, dry.stderr);
  const { stdout: help } = await runCli(['fix-data', '--help']);
  assert.match(help, /0 where all is as it should be.* with --dry-run whatever differs/);
  assert.match(dry.stdout, /missing +checked-\d+\/invoice\/记录-1 +– +v2 [0-9a-f]{12}… +be sent v2/);
  assert.match(
    dry.stdout,
    /6 records of 1 subscription compared: 3 differences; nothing was sent \(1 record that/,
  );
  const sent = consumer.events.length;
  const applied = await runCli(['fix-data', '--apply', plan, '--json'], env);
  assert.equal(applied.code, 0, applied.stderr);
  const result: { found: number; fixed: number } = JSON.parse(applied.stdout);
  assert.deepEqual([result.found, result.fixed, consumer.events.length], [2, 2, sent + 2]);
  const refused = await runCli(['fix-data', '--apply', plan], env);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /out of date: 2 of its 2 items are no longer so.*it differs no more/);
  assert.equal(consumer.events.length, sent + 2, 'nothing was sent');
  const check = await runCli(['check', '--subscription', subscription], env);
  assert.equal(check.code, 1, 'the invented record is still there');
  assert.match(check.stdout, /unexpected +checked-\d+\/invoice\/invented-1 +v3/);
});

test('names that a consumer made up move no cursor, forge no line and turn none round', async () => {
  const system = newSystem();
  await using consumer = await startReferenceConsumer(hub, { name: system, sourceSystems: [system] });
  await recordSome(system, 1);
  await delivered(consumer.id, 1);
  await invent(consumer, system, '\u001b]0;mine\u0007\u001b[2J\nforged line\u202e\u009b');
  const ask = ['check', '--subscription', consumer.id];
  const env = { HUB_URL: hub.url, HUB_KEY: adminKey };
  const shown = await runCli(ask, env);
  const raw = await runCli([...ask, '--json'], env);
  assert.match(shown.stdout, /unexpected +checked-\d+\/invoice\/invented- \]0;mine \[2J forged line +v3/);
  assert.doesNotMatch(shown.stdout + shown.stderr, /(?!\n)[\p{Cc}\p{Cf}]/u);
  assert.match(raw.stdout, /forged line\u202e/, 'a program gets it as it is');
});

test('what is on its way is no difference, and what left the coverage may be held as it was', async () => {
  const system = newSystem();
  await using consumer = await startReferenceConsumer(hub, {
    name: system,
    sourceSystems: [system],
    eventTypes: ['invoice_recorded'],
  });
  const { id: subscriptionId } = consumer;
  await recordSome(system, 4);
  await delivered(subscriptionId, 6);
  const again = (sourceId: string, over: Record<string, unknown>) =>
    recordVouchers(hub, [voucherInput({ sourceSystem: system, sourceId, amount: '9.00', ...over })]);
  await again('记录-0', { eventType: 'invoice_updated' });
  await hub.data(`mutation ($id: ID!) { pauseDataSubscription(id: $id) { id } }`, { id: subscriptionId });
  await again('记录-1', {});
  await again('new', {});
  const report = await runCheck(hub, { subscriptionId });
  assert.deepEqual([report.state, report.checked, report.differences], ['DONE', 4, []]);
});

test('more differences than the set share are not repaired by themselves: a person does it', async () => {
  const system = newSystem();
  await using consumer = await startReferenceConsumer(hub, {
    name: system,
    sourceSystems: [system],
    maxInFlight: 64,
  });
  const { id: subscriptionId } = consumer;
  const day = '2025-09-09';
  await recordVouchers(
    hub,
    Array.from({ length: 130 }, (_, n) =>
      voucherInput({ sourceSystem: system, sourceId: `many-${n}`, voucherDate: day }),
    ),
  );
  await until('all have come', () => consumer.events.length === 130);
  await delivered(subscriptionId, 130);
  consumer.db.exec('delete from hub_cache');
  const report = await runCheck(hub, { subscriptionId, autoFix: true });
  assert.equal(report.state, 'DONE');
  assert.equal(report.differenceCount, 130);
  assert.ok(report.differences.every(({ repaired }) => !repaired));
  assert.match(report.errorMessage ?? '', /130 differences \(100\.0 %; up to 5 %.*a person must look at it/);
  assert.equal(consumer.events.length, 130);
  assert.ok(
    alerts.some(line => line.alert === 'critical' && line.shard === subscriptionId),
    'the critical alert',
  );
  const fixed = await fixData(hub, { date: day, subscriptionId, dryRun: false });
  assert.deepEqual([fixed.found, fixed.fixed], [130, 130]);
});

test('a consumer that answers nonsense, contradicts itself or does not answer ends the check FAILED, and says why', async () => {
  const system = newSystem();
  await using receiver = await startReceiver();
  const { id: subscriptionId } = await subscribe(hub, {
    name: system,
    sourceSystems: [system],
    consistencyUrl: receiver.url,
    timeoutMs: 300,
  });
  await hub.data(`mutation ($id: ID!) { pauseDataSubscription(id: $id) { id } }`, { id: subscriptionId });
  const nodes =
    (count: number, digest = '0'.repeat(16)) =>
    ({ body }: ReceivedRequest, response: ServerResponse) => {
      const question: { prefixes?: string[]; event: string } = { ...body };
      const answer =
        question.event === 'consistency.digest'
          ? { nodes: question.prefixes?.map(prefix => ({ prefix, count, digest })) }
          : { entries: [] };
      response.writeHead(200).end(JSON.stringify(answer));
      return undefined;
    };
  const told =
    (text: string): Answer =>
    (_request, response) => {
      response.writeHead(200).end(text);
      return undefined;
    };
  const lies: [RegExp, Answer][] = [
    [/no JSON/, told('<html>')],
    [/could not answer: the ledger is closed$/, told('{"error": "the ledger\\u0000is closed"}')],
    [/can't be read.*nodes/, told('{"error": 5}')],
    [/can't be read.*nodes/, told('{"nodes": [{"prefix": 1}]}')],
    [/not one for each/, told('{"nodes": []}')],
    [/longer than 4194304 bytes/, told(`{"nodes": "${'x'.repeat(5_000_000)}"}`)],
    [
      /did not come whole within the subscription's timeoutMs/,
      (_request, response) => void response.writeHead(200).write('{"nodes": '),
    ],
    [
      /broke off: its connection was closed in the middle/,
      (_request, response) => void response.writeHead(200).write('{"nodes": ', () => response.destroy()),
    ],
    [/says that it holds 3 records under 0, and lists 0/, nodes(3)],
    [/says that it holds 1000000 records under 0, and 16000000/, nodes(1_000_000)],
    [/HTTP_404/, () => 404],
    [
      /HTTP_422.*It said: no such books$/,
      (_request, response) => void response.writeHead(422).end('no such\nbooks'),
    ],
    [/ETIMEDOUT/, () => new Promise(() => {})],
  ];
  for (const [message, answer] of lies) {
    receiver.answer(answer);
    const report = await runCheck(hub, { subscriptionId });
    assert.equal(report.state, 'FAILED');
    assert.match(report.errorMessage ?? '', message);
  }
  const signed = receiver.requests[0]?.headers;
  assert.ok(signed?.['x-signature'] && signed['webhook-signature'], 'questions are signed');
});

test('a subscriber checks and reads its own, an analyst reads all, a publisher nothing', async () => {
  const system = newSystem();
  await using consumer = await startReferenceConsumer(hub, {
    name: system,
    targetSystem: system,
    sourceSystems: [system],
  });
  const { id: subscriptionId } = consumer;
  const [own, foreign, analyst, publisher] = await Promise.all([
    makeKey(hub, 'SUBSCRIBER', system),
    makeKey(hub, 'SUBSCRIBER', 'somebody-else'),
    makeKey(hub, 'ANALYST'),
    makeKey(hub, 'PUBLISHER', system),
  ]);
  const report = await runCheck(hub, { subscriptionId }, own.secret);
  assert.equal(report.state, 'DONE');
  assert.equal((await readReport(hub, report.id, analyst.secret))?.id, report.id);
  assert.equal(await readReport(hub, report.id, foreign.secret), null);
  const check = 'mutation ($id: ID!) { runConsistencyCheck(input: { subscriptionId: $id }) { id } }';
  const read = 'query ($id: ID!) { consistencyReports(subscriptionId: $id) { id } }';
  const fix =
    'mutation ($id: ID!) { fixData(date: "2025-12-19", subscriptionId: $id, dryRun: true) { found } }';
  const verdicts = (key: string) =>
    Promise.all([check, read, fix].map(query => verdict(hub, key, query, { id: subscriptionId })));
  assert.deepEqual(await verdicts(foreign.secret), ['NOT_FOUND', 'ok', 'NOT_FOUND']);
  assert.deepEqual(await verdicts(analyst.secret), ['FORBIDDEN', 'ok', 'FORBIDDEN']);
  assert.deepEqual(await verdicts(publisher.secret), ['FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN']);
});

test('the kept sums are those of the vouchers, for any coverage, dates and prefixes, after recordings in any order', async () => {
  await using db = await Database.connect({ url: hub.databaseUrl, poolSize: 4, log });
  const system = newSystem();
  const day = fc.constantFrom('2025-01-31', '2025-02-01', '2025-02-14', '2025-03-31', '2026-01-01');
  const company = fc.constantFrom('1', '2', null);
  const type = fc.constantFrom('invoice_recorded', 'invoice_updated', 'l1_confirmed');
  const input = fc.record({
    sourceId: fc.nat(8).map(String),
    voucherDate: day,
    companyId: company,
    eventType: type,
  });
  const coverage = fc.record<{ eventTypes: string[]; companyIds: string[] | null }>({
    eventTypes: fc.constantFrom(['*'], ['invoice_*'], ['l1_confirmed', 'invoice_updated']),
    companyIds: fc.constantFrom(null, ['1'], ['1', '2']),
  });
  const dates = fc.record({ from: fc.option(day), to: fc.option(day) });
  const fold = new Fold(db);
  await fc.assert(
    fc.asyncProperty(fc.array(input, { maxLength: 12 }), coverage, dates, async (inputs, covered, range) => {
      const write = inputs.map((one, n) => voucherInput({ ...one, sourceSystem: system, amount: String(n) }));
      if (write.length > 0) await recordVouchers(hub, write);
      await fold.run();
      const { rows } = await db.pool.query<NaiveRow>(
        `select source_system, source_module, source_id, source_version, digest, event_type, company_id, voucher_date::text
         from fin_business_vouchers where source_system = $1`,
        [system],
      );
      const all = rows.filter(
        ({ event_type, company_id, voucher_date }) =>
          covered.eventTypes.some(pattern => covers(pattern, event_type)) &&
          (covered.companyIds === null || covered.companyIds.includes(company_id ?? '')) &&
          (range.from === null || voucher_date >= range.from) &&
          (range.to === null || voucher_date <= range.to),
      );
      const side = new StoredSide(db.pool, { ...covered, sourceSystems: [system] }, range);
      for (const prefixes of [childrenOf(''), childrenOf('7'), childrenOf('7a'), ['0123456789abcdef']]) {
        const nodes = await side.nodes(prefixes);
        for (const prefix of prefixes) {
          const under = all.filter(row => recordKey(row).startsWith(prefix));
          const digest = xorHashes(
            under.map(row => recordHash(recordKey(row), row.source_version, row.digest)),
          );
          assert.deepEqual({ ...nodes.get(prefix) }, { prefix, count: under.length, digest });
        }
      }
      const listed = await side.vouchers(childrenOf(''));
      assert.equal(listed.length, all.length);
    }),
    { seed, numRuns: 25 },
  );
});

/** A voucher as the test reads it, in the client package's names. */
interface NaiveRow {
  source_system: string;
  source_module: string;
  source_id: string;
  source_version: number;
  digest: string;
  event_type: string;
  company_id: string | null;
  voucher_date: string;
}

test('a check whose process was killed is FAILED by itself, and not only when the next one begins', async () => {
  await using sql = await connectSql(hub.databaseUrl);
  const { id: subscriptionId } = await subscribe(hub, { name: 'abandoned' });
  const [report] = await sql.rows<{ id: string }>(
    `insert into consistency_reports (subscription_id, auto_fix, lease_until) values (${subscriptionId}, false, now() - interval '1 second') returning id::text`,
  );
  assert.ok(report);
  const ended = await until('it has ended', async () => {
    const found = await readReport(hub, report.id);
    return found?.state !== 'RUNNING' && found;
  });
  assert.deepEqual(
    [ended.state, ended.errorMessage],
    ['FAILED', 'The process that ran this check ended before it.'],
  );
});
