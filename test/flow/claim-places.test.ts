import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Client, Pool } from 'pg';
import { claimDue, type DuePlace } from '../../src/db/delivery/claim-statements.ts';
import { writeOutcomes } from '../../src/db/delivery/outcome-statements.ts';
import { acceptedOf, claimOf } from '../support/claims.ts';
import {
  numbers,
  record,
  setState,
  sql,
  subscriptionMaker,
  theSync,
  vouchers,
} from '../support/deliveries.ts';
import { startTestHub, type TestHub } from '../support/hub.ts';
import { startReceiver } from '../support/receiver.ts';
import { recordVouchers } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

// Registered before the hub's database registers its own removal: this goes first.
after(() => hub[Symbol.asyncDispose]());
// No scheduler: its reconciler would find by itself what claims are to find.
const hub: TestHub = await startTestHub({ env: { HUB_ROLES: 'api,worker' } });
const makeSubscription = subscriptionMaker(hub);

/** How many entries of the index of due syncs the statement that `run` makes goes through. */
async function entriesRead(pool: Pool, run: () => Promise<void>): Promise<number> {
  const read = async () => {
    const { rows } = await pool.query<{ count: number }>(
      `select pg_stat_get_xact_tuples_returned('fin_open_syncs_due'::regclass)::int as count`,
    );
    return rows[0]?.count ?? Number.NaN;
  };
  // In one transaction: the count begins anew where one ends.
  await pool.query('begin');
  const before = await read();
  await run();
  const count = (await read()) - before;
  await pool.query('commit');
  return count;
}

test('while a transaction is open that is older than all deliveries, a claim does not step over what was delivered', async () => {
  const { id, system } = await makeSubscription('http://127.0.0.1:9/hook');
  await setState(hub, id, 'pause');
  await record(hub, vouchers(system, numbers(1_000)));
  // What is younger than a second is always looked through.
  await sql(
    hub.databaseUrl,
    `update fin_open_syncs set next_attempt_at = now() - interval '1 minute' where subscription_id = $1`,
    [id],
  );
  const old = new Client({ connectionString: hub.databaseUrl });
  await old.connect();
  await old.query('begin isolation level repeatable read');
  await old.query('select count(*) from fin_open_syncs');
  const pool = new Pool({ connectionString: hub.databaseUrl, max: 1 });
  const claimFrom = (from: DuePlace | null) => claimOf(id, 32, { states: ['paused'], from });
  let from: DuePlace | null = null;
  for (let claimed = 0; claimed < 896; claimed += 32) {
    const rows = await claimDue(pool, claimFrom(from));
    assert.equal(rows.length, 32);
    const first = rows.find(({ dueFrom }) => dueFrom !== null);
    if (first !== undefined) from = { at: first.dueFrom ?? '', id: first.id };
    await writeOutcomes(pool, rows.map(acceptedOf));
  }
  const next = await entriesRead(pool, async () => {
    assert.equal((await claimDue(pool, claimFrom(from))).length, 32);
  });
  const whole = await entriesRead(pool, async () => {
    assert.equal((await claimDue(pool, claimFrom(null))).length, 32);
  });
  await pool.end();
  await old.end();
  assert.ok(next <= 200, `${next} entries, of 32 syncs that it takes and those that the one before took`);
  assert.ok(
    whole >= 900,
    `${whole} entries from the beginning: the old transaction was none, and this test is none`,
  );
});

for (const rests of [false, true]) {
  test(`what falls due before the place where claims begin is found soon, ${rests ? 'where nothing more comes' : 'though the shard never rests'}`, async () => {
    let takesAll = false;
    await using receiver = await startReceiver();
    receiver.answer(({ rawBody }) => (takesAll || !rawBody.includes('LATE') ? 200 : 503));
    const retry = { maxRetries: 5, baseDelayMs: 3_600_000, maxDelayMs: 3_600_000, jitter: 0 };
    const { id, system } = await makeSubscription(receiver.url, { retry });
    await record(hub, vouchers(system, ['LATE']));
    const { id: late } = await theSync(hub, id, ({ status }) => status === 'RETRYING');
    takesAll = true;
    const ending = new AbortController();
    const traffic = (async () => {
      for (let n = 0; !ending.signal.aborted; n += 1) {
        await recordVouchers(hub, vouchers(system, [n]));
        await pause(10);
      }
    })();
    try {
      await until('claims begin at a place', () => receiver.requests.length > 50);
      if (rests) {
        ending.abort();
        await traffic;
      }
      await sql(
        hub.databaseUrl,
        `update fin_open_syncs set next_attempt_at = now() - interval '1 hour' where id = $1`,
        [late],
      );
      await theSync(hub, id, sync => sync.id === late && sync.status === 'SUCCESS');
    } finally {
      ending.abort();
      await traffic;
    }
  });
}
