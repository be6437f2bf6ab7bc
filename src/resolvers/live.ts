import { type Caller, readableTargetSystem, requireRole, writableTargetSystem } from '../access/caller.ts';
import type { PushedQuestion, Questions } from '../consistency/questions.ts';
import { badInput } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { SyncLogRow } from '../db/entities.ts';
import { syncWhere } from '../db/reading/filters.ts';
import type { Attachments } from '../delivery/push/attachments.ts';
import type { Push } from '../delivery/push/session.ts';
import type { SyncChanges } from '../delivery/reading/sync-changes.ts';
import type { SyncQuestion, SyncReader } from '../delivery/reading/sync-reader.ts';
import type { Subscriptions } from '../delivery/subscription/subscriptions.ts';
import type { ShownAlert } from '../monitoring/alerts/alerts.ts';
import type { MetricWatches } from '../monitoring/metrics/metric-watches.ts';
import type { Metrics } from '../monitoring/metrics/metrics.ts';

/** Holds what GraphQL subscriptions read from. It comes by the context: the library's `subscribe` has no resolver instance. */
export interface Live {
  /** @throws HubError FORBIDDEN, NOT_FOUND, BAD_USER_INPUT */
  attach(caller: Caller, args: { subscriptionId: string; prefetch: number }): Promise<AsyncIterable<Push>>;
  /** @throws HubError FORBIDDEN, NOT_FOUND */
  listen(caller: Caller, subscriptionId: string): Promise<AsyncIterable<PushedQuestion>>;
  /** @throws HubError FORBIDDEN, BAD_USER_INPUT */
  watchSyncs(caller: Caller, question: SyncQuestion): Promise<AsyncIterable<SyncLogRow>>;
  /** @throws HubError FORBIDDEN */
  watchAlerts(caller: Caller): AsyncIterable<ShownAlert>;
  /** @throws HubError FORBIDDEN, BAD_USER_INPUT, LIMIT_EXCEEDED */
  watchMetrics(caller: Caller, everySeconds: number): AsyncIterable<Metrics>;
}

/** Checks what a caller may see, and opens the feed. */
export function createLive(services: {
  attachments: Attachments;
  changes: SyncChanges;
  questions: Questions;
  subscriptions: Subscriptions;
  syncs: SyncReader;
  alerts: { watch(): AsyncIterable<ShownAlert> };
  metrics: MetricWatches<Metrics>;
  /** The last day's, of some subscriptions or (null) of all. */
  readMetrics: (own: readonly string[] | null) => Promise<Metrics>;
}): Live {
  const { attachments, changes, questions, subscriptions, syncs, alerts, metrics, readMetrics } = services;
  return {
    async attach(caller, { subscriptionId, prefetch }) {
      const { id } = await subscriptions.get(subscriptionId, writableTargetSystem(caller));
      if (prefetch < 1 || prefetch > limits.prefetch)
        throw badInput('prefetch', `prefetch: 1 to ${limits.prefetch}.`);
      return attachments.attach({ subscriptionId: id, keyId: caller.keyId }, prefetch);
    },
    async listen(caller, subscriptionId) {
      const { id } = await subscriptions.get(subscriptionId, writableTargetSystem(caller));
      return questions.attach({ subscriptionId: id, keyId: caller.keyId });
    },
    async watchSyncs(caller, question) {
      const system = readableTargetSystem(caller);
      const own = () => syncs.subscriptionIdsOf(system);
      const criteria = await syncs.criteriaOf(question);
      // Refuses what can't be asked for now, not at the first change.
      syncWhere(criteria);
      return changes.watch(criteria, own);
    },
    watchAlerts(caller) {
      requireRole(caller, 'analyst');
      return alerts.watch();
    },
    watchMetrics(caller, everySeconds) {
      const system = readableTargetSystem(caller);
      if (everySeconds < 1 || everySeconds > limits.metricEverySeconds)
        throw badInput('everySeconds', `everySeconds: 1 to ${limits.metricEverySeconds}.`);
      // Those who may see the same share one computation; a system's subscriptions come and go.
      return metrics.watch(JSON.stringify([system, everySeconds]), everySeconds * 1_000, async () =>
        readMetrics(await syncs.subscriptionIdsOf(system)),
      );
    },
  };
}
