import { LRUCache } from 'lru-cache';
import type { TailedSync } from './documents.ts';

/** Syncs whose last shown state is remembered; of the longest untouched, a state may be shown twice. */
const rememberedSyncs = 10_000;

const over = new Set(['SUCCESS', 'FAILED', 'CANCELLED']);

/** Holds what has been shown, so that nothing is shown twice and what was missed can be found. */
export class ShownSync {
  readonly #states = new LRUCache<string, { readonly state: string; readonly isOver: boolean }>({
    max: rememberedSyncs,
  });
  #highest = 0n;

  /** Gives those of some syncs that were not shown in this state, the oldest first; they count as shown then. */
  add(syncs: readonly TailedSync[]): TailedSync[] {
    const ordered = syncs.toSorted((a, b) => (BigInt(a.id) < BigInt(b.id) ? -1 : 1));
    return ordered.filter(sync => {
      const state = stateOf(sync);
      const isNew = this.#states.get(sync.id)?.state !== state;
      this.#states.set(sync.id, { state, isOver: over.has(sync.status) });
      if (BigInt(sync.id) > this.#highest) this.#highest = BigInt(sync.id);
      return isNew;
    });
  }

  /** Tells whether a sync was recorded after all that were shown. */
  isBeyond(syncId: string): boolean {
    return BigInt(syncId) > this.#highest;
  }

  /** The syncs that were last shown in a state that changes by itself. */
  open(): string[] {
    return [...this.#states].flatMap(([id, { isOver }]) => (isOver ? [] : [id]));
  }
}

function stateOf({ status, retryCount, nextAttemptAt, syncCompletedAt, attempts }: TailedSync): string {
  return JSON.stringify([status, retryCount, nextAttemptAt, syncCompletedAt, attempts.length]);
}
