import { limits } from '../../core/limits.ts';
import type { Database } from '../../db/database.ts';
import {
  cancelOf,
  cancelOfDeleted,
  type Redating,
  redateBatch,
  requeueFailed,
  unfinishedBacklogs,
} from '../../db/delivery/backlog-statements.ts';
import type { ChangeListener } from '../reading/sync-changes.ts';

interface BacklogWorkDeps {
  readonly db: Database;
  readonly changes: ChangeListener;
  /** Is told of a shard that may be claimed from again. */
  readonly reopen: (subscriptionId: string) => void;
  /** When the next batch of a schedule is due; null: the usual one. */
  readonly nextBatch: (cron: string | null) => Date;
}

/** Does a part of some work. @returns whether there may be more */
type BacklogPart = () => Promise<boolean>;

/**
 * Does to a whole backlog what a change of its subscription asks for, in short statements: the first part at once, the
 * others behind the caller's back. The change has marked it, so that the reconciler of any process goes on where one ended.
 */
export class BacklogWork {
  readonly #deps: BacklogWorkDeps;

  constructor(deps: BacklogWorkDeps) {
    this.#deps = deps;
  }

  /** Cancels what a deleted subscription has waiting. */
  cancel(id: string): Promise<void> {
    return begin(() => this.#cancelled(cancelOf(this.#deps.db.pool, id)));
  }

  /**
   * Gives what waits for a batch the date that it would get now: the next one by the subscription's schedule, or at once
   * where it is no longer of mode BATCH.
   */
  redate(subscription: Redating): Promise<void> {
    return begin(this.#redating(subscription));
  }

  /** Queues again what had failed because of the connection when a subscription was resumed; it gives nothing before. */
  requeue(id: string): Promise<void> {
    return begin(() => this.#requeueSome(id));
  }

  /** Goes on for some statements with what was begun, here or in a process that ended. */
  async goOn(): Promise<void> {
    let parts: BacklogPart[] = (await unfinishedBacklogs(this.#deps.db.pool)).flatMap(found => [
      ...(found.redating ? [this.#redating(found)] : []),
      ...(found.isRequeueing ? [() => this.#requeueSome(found.id)] : []),
    ]);
    for (let turn = 0; turn < limits.backlogTurns && parts.length > 0; turn += 1) {
      const unfinished: BacklogPart[] = [];
      for (const part of parts) if (await part()) unfinished.push(part);
      parts = unfinished;
    }
    for (let turn = 0; turn < limits.backlogTurns; turn += 1)
      if (!(await this.#cancelled(cancelOfDeleted(this.#deps.db.pool)))) break;
  }

  async #cancelled(ids: Promise<string[]>): Promise<boolean> {
    const cancelled = await ids;
    this.#deps.changes.note(cancelled);
    return cancelled.length === limits.backlogPart;
  }

  #redating(subscription: Redating): BacklogPart {
    const { mode, batchCron } = subscription;
    const waits = mode == null || mode === 'batch';
    const dueAt = waits ? this.#deps.nextBatch(batchCron ?? null) : null;
    return async () => {
      const more = await redateBatch(this.#deps.db.pool, subscription, dueAt);
      if (!more) this.#deps.reopen(subscription.id);
      return more;
    };
  }

  async #requeueSome(id: string): Promise<boolean> {
    const { told, more } = await requeueFailed(this.#deps.db.pool, id);
    this.#deps.changes.note(told);
    if (!more) this.#deps.reopen(id);
    return more;
  }
}

/** Waits for the first part only. The change itself is done: what a failure leaves, the reconciler does. */
async function begin(part: BacklogPart): Promise<void> {
  const isMore = await part().catch(() => false);
  if (isMore) void rest(part).catch(() => {});
}

async function rest(part: BacklogPart): Promise<void> {
  while (await part());
}
