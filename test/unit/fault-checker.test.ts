import assert from 'node:assert/strict';
import { test } from 'node:test';
import { check, type Rule } from '../../faults/checker.ts';
import type { History, LoggedSync, Published, Received } from '../../faults/history.ts';
import { checkRecovery } from '../../faults/recovery.ts';

const event = { sourceSystem: 'erp', sourceId: 'R1' };

function published(version: number, over: Partial<Published> = {}): Published {
  const answered = { acknowledgedAt: 10 * version, outcomes: ['UPDATED'], deliveries: 1 };
  return { ...event, version, mark: `m${version}`, ...answered, ...over };
}

function received(version: number, over: Partial<Received> = {}): Received {
  const arrival = {
    subscriptionId: '1',
    way: 'webhook' as const,
    at: 10 * version + 5,
    datedOffMs: 0,
    signature: null,
    accepted: true,
  };
  return { ...event, ...arrival, version, mark: `m${version}`, syncId: `s${version}`, ...over };
}

function logged(version: number, over: Partial<LoggedSync> = {}): LoggedSync {
  const sync = { id: `s${version}`, subscriptionId: '1', status: 'SUCCESS', attempts: [null] };
  return { ...event, ...sync, version, ...over };
}

/** A good run of two versions of one record; give what differs. */
function history(over: Partial<History> = {}): History {
  return {
    subscriptions: [{ id: '1', name: 'tax', sourceSystems: ['erp'], maxRetries: 2 }],
    published: [published(1, { outcomes: ['CREATED'] }), published(2)],
    received: [received(1), received(2)],
    syncs: [logged(1), logged(2)],
    databaseCrashes: [],
    faultsOfHub: [],
    ...over,
  };
}

function rules(over: Partial<History>): Rule[] {
  return [...new Set(check(history(over)).map(({ rule }) => rule))];
}

const bothReceived = [received(1), received(2)];

test('a run in which everything arrived once is good', () => {
  assert.deepEqual(check(history()), []);
});

test('an acknowledged event that has no sync, or is SUCCESS and never arrived, is lost', () => {
  assert.deepEqual(rules({ syncs: [logged(1)], received: [received(1)] }), ['nothing acknowledged is lost']);
  assert.deepEqual(rules({ received: [received(1)] }), ['nothing acknowledged is lost']);
});

test('an event that was not acknowledged may be recorded or not, and FAILED is visible', () => {
  const unanswered = published(2, { acknowledgedAt: null, outcomes: [], deliveries: null });
  assert.deepEqual(rules({ published: [published(1), unanswered] }), []);
  const first = { published: [published(1), unanswered], received: [received(1)], syncs: [logged(1)] };
  assert.deepEqual(rules(first), []);
  const failed = logged(2, { status: 'FAILED', attempts: ['ECONNRESET', 'ECONNRESET', 'ECONNRESET'] });
  assert.deepEqual(rules({ received: [received(1)], syncs: [logged(1), failed] }), []);
});

test('what nobody published, has other content, is not in the log, or was not subscribed to is a phantom', () => {
  const phantom = ['nothing is delivered that was not committed'];
  assert.deepEqual(rules({ received: [...bothReceived, received(3)] }), phantom);
  assert.deepEqual(rules({ received: [received(1), received(2, { mark: 'other' })] }), phantom);
  const unlogged = published(3, { acknowledgedAt: null, outcomes: [], deliveries: null });
  const more = {
    published: [published(1), published(2), unlogged],
    received: [...bothReceived, received(3)],
  };
  assert.deepEqual(rules(more), phantom);
  const other = { ...event, sourceSystem: 'crm' };
  assert.deepEqual(
    rules({
      published: [published(1), published(2), { ...published(3, { deliveries: 0 }), ...other }],
      received: [...bothReceived, { ...received(3), ...other }],
      syncs: [logged(1), logged(2), { ...logged(3), ...other }],
    }),
    phantom,
  );
});

test('a sync that arrives as another than the log has is a phantom', () => {
  const swapped = [received(1), received(2, { syncId: 's1' })];
  assert.ok(rules({ received: swapped }).includes('nothing is delivered that was not committed'));
});

test('a version that first arrives after a later one is out of order; a repetition of it is not', () => {
  assert.deepEqual(rules({ received: [received(2), received(1)] }), ['one record arrives in order']);
  const again = [...bothReceived, received(1)];
  assert.deepEqual(
    rules({ received: again, syncs: [logged(1, { attempts: ['ETIMEDOUT', null] }), logged(2)] }),
    [],
  );
});

