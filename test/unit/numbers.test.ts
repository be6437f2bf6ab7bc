import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Numbers, numbersAfter, numbersBehind } from '../../src/db/lineage/numbers.ts';

const sequences = ['fin_open_syncs_id_seq', 'api_keys_id_seq', 'a_new_one_id_seq'];

const someNumbers = fc
  .tuple(...sequences.map(() => fc.integer({ min: 0, max: 1_000_000_000_000 })))
  .map((values): Numbers => Object.fromEntries(sequences.map((name, at) => [name, values[at] ?? 0])));

/** Numbers that a hub may have given in so many milliseconds. */
function given(noted: Numbers, ms: number): Numbers {
  return Object.fromEntries(
    Object.entries(noted).map(([name, last]) => [
      name,
      last + Math.floor(ms * (name.startsWith('api') ? 0.009 : 90)),
    ]),
  );
}

test('a copy that nothing tells from the original goes on beyond whatever the original gave since', () => {
  fc.assert(
    fc.property(someNumbers, fc.nat(3_600_000), fc.nat(3_600_000), (noted, usedMs, pauseMs) => {
      const lost = given(noted, usedMs);
      const next = numbersAfter({ current: noted, noted, ms: usedMs + pauseMs, isRestored: false });
      for (const name of sequences) assert.ok((next[name] ?? 0) > (lost[name] ?? 0), name);
    }),
  );
});

test('of the same copy restored again and again each goes on beyond what the one before gave', () => {
  const noted = { fin_open_syncs_id_seq: 5_000, api_keys_id_seq: 3 };
  let lost: Numbers = noted;
  for (let ms = 20_000; ms < 200_000; ms += 20_000) {
    const next = numbersAfter({ current: noted, noted, ms, isRestored: false });
    assert.deepEqual(numbersBehind(next, lost), []);
    lost = given(next, 19_000);
  }
});

test('with a clock that was set back, and after a restore that is known, it goes far on and never to the same place', () => {
  const noted = { fin_open_syncs_id_seq: 5_000, api_keys_id_seq: 3 };
  for (const gap of [
    { ms: -3_600_000, isRestored: false },
    { ms: 0, isRestored: true },
  ]) {
    const places = Array.from({ length: 20 }, () => numbersAfter({ current: noted, noted, ...gap }));
    for (const name of Object.keys(noted)) {
      const last = places.map(place => place[name] ?? 0);
      assert.ok(Math.min(...last) > 1_000_000);
      assert.equal(new Set(last).size, places.length);
    }
  }
});

test('numbers never go back, and JavaScript counts them after a thousand restores', () => {
  fc.assert(
    fc.property(
      someNumbers,
      someNumbers,
      fc.integer({ min: -1e9, max: 1e9 }),
      fc.boolean(),
      (current, noted, ms, isRestored) => {
        assert.deepEqual(numbersBehind(numbersAfter({ current, noted, ms, isRestored }), current), []);
      },
    ),
  );
  let last: Numbers = { fin_open_syncs_id_seq: 1 };
  for (let restore = 0; restore < 1_000; restore++)
    last = numbersAfter({ current: last, noted: last, ms: 3_600_000, isRestored: true });
  assert.ok(Number.isSafeInteger(last.fin_open_syncs_id_seq));
});
