import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { systemClock } from '../../src/core/clock.ts';
import { createLogger } from '../../src/core/logger.ts';
import { prepareCluster } from '../../src/db/embedded/cluster.ts';
import { findPostmaster } from '../../src/db/embedded/postmaster.ts';
import { EmbeddedServer } from '../../src/db/embedded/server.ts';
import { numbers, statusCounts } from '../support/deliveries.ts';
import { startHubProcess } from '../support/hub-process.ts';
import { startLoad } from '../support/load.ts';
import { startReceiver } from '../support/receiver.ts';
import { assertIntact, duplicates } from '../support/verdict.ts';
import { subscribe } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

const log = createLogger({ level: 'silent', pretty: false });

/** A PostgreSQL of this test's own, which it may stop and start again on the same port. */
async function startCluster() {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'hub-fault-'));
  // Without the lock of `startEmbeddedPostgres`, whose holder would start the server again at once.
  const cluster = await prepareCluster({ dataDir, log, clock: systemClock });
  const server = new EmbeddedServer(cluster);
  const { client: first, port } = await server.connect({ applicationName: 'faults' });
  await first.query('create database hub');
  await first.end();
  return {
    url: server.urlOf('hub', port),
    /** In good order: connections are cut, nothing is lost. */
    stop: () => server.stop(),
    /** As by a crash of the machine, but that the disk keeps what was written. */
    async kill() {
      const found = await findPostmaster(cluster);
      if (found !== undefined) process.kill(found.pid, 'SIGQUIT');
      await until('the server is gone', async () => (await findPostmaster(cluster)) === undefined);
    },
    async start() {
      const { client } = await server.connect({ applicationName: 'faults', port });
      await client.end();
    },
    async [Symbol.asyncDispose]() {
      await server.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

for (const { how, downMs, mayRepeat } of [
  { how: 'stopped in good order for 3 s', downMs: 3_000, mayRepeat: false },
  { how: 'killed and away for 3 s', downMs: 3_000, mayRepeat: true },
  { how: 'away for longer than a lease', downMs: 15_000, mayRepeat: true },
]) {
  test(`PostgreSQL ${how} under load: no false OK, nothing acknowledged is lost`, async t => {
    await using postgres = await startCluster();
    await using receiver = await startReceiver();
    receiver.answer(() => pause(20 + Math.random() * 50, 200));
    await using hub = await startHubProcess(postgres.url);
    await subscribe(hub.hub, { webhookUrl: receiver.url });
    await using load = startLoad(() => hub.hub.ask, { everyMs: 100 });
    const recoveries: number[] = [];
    for (const _ of numbers(downMs > 10_000 ? 1 : 3)) {
      const before = receiver.requests.length;
      await until('deliveries flow', () => receiver.requests.length > before + 150);
      await (how.startsWith('killed') ? postgres.kill() : postgres.stop());
      const acknowledgedAtStop = load.acknowledged.size;
      await pause(downMs);
      // What had been answered when the server went may still have been on its way to the generator.
      assert.ok(load.acknowledged.size <= acknowledgedAtStop + 20, 'acknowledged without a database');
      assert.ok(hub.isUp(), hub.log());
      await postgres.start();
      const startedAt = performance.now();
      const then = receiver.requests.length;
      await until('deliveries flow again', () => receiver.requests.length > then + 50);
      recoveries.push(performance.now() - startedAt);
    }
    await load.stop();
    const unfinished = async () => {
      const { pending = 0, processing = 0, retrying = 0 } = await statusCounts(postgres.url);
      return pending + processing + retrying === 0;
    };
    await until('nothing is unfinished', unfinished);
    assertIntact(load.acknowledged, receiver.events());
    const again = duplicates(receiver.events());
    t.diagnostic(
      `${load.acknowledged.size} acknowledged, ${again.size} delivered more than once, flowing again after ${recoveries.map(ms => ms.toFixed(0)).join(', ')} ms, refusals ${JSON.stringify([...load.refusals])}`,
    );
    const codes = [...load.refusals.keys()];
    assert.deepEqual(
      codes.filter(code => code !== 'UNAVAILABLE'),
      [],
    );
    assert.ok(codes.length > 0, 'the outage was noticed');
    assert.equal((await statusCounts(postgres.url)).failed, undefined);
    if (!mayRepeat) assert.equal(again.size, 0);
    assert.ok(hub.isUp(), hub.log());
  });
}
