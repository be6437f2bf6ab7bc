import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import fc from 'fast-check';
import { Pool, type PoolClient } from 'pg';
import { systemClock } from '../../src/core/clock.ts';
import { limits } from '../../src/core/limits.ts';
import { createLogger } from '../../src/core/logger.ts';
import { Database } from '../../src/db/database.ts';
import { claimDue, claimDueOfMany } from '../../src/db/delivery/claim-statements.ts';
import { writeOutcomes } from '../../src/db/delivery/outcome-statements.ts';
import { parkBlocked } from '../../src/db/delivery/parking-statements.ts';
import { Parking } from '../../src/delivery/drain/parking.ts';
import { ShardClaims } from '../../src/delivery/drain/shard-claims.ts';
import { acceptedOf, claimOf } from '../support/claims.ts';
import {
  cancelSyncs,
  record,
  retrySyncs,
  setState,
  statusCounts,
  subscriptionMaker,
  vouchers,
} from '../support/deliveries.ts';
import { startTestHub, type TestHub } from '../support/hub.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { startReceiver } from '../support/receiver.ts';
import { propertySeed } from '../support/seed.ts';
import { syncsOf } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

const log = createLogger({ level: 'silent', pretty: false });
const seed = propertySeed('parked syncs');
// Registered before the databases register their own removal: these go first.
after(async () => {
  await db[Symbol.asyncDispose]();
  await sql.end();
});
const url = await createTestDatabase();
const db = await Database.connect({ url, poolSize: 8, log });
const sql = new Pool({ connectionString: url });
sql.on('error', () => {});
let subscriptions = 0;

/** An active subscription with a shard of its own. */
async function addSubscription(): Promise<string> {
  subscriptions += 1;
  const { rows } = await sql.query<{ id: string }>(
    `insert into data_subscriptions (name, target_system, event_types, webhook_url, batch_size, max_in_flight, timeout_ms, ack_timeout_ms, max_retries, base_delay_ms, max_delay_ms, jitter, secret)
     values ($1, 'test', '{*}', 'http://127.0.0.1:9/', 1, 32, 1000, 1000, 3, 10, 10, 0, 'none') returning id::text`,
    [`shard ${subscriptions}`],
  );
  return rows[0]?.id ?? '';
}

/** Puts versions of records into a shard, the first of each before the second ones. */
async function addVersions(
  on: Pool,
  id: string,
  { records, versions }: { records: number; versions: number },
): Promise<void> {
  await on.query(
    `with v as (select nextval('fin_business_vouchers_id_seq') as id, r from generate_series(1, $2::int) r),
       e as (
         insert into fin_voucher_events (event_type, voucher_id, source_version, source_system, digest, data, voucher, occurred_at)
         select 'invoice_updated', v.id, n, 'test', '', '{}', '{}', now() from generate_series(1, $3::int) n, v order by n, v.r
         returning id, voucher_id)
     insert into fin_open_syncs (event_id, voucher_id, subscription_id, event_type, source_system, mode)
     select id, voucher_id, $1, 'invoice_updated', 'test', 'realtime' from e order by id`,
    [id, records, versions],
  );
}

async function count(text: string, values: unknown[] = []): Promise<number> {
  const { rows } = await sql.query<{ count: number }>(text, values);
  return Number(rows[0]?.count);
}

const parkedOf = (id: string) =>
  count(`select count(*) from fin_open_syncs where subscription_id = $1 and next_attempt_at = 'infinity'`, [
    id,
  ]);

async function parkAll(id: string): Promise<void> {
  while ((await parkBlocked(db.pool, id, 'prompt')) > 0);
}

/** How many entries of the indexes by which claims look the statements that `run` makes go through. */
async function entriesRead(run: (pool: Pool) => Promise<void>): Promise<number> {
  const pool = new Pool({ connectionString: url, max: 1 });
  const read = async () => {
    const { rows } = await pool.query<{ count: number }>(
      `select sum(pg_stat_get_xact_tuples_returned(indexrelid))::int as count from pg_index where indrelid = 'fin_open_syncs'::regclass`,
    );
    return rows[0]?.count ?? Number.NaN;
  };
  try {
    await pool.query('begin');
    const before = await read();
    await run(pool);
    const entries = (await read()) - before;
    await pool.query('commit');
    return entries;
  } finally {
    await pool.end();
  }
}

