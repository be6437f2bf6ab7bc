import type {
  FailedVoucher,
  FailureCount,
  KnownSubscription,
  LatencySums,
  OpenCounts,
} from '../../db/monitoring/reading-statements.ts';
import { type AlertDetails, noDetails } from './alert-details.ts';
import { causesOf } from './causes.ts';
import { overall } from './evaluate.ts';
import { isMeantBy } from './failure-kinds.ts';
import type { Behind, Explanation } from './readings.ts';
import { metrics } from './rules.ts';
import { type SharePart, sharesOf } from './shares.ts';

/** Vouchers that an alert names. */
const named = 3;

/** Holds what explanations are made of. */
export interface ExplainInput {
  readonly known: readonly KnownSubscription[];
  readonly open: readonly OpenCounts[];
  /** Of the last hour. */
  readonly failures: readonly FailureCount[];
  /** The newest first. */
  readonly vouchers: readonly FailedVoucher[];
  readonly latencies: (windowMs: number) => readonly LatencySums[];
}

/** Gives what stands behind an alert: pure. */
export function explain(alert: Behind & { readonly windowMs: number }, input: ExplainInput): Explanation {
  const { behind } = metrics[alert.rule];
  if (behind === 'failures') return explainFailures(alert, input);
  if (behind === 'standing') return { cause: null, details: { ...noDetails, ...standingOf(alert, input) } };
  return { cause: null, details: noDetails };
}

function explainFailures(
  { rule, subscriptionId }: Behind,
  { failures, vouchers, known }: ExplainInput,
): Explanation {
  const isMeant = isMeantBy(rule);
  const causes = causesOf(failures.filter(isMeant), known);
  const its = vouchers.filter(
    one => isMeant(one) && (subscriptionId === null || one.subscriptionId === subscriptionId),
  );
  // One record may have failed for several subscriptions, and in several versions.
  const byNumber = new Map(its.map(({ sourceId, voucherNo }) => [voucherNo, { sourceId, voucherNo }]));
  return {
    cause: causes.get(subscriptionId ?? overall) ?? null,
    details: { ...noDetails, vouchers: [...byNumber.values()].slice(0, named) },
  };
}

function standingOf(
  { rule, subscriptionId, windowMs }: Behind & { readonly windowMs: number },
  { known, open, latencies }: ExplainInput,
): Pick<AlertDetails, 'shares' | 'more'> {
  const parts: readonly SharePart[] =
    rule === 'latency'
      ? latencies(windowMs).map(({ subscriptionId: id, seconds, recordedSeconds }) => ({
          subscriptionId: id,
          amount: seconds,
          recordedLate: recordedSeconds * 2 < seconds,
        }))
      : open.map(({ subscriptionId: id, backlog, retrying }) => ({
          subscriptionId: id,
          amount: rule === 'retrying' ? retrying : backlog,
        }));
  const its = parts.filter(part => subscriptionId === null || part.subscriptionId === subscriptionId);
  return sharesOf(its, { known, open });
}
