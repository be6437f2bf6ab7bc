import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type Clock, systemClock } from '../../src/core/clock.ts';
import { createLogger } from '../../src/core/logger.ts';
import type { Timing } from '../../src/core/timetable.ts';
import { Database } from '../../src/db/database.ts';
import { type ScheduledRun, Schedules } from '../../src/jobs/schedules.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { connectSql } from '../support/sql.ts';
import { until } from '../support/wait.ts';

const databaseUrl = await createTestDatabase();
const log = createLogger({ level: process.env.HUB_TEST_LOG_LEVEL ?? 'silent', pretty: false });
const db = await Database.connect({ url: databaseUrl, poolSize: 8, log });
const sql = await connectSql(databaseUrl);
after(async () => {
  await sql[Symbol.asyncDispose]();
  await db[Symbol.asyncDispose]();
});

/** 01:59:00 in Shanghai. */
const beforeTwo = Date.parse('2026-03-01T17:59:00Z');
const minute = 60_000;
const day = 24 * 60 * minute;

/** Time that tests move; every `Schedules` looks when it is told to. */
class HandClock implements Clock {
  readonly sleep = systemClock.sleep;
  readonly after = systemClock.after;
  readonly #ticks = new Set<() => void>();
  at = beforeTwo;
  readonly now = () => this.at;
  readonly steady = () => this.at;

  every(_periodMs: number, fn: () => void): () => void {
    this.#ticks.add(fn);
    return () => this.#ticks.delete(fn);
  }

  /** Moves it on (far enough to be asked again), and lets all look. */
  tick(byMs = 3_000): void {
    this.at += byMs;
    for (const fn of this.#ticks) fn();
  }
}

interface Scheduler extends AsyncDisposable {
  readonly schedules: Schedules;
  readonly clock: HandClock;
}

/** A scheduler with one schedule. */
function scheduler(
  name: string,
  when: Timing,
  run: (run: ScheduledRun) => Promise<void>,
  clock = new HandClock(),
): Scheduler {
  const schedules = new Schedules({ db, clock, log, timeZone: 'Asia/Shanghai' });
  schedules.add({ name, when, run });
  schedules.start();
  return { schedules, clock, [Symbol.asyncDispose]: () => schedules.stop() };
}

/** The row of a schedule. */
async function rowOf(name: string): Promise<Record<string, unknown>> {
  const [row] = await sql.rows('select * from schedules where name = $1', [name]);
  return row ?? {};
}

/** As `until`, while time goes on. */
function ticking(
  what: string,
  clock: HandClock,
  condition: () => boolean | Promise<boolean>,
): Promise<unknown> {
  return until(what, () => {
    clock.tick();
    return condition();
  });
}

/** Waits until a schedule has been done as of an instant. */
async function doneAt(name: string, at: number): Promise<void> {
  await until(`${name} is done at ${new Date(at).toISOString()}`, async () => {
    const { done } = await rowOf(name);
    return done instanceof Date && done.getTime() === at;
  });
}

const nightly: Timing = { cron: '0 2 * * *' };
const two = beforeTwo + minute;

test('a nightly run comes once over three schedulers, at its time and not at their start', async () => {
  const runs: number[] = [];
  const clock = new HandClock();
  const note = async ({ due }: ScheduledRun) => void runs.push(due);
  await using _first = scheduler('nightly', nightly, note, clock);
  await using _second = scheduler('nightly', nightly, note, clock);
  await using _third = scheduler('nightly', nightly, note, clock);
  await until('it is known', async () => (await rowOf('nightly')).done !== undefined);
  assert.deepEqual(runs, []);
  clock.at = two;
  await ticking('it ran', clock, () => runs.length > 0);
  await doneAt('nightly', two);
  for (let n = 0; n < 3; n += 1)
    await ticking('all have looked again', clock, async () => (await rowOf('nightly')).holder === null);
  assert.deepEqual(runs, [two]);
});

test('nights without a scheduler are one late run, and the rest is counted as missed', async () => {
  const runs: ScheduledRun[] = [];
  const note = async (run: ScheduledRun) => void runs.push(run);
  {
    await using _first = scheduler('late', nightly, note);
    await until('it is known', async () => (await rowOf('late')).done !== undefined);
  }
  const clock = new HandClock();
  clock.at = two + 3 * day + 5 * minute;
  await using _later = scheduler('late', nightly, note, clock);
  await doneAt('late', two + 3 * day);
  assert.deepEqual(
    runs.map(({ due, missed }) => ({ due, missed })),
    [{ due: two + 3 * day, missed: 3 }],
  );
  assert.equal((await rowOf('late')).missed, '3');
});

test('runs never overlap: what falls due meanwhile waits, here and elsewhere', async () => {
  let underWay = 0;
  let most = 0;
  let count = 0;
  const gate = Promise.withResolvers<void>();
  const clock = new HandClock();
  const run = async () => {
    underWay += 1;
    count += 1;
    most = Math.max(most, underWay);
    await gate.promise;
    underWay -= 1;
  };
  await using _first = scheduler('long', { everyMs: 5_000 }, run, clock);
  await using _second = scheduler('long', { everyMs: 5_000 }, run, clock);
  await ticking('it runs', clock, () => underWay === 1);
  for (let n = 0; n < 5; n += 1) {
    clock.tick(5_000);
    await rowOf('long');
  }
  assert.equal(count, 1);
  gate.resolve();
  await ticking('others follow', clock, () => count >= 3);
  assert.equal(most, 1);
  await until('what fell due meanwhile is counted', async () => Number((await rowOf('long')).missed) >= 4);
});

test('a run whose process died is begun anew by another once its lease ran out', async () => {
  const runs: string[] = [];
  const dead = new HandClock();
  // It hangs for good, and its lease is not renewed, as this clock does not tick.
  const first = scheduler(
    'cut',
    nightly,
    async ({ signal }) => {
      runs.push('first');
      await new Promise<void>((_resolve, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason)),
      );
    },
    dead,
  );
  await until('it is known', async () => (await rowOf('cut')).done !== undefined);
  dead.at = two;
  await ticking('the first runs', dead, () => runs.length === 1);
  const clock = new HandClock();
  clock.at = two + minute;
  await using _second = scheduler('cut', nightly, async () => void runs.push('second'), clock);
  clock.tick();
  clock.tick();
  assert.deepEqual(runs, ['first']);
  const runOut = `update schedules set lease_until = now() - interval '1 second' where name = 'cut' and begun > done`;
  await ticking('the second runs', clock, async () => {
    // Again and again: the first one's last renewal may still be on its way.
    if (runs.length === 1) await sql.rows(runOut);
    return runs.length === 2;
  });
  await doneAt('cut', two);
  await first[Symbol.asyncDispose]();
  assert.equal((await rowOf('cut')).error, null, 'what the first one came to is not written');
});

