import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { systemClock } from '../../src/core/clock.ts';
import { createLogger } from '../../src/core/logger.ts';
import { Database } from '../../src/db/database.ts';
import { type ClaimedSync, claimDue } from '../../src/db/lane-statements.ts';
import type { Outcome } from '../../src/delivery/judge.ts';
import type { LaneOutcomes } from '../../src/delivery/lane-outcomes.ts';
import { OutcomeWriter } from '../../src/delivery/outcome-writer.ts';
import { startTestHub } from '../support/hub.ts';
import { detailsOf, numbers, record, vouchers } from '../support/lanes.ts';
import { subscribe } from '../support/vouchers.ts';

const log = createLogger({ level: 'silent', pretty: false });

/** A lane's outcomes, and which of them it was told are written. */
interface OpenLane {
  readonly outcomes: LaneOutcomes;
  readonly written: string[];
}

function open(writer: OutcomeWriter, subscriptionId: string): OpenLane {
  const written: string[] = [];
  const owner = {
    subscriptionId,
    transport: 'webhook' as const,
    giveUp: new AbortController().signal,
    onWritten: (outcomes: readonly Outcome[]) => written.push(...outcomes.map(({ id }) => id)),
  };
  return { outcomes: writer.open(owner), written };
}

function success(sync: ClaimedSync, responseExcerpt: string): Outcome {
  return {
    id: sync.id,
    token: sync.token,
    alert: null,
    status: 'success',
    retryCount: 0,
    delayMs: null,
    failedPushes: 0,
    closedSockets: 0,
    failedByConnection: false,
    startedAt: new Date(),
    durationMs: 1,
    statusCode: 200,
    errorCode: null,
    errorMessage: null,
    responseExcerpt,
    evidence: null,
  };
}

test('outcomes of several lanes are written together; one that the database refuses holds up no other', async () => {
  // Nobody else claims: what is claimed here stays so.
  await using hub = await startTestHub({ env: { HUB_ROLES: 'api' } });
  await using db = await Database.connect({ url: hub.databaseUrl, poolSize: 2, log });
  const ids = await Promise.all(
    ['one', 'two'].map(async name => {
      const settings = { name, sourceSystems: [name], webhookUrl: 'http://127.0.0.1:9/hook' };
      return (await subscribe(hub, settings)).id;
    }),
  );
  for (const name of ['one', 'two']) await record(hub, vouchers(name, numbers(20)));
  const attempted: string[] = [];
  const writer = new OutcomeWriter({
    db,
    clock: systemClock,
    log,
    changes: { isWatched: false, note: () => {} },
    meter: { attempted: (_transport, outcomes) => attempted.push(...outcomes.map(({ id }) => id)) },
  });
  const lanes = ids.map(id => ({ id, ...open(writer, id) }));
  for (const { id, outcomes } of lanes) {
    const syncs = await claimDue(db.pool, {
      subscriptionId: id,
      shard: null,
      part: 'prompt',
      token: randomUUID(),
      limit: 32,
      leaseMs: 60_000,
      states: ['active'],
      transport: 'webhook',
      attachmentId: null,
    });
    assert.equal(syncs.length, 20);
    // PostgreSQL's text holds no NUL: the seventh of the first lane can't be written.
    for (const [n, sync] of syncs.entries())
      outcomes.add(success(sync, n === 6 && id === ids[0] ? '\0' : 'ok'));
  }
  await Promise.all(lanes.map(({ outcomes }) => outcomes.flush()));
  assert.deepEqual(
    lanes.map(({ outcomes, written }) => [outcomes.pending, written.length]),
    [
      [0, 19],
      [0, 20],
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
