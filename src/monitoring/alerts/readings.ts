import type { AlertDetails } from './alert-details.ts';
import type { RuleName } from './rules.ts';

/** Holds what a rule reads of one subject: a subscription, or all of them together. */
export interface MetricReading {
  /** Null: all subscriptions together. */
  readonly subscriptionId: string | null;
  /** In the metric's unit; null: there is nothing that it could be told from. */
  readonly value: number | null;
  /** Holds what a rule tells of its cause whose metric has a cause of its own (`Metric.behind`: reading). */
  readonly cause?: string;
}

/** Holds what is asked about: an alert, by its rule and subject. */
export interface Behind {
  readonly rule: RuleName;
  readonly subscriptionId: string | null;
}

/** Holds what stands behind an alert. */
export interface Explanation {
  /** Holds what fails most; null: it is about no failures, or none is known. */
  readonly cause: string | null;
  readonly details: AlertDetails;
}

/** Holds what rules read at one instant. Each metric is read by itself: one that fails is its own rule's fault alone. */
export interface MetricSnapshot {
  /**
   * Only of subscriptions that are not deleted; those that are left out have nothing to tell (`Metric.absent`).
   * @param options.windowMs for metrics that count: from then until the snapshot's instant
   * @param options.minimum outcomes below which a rate says nothing
   */
  read(
    metric: RuleName,
    options: { readonly windowMs: number; readonly minimum: number },
  ): Promise<readonly MetricReading[]>;
  /**
   * Gives what stands behind alerts, in their order: what failed most in the last hour (`ECONNREFUSED × 12`) and some of its
   * vouchers, or whose it is and why.
   */
  explain(alerts: readonly (Behind & { readonly windowMs: number })[]): Promise<Explanation[]>;
}

/** Says where rules read. */
export interface MetricReadings {
  /** @param at milliseconds since 1970 */
  snapshot(at: number): MetricSnapshot;
}
