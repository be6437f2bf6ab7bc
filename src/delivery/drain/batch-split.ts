import type { AttemptResult, RetryPolicy } from '../../core/model.ts';
import type { ClaimedSync, DuePart } from '../../db/delivery/shard-statements.ts';
import { signOf } from '../outcome/policy.ts';

/** Events of a batch that was refused as a whole, and are to be sent again in smaller requests. */
export interface RefusedBatch {
  readonly part: DuePart;
  readonly syncs: readonly ClaimedSync[];
}

/**
 * Says whether a batch's refusal is about the request or one of its items, so that smaller requests tell which: 413 is
 * about its size, 400 and 422 about an item. 5xx may be; it is taken so once an event in it is tried again, or can't be.
 */
export function isForSplitting(
  syncs: readonly ClaimedSync[],
  results: readonly AttemptResult[],
  retry: Pick<RetryPolicy, 'maxRetries'>,
): boolean {
  const [first] = results;
  if (first === undefined || syncs.length < 2 || results.length !== syncs.length) return false;
  // Answers item by item have told which; what could not be shaped was not in the request.
  if (results.some(({ ofItem, verdict }) => ofItem === true || verdict === 'unshaped')) return false;
  const { statusCode } = first;
  if (statusCode === 413 || statusCode === 400 || statusCode === 422) return true;
  if (statusCode === null || statusCode < 500 || signOf(first) !== 'away') return false;
  return retry.maxRetries === 0 || syncs.some(({ retryCount }) => retryCount > 0);
}

/** Refused batches whose attempts are on their way to the log: their halves are sent once they are written. */
export class BatchSplits {
  readonly #bySync = new Map<string, { batch: RefusedBatch; unwritten: number }>();

  begin(batch: RefusedBatch): void {
    const entry = { batch, unwritten: batch.syncs.length };
    for (const { id } of batch.syncs) this.#bySync.set(id, entry);
  }

  /** Attempts are written. @returns the halves of the batches of which all are */
  written(syncIds: Iterable<string>): RefusedBatch[] {
    const halves: RefusedBatch[] = [];
    for (const id of syncIds) {
      const entry = this.#bySync.get(id);
      if (entry === undefined) continue;
      this.#bySync.delete(id);
      entry.unwritten -= 1;
      if (entry.unwritten === 0) halves.push(...halvesOf(entry.batch));
    }
    return halves;
  }
}

function halvesOf({ part, syncs }: RefusedBatch): RefusedBatch[] {
  const middle = Math.ceil(syncs.length / 2);
  return [
    { part, syncs: syncs.slice(0, middle) },
    { part, syncs: syncs.slice(middle) },
  ];
}