test('a claim and an outcome beside 5,000 waiting versions of one record read no more of the indexes than beside 100', async () => {
  const costs: number[] = [];
  for (const versions of [100, 5_000]) {
    const id = await addSubscription();
    await addVersions(sql, id, { records: 1, versions });
    const parking = new Parking({ db, clock: systemClock, log });
    const claims = new ShardClaims(db, parking);
    const [first] = await claims.claim(claimOf(id, 16));
    assert.ok(first?.isCrowded);
    await until('all that is blocked is parked', async () => (await parkedOf(id)) >= versions - 1);
    await writeOutcomes(db.pool, [acceptedOf(first)]);
    // The first claims after the parking step over what it left in the index, until PostgreSQL knows that it is dead:
    // as long as anything in this database, an analysis for instance, holds a snapshot of before.
    const read: number[] = [];
    const enough = (costs[0] ?? Number.POSITIVE_INFINITY) + 20;
    for (let turn = 0; turn < 8 || (turn < 80 && Math.min(...read) > enough); turn += 1) {
      if (turn >= 8) await pause(100);
      read.push(
        await entriesRead(async pool => {
          const rows = await claimDue(pool, claimOf(id, 16));
          assert.equal(rows.length, 1);
          await writeOutcomes(pool, rows.map(acceptedOf));
        }),
      );
    }
    costs.push(Math.min(...read));
  }
  const [few = 0, many = 0] = costs;
  assert.ok(many <= few + 20, `${many} entries beside 5,000, ${few} beside 100`);
});

test('a claim of several shards says which of them are crowded, and a shard where little waits is not', async () => {
  const shards = await Promise.all([1, 2, 3].map(addSubscription));
  const [crowded = '', few = '', full = ''] = shards;
  await addVersions(sql, crowded, { records: 1, versions: 200 });
  await addVersions(sql, few, { records: 2, versions: 10 });
  await addVersions(sql, full, { records: 100, versions: 1 });
  const rows = await claimDueOfMany(
    db.pool,
    claimOf('0', 8),
    shards.map(id => claimOf(id, 8)),
  );
  const isCrowded = async (id: string) => {
    const events = await sql.query<{ id: string }>(
      'select id::text from fin_open_syncs where subscription_id = $1',
      [id],
    );
    const ids = new Set(events.rows.map(row => row.id));
    return rows.filter(row => ids.has(row.id)).some(row => row.isCrowded);
  };
  assert.deepEqual(await Promise.all(shards.map(isCrowded)), [true, false, false]);
});

test('what is parked reads as due when it was recorded, counts as backlog, and goes back in order when its record is free', async () => {
  const id = await addSubscription();
  await addVersions(sql, id, { records: 2, versions: 100 });
  const [before] = (
    await sql.query<{ at: string }>(
      'select max(next_attempt_at)::text as at from fin_open_syncs where subscription_id = $1',
      [id],
    )
  ).rows;
  await parkAll(id);
  assert.equal(await parkedOf(id), 198);
  const [shown] = (
    await sql.query<{ at: string }>(
      'select max(next_attempt_at)::text as at from fin_data_sync_logs where subscription_id = $1',
      [id],
    )
  ).rows;
  assert.deepEqual(shown, before);
  const order: string[] = [];
  for (;;) {
    const rows = await claimDue(db.pool, claimOf(id, 16));
    if (rows.length === 0) break;
    assert.equal(new Set(rows.map(row => row.voucherId)).size, rows.length);
    for (const row of rows) order.push(row.eventId);
    await writeOutcomes(db.pool, rows.map(acceptedOf));
  }
  assert.equal(order.length, 200);
  assert.deepEqual(
    order,
    order.toSorted((a, b) => Number(a) - Number(b)),
  );
});

test('whatever claims, parks, delivers, retries, cancels and rolls back at once, each record goes in order and nothing stays parked', async () => {
  const runs = fc.sample(fc.record({ records: fc.integer({ min: 1, max: 5 }), salt: fc.nat() }), {
    seed,
    numRuns: 6,
  });
  for (const { records, salt } of runs) {
    const id = await addSubscription();
    await addVersions(sql, id, { records, versions: 150 });
    let dice = salt;
    const random = () => {
      dice = (Math.imul(dice, 1_103_515_245) + 12_345) >>> 0;
      return dice / 2 ** 32;
    };
    const delivered = new Map<string, number[]>();
    const open = () => count('select count(*) from fin_open_syncs where subscription_id = $1', [id]);
    const deadline = performance.now() + 60_000;
    const parking = new Parking({ db, clock: systemClock, log });
    const worker = async () => {
      while ((await open()) > 0) {
        assert.ok(performance.now() < deadline, 'everything is over within a minute');
        const rows = await claimDue(db.pool, claimOf(id, 4));
        const outcomes = rows.map(row => {
          const again = random() < 0.2;
          if (!again)
            delivered.set(row.voucherId, [...(delivered.get(row.voucherId) ?? []), Number(row.eventId)]);
          return again
            ? { ...acceptedOf(row), status: 'retrying' as const, retryCount: 1, delayMs: 1 }
            : acceptedOf(row);
        });
        if (outcomes.length > 0) await writeOutcomes(db.pool, outcomes);
      }
    };
    const disturber = async () => {
      while ((await open()) > 0) {
        const action = random();
        if (action < 0.5) await parkBlocked(db.pool, id, 'prompt');
        else if (action < 0.7) await parking.unparkStranded();
        else await rolledBack(random() < 0.5, client => cancelOne(client, id, random()));
      }
    };
    await Promise.all([worker(), worker(), worker(), disturber(), disturber()]);
    for (const events of delivered.values())
      assert.deepEqual(
        events,
        events.toSorted((a, b) => a - b),
        `seed ${seed}`,
      );
    assert.equal(delivered.size, records);
  }
});

