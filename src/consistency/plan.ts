import { badInput, HubError } from '../core/errors.ts';
import type { DifferenceKind } from '../core/model.ts';
import type { CheckFindings } from './checks.ts';
import { type RecordName, recordKey } from './digests.ts';
import type { Difference } from './judge.ts';

/** One difference as a dry run found it, to be sent again exactly so. */
export interface PlanItem extends RecordName {
  readonly subscriptionId: string;
  readonly kind: DifferenceKind;
  readonly expectedVersion: number | null;
  readonly expectedDigest: string | null;
  readonly actualVersion: number | null;
  readonly actualDigest: string | null;
}

const facts = ['kind', 'expectedVersion', 'expectedDigest', 'actualVersion', 'actualDigest'] as const;

/**
 * The items of each subscription. @throws HubError BAD_USER_INPUT where one stands twice: it would be sent and counted
 * twice
 */
export function itemsBySubscription(items: readonly PlanItem[]): [string, PlanItem[]][] {
  const firsts = new Map<string, number>();
  for (const [n, item] of items.entries()) {
    const name = `${item.subscriptionId} ${recordKey(item)}`;
    const first = firsts.get(name);
    if (first !== undefined)
      throw badInput('items', `items: item ${n + 1} is the record of item ${first + 1} once more.`);
    firsts.set(name, n);
  }
  return [...Map.groupBy(items, ({ subscriptionId }) => subscriptionId)];
}

/**
 * The differences that a plan lists, as they stand now.
 * @throws HubError CONFLICT where the world moved on: something of the plan is no longer so
 */
export function checkPlan(
  items: readonly PlanItem[],
  now: { readonly differences: readonly Difference[] },
): CheckFindings {
  const byKey = new Map(now.differences.map(difference => [recordKey(difference), difference]));
  const found: Difference[] = [];
  const moved: string[] = [];
  for (const item of items) {
    const difference = byKey.get(recordKey(item));
    if (difference !== undefined && facts.every(fact => difference[fact] === item[fact]))
      found.push(difference);
    else
      moved.push(
        `${item.sourceSystem}/${item.sourceModule}/${item.sourceId} (${whatMoved(item, difference)})`,
      );
  }
  if (moved.length === 0) return { checked: items.length, differences: found };
  const some = moved.slice(0, 5).join('; ');
  throw new HubError(
    'CONFLICT',
    `The plan is out of date: ${moved.length} of its ${items.length} items are no longer so, e.g. ${some}. Make a new plan.`,
  );
}

function whatMoved(item: PlanItem, now: Difference | undefined): string {
  if (now === undefined) return 'it differs no more, or is on its way';
  if (now.expectedVersion !== item.expectedVersion)
    return `the hub has version ${now.expectedVersion ?? 'none'} now, the plan says ${item.expectedVersion ?? 'none'}`;
  if (now.expectedDigest !== item.expectedDigest)
    return `version ${item.expectedVersion ?? 'none'} of the hub has another digest than the plan says`;
  if (now.actualVersion === item.actualVersion)
    return now.actualDigest === item.actualDigest
      ? `it is ${now.kind.toUpperCase()}, the plan says ${item.kind.toUpperCase()}`
      : `version ${item.actualVersion ?? 'none'} of the consumer has another digest than the plan says`;
  return `the consumer has version ${now.actualVersion ?? 'none'} now, the plan says ${item.actualVersion ?? 'none'}`;
}
