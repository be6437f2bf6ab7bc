import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { type Clock, systemClock } from '../../src/core/clock.ts';
import { createLogger } from '../../src/core/logger.ts';
import { Database } from '../../src/db/database.ts';
import type { ClaimedSync } from '../../src/db/delivery/shard-statements.ts';
import { ShardClaims } from '../../src/delivery/drain/shard-claims.ts';
import type { Outcome } from '../../src/delivery/outcome/judge.ts';
import { OutcomeWriter } from '../../src/delivery/outcome/outcome-writer.ts';
import type { ShardOutcomes } from '../../src/delivery/outcome/shard-outcomes.ts';
import { acceptedOf, claimOf } from '../support/claims.ts';
import {
  detailsOf,
  numbers,
  record,
  setState,
  sql,
  subscriptionMaker,
  vouchers,
} from '../support/deliveries.ts';
import { startTestHub, type TestHub } from '../support/hub.ts';

const log = createLogger({ level: 'silent', pretty: false });

// Registered before the hub's database registers its own removal: these go first.
after(() => db[Symbol.asyncDispose]());
after(() => hub[Symbol.asyncDispose]());
/** It has no worker: what is claimed here stays so. */
const hub: TestHub = await startTestHub({ env: { HUB_ROLES: 'api' } });
const db: Database = await Database.connect({ url: hub.databaseUrl, poolSize: 2, log });
const makeSubscription = subscriptionMaker(hub);
const target = 'http://127.0.0.1:9/hook';

/** @param onAttempted told of the ids whose attempts were counted */
function writerBy(clock: Clock, onAttempted: (ids: string[]) => void): OutcomeWriter {
  return new OutcomeWriter({
    db,
    clock,
    log,
    changes: { isWatched: false, note: () => {} },
    meter: { attempted: (_transport, outcomes) => onAttempted(outcomes.map(({ id }) => id)) },
    tracer: null,
  });
}

/** A shard's outcomes, and which of them it was told are written or will not be. */
interface OpenShard {
  readonly outcomes: ShardOutcomes;
  readonly written: string[];
  readonly dropped: string[];
}

function open(writer: OutcomeWriter, subscriptionId: string): OpenShard {
  const written: string[] = [];
  const dropped: string[] = [];
  const owner = {
    subscriptionId,
    transport: 'webhook' as const,
    giveUp: new AbortController().signal,
    onWritten: (outcomes: readonly Outcome[]) => written.push(...outcomes.map(({ id }) => id)),
    onDropped: (outcomes: readonly Outcome[]) => dropped.push(...outcomes.map(({ id }) => id)),
  };
  return { outcomes: writer.open(owner), written, dropped };
}

function success(sync: ClaimedSync, responseExcerpt: string): Outcome {
  return { ...acceptedOf(sync), responseExcerpt, alert: null, traceparent: null };
}

test('what shards ask for at once is one statement, and each gets its own: the longest due, one a record, no more than its limit', async () => {
  const shards = await Promise.all(
    [3, 40, 0, 5].map(async count => ({ count, ...(await makeSubscription(target)) })),
  );
  const paused = await makeSubscription(target);
  for (const { system, count } of [...shards, { ...paused, count: 4 }]) {
    if (count === 0) continue;
    await record(hub, vouchers(system, numbers(count)));
    // A later version waits for the earlier one.
    await record(hub, vouchers(system, [0], { amount: '2.00' }));
  }
  await setState(hub, paused.id, 'pause');
  const claims = new ShardClaims(db);
  const requests = [...shards, paused].map(({ id }) => claimOf(id, 16));
  const claimed = await Promise.all(requests.map(request => claims.claim(request)));
  const idsOf = (syncs: readonly ClaimedSync[]) =>
    syncs.map(({ voucherJson }) => String(JSON.parse(voucherJson).source_id));
  const wanted = shards.map(({ system, count }) => numbers(Math.min(count, 16)).map(n => `${system}-${n}`));
  assert.deepEqual(claimed.map(idsOf), [...wanted, []]);
  for (const [at, syncs] of claimed.entries())
    assert.ok(syncs.every(({ token }) => token === requests[at]?.token));
  const held = await sql<{ subscription_id: string; held: number; statement: string }>(
    hub.databaseUrl,
    'select subscription_id::text, cardinality(sync_ids) as held, xmin::text as statement from lane_claims order by subscription_id',
  );
  assert.deepEqual(
    held.map(row => [row.subscription_id, row.held]),
    shards
      .filter(({ count }) => count > 0)
      .sort((a, b) => Number(a.id) - Number(b.id))
      .map(({ id, count }) => [id, Math.min(count, 16)]),
  );
  assert.equal(new Set(held.map(row => row.statement)).size, 1);
});

