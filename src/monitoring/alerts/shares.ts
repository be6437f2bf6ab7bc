import type { KnownSubscription, OpenCounts } from '../../db/monitoring/reading-statements.ts';
import type { AlertDetails, Share, Why } from './alert-details.ts';

/** Subscriptions that are named of all together. */
const named = 3;

/** Holds what one subscription adds to a metric of all of them. */
export interface SharePart {
  readonly subscriptionId: string;
  readonly amount: number;
  /** True: its events were recorded late, and delivered in time then. */
  readonly recordedLate?: boolean;
}

/** Holds what subscriptions are told apart by. */
export interface StandingReadings {
  readonly known: readonly KnownSubscription[];
  readonly open: readonly OpenCounts[];
}

/** Tells whose a metric is, and why, those with the most first. */
export function sharesOf(
  parts: readonly SharePart[],
  { known, open }: StandingReadings,
): Pick<AlertDetails, 'shares' | 'more'> {
  const subscriptions = new Map(known.map(one => [one.id, one]));
  const counts = new Map(open.map(one => [one.subscriptionId, one]));
  const counted = parts.filter(
    ({ amount, subscriptionId }) => amount > 0 && subscriptions.has(subscriptionId),
  );
  const sum = counted.reduce((all, { amount }) => all + amount, 0);
  const ordered = counted.toSorted((a, b) => b.amount - a.amount);
  const shares = ordered.slice(0, named).flatMap((part): Share[] => {
    const subscription = subscriptions.get(part.subscriptionId);
    if (subscription === undefined) return [];
    const { id, name, targetSystem } = subscription;
    const percent = Math.max(1, Math.floor((100 * part.amount) / sum));
    return [{ id, name, targetSystem, percent, ...whyOf(part, subscription, counts.get(id)) }];
  });
  return { shares, more: ordered.length - shares.length };
}

/** What holds all of it back comes before what holds back some of it. */
function whyOf(
  { recordedLate = false }: SharePart,
  { gone, paused, suspended, stateSince, hasWebhook, unattachedSince }: KnownSubscription,
  open: OpenCounts | undefined,
): Pick<Share, 'why' | 'errorCode' | 'since'> {
  const errorCode = open?.errorCode ?? null;
  const because = (why: Why, since: number | null = null) => ({ why, errorCode, since });
  if (gone) return because('gone', stateSince);
  if (paused) return because('paused', stateSince);
  if (unattachedSince !== null && !hasWebhook) return because('unattached', unattachedSince);
  // The breaker is the webhook's: a consumer that is attached goes on.
  if (suspended && unattachedSince !== null) return because('suspended', stateSince);
  if (open !== undefined && open.retrying * 2 > open.backlog) return because('retrying');
  if (open !== undefined && open.batch * 2 > open.backlog) return because('batch');
  return because(recordedLate ? 'recorded_late' : 'slow');
}
