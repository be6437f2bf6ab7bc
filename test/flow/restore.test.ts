import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { numbers, record, sql, vouchers } from '../support/deliveries.ts';
import { startTestHub, type TestHub } from '../support/hub.ts';
import { assertBeyond, numbersOf, Outsider, restoresOf } from '../support/outsider.ts';
import {
  oldestPostgresBin as bin,
  type DebianServer,
  pgBouncer,
  startPgBouncer,
  startPostgres,
  without,
} from '../support/postgres-server.ts';
import { startReceiver } from '../support/receiver.ts';
import { type Switch, startSwitch } from '../support/switch.ts';
import { recordVouchers, subscribe, voucherInput } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

const run = promisify(execFile);

/** A database made anew on a server; its url. */
async function freshDatabase(server: DebianServer, name: string): Promise<string> {
  await sql(server.url, `create database ${name}`);
  const url = new URL(server.url);
  url.pathname = `/${name}`;
  return url.href;
}

/** Puts a dump of one database into another, as docs/operations.md says. */
async function dumpInto(from: string, to: string): Promise<() => Promise<void>> {
  const folder = await mkdtemp(path.join(tmpdir(), 'hub-dump-'));
  const file = path.join(folder, 'hub.dump');
  await run(path.join(bin, 'pg_dump'), ['--format=custom', `--file=${file}`, from]);
  return async () => {
    const rights = ['--no-owner', '--no-privileges', '--exit-on-error'];
    await run(path.join(bin, 'pg_restore'), [...rights, `--dbname=${to}`, file]);
    await rm(folder, { recursive: true });
  };
}

/** The one alert of a restored database. */
async function restoredAlert(hub: Pick<TestHub, 'data'>): Promise<{ severity: string }> {
  return until(
    'the alert fires',
    async () => {
      const { alerts } = await hub.data<{ alerts: { rule: string; severity: string }[] }>(
        '{ alerts(state: FIRING) { rule severity } }',
      );
      return alerts.find(({ rule }) => rule === 'database_restored');
    },
    60_000,
  );
}

describe('a dump', { skip: without(path.join(bin, 'pg_dump')) }, () => {
  let server: DebianServer;
  before(async () => {
    server = await startPostgres({ bin });
  });
  after(() => server[Symbol.asyncDispose]());

  test('restored into a new server gives no number twice, tells what may be missing, and lets analysts in again', async () => {
    await using receiver = await startReceiver();
    const outsider = new Outsider(receiver);
    const databaseUrl = await freshDatabase(server, 'origin');
    await using elsewhere = await startPostgres({ bin });
    const restoredUrl = await freshDatabase(elsewhere, 'restored');
    const restore = await (async () => {
      await using hub = await startTestHub({ databaseUrl });
      await subscribe(hub, { webhookUrl: receiver.url });
      await outsider.use(hub, 'a');
      const dumped = await dumpInto(databaseUrl, restoredUrl);
      await outsider.use(hub, 'lost');
      return dumped;
    })();
    const lost = await numbersOf(databaseUrl);
    await restore();
    await using hub = await startTestHub({ databaseUrl: restoredUrl });
    assertBeyond(await numbersOf(restoredUrl), lost);
    await outsider.use(hub, 'b');
    outsider.assertNoClash();
    const [found, ...others] = await restoresOf(hub);
    assert.deepEqual([found?.reason, others], ['other_server', []]);
    assert.equal((await restoredAlert(hub)).severity, 'CRITICAL');
    const grants = await sql<{ reads: boolean }>(
      restoredUrl,
      `select has_table_privilege('voucher_hub_analyst', 'analyst_vouchers', 'select') as reads`,
    );
    assert.deepEqual(grants, [{ reads: true }]);
    await hub.data('mutation { settleDatabaseRestores { settledAt } }');
    assert.notEqual((await restoresOf(hub))[0]?.settledAt, null);
  });

  test('restored as another database of the same server, and over the same database, gives no number twice', async () => {
    await using receiver = await startReceiver();
    const outsider = new Outsider(receiver);
    const databaseUrl = await freshDatabase(server, 'again');
    const copyUrl = await freshDatabase(server, 'again_copy');
    const [restoreCopy, restoreOver] = await (async () => {
      await using hub = await startTestHub({ databaseUrl });
      await subscribe(hub, { name: 'again', webhookUrl: receiver.url });
      await outsider.use(hub, 'again-a');
      const dumps = [await dumpInto(databaseUrl, copyUrl), await dumpInto(databaseUrl, databaseUrl)];
      await outsider.use(hub, 'again-lost');
      return dumps;
    })();
    const lost = await numbersOf(databaseUrl);
    await restoreCopy?.();
    {
      await using hub = await startTestHub({ databaseUrl: copyUrl });
      assertBeyond(await numbersOf(copyUrl), lost);
      await outsider.use(hub, 'again-b');
      assert.equal((await restoresOf(hub))[0]?.reason, 'other_database');
    }
    await sql(
      databaseUrl,
      'drop schema if exists bullmq cascade; drop schema public cascade; create schema public',
    );
    await restoreOver?.();
    await using hub = await startTestHub({ databaseUrl });
    assertBeyond(await numbersOf(databaseUrl), lost);
    await outsider.use(hub, 'again-c');
    assert.equal((await restoresOf(hub))[0]?.reason, 'rows_of_a_dump');
    outsider.assertNoClash();
  });

  test('of a version that kept no track of restores gives no number twice either', async () => {
    const databaseUrl = await freshDatabase(server, 'untracked');
    {
      await using hub = await startTestHub({ databaseUrl });
      await record(hub, vouchers('untracked', numbers(20)));
    }
    const lost = await numbersOf(databaseUrl);
    await sql(databaseUrl, 'delete from database_lineage');
    await using hub = await startTestHub({ databaseUrl });
    assertBeyond(await numbersOf(databaseUrl), lost);
    assert.deepEqual(await restoresOf(hub), []);
  });
});

