import DataLoader from 'dataloader';
import { type Caller, visibleTargetSystem } from '../access/caller.ts';
import { limits } from '../core/limits.ts';
import { attachedAmong } from '../db/attachment-statements.ts';
import type { Database } from '../db/database.ts';
import {
  SubscriptionEntity,
  type SubscriptionRow,
  SyncAttemptEntity,
  type SyncAttemptRow,
  SyncLogEntity,
  type SyncLogRow,
  VoucherEntity,
  VoucherEventEntity,
  type VoucherEventRow,
  type VoucherRow,
} from '../db/entities.ts';
import { type NoticeRow, noticesOfAlerts } from '../db/notice-statements.ts';
import { backlogs, eventIdsOfVouchers, syncIdsOfVouchers } from '../db/read-statements.ts';
import { type Standing, standings } from '../db/standing-statements.ts';
import type { Reading } from './reading.ts';

/** Reads of one operation, each kind in one statement however many nodes ask for it. */
export interface Loaders {
  readonly voucher: DataLoader<string, VoucherRow>;
  readonly event: DataLoader<string, VoucherEventRow>;
  readonly subscription: DataLoader<string, SubscriptionRow>;
  /** Events by voucher, the oldest first. */
  readonly eventsOfVoucher: DataLoader<string, VoucherEventRow[]>;
  /** Syncs by voucher that the caller may see, the newest first. */
  readonly syncsOfVoucher: DataLoader<string, SyncLogRow[]>;
  /** Attempts by sync. */
  readonly attemptsOfSync: DataLoader<string, SyncAttemptRow[]>;
  readonly backlog: DataLoader<string, number>;
  /** How subscriptions stand beyond their settings. */
  readonly standing: DataLoader<string, Standing>;
  /** Who was told of an alert, by alert, the oldest first. */
  readonly noticesOfAlert: DataLoader<string, NoticeRow[]>;
  /** Whether a consumer is attached, by subscription. */
  readonly connected: DataLoader<string, boolean>;
}

/** A unit of work of the ORM. */
type Manager = ReturnType<Database['fork']>;

/** Loaders for one operation; they remember what they read, so never share them between operations. */
export function createLoaders(reading: Reading, caller: Caller | null): Loaders {
  const { managed, byId } = managersOf(reading);
  const targetSystem = caller === null ? null : visibleTargetSystem(caller);
  const event = byId((em, ids) => em.find(VoucherEventEntity, { id: { $in: ids } }));
  const sync = byId((em, ids) => em.find(SyncLogEntity, { id: { $in: ids } }));
  const loadAll = async <T>(
    loader: DataLoader<string, T>,
    links: { id: string; voucherId: string }[],
    voucherIds: readonly string[],
  ) => {
    const rows = await Promise.all(
      links.map(async link => ({ voucherId: link.voucherId, row: await loader.load(link.id) })),
    );
    const groups = Map.groupBy(rows, ({ voucherId }) => voucherId);
    return voucherIds.map(id => (groups.get(id) ?? []).map(({ row }) => row));
  };
  return {
    voucher: byId((em, ids) => em.find(VoucherEntity, { id: { $in: ids } })),
    event,
    subscription: byId((em, ids) => em.find(SubscriptionEntity, { id: { $in: ids } })),
    eventsOfVoucher: batch(async ids =>
      loadAll(event, await reading.follow(db => eventIdsOfVouchers(db.pool, ids, limits.nestedList)), ids),
    ),
    syncsOfVoucher: batch(async ids =>
      loadAll(
        sync,
        await reading.follow(db =>
          syncIdsOfVouchers(db.pool, ids, { targetSystem, perVoucher: limits.nestedList }),
        ),
        ids,
      ),
    ),
    attemptsOfSync: batch(async ids => {
      const rows = await managed(em =>
        em.find(
          SyncAttemptEntity,
          { syncId: { $in: [...ids] } },
          { orderBy: { syncId: 'asc', number: 'asc' } },
        ),
      );
      const groups = Map.groupBy(rows, row => row.syncId);
      return ids.map(id => (groups.get(id) ?? []).slice(-limits.nestedList));
    }),
    backlog: batch(async ids => {
      const counts = await reading.follow(db => backlogs(db.pool, ids));
      return ids.map(id => counts.get(id) ?? 0);
    }),
    standing: standingLoader(reading),
    noticesOfAlert: batch(async ids => {
      const rows = await reading.follow(db => noticesOfAlerts(db.pool, ids, limits.nestedList));
      const groups = Map.groupBy(rows, ({ alertId }) => alertId);
      return ids.map(id => groups.get(id) ?? []);
    }),
    connected: batch(async ids => {
      const attached = await reading.follow(db => attachedAmong(db.pool, ids));
      return ids.map(id => attached.has(id));
    }),
  };
}

function standingLoader(reading: Reading): DataLoader<string, Standing> {
  const bounds = { troubledAfterMs: limits.troubledAfterMs, most: limits.metricBacklog };
  return batch(async ids => {
    const found = await reading.follow(db => standings(db.pool, ids, bounds));
    return ids.map(id => found.get(id) ?? new Error(`Subscription ${id} is gone.`));
  });
}

function batch<T>(load: (ids: readonly string[]) => Promise<(T | Error)[]>): DataLoader<string, T> {
  return new DataLoader(load, { maxBatchSize: 1_000 });
}

/** Units of work of one operation, one a database. */
function managersOf(reading: Reading) {
  const managers = new Map<Database, Manager>();
  const managerOf = (db: Database) => {
    const em = managers.get(db) ?? db.fork();
    managers.set(db, em);
    return em;
  };
  const managed = <T>(work: (em: Manager) => Promise<T>) => reading.follow(db => work(managerOf(db)));
  /** Rows by id; those that the replica does not have yet, from the primary. */
  const byId = <T extends { id: string }>(find: (em: Manager, ids: string[]) => Promise<T[]>) =>
    batch(async (ids: readonly string[]) => {
      const found = new Map((await managed(em => find(em, [...ids]))).map(row => [row.id, row]));
      const missing = ids.filter(id => !found.has(id));
      if (missing.length > 0 && reading.current !== reading.primary)
        for (const row of await find(managerOf(reading.primary), missing)) found.set(row.id, row);
      return ids.map(id => found.get(id) ?? new Error(`Row ${id} is gone.`));
    });
  return { managed, byId };
}
