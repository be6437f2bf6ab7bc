import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BusinessTime } from '../../src/core/business-time.ts';
import { propertySeed } from '../support/seed.ts';

const seed = propertySeed('business time');
const at = (text: string) => Date.parse(text);

function wallClock(timeZone: string, instant: Date): string {
  return new Intl.DateTimeFormat('sv-SE', {
    timeZone,
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  }).format(instant);
}

test('in Shanghai the day turns at 16:00 UTC and the nightly batch is at 18:00 UTC', () => {
  const time = new BusinessTime('Asia/Shanghai');
  assert.equal(time.dayOf(at('2025-12-19T15:59:59.999Z')), '2025-12-19');
  assert.equal(time.dayOf(at('2025-12-19T16:00:00.000Z')), '2025-12-20');
  assert.equal(time.nextBatch(null, at('2025-12-19T15:00:00Z')).toISOString(), '2025-12-19T18:00:00.000Z');
  assert.equal(
    time.nextBatch(null, at('2025-12-19T17:59:59.999Z')).toISOString(),
    '2025-12-19T18:00:00.000Z',
  );
  assert.equal(
    time.nextBatch(null, at('2025-12-19T18:00:00.000Z')).toISOString(),
    '2025-12-20T18:00:00.000Z',
  );
  assert.equal(
    time.nextBatch(null, at('2025-12-31T18:00:00.001Z')).toISOString(),
    '2026-01-01T18:00:00.000Z',
  );
});

test('people are shown an instant in one form, by the business clock, with its offset', () => {
  const instant = at('2025-12-19T23:59:59.999Z');
  for (const [zone, shown] of [
    ['Asia/Shanghai', '2025-12-20 07:59:59 +08:00'],
    ['America/St_Johns', '2025-12-19 20:29:59 -03:30'],
    ['UTC', '2025-12-19 23:59:59 +00:00'],
  ] as const)
    assert.equal(new BusinessTime(zone).shown(instant), shown);
});

test('any instant’s next nightly batch lies ahead of it, a day at most, at 02:00 by the business clock', () => {
  const time = new BusinessTime('Asia/Shanghai');
  fc.assert(
    fc.property(
      fc.date({
        min: new Date('2000-01-01T00:00:00Z'),
        max: new Date('2100-01-01T00:00:00Z'),
        noInvalidDate: true,
      }),
      date => {
        const next = time.nextBatch(null, date.getTime());
        assert.ok(next.getTime() > date.getTime() && next.getTime() - date.getTime() <= 86_400_000);
        assert.equal(wallClock('Asia/Shanghai', next), '02:00:00');
      },
    ),
    { seed, numRuns: 300 },
  );
});

for (const zone of [
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'America/Sao_Paulo',
  'Asia/Kathmandu',
  'UTC',
]) {
  test(`where clocks change (${zone}), every day of two years has one nightly batch, at 02:00 where there is such an hour`, () => {
    const time = new BusinessTime(zone);
    let now = at('2025-01-01T12:00:00Z');
    const days: string[] = [];
    let odd = 0;
    while (now < at('2027-01-01T12:00:00Z')) {
      const next = time.nextBatch(null, now);
      assert.ok(
        next.getTime() > now && next.getTime() - now <= 26 * 3_600_000,
        `${new Date(now).toISOString()} → ${next.toISOString()}`,
      );
      days.push(time.dayOf(next.getTime()));
      if (wallClock(zone, next) !== '02:00:00') odd += 1;
      now = next.getTime();
    }
    const everyDay = days.map((_, n) =>
      new Date(at('2025-01-02T00:00:00Z') + n * 86_400_000).toISOString().slice(0, 10),
    );
    assert.deepEqual(days, everyDay);
    assert.ok(odd <= 2, `${odd} batches that are not at 02:00`);
  });
}

test('a day in the autumn’s second hour 2 is still that day', () => {
  const time = new BusinessTime('Europe/Berlin');
  assert.equal(time.dayOf(at('2025-10-26T00:30:00Z')), '2025-10-26');
  assert.equal(time.dayOf(at('2025-10-26T01:30:00Z')), '2025-10-26');
  assert.equal(time.dayOf(at('2025-10-25T21:59:59Z')), '2025-10-25');
});

/** Day and time by the clock of a zone. */
function clockOf(timeZone: string): (at: number) => { day: string; time: string } {
  const format = new Intl.DateTimeFormat('sv-SE', {
    timeZone,
    dateStyle: 'short',
    timeStyle: 'short',
    hourCycle: 'h23',
  });
  return at => {
    const [day = '', time = ''] = format.format(at).split(' ');
    return { day, time };
  };
}

/** The first minute of each day, after an instant, whose clock shows a time or, where the day has none, a later one. */
function naiveDaily(timeZone: string, wanted: string, after: number): number {
  const clock = clockOf(timeZone);
  const minute = 60_000;
  let at = Math.floor(after / minute) * minute - 26 * 60 * minute;
  let doneOn = clock(at).day;
  for (; ; at += minute) {
    const { day, time } = clock(at);
    if (day === doneOn || time < wanted) continue;
    doneOn = day;
    if (at > after) return at;
  }
}

