import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HubEvent, VersionedCache, voucherDigest } from '../src/index.ts';
import { databases } from './support/databases.ts';
import { event } from './support/samples.ts';

/** Nobody listens there. */
const hub = { url: 'http://127.0.0.1:9', key: 'none' };

/** An event whose digest is that of its content. */
function whole(syncId: number, over: Parameters<typeof event>[1] = {}, mode?: HubEvent['mode']): HubEvent {
  const one = event(syncId, over, mode);
  return { ...one, voucher: { ...one.voucher, digest: voucherDigest(one.data, one.voucher) } };
}

for (const [name, open] of Object.entries(databases)) {
  test(`${name}: the newest version stands, whatever order events come in`, async () => {
    const store = (await open()).cache;
    const cache = new VersionedCache({ store, hub });
    assert.equal(await cache.apply(whole(1, { source_version: 2 })), 'applied');
    assert.equal(await cache.apply(whole(1, { source_version: 2 })), 'duplicate');
    assert.equal(await cache.apply(whole(2, { source_version: 1 })), 'stale');
    assert.equal(await cache.apply(whole(3, { source_version: 3, summary: '发票' })), 'applied');
    const read = await cache.get(event(1).voucher);
    assert.equal(read?.voucher.source_version, 3);
    assert.equal(read.voucher.summary, '发票');
    assert.deepEqual(read.data, { invoice_no: 'INV-1' });
  });

  test(`${name}: where the hub can't be asked a copy is read as not fresh, or the read throws, as was set`, async () => {
    const store = (await open()).cache;
    const cache = new VersionedCache({ store, hub });
    await cache.apply(whole(1));
    const read = await cache.get(event(1).voucher);
    assert.equal(read?.fresh, false);
    assert.equal(read.error?.code, 'UNREACHABLE');
    const strict = new VersionedCache({ store, hub, onUnreachable: 'throw' });
    await assert.rejects(strict.get(event(1).voucher), { code: 'UNREACHABLE' });
    // What is not held can't be said to be absent either.
    await assert.rejects(cache.get({ ...event(1).voucher, source_id: 'none' }), { code: 'UNREACHABLE' });
  });

  test(`${name}: what was changed behind the cache's back is found by computing the digests again, and a repair mends it`, async () => {
    const opened = await open();
    const cache = new VersionedCache({ store: opened.cache, hub });
    const odd = { numbers: [1e21, 1e-7, 0.1, -0.5], ключ: '\u{1f600}' };
    for (let i = 0; i < 7; i++) await cache.apply(whole(i + 1, { source_id: `INV-${i}`, amount: `${i}.10` }));
    const strange = { ...event(8, { source_id: 'odd' }), data: odd };
    await cache.apply({
      ...strange,
      voucher: { ...strange.voucher, digest: voucherDigest(odd, strange.voucher) },
    });
    const anyDate = { from: null, to: null };
    const before = await cache.nodes([''], anyDate);
    assert.deepEqual(await cache.recomputeDigests({ batchSize: 3 }), { checked: 8, changed: 0 });
    assert.deepEqual(await cache.nodes([''], anyDate), before);
    await opened.run(`update hub_cache set data = '{"invoice_no": "forged"}' where source_id = 'INV-3'`);
    assert.deepEqual(await cache.nodes([''], anyDate), before);
    assert.deepEqual(await cache.recomputeDigests({ batchSize: 3 }), { checked: 8, changed: 1 });
    assert.notDeepEqual(await cache.nodes([''], anyDate), before);
    assert.equal(
      await cache.apply(whole(100, { source_id: 'INV-3', amount: '3.10' }, 'compensation')),
      'applied',
    );
    assert.deepEqual(await cache.nodes([''], anyDate), before);
  });

  test(`${name}: a repair is written even where versions and digests say that nothing differs`, async () => {
    const opened = await open();
    const cache = new VersionedCache({ store: opened.cache, hub });
    await cache.apply(whole(1));
    await opened.run(`update hub_cache set data = '{}'`);
    assert.equal(await cache.apply(whole(2)), 'duplicate');
    assert.equal(await cache.apply(whole(3, {}, 'compensation')), 'applied');
    assert.deepEqual((await cache.get(event(1).voucher))?.data, { invoice_no: 'INV-1' });
  });

  test(`${name}: a copy is replaced only where it is still what was read`, async () => {
    const store = (await open()).cache;
    await store.put(whole(1, { source_version: 2 }), false);
    const [held] = await store.page('', 10);
    assert.ok(held);
    await store.put(whole(2, { source_version: 3 }), false);
    assert.equal(await store.replace(whole(3, { source_version: 1 }), held), false);
    assert.equal(await store.setDigest(held, 'f'.repeat(64)), false);
    const [now] = await store.page('', 10);
    assert.ok(now);
    assert.equal(now.source_version, 3);
    assert.equal(await store.replace(whole(3, { source_version: 1 }), now), true);
    assert.equal((await store.read(now.k))?.source_version, 1);
  });
}