test('a stop cuts a run off and gives it back: another takes it at once', async () => {
  const clock = new HandClock();
  const first = scheduler(
    'handed',
    nightly,
    async ({ signal }) => {
      await new Promise<void>((_resolve, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason)),
      );
    },
    clock,
  );
  await until('it is known', async () => (await rowOf('handed')).done !== undefined);
  clock.at = two;
  await ticking('it runs', clock, async () => (await rowOf('handed')).holder !== null);
  await first[Symbol.asyncDispose]();
  assert.equal((await rowOf('handed')).holder, null);
  let ran = false;
  await using _second = scheduler(
    'handed',
    nightly,
    async () => {
      ran = true;
    },
    clock,
  );
  await doneAt('handed', two);
  assert.ok(ran);
});

test('a run that throws is noted and over; the next one comes in its time', async () => {
  let count = 0;
  const clock = new HandClock();
  await using _one = scheduler(
    'faulty',
    { everyMs: 60_000 },
    async () => {
      count += 1;
      if (count === 1) throw new Error('no such thing');
    },
    clock,
  );
  await until('it is noted', async () => (await rowOf('faulty')).error === 'no such thing');
  await ticking('the next one is well', clock, async () => (await rowOf('faulty')).error === null);
  assert.ok(count >= 2);
});

test('a periodic schedule goes on though a process whose clock was an hour ahead ran it', async () => {
  const ahead = new HandClock();
  ahead.at += 60 * minute;
  {
    await using _wrong = scheduler('skewed', { everyMs: 5_000 }, async () => {}, ahead);
    await until('it ran', async () => (await rowOf('skewed')).ended_at !== null);
  }
  const runs: number[] = [];
  await using _right = scheduler('skewed', { everyMs: 5_000 }, async ({ due }) => void runs.push(due));
  await until('it runs by the right clock', () => runs.length === 1);
  await doneAt('skewed', beforeTwo);
});
