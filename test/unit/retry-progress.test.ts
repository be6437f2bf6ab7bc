import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HubClient, UnreachableError } from '../../src/cli/client.ts';
import { followRetry } from '../../src/cli/retry-progress.ts';
import { type Clock, systemClock } from '../../src/core/clock.ts';

/** Nobody waits. */
const clock: Clock = { ...systemClock, sleep: () => new Promise(resolve => setImmediate(resolve)) };

/** A hub whose run is a step further each time that it is asked. */
function hubWith(runs: Record<string, unknown>[], onAsked: (times: number) => void = () => {}): HubClient {
  let times = 0;
  const requestText = async () => {
    onAsked(++times);
    return JSON.parse(JSON.stringify({ compensationRuns: [runs[Math.min(times, runs.length) - 1]] }));
  };
  return { url: 'http://hub', key: 'key', requestText, request: requestText };
}

const run = {
  id: '7',
  kind: 'RETRY',
  state: 'RUNNING',
  total: 10,
  lookedAt: 5,
  count: 4,
  errorMessage: null,
};

test('what the hub answers is what was queued, however far the run was seen', async () => {
  const { promise, resolve } = Promise.withResolvers<number>();
  const hub = hubWith([run], times => times === 3 && resolve(10));
  assert.equal(await followRetry(hub, promise, clock), 10);
});

test('where the answer does not come in time the run is followed to its end', async () => {
  const { promise, reject } = Promise.withResolvers<number>();
  const done = { ...run, state: 'DONE', lookedAt: 10, count: 9 };
  const hub = hubWith(
    [run, run, run, done],
    times => times === 2 && reject(new UnreachableError('too late')),
  );
  assert.equal(await followRetry(hub, promise, clock), 9);
});

test('a run that is given up is told, with its cause', async () => {
  const { promise, reject } = Promise.withResolvers<number>();
  const failed = { ...run, state: 'FAILED', errorMessage: 'disk full' };
  const hub = hubWith([run, run, failed], times => times === 1 && reject(new UnreachableError('too late')));
  await assert.rejects(followRetry(hub, promise, clock), /disk full/);
});

test('what the hub refuses is told as it is', async () => {
  const refused = Promise.reject(new Error('no such subscription'));
  await assert.rejects(followRetry(hubWith([run]), refused, clock), /no such subscription/);
});
