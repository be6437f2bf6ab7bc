import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Timetable, type Timing } from '../../src/core/timetable.ts';
import { propertySeed } from '../support/seed.ts';

const seed = propertySeed('timetable');

const timings: Timing[] = [
  { everyMs: 1_000 },
  { everyMs: 7_000 },
  { cron: '0 2 * * *' },
  { cron: '30 2 * * *' },
  { cron: '*/5 * * * *' },
  { cron: '0 8 * * 1' },
];
const zones = ['Asia/Shanghai', 'Europe/Berlin', 'America/New_York', 'UTC'];

test('the last due instant is never later than now, and no other lies between it and now', () => {
  const instant = fc.integer({
    min: Date.parse('2025-01-01T00:00:00Z'),
    max: Date.parse('2027-01-01T00:00:00Z'),
  });
  fc.assert(
    fc.property(fc.constantFrom(...timings), fc.constantFrom(...zones), instant, (timing, zone, now) => {
      const table = new Timetable(timing, zone);
      const due = table.lastDue(now);
      assert.ok(due <= now, `${new Date(due).toISOString()} is after ${new Date(now).toISOString()}`);
      assert.equal(table.lastDue(due), due, 'it is due at that instant itself');
      assert.equal(table.dueBetween(due, now + 1), 0, 'and not again since');
    }),
    { seed, numRuns: 500 },
  );
});

test('a cron pattern is meant in the time zone, and summer time does not move it', () => {
  const table = new Timetable({ cron: '0 2 * * *' }, 'Asia/Shanghai');
  assert.equal(
    new Date(table.lastDue(Date.parse('2025-12-19T18:00:00.500Z'))).toISOString(),
    '2025-12-19T18:00:00.000Z',
  );
  const berlin = new Timetable({ cron: '0 8 * * *' }, 'Europe/Berlin');
  const hours = ['2025-03-29T12:00:00Z', '2025-03-30T12:00:00Z'].map(at =>
    new Date(berlin.lastDue(Date.parse(at))).getUTCHours(),
  );
  assert.deepEqual(hours, [7, 6]);
});

test('what was due between two runs is counted, both left out, and no more than a thousand', () => {
  const table = new Timetable({ cron: '0 2 * * *' }, 'Asia/Shanghai');
  const first = table.lastDue(Date.parse('2025-12-01T00:00:00Z'));
  const last = table.lastDue(Date.parse('2025-12-05T00:00:00Z'));
  assert.equal(table.dueBetween(first, last), 3);
  assert.equal(new Timetable({ everyMs: 1_000 }, 'UTC').dueBetween(0, Date.now()), 1_000);
});

test('a pattern that is none is refused', () => {
  assert.throws(() => new Timetable({ cron: 'every night' }, 'UTC'));
});
