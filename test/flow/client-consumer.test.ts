import assert from 'node:assert/strict';
import { connect, createServer, type Socket } from 'node:net';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import {
  Consumer,
  ConsumerError,
  type ConsumerOptions,
  type HubEvent,
  Inbox,
  Reject,
  sqliteInbox,
  sqliteTransaction,
  voucherDigest,
} from '../../clients/typescript/src/index.ts';
import { adminKey, startTestHub, type TestHub } from '../support/hub.ts';
import { startHubProcess } from '../support/hub-process.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { recordVouchers, type SyncView, subscribe, syncsOf, voucherInput } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

const hub: TestHub = await startTestHub();
after(() => hub[Symbol.asyncDispose]());

const reconnect = { baseMs: 20, maxMs: 200 };

/** A subscription to one source system of its own, without a webhook. */
async function makeSubscription(
  on: Pick<TestHub, 'data'>,
  system: string,
  over: Record<string, unknown> = {},
): Promise<string> {
  const retry = { baseDelayMs: 50, jitter: 0, maxRetries: 20, maxDelayMs: 200 };
  const { id } = await subscribe(on, {
    name: system,
    sourceSystems: [system],
    webhookUrl: null,
    retry,
    ...over,
  });
  return id;
}

function start(
  url: string,
  subscriptionId: string,
  handle: (event: HubEvent) => unknown,
  over: Partial<Omit<ConsumerOptions, 'selection' | 'handle'>> = {},
): Consumer {
  const consumer = new Consumer({ url, key: adminKey, subscriptionId, handle, reconnect, ...over });
  consumer.run().catch(() => {});
  return consumer;
}

/** Records `count` events of a system, in turn over so many records, numbered in their data. */
async function record(
  on: Pick<TestHub, 'data'>,
  system: string,
  count: number,
  records: number,
): Promise<void> {
  const inputs = Array.from({ length: count }, (_, n) =>
    voucherInput({ sourceSystem: system, sourceId: String(n % records), businessData: { n } }),
  );
  for (let at = 0; at < count; at += 500) await recordVouchers(on, inputs.slice(at, at + 500));
}

/** Waits until so many syncs of a subscription are over. */
function over(on: Pick<TestHub, 'data'>, subscriptionId: string, count: number): Promise<SyncView[]> {
  return until(`${count} are over`, async () => {
    const syncs = await syncsOf(on, { subscriptionId, statuses: ['SUCCESS', 'FAILED'] });
    return syncs.length === count && syncs;
  });
}

/** How many syncs of a subscription are not SUCCESS; counted by the hub, as lists end at 500. */
async function unfinished(on: Pick<TestHub, 'data'>, subscriptionId: string): Promise<number> {
  const count = async (statuses?: string[]): Promise<number> => {
    const { syncLogs } = await on.data<{ syncLogs: { totalCount: number } }>(
      `query ($filter: SyncLogFilter) { syncLogs(filter: $filter, first: 1) { totalCount } }`,
      { filter: { subscriptionId, statuses } },
    );
    return syncLogs.totalCount;
  };
  return (await count()) - (await count(['SUCCESS']));
}

/** Effects in a database of the consumer's own, each once by the inbox. */
class Ledger {
  readonly #db = new DatabaseSync(':memory:');
  readonly #inbox = new Inbox(sqliteInbox());

  static async open(): Promise<Ledger> {
    const ledger = new Ledger();
    ledger.#db.exec('create table effects (source_id text, n integer)');
    await ledger.#inbox.createTables(ledger.#db);
    return ledger;
  }

  readonly handle = (event: HubEvent): Promise<unknown> =>
    sqliteTransaction(this.#db, tx =>
      this.#inbox.handle(tx, event, () =>
        this.#db
          .prepare('insert into effects values (?, ?)')
          .run(event.voucher.source_id, Number(event.data.n)),
      ),
    );

  get count(): number {
    return Number(this.#db.prepare('select count(*) as count from effects').get()?.count);
  }

  /** Every event of `record` took effect once, in the order of recording within each record. */
  assertExactly(count: number, records: number): void {
    for (let id = 0; id < records; id++) {
      const rows = this.#db
        .prepare('select n from effects where source_id = ? order by rowid')
        .all(String(id));
      assert.deepEqual(
        rows.map(({ n }) => n),
        Array.from({ length: count }, (_, n) => n).filter(n => n % records === id),
      );
    }
  }
}

