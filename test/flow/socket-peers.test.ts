import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { limits } from '../../src/core/limits.ts';
import { makeKey } from '../support/access.ts';
import { startTestHub } from '../support/hub.ts';
import { keptLog, openSocket, SweepClock } from '../support/sockets.ts';

test('a socket whose pings nobody answers is cut within 24 s; one that is idle and answers them stays, and so does one that says other things', async () => {
  const clock = new SweepClock();
  const { log, lines } = keptLog();
  await using hub = await startTestHub({ overrides: { clock, log } });
  using idle = await openSocket(hub);
  using dead = await openSocket(hub, { autoPong: false });
  using busy = await openSocket(hub, { autoPong: false });
  let passed = 0;
  let cutAfter: number | undefined;
  await clock.pass(60_000, () => {
    passed += limits.socketSweepMs;
    if (dead.end !== undefined) cutAfter ??= passed;
    // Whatever comes says that somebody is there.
    if (passed % 5_000 === 0) busy.send({ type: 'ping' });
  });
  assert.ok(cutAfter !== undefined && cutAfter > limits.socketPingMs && cutAfter <= 24_000, `${cutAfter} ms`);
  assert.equal(dead.end?.code, 1006);
  assert.deepEqual([idle.end, busy.end], [undefined, undefined]);
  assert.equal(lines().filter(line => line.msg === 'socket cut: its ping was not answered').length, 1);
});

describe('by the machine’s own clock', { concurrency: true }, () => {
  test('a key that is revoked at another hub is out within 5 s on sockets that are open here', async t => {
    await using first = await startTestHub();
    await using second = await startTestHub({ databaseUrl: first.databaseUrl });
    const { id, secret } = await makeKey(first, 'ANALYST');
    using open = await openSocket(second, { key: secret });
    const revokedAt = performance.now();
    await first.data('mutation ($id: ID!) { revokeApiKey(id: $id) { id } }', { id });
    assert.equal((await open.closed()).code, 4403);
    const tookMs = performance.now() - revokedAt;
    t.diagnostic(`${tookMs.toFixed(0)} ms`);
    // Five seconds, and room for a busy machine; a hub that is not told finds it out after much longer.
    assert.ok(tookMs < 15_000, `${tookMs} ms`);
  });

  test('a peer that answers no ping is found within 24 s', async t => {
    await using hub = await startTestHub();
    using idle = await openSocket(hub);
    using dead = await openSocket(hub, { autoPong: false });
    const startedAt = performance.now();
    assert.equal((await dead.closed()).code, 1006);
    const tookMs = performance.now() - startedAt;
    t.diagnostic(`${tookMs.toFixed(0)} ms`);
    // Room for a busy machine; the test before has it to the sweep.
    assert.ok(tookMs < 40_000, `${tookMs} ms`);
    assert.equal(idle.end, undefined);
  });
});
