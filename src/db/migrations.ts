import type { Migration } from '@mikro-orm/migrations';
import { HubError } from '../core/errors.ts';
import { Migration0001VouchersAndDeliveries } from './migrations/0001-vouchers-and-deliveries.ts';
import { Migration0002Audit } from './migrations/0002-audit.ts';
import { Migration0003LaneShards } from './migrations/0003-lane-shards.ts';
import { Migration0004Batch } from './migrations/0004-batch.ts';
import { Migration0005Consistency } from './migrations/0005-consistency.ts';
import { Migration0006Metrics } from './migrations/0006-metrics.ts';
import { Migration0007Alerts } from './migrations/0007-alerts.ts';
import { Migration0008Analysts } from './migrations/0008-analysts.ts';
import { Migration0009Trace } from './migrations/0009-trace.ts';
import { Migration0010FoldBound } from './migrations/0010-fold-bound.ts';
import { Migration0011RowTypes } from './migrations/0011-row-types.ts';
import { Migration0012RoutingHolds } from './migrations/0012-routing-holds.ts';
import { Migration0013OpenSyncsRoom } from './migrations/0013-open-syncs-room.ts';
import { Migration0015Lineage } from './migrations/0015-lineage.ts';
import { Migration0017ParkedSyncs } from './migrations/0017-parked-syncs.ts';
import { Migration0018BacklogWork } from './migrations/0018-backlog-work.ts';
import { Migration0019Refusals } from './migrations/0019-refusals.ts';
import { Migration0020TargetPace } from './migrations/0020-target-pace.ts';
import { Migration0021Clocks } from './migrations/0021-clocks.ts';
import { Migration0022WideVersions } from './migrations/0022-wide-versions.ts';
import { Migration0025Standing } from './migrations/0025-standing.ts';
import { Migration0026EventLatency } from './migrations/0026-event-latency.ts';

interface NamedMigration {
  readonly name: string;
  readonly class: new (...args: ConstructorParameters<typeof Migration>) => Migration;
}

/**
 * All migrations, in order. Hubs of the version before run beside the migrated database, so a migration only adds what
 * they do not notice. One that takes something away says in its name which migration a hub must know to live without
 * it: `0099-drop-old-column-needs-0009`, where the version that brought 0009 was the first not to use the column.
 */
export const migrations: readonly NamedMigration[] = [
  { name: '0001-vouchers-and-deliveries', class: Migration0001VouchersAndDeliveries },
  { name: '0002-audit', class: Migration0002Audit },
  { name: '0003-lane-shards', class: Migration0003LaneShards },
  { name: '0004-batch', class: Migration0004Batch },
  { name: '0005-consistency', class: Migration0005Consistency },
  { name: '0006-metrics', class: Migration0006Metrics },
  { name: '0007-alerts', class: Migration0007Alerts },
  { name: '0008-analysts', class: Migration0008Analysts },
  { name: '0009-trace', class: Migration0009Trace },
  { name: '0010-fold-bound', class: Migration0010FoldBound },
  { name: '0011-row-types', class: Migration0011RowTypes },
  { name: '0012-routing-holds', class: Migration0012RoutingHolds },
  { name: '0013-open-syncs-room', class: Migration0013OpenSyncsRoom },
  { name: '0015-lineage', class: Migration0015Lineage },
  { name: '0017-parked-syncs', class: Migration0017ParkedSyncs },
  { name: '0018-backlog-work', class: Migration0018BacklogWork },
  { name: '0019-refusals', class: Migration0019Refusals },
  { name: '0020-target-pace', class: Migration0020TargetPace },
  { name: '0021-clocks', class: Migration0021Clocks },
  { name: '0022-wide-versions', class: Migration0022WideVersions },
  { name: '0025-standing', class: Migration0025Standing },
  { name: '0026-event-latency', class: Migration0026EventLatency },
];

/** The number of the migration that hubs must know beside this one; null: any hub may run beside it. */
export function neededBeside(name: string): string | null {
  return /-needs-(\d{4})$/.exec(name)?.[1] ?? null;
}

/**
 * Sees to it that this hub may work on a database that a newer version has migrated.
 * @param applied the names of the migrations that the database has had
 * @returns those that this hub does not know, and may run beside
 * @throws HubError UNAVAILABLE where one took something away that this hub needs
 */
export function checkApplied(applied: readonly string[]): string[] {
  const known = new Set(migrations.map(({ name }) => name));
  const newer = applied.filter(name => !known.has(name));
  for (const name of newer) {
    const needed = neededBeside(name);
    if (needed === null || migrations.some(one => one.name.startsWith(`${needed}-`))) continue;
    throw new HubError(
      'UNAVAILABLE',
      `The database was migrated by a newer hub (${name}), which took away what this version needs. Start that newer version instead.`,
    );
  }
  return newer;
}
