import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type Clock, systemClock } from '../../src/core/clock.ts';
import { limits } from '../../src/core/limits.ts';
import { startTestHub, type TestHub } from '../support/hub.ts';
import { startReferenceConsumer } from '../support/reference-consumer.ts';
import { connectSql } from '../support/sql.ts';
import { recordVouchers, subscribe, voucherInput } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

/** Time that goes by as it does, and jumps when the test says so. */
class JumpClock implements Clock {
  readonly sleep = systemClock.sleep;
  readonly after = systemClock.after;
  readonly steady = systemClock.steady;
  #ahead = 0;

  now(): number {
    return systemClock.now() + this.#ahead;
  }

  /** Schedules are looked at more often, so that the test need not wait. */
  every(periodMs: number, fn: () => void): () => void {
    return systemClock.every(periodMs === limits.scheduleTickMs ? 50 : periodMs, fn);
  }

  jumpTo(instant: string): void {
    this.#ahead = Date.parse(instant) - systemClock.now();
  }
}

// Registered before the hub's database registers its own removal: the hub goes first.
after(() => hub[Symbol.asyncDispose]());
const clock = new JumpClock();
clock.jumpTo('2026-03-06T12:00:00+08:00');
const hub: TestHub = await startTestHub({ overrides: { clock } });

interface WeekReport {
  autoFix: boolean;
  differenceCount: number;
  state: string;
  subscription: { name: string };
  differences: { repaired: boolean }[];
}

/** All reports that are over, the oldest first. */
async function reports(): Promise<WeekReport[]> {
  const { consistencyReports } = await hub.data<{ consistencyReports: WeekReport[] }>(
    '{ consistencyReports { state autoFix differenceCount subscription { name } differences { repaired } } }',
  );
  return consistencyReports.filter(({ state }) => state !== 'RUNNING').toReversed();
}

test('a week goes by: all are checked on Sunday at three, caches of invoices again on Monday, each as it wants to be mended', async () => {
  await using sql = await connectSql(hub.databaseUrl);
  await using invoices = await startReferenceConsumer(hub, {
    name: 'invoices',
    eventTypes: ['invoice_*'],
    autoFix: true,
  });
  await using contracts = await startReferenceConsumer(hub, {
    name: 'contracts',
    eventTypes: ['l1_confirmed'],
  });
  await subscribe(hub, { name: 'silent', eventTypes: ['invoice_*'] });
  await recordVouchers(hub, [
    voucherInput({ sourceId: 'I-1' }),
    voucherInput({ sourceId: 'C-1', eventType: 'l1_confirmed' }),
  ]);
  await until('both have come', () => invoices.events.length + contracts.events.length === 2);
  await until(
    'the schedules are known',
    async () => (await sql.count(`select count(*) from schedules where name like 'consistency-%'`)) === 4,
  );
  await until(
    'their deliveries are over',
    async () =>
      (await sql.count(
        'select count(*) from fin_open_syncs where subscription_id <> (select max(id) from data_subscriptions)',
      )) === 0,
  );
  invoices.db.exec('delete from hub_cache');
  contracts.db.exec('delete from hub_cache');
  const views = (all: WeekReport[]) =>
    all
      .map(({ subscription, autoFix, differenceCount, differences }) => {
        const mended = differences.filter(({ repaired }) => repaired).length;
        return `${subscription.name}: ${differenceCount} differ, ${mended} mended${autoFix ? ' by itself' : ''}`;
      })
      .toSorted();
  clock.jumpTo('2026-03-08T02:59:00+08:00');
  assert.deepEqual(await reports(), []);
  clock.jumpTo('2026-03-08T03:00:01+08:00');
  const sunday = ['contracts: 1 differ, 0 mended', 'invoices: 1 differ, 1 mended by itself'];
  await until('Sunday has come', async () => (await reports()).length === 2);
  assert.deepEqual(views(await reports()), sunday);
  clock.jumpTo('2026-03-09T03:00:01+08:00');
  await until('Monday has come', async () => (await reports()).length === 3);
  assert.deepEqual(views((await reports()).slice(2)), ['invoices: 0 differ, 0 mended by itself']);
  clock.jumpTo('2026-03-14T23:00:00+08:00');
  clock.jumpTo('2026-03-15T03:00:01+08:00');
  await until('the next Sunday has come', async () => (await reports()).length === 5);
  assert.deepEqual(views((await reports()).slice(3)), [
    'contracts: 1 differ, 0 mended',
    'invoices: 0 differ, 0 mended by itself',
  ]);
});
