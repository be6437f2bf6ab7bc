import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/core/clock.ts';
import { createLogger } from '../../src/core/logger.ts';
import { Database } from '../../src/db/database.ts';
import { SqlReadings } from '../../src/monitoring/alerts/sql-readings.ts';
import { Rollups } from '../../src/monitoring/metrics/rollups.ts';
import { startTestHub } from '../support/hub.ts';
import { connectSql } from '../support/sql.ts';
import { subscribe } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

interface Latencies {
  averageLatencySeconds: number;
  averageEventLatencySeconds: number;
  timeline: { averageEventLatencySeconds: number }[];
}

const year = 365 * 86_400;

test('latency is told from the event, beside that from recording; backdated events count from their recording', async () => {
  await using hub = await startTestHub({ env: { HUB_ROLES: 'api' } });
  const log = createLogger({ level: 'silent', pretty: false });
  await using db = await Database.connect({ url: hub.databaseUrl, poolSize: 4, log });
  await using sql = await connectSql(hub.databaseUrl);
  const { id } = await subscribe(hub, { eventTypes: ['none.*'], webhookUrl: 'http://127.0.0.1:9/' });
  /** Delivered two seconds after it was recorded, which was so many seconds after it occurred. */
  const delivered = async (number: number, late: number, mode = 'realtime') => {
    await sql.rows(
      `insert into fin_voucher_events (id, event_type, voucher_id, source_version, source_system, digest, data, voucher, occurred_at)
       overriding system value values ($1, 'none', $1, 1, 's', 'd', '{}', '{}', now() - ($2 + 2) * interval '1 second')`,
      [number, late],
    );
    await sql.rows(
      `insert into fin_done_syncs (id, event_id, voucher_id, subscription_id, event_type, source_system, mode, status, retry_count, attempt_count,
         created_at, sync_started_at, sync_completed_at)
       values ($1, $1, $1, $2, 'none', 's', $3, 'success', 0, 1, now() - interval '2 seconds', now(), now())`,
      [number, id, mode],
    );
  };
  await delivered(1, 398);
  await delivered(2, 2 * year);
  await delivered(3, -60);
  await delivered(4, 300, 'compensation');
  await delivered(5, 300, 'batch');
  // From the event: 400, 2, 2 and 2 seconds; from recording 2 each.
  const check = async () => {
    const { syncMetrics } = await hub.data<{ syncMetrics: Latencies }>(
      'query ($id: ID!) { syncMetrics(subscriptionId: $id) { averageLatencySeconds averageEventLatencySeconds timeline { averageEventLatencySeconds } } }',
      { id },
    );
    const { averageLatencySeconds: recorded, averageEventLatencySeconds: event, timeline } = syncMetrics;
    const shown = [recorded, event, Math.max(...timeline.map(point => point.averageEventLatencySeconds))];
    // The turn of a minute may part them in the timeline.
    assert.deepEqual(
      shown.slice(0, 2).map(value => Math.round(value * 10) / 10),
      [2, 101.5],
    );
    assert.ok((shown[2] ?? 0) > 100);
    const snapshot = new SqlReadings(db.pool, async () => []).snapshot(Date.now() + 1_000);
    const read = await snapshot.read('latency', { windowMs: 900_000, minimum: 1 });
    assert.deepEqual(
      read.map(({ subscriptionId, value }) => [subscriptionId, Math.round((value ?? 0) * 10) / 10]),
      [
        [id, 101.5],
        [null, 101.5],
      ],
    );
    const [explained] = await snapshot.explain([{ rule: 'latency', subscriptionId: id, windowMs: 900_000 }]);
    assert.equal(explained?.details.shares[0]?.why, 'recorded_late');
  };
  await check();
  const rollups = new Rollups({ db, clock: systemClock, timeZone: 'Asia/Shanghai' });
  await until('everything is counted', () => rollups.rollUp());
  await check();
  const metrics = await (await fetch(`${hub.url}/metrics`)).text();
  const gauge = /voucher_hub_subscription_event_latency_seconds_last_hour\{.*\} ([\d.]+)/.exec(metrics)?.[1];
  assert.equal(Math.round(Number(gauge)), 406);
  // A hub of the version before counts no seconds from the event: they are as long as those from recording then.
  await sql.rows('update sync_rollups set event_latency_seconds = 0');
  const { syncMetrics } = await hub.data<{ syncMetrics: Latencies }>(
    '{ syncMetrics { averageEventLatencySeconds } }',
  );
  assert.equal(Math.round(syncMetrics.averageEventLatencySeconds), 2);
});
