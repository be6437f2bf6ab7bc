import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import {
  type CacheOptions,
  type HubEvent,
  Inbox,
  nodeHandler,
  type ReceiverOptions,
  type RecordRef,
  Reject,
  sqliteCache,
  sqliteInbox,
  sqliteTransaction,
  VersionedCache,
  voucherDigest,
  WebhookReceiver,
} from '../../clients/typescript/src/index.ts';
import { adminKey, startTestHub, type TestHub } from '../support/hub.ts';
import { recordVouchers, type SyncView, subscribe, syncsOf, voucherInput } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

const hub: TestHub = await startTestHub();
after(() => hub[Symbol.asyncDispose]());
for (const name of ['digest_check', 'batch_check', 'rotate_check', 'repair_check'])
  await hub.data('mutation ($name: String!) { upsertEventType(name: $name, mode: REALTIME) { name } }', {
    name,
  });

/** A consumer of the client package: an HTTP server that may start before its subscription's secret is known. */
async function startConsumer(
  over: Partial<ReceiverOptions> & Pick<ReceiverOptions, 'handle'>,
): Promise<{ url: string; secrets: string[]; sawBoth(): boolean }> {
  const secrets = ['whsec_unknown-until-it-has-subscribed'];
  const handler = nodeHandler(new WebhookReceiver({ secrets, ...over }));
  let sawBoth = false;
  const server = createServer((request, response) => {
    sawBoth ||= request.headers['x-signature-next'] !== undefined;
    void handler(request, response);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { url: `http://127.0.0.1:${address.port}/hook`, secrets, sawBoth: () => sawBoth };
}

/** Waits until the hub has written down that everything was delivered. */
async function allSucceeded(subscriptionId: string): Promise<SyncView[]> {
  return until('all have succeeded', async () => {
    const syncs = await syncsOf(hub, { subscriptionId });
    return syncs.every(({ status }) => status === 'SUCCESS') && syncs;
  });
}

function ref(source_id: string): RecordRef {
  return { source_system: 'settlement', source_module: 'invoice', source_id };
}

async function newCache(over: Partial<CacheOptions> = {}): Promise<VersionedCache> {
  const cache = new VersionedCache({
    store: sqliteCache(new DatabaseSync(':memory:')),
    hub: { url: hub.url, key: adminKey },
    ...over,
  });
  await cache.createTables();
  return cache;
}

test('what the hub delivers is verified, and its digest is that of the content, whatever the content', async () => {
  const got: HubEvent[] = [];
  const consumer = await startConsumer({ handle: event => got.push(event) });
  const { id, secret } = await subscribe(hub, {
    name: 'digest',
    webhookUrl: consumer.url,
    eventTypes: ['digest_*'],
  });
  consumer.secrets[0] = secret;
  const amounts = ['5', '+5', '007.50', '-0.10', '100000.00', 5, '123456789012345678901234567890.0123456789'];
  const recorded = await recordVouchers(
    hub,
    amounts.map((amount, index) =>
      voucherInput({
        eventType: 'digest_check',
        sourceId: `digest-${index}`,
        amount,
        summary: index % 2 === 0 ? null : '摘要 "①" \u{1f600}',
        status: index % 3 === 0 ? 'DRAFT' : 'APPROVED',
        businessData: { ключ: [1.5e-5, 1e-7, 0.1, null, { '\uffff': 1, '\u{1f600}': 2 }], n: index },
      }),
    ),
  );
  assert.deepEqual(
    recorded.filter(({ error }) => error !== null),
    [],
  );
  await until('all have come', () => got.length === amounts.length);
  for (const { data, voucher } of got) assert.equal(voucherDigest(data, voucher), voucher.digest);
  const cache = await newCache();
  for (const { voucher, data } of got) {
    const read = await cache.get(voucher);
    // What GraphQL tells of a voucher is what the webhook told of it.
    assert.deepEqual({ ...read?.voucher }, voucher);
    assert.deepEqual(read?.data, data);
  }
  assert.deepEqual(await cache.recomputeDigests(), { checked: amounts.length, changed: 0 });
  const tested = await hub.data(`mutation ($id: ID!) { testDataSubscription(id: $id) { ok statusCode } }`, {
    id,
  });
  assert.deepEqual(tested, { testDataSubscription: { ok: true, statusCode: 204 } });
});

test('batches go through, refused items are FAILED or tried again, and each event takes effect once', async () => {
  const db = new DatabaseSync(':memory:');
  db.exec('create table effects (sync_id integer, source_id text, source_version integer)');
  const inbox = new Inbox(sqliteInbox());
  await inbox.createTables(db);
  const failedOnce = new Set<string>();
  const handle = (event: HubEvent) => {
    const { source_id, source_version } = event.voucher;
    if (source_id === 'batch-3') throw new Reject('UNKNOWN', 'never fits');
    return sqliteTransaction(db, async tx => {
      await inbox.handle(tx, event, () =>
        db.prepare('insert into effects values (?, ?, ?)').run(event.sync_id, source_id, source_version),
      );
      // After the effect, within its transaction: what fails here must not leave the effect behind.
      if (!failedOnce.has(source_id)) {
        failedOnce.add(source_id);
        throw new Error('the first time everything fails');
      }
    });
  };
  const consumer = await startConsumer({ handle });
  const { id, secret } = await subscribe(hub, {
    name: 'batch',
    webhookUrl: consumer.url,
    eventTypes: ['batch_*'],
    batchSize: 10,
    retry: { baseDelayMs: 10, jitter: 0 },
  });
  consumer.secrets[0] = secret;
  const inputs = Array.from({ length: 24 }, (_, n) =>
    voucherInput({ eventType: 'batch_check', sourceId: `batch-${n % 8}`, businessData: { n } }),
  );
  await recordVouchers(hub, inputs);
  await until('everything is settled', async () =>
    (await syncsOf(hub, { subscriptionId: id })).every(({ status }) =>
      ['SUCCESS', 'FAILED'].includes(status),
    ),
  );
  const failed = (await syncsOf(hub, { subscriptionId: id })).filter(({ status }) => status === 'FAILED');
  assert.deepEqual(
    failed.map(({ errorCode, event }) => [errorCode, event.voucher.sourceId]),
    Array.from({ length: 3 }, () => ['HTTP_422', 'batch-3']),
  );
  const rows = db.prepare('select source_id, source_version from effects order by rowid').all();
  for (let n = 0; n < 8; n++) {
    const versions = rows.filter(row => row.source_id === `batch-${n}`).map(row => row.source_version);
    assert.deepEqual(versions, n === 3 ? [] : [1, 2, 3]);
  }
});

test('a rotation of the secret goes by without a refused request: first with the old one, then with both, then with the new one', async () => {
  let got = 0;
  const consumer = await startConsumer({ handle: () => (got += 1) });
  const { id, secret } = await subscribe(hub, {
    name: 'rotate',
    webhookUrl: consumer.url,
    eventTypes: ['rotate_*'],
  });
  consumer.secrets[0] = secret;
  let sent = 0;
  const delivered = async () => {
    sent += 1;
    await recordVouchers(hub, [voucherInput({ eventType: 'rotate_check', sourceId: `rotate-${sent}` })]);
    await until(`${sent} have come`, () => got === sent);
  };
  await delivered();
  const { rotateDataSubscriptionSecret: rotated } = await hub.data<{
    rotateDataSubscriptionSecret: { secret: string };
  }>(`mutation ($id: ID!) { rotateDataSubscriptionSecret(id: $id) { secret } }`, { id });
  await delivered();
  consumer.secrets.push(rotated.secret);
  // A shard that is being drained learns of the new secret a moment later.
  await until('the hub signs with both', async () => {
    await delivered();
    return consumer.sawBoth();
  });
  consumer.secrets.shift();
  await delivered();
  const syncs = await allSucceeded(id);
  assert.deepEqual([...new Set(syncs.map(({ attempts }) => attempts.length))], [1]);
});

test('a read fetches what is missing or behind, says what is fresh, and knows what is not there', async () => {
  const cache = await newCache();
  assert.equal(await cache.get(ref('cache-1')), null);
  await recordVouchers(hub, [voucherInput({ sourceId: 'cache-1', businessData: { n: 1 } })]);
  const first = await cache.get(ref('cache-1'));
  assert.equal(first?.voucher.source_version, 1);
  assert.equal(first.fresh, true);
  await recordVouchers(hub, [voucherInput({ sourceId: 'cache-1', businessData: { n: 2 } })]);
  const reads = await Promise.all(Array.from({ length: 5 }, () => cache.get(ref('cache-1'))));
  for (const read of reads) {
    assert.equal(read?.voucher.source_version, 2);
    assert.deepEqual(read.data, { n: 2 });
    assert.equal(read.fresh, true);
  }
});

test('a copy that diverged or claims a version that the hub never had is mended by reading it', async () => {
  const db = new DatabaseSync(':memory:');
  const cache = await newCache({ store: sqliteCache(db) });
  await recordVouchers(hub, [voucherInput({ sourceId: 'cache-2', businessData: { n: 1 } })]);
  await cache.get(ref('cache-2'));
  for (const damage of [
    `update hub_cache set source_version = 9`,
    `update hub_cache set digest = '${'0'.repeat(64)}', data = '{"n":"forged"}'`,
  ]) {
    db.exec(damage);
    const read = await cache.get(ref('cache-2'));
    assert.equal(read?.fresh, true);
    assert.deepEqual(read.data, { n: 1 });
    const held = db.prepare('select source_version, data from hub_cache').get();
    assert.deepEqual({ ...held }, { source_version: 1, data: '{"n":1}' });
  }
});

test('a repair that is older than the copy is settled by asking the hub', async () => {
  const db = new DatabaseSync(':memory:');
  const got: HubEvent[] = [];
  const cache = await newCache({ store: sqliteCache(db) });
  const consumer = await startConsumer({
    handle: async event => {
      await cache.apply(event);
      got.push(event);
    },
  });
  const { id, secret } = await subscribe(hub, {
    name: 'repair',
    webhookUrl: consumer.url,
    eventTypes: ['repair_*'],
  });
  consumer.secrets[0] = secret;
  await recordVouchers(hub, [voucherInput({ eventType: 'repair_check', sourceId: 'repair-1' })]);
  await allSucceeded(id);
  db.exec('update hub_cache set source_version = 5');
  await hub.data(
    `mutation ($id: ID!, $filter: VoucherFilter!) { resync(subscriptionId: $id, filter: $filter) }`,
    {
      id,
      filter: { sourceIds: ['repair-1'] },
    },
  );
  await until('it has come again', () => got.length === 2);
  assert.equal(got[1]?.mode, 'compensation');
  assert.equal(db.prepare('select source_version from hub_cache').get()?.source_version, 1);
});

interface Version {
  sourceId: string;
  sourceVersion: number;
  digest: string;
  status: string;
}

async function versions(
  ids: string[],
  key?: string,
  sourceSystem = 'settlement',
): Promise<(Version | null)[]> {
  const refs = ids.map(sourceId => ({ sourceSystem, sourceModule: 'invoice', sourceId }));
  const { voucherVersions } = await hub.data<{ voucherVersions: (Version | null)[] }>(
    'query ($refs: [VoucherRef!]!) { voucherVersions(refs: $refs) { sourceId sourceVersion digest status updatedAt } }',
    { refs },
    key,
  );
  return voucherVersions;
}

test('voucherVersions tells of many records at once, in the order asked for, what the key may see', async () => {
  const subscription = { name: 'versions', targetSystem: 'versions', eventTypes: ['batch_check'] };
  await subscribe(hub, subscription);
  await recordVouchers(hub, [
    voucherInput({ sourceId: 'v-1', eventType: 'batch_check' }),
    voucherInput({ sourceId: 'v-2', eventType: 'digest_check' }),
    voucherInput({ sourceId: 'v-1', eventType: 'batch_check', amount: '2.00' }),
  ]);
  const all = await versions(['v-2', 'none', 'v-1', 'v-2']);
  assert.deepEqual(
    all.map(one => one && [one.sourceId, one.sourceVersion, one.status]),
    [['v-2', 1, 'APPROVED'], null, ['v-1', 2, 'APPROVED'], ['v-2', 1, 'APPROVED']],
  );
  const keyOf = async (role: string, system: string) => {
    const { createApiKey: made } = await hub.data<{ createApiKey: { secret: string } }>(
      'mutation ($role: Role!, $system: String!) { createApiKey(name: "versions", role: $role, system: $system) { secret } }',
      { role, system },
    );
    return made.secret;
  };
  const sent = await versions(['v-1', 'v-2'], await keyOf('SUBSCRIBER', 'versions'));
  assert.deepEqual(
    sent.map(one => one?.sourceId ?? null),
    ['v-1', null],
    'only what was sent to it',
  );
  assert.deepEqual(await versions(['v-1'], await keyOf('PUBLISHER', 'another')), [null]);
  assert.equal((await versions(['v-1'], await keyOf('PUBLISHER', 'settlement')))[0]?.sourceVersion, 2);
  const ids = Array.from({ length: 1_001 }, (_, n) => `v-${n}`);
  assert.equal((await versions(ids.slice(1))).filter(one => one !== null).length, 2);
  await assert.rejects(versions(ids), /BAD_USER_INPUT/);
});

test('many copies are checked by one question, and only what differs is fetched', async () => {
  const asked: string[] = [];
  const cache = await newCache({
    hub: {
      url: hub.url,
      key: () => {
        asked.push('request');
        return adminKey;
      },
    },
  });
  const refs = Array.from({ length: 40 }, (_, n) => ref(`many-${n}`));
  await recordVouchers(
    hub,
    refs.slice(0, 39).map(({ source_id }) => voucherInput({ sourceId: source_id })),
  );
  const first = await cache.getMany(refs);
  assert.equal(asked.length, 1 + 39);
  assert.deepEqual(
    first.map(read => read?.voucher.source_id ?? null),
    [...refs.slice(0, 39).map(one => one.source_id), null],
  );
  await recordVouchers(hub, [voucherInput({ sourceId: 'many-7', amount: '7.00' })]);
  asked.length = 0;
  const again = await cache.getMany(refs);
  assert.equal(asked.length, 2);
  assert.equal(again[7]?.voucher.source_version, 2);
  assert.ok(again.slice(0, 39).every(read => read?.fresh));
});

test('the hub is away: a read gives the copy within its time, and says that it is not fresh', async () => {
  await using own = await startTestHub();
  const cache = await newCache({ hub: { url: own.url, key: adminKey }, timeoutMs: 300 });
  await recordVouchers(own, [voucherInput({ sourceId: 'away-1' })]);
  await cache.get(ref('away-1'));
  // Takes the connection and never answers.
  const silent = createServer(() => {});
  await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve));
  const address = silent.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const startedAt = performance.now();
  const store = sqliteCache(new DatabaseSync(':memory:'));
  await store.createTables();
  const held = await cache.get(ref('away-1'));
  assert.ok(held);
  await store.put(held, false);
  const url = `http://127.0.0.1:${address.port}`;
  const slow = new VersionedCache({ store, hub: { url, key: adminKey }, timeoutMs: 300 });
  const read = await slow.get(ref('away-1'));
  assert.equal((await slow.getMany([ref('away-1')]))[0]?.error?.code, 'TIMEOUT');
  assert.equal(read?.fresh, false);
  assert.equal(read.error?.code, 'TIMEOUT');
  // Without its time-out the client waits for longer than anyone.
  assert.ok(performance.now() - startedAt < 30_000);
  silent.closeAllConnections();
  silent.close();
});
