import assert from 'node:assert/strict';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { z } from 'zod';
import { systemClock } from '../../src/core/clock.ts';
import { makeKey } from '../support/access.ts';
import { runCli } from '../support/cli.ts';
import { numbers, record, vouchers } from '../support/deliveries.ts';
import { startTestHub, testEnvironment } from '../support/hub.ts';
import { oldestPostgresBin as bin, startPostgres, without } from '../support/postgres-server.ts';
import { connectSql } from '../support/sql.ts';
import { subscribe } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

const list = `{ vouchers(first: 1) { totalCount edges { node { events { id } syncLogs { id subscription { backlog } } } } } syncLogs(first: 1) { totalCount } }`;

const foundByDoctor = z.object({
  checks: z.array(z.object({ name: z.string(), status: z.string(), message: z.string() })),
});

interface Lists {
  vouchers: { totalCount: number; edges: { node: { events: object[]; syncLogs: object[] } }[] };
  syncLogs: { totalCount: number };
}

describe('a streaming replica', { skip: without(path.join(bin, 'pg_basebackup')) }, async () => {
  await using parts = new AsyncDisposableStack();
  const primary = parts.use(await startPostgres({ bin }));
  const replica = parts.use(await startPostgres({ bin, replicaOf: primary.url }));
  let aheadMs = 0;
  const clock = { ...systemClock, steady: () => systemClock.steady() + aheadMs };
  const env = { DATABASE_REPLICA_URL: replica.url };
  const hub = parts.use(await startTestHub({ databaseUrl: primary.url, env, overrides: { clock } }));
  const copy = parts.use(await connectSql(replica.url));
  const kept = parts.move();
  after(() => kept.disposeAsync());
  const { secret: analyst } = await makeKey(hub, 'ANALYST');
  await subscribe(hub, { webhookUrl: null });
  const counted = async (key?: string) => {
    const { vouchers: found, syncLogs } = await hub.data<Lists>(list, {}, key);
    assert.ok(found.edges.every(({ node }) => node.events.length === 1 && node.syncLogs.length === 1));
    assert.equal(found.totalCount, syncLogs.totalCount);
    return found.totalCount;
  };

  test("an analyst's lists come from it, everyone else's from the primary", async () => {
    await record(hub, vouchers('settlement', numbers(3)));
    await until('the replica has them', async () => (await counted(analyst)) === 3);
    await copy.rows('select pg_wal_replay_pause()');
    await record(hub, vouchers('later', numbers(2)));
    assert.equal(await counted(analyst), 3);
    assert.equal(await counted(), 5);
  });

  test('while it is too far behind, the primary answers; caught up, it does again', async () => {
    aheadMs += 60_000;
    await until('the primary answers', async () => (await counted(analyst)) === 5);
    await copy.rows('select pg_wal_replay_resume()');
    await until(
      'it has all',
      async () => (await copy.count('select count(*) from fin_business_vouchers')) === 5,
    );
    // Nobody but the replica's backend could have run it.
    const reads = () =>
      copy.count(
        `select count(*) from pg_stat_activity where application_name = 'voucher-hub' and query ilike '%fin_business_vouchers%'`,
      );
    await until('the replica is asked', async () => (await counted(analyst)) === 5 && (await reads()) > 0);
  });

  test('the doctor says whether it can be used, and of one that takes writes or does not answer that it can not', async () => {
    const doctor = async (url: string) => {
      const settings = { ...testEnvironment(primary.url), DATABASE_REPLICA_URL: url };
      const { stdout } = await runCli(['doctor', '--json'], { ...settings, HUB_URL: hub.url });
      return foundByDoctor.parse(JSON.parse(stdout)).checks.find(({ name }) => name === 'replica');
    };
    assert.equal((await doctor(replica.url))?.status, 'ok');
    const itself = await doctor(primary.url);
    assert.deepEqual([itself?.status, /takes writes itself/.test(itself?.message ?? '')], ['warn', true]);
    const away = await doctor('postgres://postgres@127.0.0.1:9/postgres');
    assert.deepEqual(
      [away?.status, /does not answer.*ECONNREFUSED/.test(away?.message ?? '')],
      ['warn', true],
    );
  });

  test('when it goes away, no question of an analyst fails', async () => {
    const asked = numbers(20).map(async n => {
      await systemClock.sleep(n * 20);
      return counted(analyst);
    });
    await replica[Symbol.asyncDispose]();
    assert.deepEqual(new Set(await Promise.all(asked)), new Set([5]));
  });
});
