import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestHub } from '../support/hub.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { connectSql } from '../support/sql.ts';
import { until } from '../support/wait.ts';

test('a hub whose session is ended while it migrates says so and does not hang', async () => {
  const databaseUrl = await createTestDatabase();
  await using sql = await connectSql(databaseUrl);
  // The lock under which hubs migrate: the one that starts now waits for it.
  await sql.rows('select pg_advisory_lock(4207001)');
  const started = assert.rejects(startTestHub({ databaseUrl }), /terminat|connection/i);
  const waiting = `from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  await until('it waits', async () => (await sql.count(`select count(*) ${waiting}`)) > 0);
  await sql.rows(`select pg_terminate_backend(pid) ${waiting}`);
  await started;
});
