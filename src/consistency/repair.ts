import type { Clock } from '../core/clock.ts';
import { limits } from '../core/limits.ts';
import { addCompensation } from '../db/compensation/walk-statements.ts';
import { countUnderWay } from '../db/consistency/suspect-statements.ts';
import type { Database } from '../db/database.ts';
import { recordKey } from './digests.ts';
import type { Difference } from './judge.ts';
import type { Settlement } from './settle.ts';

/** Holds what a repair works with. */
export interface RepairDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly drains: { wake(shards: Iterable<string>): void };
}

/** Sets how often deliveries under way are looked at: soon at first, then seldom. Milliseconds. */
const lookFirstMs = 50;
const lookMaxMs = 2_000;

/** Gives what of the differences can be mended by sending: what the consumer has beyond the hub is never deleted. */
export function isMendable(difference: Difference): boolean {
  return difference.kind !== 'unexpected';
}

/**
 * Sends the current versions of what differs, as compensation in the normal way, waits for it, and asks the consumer
 * again.
 * @param wait false: nothing will be delivered now (the subscription is paused), so nothing is waited for
 * @returns the numbers of the differences that are mended, by their place
 */
export async function repair(
  deps: RepairDeps,
  task: {
    subscriptionId: string;
    differences: readonly Difference[];
    settlement: Settlement;
    signal: AbortSignal;
    wait: boolean;
    /** Told how many are mended so far. */
    tell: (mended: number) => Promise<void>;
  },
): Promise<number[]> {
  const { db, drains } = deps;
  const { subscriptionId, differences } = task;
  const mendable = differences.filter(isMendable);
  const voucherIds = mendable.flatMap(({ voucherId }) => voucherId ?? []);
  for (let at = 0; at < voucherIds.length; at += limits.compensationBatch) {
    await addCompensation(db.pool, subscriptionId, voucherIds.slice(at, at + limits.compensationBatch));
    drains.wake([subscriptionId]);
  }
  if (!task.wait) return [];
  await deliveryOf(deps, subscriptionId, voucherIds, task.signal);
  const agreed = new Set<string>();
  for (let at = 0; at < mendable.length; at += limits.consistencyPage) {
    const answer = await task.settlement.ask(mendable.slice(at, at + limits.consistencyPage));
    for (const one of answer.agreed) agreed.add(recordKey(one));
    await task.tell(agreed.size);
  }
  return differences.flatMap((one, n) => (agreed.has(recordKey(one)) ? [n] : []));
}

/** Waits until nothing of some vouchers is on its way, `limits.repairWaitMs` at most. */
async function deliveryOf(
  { db, clock }: RepairDeps,
  subscriptionId: string,
  voucherIds: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const until = clock.steady() + limits.repairWaitMs;
  for (let pauseMs = lookFirstMs; ; pauseMs = Math.min(pauseMs * 2, lookMaxMs)) {
    if ((await countUnderWay(db.pool, subscriptionId, voucherIds)) === 0) return;
    if (clock.steady() >= until || signal.aborted) return;
    await clock.sleep(pauseMs, signal);
  }
}
