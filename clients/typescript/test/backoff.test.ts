import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Backoff, settlesWithin, waitFor } from '../src/backoff.ts';

test('delays double up to the longest, and begin anew after a success', () => {
  const backoff = new Backoff({ baseMs: 100, maxMs: 1_000 }, () => 0);
  assert.deepEqual(
    Array.from({ length: 6 }, () => backoff.next()),
    [100, 200, 400, 800, 1_000, 1_000],
  );
  backoff.reset();
  assert.equal(backoff.next(), 100);
});

test('a delay is shortened by up to a half at random', () => {
  assert.equal(new Backoff({ baseMs: 100, maxMs: 1_000 }, () => 0.5).next(), 75);
  assert.equal(new Backoff({ baseMs: 100, maxMs: 1_000 }, () => 0.999_999).next(), 50);
});

test('after ever so many failures the delay is still the longest one', () => {
  const backoff = new Backoff({ baseMs: 100, maxMs: 30_000 }, () => 0);
  for (let i = 0; i < 2_000; i++) backoff.next();
  assert.equal(backoff.next(), 30_000);
});

test('a wait that is called off ends at once', async () => {
  const off = new AbortController();
  const startedAt = performance.now();
  const waiting = waitFor(60_000, off.signal);
  off.abort();
  await waiting;
  await waitFor(60_000, off.signal);
  assert.ok(performance.now() - startedAt < 30_000);
});

test('a promise settles within its time or does not, and its rejection is nobody’s', async () => {
  assert.equal(await settlesWithin(Promise.resolve(), 10_000), true);
  assert.equal(await settlesWithin(Promise.reject(new Error('told to others')), 10_000), true);
  assert.equal(await settlesWithin(new Promise(() => {}), 1), false);
});