test('a daily cron is due at its time, after the gap where clocks skip it, and once where it is there twice', () => {
  const zones = ['Asia/Shanghai', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe'];
  // Days around changes of clocks, where anything can go wrong.
  const changes = ['2025-03-09', '2025-03-30', '2025-04-05', '2025-10-04', '2025-10-26', '2025-11-02'];
  const two = (n: number) => String(n).padStart(2, '0');
  fc.assert(
    fc.property(
      fc.constantFrom(...zones),
      fc.constantFrom(...changes),
      fc.integer({ min: -26 * 3_600, max: 50 * 3_600 }),
      fc.integer({ min: 0, max: 4 }),
      fc.integer({ min: 0, max: 59 }),
      (zone, change, seconds, hour, minute) => {
        const after = at(`${change}T00:00:00Z`) + seconds * 1_000;
        const next = new BusinessTime(zone).nextBatch(`${minute} ${hour} * * *`, after);
        const expected = naiveDaily(zone, `${two(hour)}:${two(minute)}`, after);
        assert.equal(next.toISOString(), new Date(expected).toISOString());
      },
    ),
    { seed, numRuns: 150 },
  );
});

test('what was worked out once is not given for an earlier or a later time', () => {
  const time = new BusinessTime('Asia/Shanghai');
  const next = (text: string) => time.nextBatch('*/10 * * * *', at(text)).toISOString();
  assert.equal(next('2025-12-19T10:05:00Z'), '2025-12-19T10:10:00.000Z');
  assert.equal(next('2025-12-19T10:09:59.999Z'), '2025-12-19T10:10:00.000Z');
  assert.equal(next('2025-12-19T10:10:00Z'), '2025-12-19T10:20:00.000Z');
  assert.equal(next('2025-12-19T09:59:00Z'), '2025-12-19T10:00:00.000Z');
});

test('a cron pattern has five fields and a day on which it is due', () => {
  const time = new BusinessTime('Asia/Shanghai');
  for (const good of ['0 2 * * *', '30 1,13 * * 1-5', '*/15 * * * *', '0 3 L * *', '0 2 29 2 *'])
    assert.equal(time.cronFault(good), null, good);
  for (const bad of [
    '',
    '0 2 * *',
    '0 0 2 * * *',
    '@daily',
    '0 25 * * *',
    '0 0 31 2 *',
    '2025-01-01T00:00:00',
    `${' '.repeat(200)}0 2 * * *`,
  ])
    assert.notEqual(time.cronFault(bad), null, bad);
});

test('a business day begins at its first instant, whatever the clocks do at midnight', () => {
  for (const timeZone of [
    'Asia/Shanghai',
    'Europe/Berlin',
    'America/Havana',
    'Asia/Beirut',
    'Asia/Kathmandu',
  ]) {
    const time = new BusinessTime(timeZone);
    fc.assert(
      fc.property(fc.integer({ min: at('2000-01-01T00:00:00Z'), max: at('2060-01-01T00:00:00Z') }), ms => {
        const day = time.dayOf(ms);
        const start = time.startOf(day);
        assert.ok(start !== null && start <= ms && time.dayOf(start) === day, `${timeZone} ${day}`);
        assert.ok(time.dayOf(start - 1) < day, `${timeZone} ${day}`);
      }),
      { seed },
    );
  }
  const shanghai = new BusinessTime('Asia/Shanghai');
  assert.equal(shanghai.startOf('2025-12-19'), at('2025-12-18T16:00:00Z'));
  assert.equal(new BusinessTime('Asia/Beirut').startOf('2022-03-27'), at('2022-03-26T22:00:00Z'));
  assert.deepEqual([shanghai.startOf('2025-02-30'), shanghai.startOf('2025-13-01')], [null, null]);
});

test('instants by the business clock carry its offset and mean the same instant', () => {
  assert.equal(
    new BusinessTime('Asia/Shanghai').isoOf(at('2025-12-19T16:00:00.123Z')),
    '2025-12-20T00:00:00.123+08:00',
  );
  assert.equal(
    new BusinessTime('America/St_Johns').isoOf(at('2025-12-19T16:00:00Z')),
    '2025-12-19T12:30:00.000-03:30',
  );
  assert.equal(new BusinessTime('UTC').isoOf(0), '1970-01-01T00:00:00.000+00:00');
  for (const timeZone of ['Europe/Berlin', 'Australia/Lord_Howe']) {
    const time = new BusinessTime(timeZone);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: at('2060-01-01T00:00:00Z') }), ms => {
        assert.equal(at(time.isoOf(ms)), ms);
        assert.equal(time.isoOf(ms).slice(0, 10), time.dayOf(ms));
      }),
      { seed },
    );
  }
});