test('what one shard asks for alone, or by another limit than others, it gets as well', async () => {
  const shards = await Promise.all([1, 2].map(() => makeSubscription(target)));
  for (const { system } of shards) await record(hub, vouchers(system, numbers(8)));
  const claims = new ShardClaims(db);
  const claimed = await Promise.all(shards.map(({ id }, at) => claims.claim(claimOf(id, at === 0 ? 4 : 8))));
  assert.deepEqual(
    claimed.map(syncs => syncs.length),
    [4, 8],
  );
  assert.equal((await claims.claim(claimOf(shards[0]?.id ?? '', 4))).length, 4);
  assert.deepEqual(await claims.claim(claimOf(shards[0]?.id ?? '', 4)), []);
});

test('outcomes of several shards are written together; one that the database refuses holds up no other', async () => {
  const made = await Promise.all([1, 2].map(() => makeSubscription(target)));
  const ids = made.map(({ id }) => id);
  for (const { system } of made) await record(hub, vouchers(system, numbers(20)));
  const attempted: string[] = [];
  const claims = new ShardClaims(db);
  const writer = writerBy(systemClock, written => attempted.push(...written));
  const shards = ids.map(id => ({ id, ...open(writer, id) }));
  for (const { id, outcomes } of shards) {
    const syncs = await claims.claim(claimOf(id, 32));
    assert.equal(syncs.length, 20);
    // PostgreSQL's text holds no NUL: the seventh of the first shard can't be written.
    for (const [n, sync] of syncs.entries())
      outcomes.add(success(sync, n === 6 && id === ids[0] ? '\0' : 'ok'));
  }
  await Promise.all(shards.map(({ outcomes }) => outcomes.flush()));
  assert.deepEqual(
    shards.map(({ outcomes, written, dropped }) => [outcomes.pending, written.length, dropped.length]),
    [
      [0, 19, 1],
      [0, 20, 0],
    ],
  );
  assert.equal(attempted.length, 39);
  const states = await Promise.all(ids.map(id => detailsOf(hub, id)));
  assert.deepEqual(
    states.map(syncs => syncs.filter(({ status }) => status === 'SUCCESS').length),
    [19, 20],
  );
  assert.equal(
    states[0]?.filter(({ status }) => status === 'PROCESSING').length,
    1,
    'its lease will run out',
  );
});

test('an outcome waits for more the longer, the more there lately were; what is awaited waits for none', async () => {
  const { id, system } = await makeSubscription(target);
  await record(hub, vouchers(system, numbers(30)));
  const lingers: number[] = [];
  const clock: Clock = {
    ...systemClock,
    after(ms, run) {
      lingers.push(ms);
      // Never by itself: what is written here is awaited.
      return systemClock.after(60_000, run);
    },
  };
  const { outcomes } = open(
    writerBy(clock, () => {}),
    id,
  );
  const syncs = await new ShardClaims(db).claim(claimOf(id, 32));
  const add = (count: number) => {
    // A success would be noted in the subscription too, by a statement that nobody here waits for.
    for (const sync of syncs.splice(0, count)) outcomes.add({ ...success(sync, ''), status: 'failed' });
  };
  for (const count of [1, 24, 1, 1]) {
    add(count);
    await outcomes.flush();
    await turn();
  }
  assert.deepEqual(lingers.splice(0), [5, 5, 50, 5], 'milliseconds, by how many were written before');
  add(1);
  const flushed = outcomes.flush();
  add(1);
  await flushed;
  assert.deepEqual(lingers, [5, 20], 'behind a statement that is under way');
  assert.equal(outcomes.pending, 0);
});
