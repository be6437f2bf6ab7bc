import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import {
  Consumer,
  type HubEvent,
  Inbox,
  sqliteInbox,
  sqliteTransaction,
} from '../../clients/typescript/src/index.ts';
import { type Delivered, TestConsumer } from '../support/consumer.ts';
import { numbers, record, sql, vouchers } from '../support/deliveries.ts';
import { adminKey } from '../support/hub.ts';
import { type HubProcess, startHubProcess } from '../support/hub-process.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { subscribe } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

const records = 2_500;
const versions = 4;

/** The consumer's own database: the inbox, and what events have done to it. */
class Ledger {
  readonly #db = new DatabaseSync(':memory:');
  readonly #inbox = new Inbox<DatabaseSync>(sqliteInbox());
  handled = 0;

  async open(): Promise<void> {
    await this.#inbox.createTables(this.#db);
    this.#db.exec(
      'create table effects (n integer primary key autoincrement, source_id text, version integer, unique (source_id, version))',
    );
  }

  /** Lets an event take effect once. */
  async take(event: HubEvent): Promise<void> {
    this.handled += 1;
    await sqliteTransaction(this.#db, tx =>
      this.#inbox.handle(tx, event, () => {
        const { source_id, source_version } = event.voucher;
        tx.prepare('insert into effects (source_id, version) values (?, ?)').run(source_id, source_version);
      }),
    );
  }

  /** Effects, and those of them that came after a later version of their record. */
  counts(): { effects: number; unordered: number } {
    const row = this.#db
      .prepare(
        `select count(*) as effects, coalesce(sum(version < before), 0) as unordered from (
           select version, lag(version, 1, 0) over (partition by source_id order by n) as before from effects)`,
      )
      .get();
    return { effects: Number(row?.effects), unordered: Number(row?.unordered) };
  }
}

/** Consumers that do not behave, one after the other on the same subscription, until told to stop. */
async function misbehave(
  who: { url: () => string; key: string; subscriptionId: string },
  isOver: () => boolean,
): Promise<string[]> {
  const seen: string[] = [];
  const { key, subscriptionId } = who;
  const open = (onEvent: (delivered: Delivered, self: TestConsumer) => void) =>
    new TestConsumer(who.url(), { subscriptionId, key, prefetch: 20, onEvent });
  const note = ({ syncId }: Delivered) => void seen.push(syncId);
  const kinds: (() => Promise<TestConsumer>)[] = [
    // Is killed in the middle.
    async () => open((delivered, self) => (note(delivered), self.kill())),
    // Never acknowledges.
    async () => open(note),
    // Stops reading.
    async () => {
      const consumer = open(note);
      await pause(20);
      consumer.stall();
      return consumer;
    },
    // Acknowledges what it had once, and others have by now; but not what it has.
    async () =>
      open((delivered, self) => {
        const others = seen.filter(syncId => syncId !== delivered.syncId).slice(-50, -30);
        void self.acknowledge(others).catch(() => {});
      }),
  ];
  for (let n = 0; !isOver(); n += 1) {
    // Ten times a second: attaches and leaves.
    using _consumer = await kinds[n % kinds.length]?.();
    await pause(100);
  }
  return seen;
}

test('10,000 events take effect exactly once and in order, whatever consumers beside a good one do, though the hub is killed and restarted', async t => {
  const databaseUrl = await createTestDatabase();
  let hub: HubProcess = await startHubProcess(databaseUrl);
  // Whichever runs at the end.
  await using _last = { [Symbol.asyncDispose]: () => hub.kill() };
  const port = new URL(hub.url).port;
  const { id } = await subscribe(hub.hub, {
    webhookUrl: null,
    ackTimeoutMs: 1_000,
    retry: { maxRetries: 100, baseDelayMs: 20, maxDelayMs: 500 },
  });
  const ledger = new Ledger();
  await ledger.open();
  const options = {
    url: hub.url,
    key: adminKey,
    subscriptionId: id,
    prefetch: 100,
    concurrency: 20,
    reconnect: { baseMs: 50, maxMs: 500 },
    handle: (event: HubEvent) => ledger.take(event),
  };
  // Attached twice.
  const good = [new Consumer(options), new Consumer(options)];
  const running = good.map(consumer => consumer.run());
  let isOver = false;
  const { createApiKey } = await hub.hub.data<{ createApiKey: { secret: string } }>(
    'mutation { createApiKey(name: "unruly", role: SUBSCRIBER, system: "tax") { secret } }',
  );
  const unruly = { url: () => hub.url, key: createApiKey.secret, subscriptionId: id };
  const others = misbehave(unruly, () => isOver);
  for (const version of numbers(versions)) {
    const amount = `${version + 1}.00`;
    await record(hub.hub, vouchers('settlement', numbers(records), { amount }));
    if (version === 1) await hub.kill();
    else if (version === 2) await hub.stop();
    if (!hub.isUp()) hub = await startHubProcess(databaseUrl, { HUB_PORT: port });
  }
  await until(
    'three quarters took effect',
    () => ledger.counts().effects >= records * versions * 0.75,
    120_000,
  );
  isOver = true;
  const badlyHandled = (await others).length;
  await until('all took effect', () => ledger.counts().effects === records * versions, 120_000);
  await until('all are SUCCESS', async () => {
    const open = await sql<{ n: number }>(databaseUrl, 'select count(*)::int as n from fin_open_syncs');
    return open[0]?.n === 0;
  });
  const states = await sql<{ status: string; n: number }>(
    databaseUrl,
    'select status, count(*)::int as n from fin_data_sync_logs group by 1',
  );
  await Promise.all(good.map(consumer => consumer.close()));
  await Promise.all(running);
  t.diagnostic(
    `${ledger.handled} deliveries to the good consumers, ${badlyHandled} to the others, for ${records * versions} effects`,
  );
  assert.deepEqual(states, [{ status: 'success', n: records * versions }]);
  assert.deepEqual(ledger.counts(), { effects: records * versions, unordered: 0 });
});