test('what had FAILED before holds nothing back, what only lost its process does', () => {
  const late = { received: [received(2), received(1)] };
  const after = (attempts: (string | null)[]) =>
    rules({ ...late, syncs: [logged(1, { attempts }), logged(2)] });
  assert.deepEqual(after(['ECONNRESET', 'ECONNRESET', 'ECONNRESET', null]), []);
  assert.deepEqual(after(['ECONNRESET', 'ECONNRESET', null]), ['one record arrives in order']);
  assert.deepEqual(after([...Array<string>(5).fill('LEASE_EXPIRED'), null]), ['one record arrives in order']);
  assert.deepEqual(after([...Array<string>(10).fill('SOCKET_CLOSED'), null]), []);
});

test('a duplicate under another id is found, at the consumer and in the log', () => {
  const duplicate = { received: [...bothReceived, received(2, { syncId: 's9' })] };
  const both = { ...duplicate, syncs: [logged(1), logged(2), logged(2, { id: 's9' })] };
  assert.deepEqual(rules(both), ['a duplicate has the same sync_id']);
});

test('a SUCCESS that nobody accepted, and more arrivals than attempts, disagree with the log', () => {
  const disagrees = ['the log agrees with the consumers'];
  assert.deepEqual(rules({ received: [received(1), received(2, { accepted: false })] }), disagrees);
  assert.deepEqual(rules({ received: [...bothReceived, received(2)] }), disagrees);
});

test('bytes that one attempt sent twice over connections that broke agree with the log, another request does not', () => {
  const sent = (signature: string) => received(2, { signature });
  const twice = (first: string, second: string) =>
    rules({ received: [received(1), sent(first), sent(second)] });
  assert.deepEqual(twice('v1,a', 'v1,a'), []);
  assert.deepEqual(twice('v1,a', 'v1,b'), ['the log agrees with the consumers']);
});

test('around a crash of PostgreSQL, and only there, the log may lack attempts', () => {
  const at = 100_000;
  const twice = (crash: number) =>
    rules({ received: [received(1), received(2, { at }), received(2, { at })], databaseCrashes: [crash] });
  assert.deepEqual(twice(at + 1_000), []);
  assert.deepEqual(twice(at - 10_000), []);
  assert.deepEqual(twice(at + 10_000), ['the log agrees with the consumers']);
});

test('a sync that is not over is unfinished', () => {
  assert.deepEqual(rules({ syncs: [logged(1), logged(2, { status: 'RETRYING' })] }), [
    'nothing stays unfinished',
  ]);
});

test('answers to publishers are held against what was recorded', () => {
  const wrong = ['answers to publishers are right'];
  const answered = (outcomes: string[], deliveries = 1) =>
    rules({ published: [published(1), published(2, { outcomes, deliveries })] });
  assert.deepEqual(answered(['DUPLICATE', 'UPDATED', 'DUPLICATE']), []);
  assert.deepEqual(answered(['DUPLICATE', 'DUPLICATE']), []);
  assert.deepEqual(answered(['UPDATED', 'UPDATED']), wrong);
  assert.deepEqual(answered(['STALE']), wrong);
  assert.deepEqual(answered(['UPDATED'], 2), wrong);
});

test('what the lab itself saw of the hub is a violation', () => {
  assert.deepEqual(rules({ faultsOfHub: ['a ended by itself (1)'] }), ['the hub itself stays sound']);
});

test('what a fault of the hub held up for more than a minute is a violation, though it arrived in the end', () => {
  const subscriptions = [{ id: '1', name: 'steady', sourceSystems: null, maxRetries: 2 }];
  const fault = (kind: string) => ({ kind, target: 'a', at: 0, lasts: 5, chance: 0 });
  const after = (kind: string, at: number) =>
    checkRecovery(history({ subscriptions, received: [received(1), received(2, { at })] }), [
      { fault: fault(kind), from: 100, until: 5_100 },
    ]).map(({ rule }) => rule);
  assert.deepEqual(after('node-killed', 60_000), []);
  assert.deepEqual(after('node-killed', 60_200), ['shards run again soon'], 'from the kill itself');
  assert.deepEqual(after('database-restarted', 65_000), []);
  assert.deepEqual(after('database-restarted', 65_200), ['shards run again soon'], 'from its end');
  assert.deepEqual(after('webhook-slow', 200_000), [], 'a fault of one consumer is none of the hub');
});

test('a signature that is dated more than thirty seconds off is wrong, over a socket there is none', () => {
  for (const datedOffMs of [30_000, -30_000, null]) {
    const first = received(1, { datedOffMs });
    assert.deepEqual(rules({ received: [first, received(2)] }), []);
  }
  for (const datedOffMs of [31_000, -600_000]) {
    const first = received(1, { datedOffMs });
    assert.deepEqual(rules({ received: [first, received(2)] }), ['signatures are dated right']);
  }
});
