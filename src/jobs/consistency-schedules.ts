import type { Consistency } from '../consistency/consistency.ts';
import type { Fold } from '../consistency/fold.ts';
import type { ConsistencyReports } from '../consistency/reports.ts';
import { limits } from '../core/limits.ts';
import type { SubscriptionRow } from '../db/entities.ts';
import type { Subscriptions } from '../delivery/subscription/subscriptions.ts';
import type { Schedule } from './schedules.ts';

/**
 * Gives what is kept and checked by itself: the tree each minute, checks whose process is gone every ten seconds, all
 * consumers on Sunday, caches of invoices on Monday too.
 */
export function consistencySchedules(deps: {
  fold: Fold;
  consistency: Consistency;
  reports: ConsistencyReports;
  subscriptions: Subscriptions;
  /** Reports are kept as long as sync logs. */
  retentionDays: number;
}): Schedule[] {
  const { fold, consistency, reports, subscriptions, retentionDays } = deps;
  return [
    {
      name: 'consistency-fold',
      when: { everyMs: limits.foldMs },
      run: async ({ signal }) => void (await fold.run(signal)),
    },
    {
      name: 'consistency-abandoned',
      when: { everyMs: limits.checkLeaseMs / 6 },
      run: () => reports.failAbandoned(),
    },
    {
      name: 'consistency-weekly',
      when: { cron: '0 3 * * 0' },
      run: async ({ signal }) => {
        await consistency.checkAll(await subscriptions.list(null), signal);
        await reports.dropOlderThan(retentionDays);
      },
    },
    {
      name: 'consistency-invoices',
      when: { cron: '0 3 * * 1' },
      run: async ({ signal }) =>
        consistency.checkAll((await subscriptions.list(null)).filter(coversInvoices), signal),
    },
  ];
}

/** Tells whether a subscription covers event types that begin with `invoice_`. */
export function coversInvoices({ eventTypes }: Pick<SubscriptionRow, 'eventTypes'>): boolean {
  return eventTypes.some(pattern => {
    const prefix = pattern.endsWith('*') ? pattern.slice(0, -1) : undefined;
    return pattern.startsWith('invoice_') || (prefix !== undefined && 'invoice_'.startsWith(prefix));
  });
}
