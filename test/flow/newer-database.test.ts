import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { settled, sql, statusCounts } from '../support/deliveries.ts';
import { startTestHub } from '../support/hub.ts';
import { startLoad } from '../support/load.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { startReceiver } from '../support/receiver.ts';
import { assertIntact, duplicates } from '../support/verdict.ts';
import { subscribe } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

const databaseUrl = await createTestDatabase();
const hub = await startTestHub({ databaseUrl });
after(() => hub[Symbol.asyncDispose]());

/** As the next version's migration would: a column and its name in the list, in one transaction. */
async function migrateFurther(name: string, statements: readonly string[]): Promise<void> {
  const note = `insert into hub_migrations (name, executed_at) values ('${name}', now())`;
  await sql(databaseUrl, `begin; ${[...statements, note].join('; ')}; commit`);
}

test('a hub works on while the next version adds a column to every table, and both then work side by side', async () => {
  await using receiver = await startReceiver();
  const { id } = await subscribe(hub, { name: 'older', webhookUrl: receiver.url });
  await using load = startLoad(() => hub.ask, { workers: 2 });
  await receiver.gotEvents(50);
  const tables = await sql<{ name: string }>(
    databaseUrl,
    `select c.relname as name from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
       and not c.relispartition and c.relname <> 'hub_migrations'`,
  );
  for (const [n, { name }] of tables.entries())
    await migrateFurther(`9${String(n).padStart(3, '0')}-next`, [
      `alter table ${name} add column next_version int`,
    ]);
  const before = receiver.requests.length;
  await until('it delivers what is recorded after', () => receiver.requests.length > before + 50);
  await using _second = await startTestHub({ databaseUrl });
  await load.stop();
  await until(
    'everything is delivered',
    async () => (await statusCounts(databaseUrl)).success === load.acknowledged.size,
  );
  assert.deepEqual([...load.refusals], [], 'publishers notice nothing');
  assertIntact(load.acknowledged, receiver.events());
  assert.equal(duplicates(receiver.events()).size, 0);
  for (const { attempts } of await settled(hub, id)) assert.equal(attempts.length, 1);
});

test('a hub does not start on a database that lacks what it needs, and says which version to start', async () => {
  await migrateFurther('9999-gone-needs-9998', []);
  await assert.rejects(
    startTestHub({ databaseUrl }),
    /newer hub \(9999-gone-needs-9998\).*Start that newer version/,
  );
});