/** Runs `work` in a transaction that ends in one way or the other. */
async function rolledBack(isRolledBack: boolean, work: (client: PoolClient) => Promise<void>): Promise<void> {
  const client = await db.pool.connect();
  try {
    await client.query('begin');
    await work(client);
    await client.query(isRolledBack ? 'rollback' : 'commit');
  } finally {
    client.release();
  }
}

/** Ends one waiting sync, somewhere in the middle, as a cancellation does. */
async function cancelOne(client: PoolClient, id: string, at: number): Promise<void> {
  await client.query(
    `delete from fin_open_syncs where ctid = (
       select ctid from fin_open_syncs where subscription_id = $1 and claim_token is null
       order by id offset floor($2::float8 * 20) limit 1 for update skip locked)`,
    [id, at],
  );
}

test('what a rolled-back end of a sync left parked is let go by the reconciler, and what waits rightly stays', async () => {
  const id = await addSubscription();
  await addVersions(sql, id, { records: 3, versions: 50 });
  await parkAll(id);
  // As no statement of the hub does: the heads go without their trigger.
  await sql.query(
    `begin; set local session_replication_role = replica;
     delete from fin_open_syncs where subscription_id = ${id} and id in (select min(id) from fin_open_syncs where subscription_id = ${id} group by voucher_id);
     commit`,
  );
  assert.deepEqual(await claimDue(db.pool, claimOf(id, 16)), []);
  await new Parking({ db, clock: systemClock, log }).unparkStranded();
  assert.equal(await parkedOf(id), 3 * 48);
  assert.equal((await claimDue(db.pool, claimOf(id, 16))).length, 3);
});

test('a shard with one record of many versions drains in order beside other records, and by hand they are retried and cancelled as ever', async () => {
  await using hub: TestHub = await startTestHub();
  await using receiver = await startReceiver();
  const { id, system } = await subscriptionMaker(hub)(receiver.url);
  const own = new Pool({ connectionString: hub.databaseUrl });
  try {
    await setState(hub, id, 'pause');
    for (let version = 1; version <= 300; version += 1)
      await record(hub, vouchers(system, [0, 1], { sourceVersion: version, amount: `${version}.00` }));
    while ((await parkBlocked(own, id, 'prompt')) > 0);
    const [waiting] = await syncsOf(hub, { subscriptionId: id, statuses: ['PENDING'] });
    assert.ok(waiting !== undefined && waiting.nextAttemptAt !== null);
    assert.equal(await retrySyncs(hub, { subscriptionId: id, statuses: ['PENDING'] }), 600);
    while ((await parkBlocked(own, id, 'prompt')) > 0);
    assert.equal(await cancelSyncs(hub, { ids: [waiting.id] }), 1);
    await setState(hub, id, 'resume');
    await until('all are over', async () => (await statusCounts(hub.databaseUrl)).success === 599);
    const events = receiver.requests.map(({ rawBody }) => Number(JSON.parse(rawBody).event_id));
    for (const parity of [0, 1]) {
      const ofOne = events.filter(event => event % 2 === parity);
      assert.deepEqual(
        ofOne,
        ofOne.toSorted((a, b) => a - b),
      );
    }
  } finally {
    await own.end();
  }
});

test('no more is parked than one statement may look at, and few are not worth it', async () => {
  const id = await addSubscription();
  await addVersions(sql, id, { records: 1, versions: limits.parkAtLeast });
  assert.equal(await parkBlocked(db.pool, id, 'prompt'), 0);
  await addVersions(sql, id, { records: 1, versions: 3_000 });
  assert.ok((await parkBlocked(db.pool, id, 'prompt')) <= limits.parkAtOnce);
});

test('thousands of versions of one record that end in one statement look at their record once', async () => {
  const id = await addSubscription();
  await addVersions(sql, id, { records: 1, versions: 4_000 });
  await parkAll(id);
  const read = await entriesRead(async pool => {
    await pool.query('delete from fin_open_syncs where subscription_id = $1', [id]);
  });
  assert.ok(read < 40_000, `${read} entries`);
});
