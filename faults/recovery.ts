import type { Violation } from './checker.ts';
import type { History } from './history.ts';
import type { Fault } from './plan.ts';
import { meter } from './scene.ts';

/** A fault that was done, with its times in milliseconds since the lab's start. */
export interface DoneFault {
  readonly fault: Fault;
  readonly from: number;
  readonly until: number;
}

/**
 * Holds what a fault of the hub held up arrives within this, milliseconds: other faults that go on meanwhile make it
 * longer.
 */
const recoveryMs = 60_000;

/** Tells whether a fault is done to the hub, and not to one consumer alone. */
export function isOfHub(kind: string): boolean {
  return /^(node|database|queue)-/.test(kind);
}

/**
 * Says how long a fault was felt: from its end (from the kill itself for a process that was killed) until everything that had
 * been acknowledged by then had arrived at the subscription that no fault is done to. Milliseconds.
 */
export function recoveryOf(history: Pick<History, 'subscriptions' | 'published' | 'received'>) {
  const id = history.subscriptions.find(({ name }) => name === meter)?.id;
  const arrivedAt = new Map<string, number>();
  for (const { subscriptionId, mark, at } of history.received)
    if (subscriptionId === id && !arrivedAt.has(mark)) arrivedAt.set(mark, at);
  return ({ fault, from, until }: DoneFault): number => {
    const since = fault.kind === 'node-killed' ? from : until;
    const last = history.published
      .filter(({ acknowledgedAt }) => acknowledgedAt !== null && acknowledgedAt <= since)
      .reduce((latest, { mark }) => Math.max(latest, arrivedAt.get(mark) ?? 0), since);
    return last - since;
  };
}

/** Faults that were felt for too long, though nothing was lost in the end. */
export function checkRecovery(history: History, done: readonly DoneFault[]): Violation[] {
  const recover = recoveryOf(history);
  return done
    .filter(({ fault }) => isOfHub(fault.kind))
    .map(one => ({ fault: one.fault, tookMs: recover(one) }))
    .filter(({ tookMs }) => tookMs > recoveryMs)
    .map(({ fault, tookMs }) => ({
      rule: 'shards run again soon' as const,
      what: `${fault.kind} ${fault.target}: what was acknowledged by then had arrived ${Math.round(tookMs / 1_000)} s later`,
    }));
}
