import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../src/core/limits.ts';
import { shareLookups } from '../../src/delivery/webhook/shared-lookup.ts';
import { ManualClock } from '../support/send-bench.ts';

const address = { address: '192.0.2.1', family: 4 };

test('connections to one host that are made at once share one lookup; other hosts have their own', async () => {
  const asked: string[] = [];
  const lookup = shareLookups(async host => {
    asked.push(host);
    return [address];
  }, new ManualClock());
  const found = await Promise.all([
    ...Array.from({ length: 32 }, () => lookup('a.example')),
    lookup('b.example'),
  ]);
  assert.deepEqual(asked, ['a.example', 'b.example']);
  assert.ok(found.every(([first]) => first?.address === address.address));
});

test('a result is used again for a moment and then looked up anew; a failure for a shorter one', async () => {
  const clock = new ManualClock();
  let asked = 0;
  let fails = true;
  const lookup = shareLookups(async () => {
    asked += 1;
    if (fails) throw Object.assign(new Error('no such host'), { code: 'ENOTFOUND' });
    return [address];
  }, clock);
  await assert.rejects(lookup('a.example'));
  await assert.rejects(lookup('a.example'));
  assert.equal(asked, 1);
  fails = false;
  clock.advance(limits.lookupFailureKeptMs + 1);
  assert.deepEqual(await lookup('a.example'), [address]);
  clock.advance(limits.lookupKeptMs - 1);
  await lookup('a.example');
  assert.equal(asked, 2);
  clock.advance(2);
  await lookup('a.example');
  assert.equal(asked, 3);
});
