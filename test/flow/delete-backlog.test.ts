import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../src/core/limits.ts';
import { record, sql, statusCounts, unsubscribe, vouchers } from '../support/deliveries.ts';
import { startTestHub } from '../support/hub.ts';
import { subscribe } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

/** Puts syncs into a shard by SQL: whose events they are does not matter where nothing is delivered. */
async function addWaiting(databaseUrl: string, id: string, count: number): Promise<void> {
  await sql(
    databaseUrl,
    `insert into fin_open_syncs (event_id, voucher_id, subscription_id, event_type, source_system, mode)
     select n, n, $1, 'invoice_recorded', 'test', 'realtime' from generate_series(1, $2::int) n`,
    [id, count],
  );
}

test('a subscription with a long backlog is deleted by a short transaction, and its events are cancelled by parts while others record', async () => {
  await using hub = await startTestHub({ env: { HUB_ROLES: 'api' } });
  const { id } = await subscribe(hub, { sourceSystems: ['none'] });
  const count = limits.backlogPart * 10;
  await addWaiting(hub.databaseUrl, id, count);
  await sql(hub.databaseUrl, 'create table cancelled_at (transaction xid8, syncs bigint)');
  await sql(
    hub.databaseUrl,
    `create function note_cancelled() returns trigger language plpgsql as $$
     begin insert into cancelled_at select pg_current_xact_id(), count(*) from gone; return null; end $$;
     create trigger note_cancelled after delete on fin_open_syncs referencing old table as gone for each statement execute function note_cancelled()`,
  );
  await unsubscribe(hub, id);
  await record(hub, vouchers('beside', [1]));
  const waiting = await statusCounts(hub.databaseUrl);
  assert.ok((waiting.cancelled ?? 0) >= limits.backlogPart);
  await until(
    'all are cancelled',
    async () => (await statusCounts(hub.databaseUrl)).cancelled === count,
    60_000,
  );
  const parts = await sql<{ syncs: string }>(
    hub.databaseUrl,
    'select sum(syncs)::text as syncs from cancelled_at group by transaction',
  );
  assert.ok(
    parts.every(({ syncs }) => Number(syncs) <= limits.backlogPart),
    JSON.stringify(parts),
  );
});

test('where the process that deleted a subscription ended, a scheduler cancels the rest', async () => {
  await using api = await startTestHub({ env: { HUB_ROLES: 'api' } });
  const { id } = await subscribe(api, { sourceSystems: ['none'] });
  await unsubscribe(api, id);
  const count = limits.backlogPart * 3;
  await addWaiting(api.databaseUrl, id, count);
  await using _scheduler = await startTestHub({
    databaseUrl: api.databaseUrl,
    env: { HUB_ROLES: 'scheduler' },
  });
  await until(
    'all are cancelled',
    async () => (await statusCounts(api.databaseUrl)).cancelled === count,
    60_000,
  );
});