describe('the files of a server', { skip: without(path.join(bin, 'pg_basebackup')) }, () => {
  test('restored with nothing that tells them from the original give no number twice', async () => {
    await using receiver = await startReceiver();
    const outsider = new Outsider(receiver);
    await using origin = await startPostgres({ bin });
    const before_ = await startTestHub({ databaseUrl: origin.url });
    await subscribe(before_, { webhookUrl: receiver.url });
    await outsider.use(before_, 'a');
    await using backup = await startPostgres({ bin, backupOf: origin.url });
    await outsider.use(before_, 'lost', 200);
    await before_[Symbol.asyncDispose]();
    const lost = await numbersOf(origin.url);
    await using hub = await startTestHub({ databaseUrl: backup.url });
    assertBeyond(await numbersOf(backup.url), lost);
    await outsider.use(hub, 'b', 200);
    outsider.assertNoClash();
    // Nobody can know, so nobody is alarmed; a person says so.
    assert.deepEqual(await restoresOf(hub), []);
    const missingSince = new Date(Date.now() - 3_600_000).toISOString();
    await hub.data('mutation ($since: DateTime) { noteDatabaseRestore(missingSince: $since) { reason } }', {
      since: missingSince,
    });
    assert.deepEqual(
      (await restoresOf(hub)).map(({ reason, missingSince: since }) => [reason, since]),
      [['by_hand', missingSince]],
    );
  });
});

/** A standby that has got all until now, and gets nothing any more. */
async function laggingStandby(primary: DebianServer): Promise<DebianServer> {
  const standby = await startPostgres({ bin, replicaOf: primary.url });
  await until('the standby has all', async () => {
    const at = (await sql<{ lsn: string }>(primary.url, 'select pg_current_wal_lsn()::text as lsn'))[0]?.lsn;
    const rows = await sql<{ reached: boolean }>(
      standby.url,
      'select pg_last_wal_replay_lsn() >= $1::pg_lsn as reached',
      [at],
    );
    return rows[0]?.reached;
  });
  await sql(standby.url, `alter system set primary_conninfo = ''`);
  await sql(standby.url, 'select pg_reload_conf()');
  await until('nothing streams', async () => {
    const rows = await sql(standby.url, 'select 1 from pg_stat_wal_receiver');
    return rows.length === 0;
  });
  return standby;
}

