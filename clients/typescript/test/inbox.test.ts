import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Effect, type HubEvent, SyncIdReused } from '../src/index.ts';
import { databases, type Run, type TestStore } from './support/databases.ts';
import { event, seed } from './support/samples.ts';

/** The consumer's own table: a row an effect. */
async function withEffects(store: Promise<TestStore>): Promise<TestStore> {
  const opened = await store;
  await opened.run('create table effects (sync_id integer, source_id text, source_version bigint)');
  return opened;
}

function effectOf({ sync_id, voucher }: HubEvent): (run: Run) => unknown {
  return run =>
    run(`insert into effects values (${sync_id}, '${voucher.source_id}', ${voucher.source_version})`);
}

/** Handles one event in a transaction of its own. */
function handle(store: TestStore, one: HubEvent, force = false): Promise<Effect> {
  return store.transaction(tx => tx.handle(one, effectOf(one), { force }));
}

async function effects(store: TestStore): Promise<number[]> {
  return (await store.run('select sync_id from effects')).map(row => Number(row.sync_id));
}

for (const [name, open] of Object.entries(databases)) {
  test(`${name}: an event takes effect once, however often it comes`, async () => {
    const store = await withEffects(open());
    assert.equal(await handle(store, event(1)), 'applied');
    for (let i = 0; i < 3; i++) assert.equal(await handle(store, event(1)), 'duplicate');
    assert.deepEqual(await effects(store), [1]);
  });

  test(`${name}: an older version than the one known takes no effect, a newer one does`, async () => {
    const store = await withEffects(open());
    assert.equal(await handle(store, event(1, { source_version: 2 })), 'applied');
    assert.equal(await handle(store, event(2, { source_version: 1 })), 'stale');
    assert.equal(await handle(store, event(3, { source_version: 3 })), 'applied');
    assert.equal(await handle(store, event(4, { source_id: 'INV-2' })), 'applied');
    assert.deepEqual(await effects(store), [1, 3, 4]);
  });

  test(`${name}: versions beyond 32 bits are held exactly, in tables of an earlier version too`, async () => {
    const store = await withEffects(open());
    const wide = 1_764_550_000_000;
    if (name.startsWith('PostgreSQL')) {
      await store.run('alter table hub_records alter column source_version type integer');
      await store.createTables();
    }
    assert.equal(await handle(store, event(1, { source_version: wide + 1 })), 'applied');
    assert.equal(await handle(store, event(2, { source_version: wide })), 'stale');
    assert.equal(await handle(store, event(3, { source_version: 7 })), 'stale');
    assert.equal(await handle(store, event(4, { source_version: Number.MAX_SAFE_INTEGER })), 'applied');
    assert.deepEqual(await effects(store), [1, 4]);
    const held = await store.run('select source_version from hub_records');
    assert.deepEqual(
      held.map(row => Number(row.source_version)),
      [Number.MAX_SAFE_INTEGER],
    );
  });

  test(`${name}: a sync id that comes with another record, version or content is refused, and nothing of it is kept`, async () => {
    const store = await withEffects(open());
    await handle(store, event(1, { source_version: 2 }));
    await handle(store, event(2, { source_id: 'INV-2' }));
    const reused = [
      event(1, { source_id: 'INV-3' }),
      event(1, { source_id: 'INV-2', source_version: 1 }),
      event(1, { source_version: 1 }),
      event(1, { source_version: 3 }),
      event(1, { source_version: 2, digest: 'b'.repeat(64) }),
    ];
    for (const one of reused)
      await assert.rejects(handle(store, one, true), (error: unknown) => {
        assert.ok(error instanceof SyncIdReused, String(error));
        assert.deepEqual([error.code, error.retryable, error.syncId], ['SYNC_ID_REUSED', false, 1]);
        return true;
      });
    assert.deepEqual(await effects(store), [1, 2]);
    assert.equal(await handle(store, event(1, { source_version: 2 })), 'duplicate');
    assert.equal(await handle(store, event(3, { source_id: 'INV-3' })), 'applied');
  });

  test(`${name}: tables of a version that kept no content are brought up to date, and what they hold stays a duplicate`, async () => {
    const store = await withEffects(open());
    await handle(store, event(1));
    await store.run('alter table hub_inbox drop column h');
    await store.createTables();
    assert.equal(await handle(store, event(1)), 'duplicate');
    assert.equal(await handle(store, event(2, { source_id: 'INV-2' })), 'applied');
    await assert.rejects(handle(store, event(2, { source_id: 'INV-3' })), SyncIdReused);
  });

  test(`${name}: an effect that fails leaves nothing behind, and the event comes through the next time`, async () => {
    const store = await withEffects(open());
    const failing = store.transaction(tx =>
      tx.handle(event(1), async run => {
        await effectOf(event(1))(run);
        throw new Error('after the effect');
      }),
    );
    await assert.rejects(failing, /after the effect/);
    assert.deepEqual(await effects(store), []);
    assert.equal(await handle(store, event(1)), 'applied');
    assert.deepEqual(await effects(store), [1]);
  });

  test(`${name}: the same content sent again for repair takes effect only where that is forced, and once a sync`, async () => {
    const store = await withEffects(open());
    await handle(store, event(1));
    assert.equal(await handle(store, event(2, {}, 'compensation')), 'duplicate');
    assert.equal(await handle(store, event(3, {}, 'compensation'), true), 'applied');
    assert.equal(await handle(store, event(3, {}, 'compensation'), true), 'duplicate');
    // Forcing is for repairs: what merely comes again is a duplicate.
    assert.equal(await handle(store, event(4), true), 'duplicate');
    assert.deepEqual(await effects(store), [1, 3]);
  });

  test(`${name}: other content of the same version takes effect, and a repair never brings an older version back`, async () => {
    const store = await withEffects(open());
    await handle(store, event(1, { source_version: 2, digest: 'a'.repeat(64) }));
    assert.equal(
      await handle(store, event(2, { source_version: 2, digest: 'b'.repeat(64) }, 'compensation')),
      'applied',
    );
    assert.equal(await handle(store, event(3, { source_version: 1 }, 'compensation'), true), 'stale');
    assert.deepEqual(await effects(store), [1, 2]);
  });

  test(`${name}: in whatever order and however often versions come, each effect is newer than the last and the end is the newest`, async () => {
    const store = await withEffects(open());
    let sync = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 12 }),
        async versions => {
          await store.run('delete from effects');
          const record = `R-${sync}`;
          const events = versions.map(source_version =>
            event(++sync, { source_id: record, source_version, digest: String(source_version).repeat(64) }),
          );
          for (const one of [...events, ...events]) await handle(store, one);
          const rows = await store.run('select source_version from effects');
          const applied = rows.map(row => Number(row.source_version));
          const expected = versions.filter((version, at) =>
            versions.slice(0, at).every(before => before < version),
          );
          assert.deepEqual(applied, expected);
        },
      ),
      { seed, numRuns: 40 },
    );
  });

  test(`${name}: of one event handled twice at the same time, one takes effect`, async () => {
    const store = await withEffects(open());
    const results = await Promise.all(
      Array.from({ length: 30 }, (_, i) => handle(store, event(1 + (i % 3), { source_id: `INV-${i % 3}` }))),
    );
    assert.equal(results.filter(result => result === 'applied').length, 3);
    assert.deepEqual(
      (await effects(store)).toSorted((a, b) => a - b),
      [1, 2, 3],
    );
  });

  test(`${name}: of two versions handled at the same time, the newer one stands in the end`, async () => {
    const store = await withEffects(open());
    for (let round = 0; round < 10; round++) {
      const versions = [1, 2, 3].map(version =>
        event(round * 3 + version, { source_id: `R-${round}`, source_version: version }),
      );
      await Promise.all(versions.map(one => handle(store, one)));
      const rows = await store.run(`select source_version from hub_records where source_id = 'R-${round}'`);
      assert.equal(Number(rows[0]?.source_version), 3);
    }
  });

  test(`${name}: old sync ids are forgotten in bounded steps, and what they stood for is still known by its version`, async () => {
    const store = await withEffects(open({ keepDays: 30 }));
    for (let i = 1; i <= 5; i++) await handle(store, event(i, { source_id: `INV-${i}` }));
    await store.run("update hub_inbox set received_at = '2020-01-01 00:00:00' where sync_id <= 3");
    assert.equal(await store.transaction(tx => tx.prune(2)), 2);
    assert.equal(await store.transaction(tx => tx.prune(2)), 1);
    assert.equal(await store.transaction(tx => tx.prune(2)), 0);
    assert.equal((await store.run('select sync_id from hub_inbox')).length, 2);
    assert.equal(await handle(store, event(1, { source_id: 'INV-1' })), 'duplicate');
    assert.deepEqual(await effects(store), [1, 2, 3, 4, 5]);
  });

  test(`${name}: handling forgets old sync ids by itself`, async () => {
    const store = await withEffects(open({ keepDays: 30 }));
    await handle(store, event(1));
    await store.run("update hub_inbox set received_at = '2020-01-01 00:00:00'");
    for (let i = 2; i <= 100; i++) await handle(store, event(i, { source_id: `INV-${i}` }));
    assert.deepEqual(await store.run('select sync_id from hub_inbox where sync_id = 1'), []);
    assert.equal((await store.run('select sync_id from hub_inbox')).length, 99);
  });
}
