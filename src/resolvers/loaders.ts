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
import { backlogs, eventIdsOfVouchers, syncIdsOfVouchers } from '../db/read-statements.ts';

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
  /** Whether a consumer is attached, by subscription. */
  readonly connected: DataLoader<string, boolean>;
}

/** Loaders for one operation; they remember what they read, so never share them between operations. */
export function createLoaders(db: Database, caller: Caller | null): Loaders {
  const em = db.fork();
  const targetSystem = caller === null ? null : visibleTargetSystem(caller);
  const event = byId(ids => em.find(VoucherEventEntity, { id: { $in: ids } }));
  const sync = byId(ids => em.find(SyncLogEntity, { id: { $in: ids } }));
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
    voucher: byId(ids => em.find(VoucherEntity, { id: { $in: ids } })),
    event,
    subscription: byId(ids => em.find(SubscriptionEntity, { id: { $in: ids } })),
    eventsOfVoucher: batch(async ids =>
      loadAll(event, await eventIdsOfVouchers(db.pool, ids, limits.nestedList), ids),
    ),
    syncsOfVoucher: batch(async ids =>
      loadAll(
        sync,
        await syncIdsOfVouchers(db.pool, ids, { targetSystem, perVoucher: limits.nestedList }),
        ids,
      ),
    ),
    attemptsOfSync: batch(async ids => {
      const rows = await em.find(
        SyncAttemptEntity,
        { syncId: { $in: [...ids] } },
        { orderBy: { syncId: 'asc', number: 'asc' } },
      );
      const groups = Map.groupBy(rows, row => row.syncId);
      return ids.map(id => (groups.get(id) ?? []).slice(-limits.nestedList));
    }),
    backlog: batch(async ids => {
      const counts = await backlogs(db.pool, ids);
      return ids.map(id => counts.get(id) ?? 0);
    }),
    connected: batch(async ids => {
      const attached = await attachedAmong(db.pool, ids);
      return ids.map(id => attached.has(id));
    }),
  };
}

function batch<T>(load: (ids: readonly string[]) => Promise<(T | Error)[]>): DataLoader<string, T> {
  return new DataLoader(load, { maxBatchSize: 1_000 });
}

function byId<T extends { id: string }>(find: (ids: string[]) => Promise<T[]>): DataLoader<string, T> {
  return batch(async ids => {
    const rows = new Map((await find([...ids])).map(row => [row.id, row]));
    return ids.map(id => rows.get(id) ?? new Error(`Row ${id} is gone.`));
  });
}
