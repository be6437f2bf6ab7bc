import type { RuleName } from './rules.ts';

/** What a rule reads of one subject: a subscription, or all of them together. */
export interface Reading {
  /** Null: all subscriptions together. */
  readonly subscriptionId: string | null;
  /** In the metric's unit; null: there is nothing that it could be told from. */
  readonly value: number | null;
}

/** What rules read at one instant. Each metric is read by itself: one that fails is its own rule's fault alone. */
export interface MetricSnapshot {
  /**
   * Only of subscriptions that are not deleted; those that are left out have nothing to tell (`Metric.absent`).
   * @param options.windowMs for metrics that count: from then until the snapshot's instant
   * @param options.minimum outcomes below which a rate says nothing
   */
  read(
    metric: RuleName,
    options: { readonly windowMs: number; readonly minimum: number },
  ): Promise<readonly Reading[]>;
  /** What fails most: `ECONNREFUSED × 12` of the last hour, by subscription. */
  causes(): Promise<ReadonlyMap<string, string>>;
}

/** Where rules read. */
export interface MetricReadings {
  /** @param at milliseconds since 1970 */
  snapshot(at: number): MetricSnapshot;
}