describe('an asynchronous standby', { skip: without(path.join(bin, 'pg_basebackup')) }, () => {
  const routes = [
    { name: 'reached by its own address', pooled: false },
    { name: 'behind PgBouncer', pooled: true },
  ];
  for (const { name, pooled } of routes) {
    const skip = pooled ? without(pgBouncer) : false;
    test(`${name}: promoted under a hub that goes on, gives no number twice`, { skip }, async () => {
      await using parts = new AsyncDisposableStack();
      const receiver = parts.use(await startReceiver());
      const outsider = new Outsider(receiver);
      const primary = parts.use(await startPostgres({ bin }));
      const address: Switch = parts.use(await startSwitch());
      address.lead(primary.url);
      const direct = address.urlOf(primary.url);
      const databaseUrl = pooled ? parts.use(await startPgBouncer(direct)).url : direct;
      const hub = parts.use(await startTestHub({ databaseUrl, env: { DATABASE_DIRECT_URL: direct } }));
      await subscribe(hub, { webhookUrl: receiver.url });
      await outsider.use(hub, 'a');
      const standby = parts.use(await laggingStandby(primary));
      await outsider.use(hub, 'lost', 100);
      address.lead(null);
      const lost = await numbersOf(primary.url);
      await sql(standby.url, 'select pg_promote()');
      address.lead(standby.url);
      await until('the hub records again', async () => {
        const answer = await hub.ask(
          'mutation ($input: RecordVoucherInput!) { recordVoucher(input: $input) { outcome } }',
          { input: voucherInput({ sourceSystem: 'b', sourceId: 'b-0' }) },
        );
        return answer.errors === undefined;
      });
      assertBeyond(await numbersOf(standby.url), lost);
      await outsider.use(hub, 'b', 100);
      outsider.assertNoClash();
      assert.equal((await restoresOf(hub))[0]?.reason, 'new_timeline');
    });
  }
});

describe('the folder of the embedded database', () => {
  test('put back as an older copy, twice within a minute, gives no number twice; stopped and started it is no copy', async () => {
    await using receiver = await startReceiver();
    const outsider = new Outsider(receiver);
    const parent = await mkdtemp(path.join(tmpdir(), 'hub-restore-'));
    const [data, backup] = [path.join(parent, 'data'), path.join(parent, 'backup')];
    const env = { DATABASE_URL: '', HUB_DATA_DIR: data };
    const asIs = { recursive: true, preserveTimestamps: true };
    const start = () => startTestHub({ env });
    try {
      {
        await using hub = await start();
        await subscribe(hub, { webhookUrl: receiver.url });
        await outsider.use(hub, 'a');
      }
      await cp(data, backup, asIs);
      for (const round of ['first', 'second', 'third']) {
        {
          await using hub = await start();
          assert.equal((await restoresOf(hub)).length, round === 'first' ? 0 : 1);
          await outsider.use(hub, round, 60);
        }
        await rm(data, { recursive: true });
        const copy = path.join(parent, round);
        await cp(backup, copy, asIs);
        await rename(copy, data);
      }
      await using hub = await start();
      await outsider.use(hub, 'last', 60);
      outsider.assertNoClash();
      assert.deepEqual(
        (await restoresOf(hub)).map(({ reason }) => reason),
        ['copied_folder'],
      );
    } finally {
      await rm(parent, { recursive: true, force: true });
    }
  });
});

describe('versions that the hub counts', { skip: without(path.join(bin, 'pg_dump')) }, () => {
  test('are not given twice after a restore: what was lost and what comes instead have different ones', async () => {
    await using server = await startPostgres({ bin });
    const databaseUrl = await freshDatabase(server, 'versions');
    const restoredUrl = await freshDatabase(server, 'versions_restored');
    const versionOf = async (hub: TestHub, amount: string) =>
      (await recordVouchers(hub, [voucherInput({ amount })]))[0]?.result?.voucher.sourceVersion ?? 0;
    const [restore, lost] = await (async () => {
      await using hub = await startTestHub({ databaseUrl });
      assert.equal(await versionOf(hub, '1.00'), 1);
      const dumped = await dumpInto(databaseUrl, restoredUrl);
      return [dumped, await versionOf(hub, '2.00')] as const;
    })();
    assert.equal(lost, 2);
    await restore();
    await using hub = await startTestHub({ databaseUrl: restoredUrl });
    const version = await versionOf(hub, '3.00');
    assert.ok(version > 1_000_000, String(version));
    assert.equal(await versionOf(hub, '4.00'), version + 1);
  });
});
