import type { OpenConsistency } from '../consistency/open-consistency.ts';
import { limits } from '../core/limits.ts';
import { analyzeGrownBacklog } from '../db/delivery/backlog-statistics.ts';
import { compensationSchedules } from '../jobs/compensation-schedules.ts';
import { consistencySchedules } from '../jobs/consistency-schedules.ts';
import { Reconciler } from '../jobs/reconciler.ts';
import { Schedules } from '../jobs/schedules.ts';
import { Retention } from '../monitoring/audit/retention.ts';
import { Rollups } from '../monitoring/metrics/rollups.ts';
import type { ResolverServices } from '../resolvers/resolvers.ts';
import type { DeliveryParts } from './delivery.ts';
import type { Start } from './start.ts';
import type { Store } from './store.ts';

/** Gives what runs once over all schedulers; started where this process is one. */
export function openSchedules(
  { config, clock, log, parts }: Start,
  { db }: Store,
  { drains, parking, changes, backlog }: DeliveryParts,
  services: OpenConsistency & ResolverServices,
): void {
  const reconciler = new Reconciler({ db, log, drains, parking, changes, backlog });
  const schedules = new Schedules({ db, clock, log, timeZone: config.timeZone });
  schedules.add(reconciler.schedule);
  schedules.add({
    name: 'backlog-statistics',
    when: { everyMs: limits.backlogStatisticsMs },
    run: async () => void (await analyzeGrownBacklog(db.pool)),
  });
  for (const schedule of compensationSchedules(services.compensation)) schedules.add(schedule);
  const retention = new Retention({ db, clock, log }, config.retentionDays);
  schedules.add({
    name: 'retention',
    when: { everyMs: limits.retentionMs },
    run: async () => void (await retention.run()),
  });
  schedules.add({
    name: 'seal',
    when: { everyMs: limits.sealMs },
    run: async ({ signal }) => void (await services.audit.seal(signal)),
  });
  const { retentionDays } = config;
  for (const schedule of consistencySchedules({ ...services, retentionDays })) schedules.add(schedule);
  const rollups = new Rollups({ db, clock, timeZone: config.timeZone });
  schedules.add({
    name: 'metrics',
    when: { everyMs: limits.rollupMs },
    run: async ({ signal }) => void (await rollups.rollUp(signal)),
  });
  schedules.add({
    name: 'metrics-forgotten',
    when: { everyMs: limits.retentionMs },
    run: () => rollups.forget(),
  });
  parts.defer(() => schedules.stop());
  if (!config.roles.includes('scheduler')) return;
  // Besides its turns: after a restart nobody should wait for the next one.
  const first = reconciler.runNow();
  parts.defer(() => first);
  schedules.start();
}
