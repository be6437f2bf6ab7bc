import DataLoader from 'dataloader';
import { type Caller, visibleTargetSystem } from '../access/caller.ts';
import { limits } from '../core/limits.ts';
import type { JsonObject } from '../core/model.ts';
import { attachedAmong } from '../db/delivery/attachment-statements.ts';
import {
  type LightEventRow,
  type LightVoucherRow,
  SubscriptionEntity,
  type SubscriptionRow,
  SyncAttemptEntity,
  type SyncAttemptRow,
  SyncLogEntity,
  type SyncLogRow,
  VoucherEntity,
  VoucherEventEntity,
} from '../db/entities.ts';
import { type NoticeRow, noticesOfAlerts } from '../db/monitoring/notice-statements.ts';
import { type SubscriptionStanding, standings } from '../db/monitoring/standing-statements.ts';
import {
  backlogs,
  dataOfEvents,
  dataOfVouchers,
  eventCounts,
  eventIdsOfPages,
  syncIdsOfVouchers,
  type VersionsPage,
} from '../db/reading/read-statements.ts';
import { batch, dataBatch, rowsById } from './batches.ts';
import type { OperationBudget } from './operation-budget.ts';
import type { Reading } from './reading.ts';

/** Reads of one operation, each kind in one statement however many nodes ask for it. */
export interface Loaders {
  readonly voucher: DataLoader<string, LightVoucherRow>;
  readonly event: DataLoader<string, LightEventRow>;
  /** Business data, by voucher as it is now, and by event as it was. */
  readonly dataOfVoucher: DataLoader<string, JsonObject>;
  readonly dataOfEvent: DataLoader<string, JsonObject>;
  readonly subscription: DataLoader<string, SubscriptionRow>;
  /** Events of a voucher, the oldest version first. */
  readonly eventsOfVoucher: DataLoader<VersionsPage, LightEventRow[], string>;
  /** Says how many versions a voucher has. */
  readonly eventCount: DataLoader<string, number>;
  /** Syncs by voucher that the caller may see, the newest first: one more than `limits.nestedList` where there are more. */
  readonly syncsOfVoucher: DataLoader<string, SyncLogRow[]>;
  /** Attempts by sync. */
  readonly attemptsOfSync: DataLoader<string, SyncAttemptRow[]>;
  readonly backlog: DataLoader<string, number>;
  /** Says how subscriptions stand beyond their settings. */
  readonly standing: DataLoader<string, SubscriptionStanding>;
  /** Says who was told of an alert, by alert, the oldest first: one more than `limits.nestedList` where there are more. */
  readonly noticesOfAlert: DataLoader<string, NoticeRow[]>;
  /** True when a consumer is attached, by subscription. */
  readonly connected: DataLoader<string, boolean>;
}

/** Loaders for one operation; they remember what they read, so never share them between operations. */
export function createLoaders(reading: Reading, caller: Caller | null, budget: OperationBudget): Loaders {
  const { managed, byId } = rowsById(reading);
  const event = byId<LightEventRow>((em, ids) =>
    em.find(VoucherEventEntity, { id: { $in: ids } }, { exclude: ['data'] }),
  );
  return {
    voucher: byId<LightVoucherRow>((em, ids) =>
      em.find(VoucherEntity, { id: { $in: ids } }, { exclude: ['businessData'] }),
    ),
    event,
    dataOfVoucher: dataBatch(reading, budget, dataOfVouchers),
    dataOfEvent: dataBatch(reading, budget, dataOfEvents),
    subscription: byId((em, ids) => em.find(SubscriptionEntity, { id: { $in: ids } })),
    eventsOfVoucher: new DataLoader(
      async pages => {
        const atMost = budget.rowsLeft + 1;
        const links = await reading.follow(db => eventIdsOfPages(db.pool, pages, atMost));
        budget.takeRows(links.length);
        const rows = await loadEach(event, links);
        const groups = Map.groupBy(rows, ({ link }) => link.page);
        return pages.map((_, page) => (groups.get(page) ?? []).map(({ row }) => row));
      },
      {
        maxBatchSize: limits.loaderBatch,
        cacheKeyFn: ({ voucherId, limit, above }) => `${voucherId} ${limit} ${above}`,
      },
    ),
    eventCount: batch(async ids => {
      const counts = await reading.follow(db => eventCounts(db.pool, ids));
      return ids.map(id => counts.get(id) ?? 0);
    }),
    syncsOfVoucher: syncsOfVoucher(reading, caller, budget),
    attemptsOfSync: batch(async ids => {
      const options = { orderBy: { syncId: 'asc', number: 'asc' }, limit: budget.rowsLeft + 1 } as const;
      const rows = await managed(em => em.find(SyncAttemptEntity, { syncId: { $in: [...ids] } }, options));
      budget.takeRows(rows.length);
      const groups = Map.groupBy(rows, row => row.syncId);
      return ids.map(id => groups.get(id) ?? []);
    }),
    backlog: batch(async ids => {
      const counts = await reading.follow(db => backlogs(db.pool, ids));
      return ids.map(id => counts.get(id) ?? 0);
    }),
    standing: standingLoader(reading),
    noticesOfAlert: batch(async ids => {
      const bounds = { perAlert: limits.nestedList + 1, atMost: budget.rowsLeft + 1 };
      const rows = await reading.follow(db => noticesOfAlerts(db.pool, ids, bounds));
      budget.takeRows(rows.length);
      const groups = Map.groupBy(rows, ({ alertId }) => alertId);
      return ids.map(id => groups.get(id) ?? []);
    }),
    connected: batch(async ids => {
      const attached = await reading.follow(db => attachedAmong(db.pool, ids));
      return ids.map(id => attached.has(id));
    }),
  };
}

function standingLoader(reading: Reading): DataLoader<string, SubscriptionStanding> {
  const bounds = { troubledAfterMs: limits.troubledAfterMs, most: limits.metricBacklog };
  return batch(async ids => {
    const found = await reading.follow(db => standings(db.pool, ids, bounds));
    return ids.map(id => found.get(id) ?? new Error(`Subscription ${id} is gone.`));
  });
}

function syncsOfVoucher(
  reading: Reading,
  caller: Caller | null,
  budget: OperationBudget,
): Loaders['syncsOfVoucher'] {
  const targetSystem = caller === null ? null : visibleTargetSystem(caller);
  const sync = rowsById(reading).byId((em, ids) => em.find(SyncLogEntity, { id: { $in: ids } }));
  return batch(async ids => {
    const bounds = { targetSystem, perVoucher: limits.nestedList + 1, atMost: budget.rowsLeft + 1 };
    const links = await reading.follow(db => syncIdsOfVouchers(db.pool, ids, bounds));
    budget.takeRows(links.length);
    const groups = Map.groupBy(await loadEach(sync, links), ({ link }) => link.voucherId);
    return ids.map(id => (groups.get(id) ?? []).map(({ row }) => row));
  });
}

/** Loads a row for each link: one statement after another, so that no operation takes the whole pool of connections. */
async function loadEach<L extends { id: string }, T>(
  loader: DataLoader<string, T>,
  links: readonly L[],
): Promise<{ link: L; row: T }[]> {
  const rows: { link: L; row: T }[] = [];
  for (let first = 0; first < links.length; first += limits.loaderBatch) {
    const part = links.slice(first, first + limits.loaderBatch);
    rows.push(...(await Promise.all(part.map(async link => ({ link, row: await loader.load(link.id) })))));
  }
  return rows;
}