/** Forwards to a hub, and cuts all connections when told. */
async function startCutter(target: string): Promise<{ url: string; cut(): void } & Disposable> {
  const { port, hostname } = new URL(target);
  const open = new Set<Socket>();
  const server = createServer(socket => {
    const upstream = connect(Number(port), hostname);
    for (const [from, to] of [
      [socket, upstream],
      [upstream, socket],
    ] as const) {
      open.add(from);
      from.on('error', () => {});
      from.on('close', () => {
        open.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const cut = () => open.forEach(socket => socket.destroy());
  return {
    url: `http://127.0.0.1:${address.port}`,
    cut,
    [Symbol.dispose]: () => {
      server.close();
      cut();
    },
  };
}

test('events come in the form of the webhook, with the digest of their content, and are SUCCESS', async () => {
  const id = await makeSubscription(hub, 'form');
  const got: HubEvent[] = [];
  await using _consumer = start(hub.url, id, event => got.push(event));
  await recordVouchers(hub, [
    voucherInput({
      sourceSystem: 'form',
      amount: '007.50',
      summary: '发票',
      businessData: { ratio: 1.5e-7 },
    }),
    voucherInput({ sourceSystem: 'form', amount: '8', status: 'DRAFT', direction: 'CREDIT' }),
  ]);
  const syncs = await over(hub, id, 2);
  assert.ok(syncs.every(({ status, attempts }) => status === 'SUCCESS' && attempts.length === 1));
  assert.deepEqual(
    got.map(({ sync_id, voucher }) => [
      String(sync_id),
      voucher.source_version,
      voucher.direction,
      voucher.status,
    ]),
    [
      [syncs[0]?.id, 1, 'debit', 'approved'],
      [syncs[1]?.id, 2, 'credit', 'draft'],
    ],
  );
  for (const { data, voucher, mode } of got) {
    assert.equal(voucherDigest(data, voucher), voucher.digest);
    assert.equal(mode, 'realtime');
  }
});

test('a rejected event is FAILED with its code, one to be tried again comes again', async () => {
  const id = await makeSubscription(hub, 'rejects');
  const attempts: number[] = [];
  const consumer = new Consumer({
    url: hub.url,
    key: adminKey,
    subscriptionId: id,
    handle: ({ voucher }, { attempt }) => {
      if (voucher.source_id === '0') throw new Reject('UNKNOWN_COMPANY', 'There is no company 9.');
      attempts.push(attempt);
      if (attempt < 3) throw new Error('not yet');
    },
  });
  const run = consumer.run();
  await record(hub, 'rejects', 2, 2);
  const [first, second] = await over(hub, id, 2);
  assert.deepEqual([first?.status, first?.errorCode], ['FAILED', 'UNKNOWN_COMPANY']);
  assert.equal(second?.status, 'SUCCESS');
  assert.deepEqual(
    second.attempts.map(({ errorCode }) => errorCode),
    ['HANDLER_FAILED', 'HANDLER_FAILED', null],
  );
  assert.deepEqual(attempts, [1, 2, 3]);
  await consumer.close();
  await run;
});

test('connections are cut again and again: every event takes effect once, in the order of its record', async () => {
  const id = await makeSubscription(hub, 'cuts');
  using cutter = await startCutter(hub.url);
  const ledger = await Ledger.open();
  await using _consumer = start(cutter.url, id, ledger.handle);
  await record(hub, 'cuts', 1_500, 40);
  for (let cuts = 1; cuts <= 5; cuts++) {
    await until(`${cuts * 200} have taken effect`, () => ledger.count >= cuts * 200);
    cutter.cut();
  }
  await until('all is over', async () => (await unfinished(hub, id)) === 0);
  ledger.assertExactly(1_500, 40);
});

test('the hub is killed in the middle: the consumer comes back, every event takes effect once and in order', async () => {
  const databaseUrl = await createTestDatabase();
  let running = await startHubProcess(databaseUrl);
  const { port } = new URL(running.url);
  try {
    const id = await makeSubscription(running.hub, 'kills');
    const ledger = await Ledger.open();
    await using _consumer = start(running.url, id, ledger.handle);
    await record(running.hub, 'kills', 1_000, 30);
    await until('some have taken effect', () => ledger.count > 100);
    await running.kill();
    running = await startHubProcess(databaseUrl, { HUB_PORT: port });
    const restarted = running.hub;
    await until('all is over', async () => (await unfinished(restarted, id)) === 0, 90_000);
    ledger.assertExactly(1_000, 30);
  } finally {
    await running[Symbol.asyncDispose]();
  }
});

test('a consumer that closes finishes what it has begun; the next one gets the rest', async () => {
  const id = await makeSubscription(hub, 'drain');
  const ledger = await Ledger.open();
  await record(hub, 'drain', 300, 60);
  const first = start(hub.url, id, ledger.handle, { concurrency: 3 });
  await until('some have taken effect', () => ledger.count > 20);
  await first.close();
  const done = ledger.count;
  assert.ok(done < 300);
  assert.equal(first.stats.acknowledged, first.stats.handled);
  // An acknowledgement is answered as it is noted, and written with others a moment later.
  await until('the log says so', async () => (await unfinished(hub, id)) === 300 - done);
  await using second = start(hub.url, id, ledger.handle);
  await until('all is over', async () => (await unfinished(hub, id)) === 0);
  ledger.assertExactly(300, 60);
  assert.equal(second.stats.handled, 300 - done, 'nothing was handled twice');
});

test('two consumers share a subscription, and each record stays in order', async () => {
  const id = await makeSubscription(hub, 'shared');
  const ledger = await Ledger.open();
  await using one = start(hub.url, id, ledger.handle, { prefetch: 10 });
  await using other = start(hub.url, id, ledger.handle, { prefetch: 10 });
  await record(hub, 'shared', 600, 30);
  await until('all is over', async () => (await unfinished(hub, id)) === 0);
  ledger.assertExactly(600, 30);
  assert.ok(one.stats.handled > 0 && other.stats.handled > 0);
});

test('a wrong key, an unknown subscription and a wrong selection end the consumer with what is wrong', async () => {
  const id = await makeSubscription(hub, 'fatal');
  const runOf = (over: Record<string, unknown>): Promise<string> =>
    new Consumer({ url: hub.url, key: adminKey, subscriptionId: id, handle: () => {}, ...over }).run().then(
      () => 'ended',
      (error: unknown) => (error instanceof ConsumerError ? error.code : String(error)),
    );
  assert.equal(await runOf({ key: 'hub_wrong' }), 'FORBIDDEN');
  assert.equal(await runOf({ subscriptionId: '999999' }), 'NOT_FOUND');
  assert.equal(await runOf({ selection: 'nonsense' }), 'BAD_USER_INPUT');
});
