import { badInput, HubError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type { SyncStatus } from '../../core/model.ts';
import { type CompensationRunRow, listRuns, type RunCriteria } from '../../db/compensation/run-statements.ts';
import {
  addCompensation,
  beginOf,
  compensateFailed,
  countWalk,
  type SyncPosition,
  type SyncWalk,
  tablesOf,
  type WalkStep,
  walkSyncs,
} from '../../db/compensation/walk-statements.ts';
import { SubscriptionEntity, type SubscriptionRow, VoucherEntity } from '../../db/entities.ts';
import { likePattern } from '../../db/reading/coverage.ts';
import {
  type SyncCriteria,
  syncWhere,
  type VoucherCriteria,
  voucherWhere,
} from '../../db/reading/filters.ts';
import { CompensationRuns, type RunsDeps, type RunWork } from './compensation-runs.ts';

const retriable: readonly SyncStatus[] = ['failed', 'cancelled', 'retrying', 'pending'];
const cancellable: readonly SyncStatus[] = ['failed', 'retrying', 'pending'];

/**
 * Compensation: by hand it tries syncs again, cancels them, or sends current versions once more, any number of them in
 * runs; by itself it tries again what failed for a cause that has passed. All of it goes by the same shards.
 */
export class Compensation {
  readonly #deps: RunsDeps;
  readonly #runs: CompensationRuns;

  constructor(deps: RunsDeps) {
    this.#deps = deps;
    this.#runs = new CompensationRuns(deps, (run, within) =>
      'walk' in run.criteria
        ? this.#walkPart(run.criteria.walk, run.position, within)
        : this.#resyncPart(run.criteria.resync, run.position, within),
    );
  }

  /**
   * Makes syncs due now, with their retries given back. Without statuses (and ids): those that have FAILED.
   * @param targetSystem only this system's subscriptions; null: any
   * @returns how many were queued again
   */
  retry(criteria: SyncCriteria, targetSystem: string | null): Promise<number> {
    const statuses = statusesOf(criteria, retriable, 'can be tried again');
    return this.#walk({ action: 'retry', criteria, statuses, targetSystem });
  }

  /** Gives up on syncs that are not under way. Without statuses: all that wait or failed. @returns how many */
  cancel(criteria: SyncCriteria, targetSystem: string | null): Promise<number> {
    const all = { ...criteria, statuses: criteria.statuses ?? [...cancellable] };
    const statuses = statusesOf(all, cancellable, 'can be cancelled');
    return this.#walk({ action: 'cancel', criteria, statuses, targetSystem });
  }

  /**
   * Sends the current version of vouchers that a subscription covers once more, as compensation. What is on its
   * way already is not added again.
   * @param targetSystem who sees the run beside administrators; null: nobody
   * @returns how many were queued
   */
  async resync(
    subscription: SubscriptionRow,
    criteria: VoucherCriteria,
    targetSystem: string | null,
  ): Promise<number> {
    const where = { $and: [voucherWhere(criteria), coverageOf(subscription)] };
    const total = await this.#deps.db.fork().count(VoucherEntity, where);
    const resync = { subscriptionId: subscription.id, vouchers: criteria };
    return this.#runs.run({
      kind: 'resync',
      targetSystem,
      criteria: { resync },
      position: beginOf(0),
      total,
    });
  }

  /** The newest runs by hand. @param targetSystem only this system's; null: any */
  runs(targetSystem: string | null, first: number): Promise<CompensationRunRow[]> {
    return listRuns(this.#deps.db.pool, targetSystem, first);
  }

  /** Goes on with runs whose process has ended. */
  resumeRuns(): Promise<void> {
    return this.#runs.resume();
  }

  /**
   * Tries again what FAILED because of the connection on shards that have delivered something since, each sync
   * `limits.compensationRounds` times at most. Data that did not fit is left to a person.
   * @param signal makes it throw after the part under way
   * @returns how many
   */
  async compensateFailed(signal?: AbortSignal): Promise<number> {
    const { db, drains, changes, log } = this.#deps;
    const options = { limit: limits.compensationBatch, rounds: limits.compensationRounds };
    let last: { subscriptionId: string; id: string } | null = { subscriptionId: '0', id: '0' };
    let count = 0;
    while (last !== null) {
      signal?.throwIfAborted();
      const part: Awaited<ReturnType<typeof compensateFailed>> = await compensateFailed(
        db.pool,
        last,
        options,
      );
      drains.wake(part.shards);
      changes.note(part.ids);
      count += part.count;
      last = part.last;
    }
    if (count > 0) log.info({ syncs: count }, 'tried again: their targets answer again');
    return count;
  }

  /** Begins no further part of a run, another process goes on with it; resolves when no part is under way. */
  stop(): Promise<void> {
    return this.#runs.stop();
  }

  async #walk(walk: SyncWalk): Promise<number> {
    // Says what is wrong with the filter before a run is begun.
    syncWhere(walk.criteria);
    const total = await countWalk(this.#deps.db.pool, walk);
    const { action: kind, targetSystem } = walk;
    return this.#runs.run({ kind, targetSystem, criteria: { walk }, position: beginOf(0), total });
  }

  async #walkPart(walk: SyncWalk, position: SyncPosition, within: RunPart): Promise<WalkStep> {
    const options = { limit: limits.compensationBatch, wantIds: this.#deps.changes.isWatched };
    return within(async client => {
      const step = await walkSyncs(client, walk, position, options);
      const next = position.table + 1;
      const isLast = step.position === null && next >= tablesOf(walk.statuses).length;
      return { ...step, position: isLast ? null : (step.position ?? beginOf(next)) };
    });
  }

  async #resyncPart(resync: Resync, position: SyncPosition, within: RunPart): Promise<WalkStep> {
    const { subscriptionId, vouchers } = resync;
    const em = this.#deps.db.fork();
    const subscription = await em.findOne(SubscriptionEntity, { id: subscriptionId, deletedAt: null });
    if (subscription === null)
      throw new HubError('NOT_FOUND', `Subscription ${subscriptionId} was deleted meanwhile.`);
    const where = { $and: [criteriaWhere(vouchers), coverageOf(subscription), { id: { $gt: position.id } }] };
    const rows = await em.find(VoucherEntity, where, {
      fields: ['id'],
      orderBy: { id: 'asc' },
      limit: limits.compensationBatch,
      disableIdentityMap: true,
    });
    const ids = rows.map(row => row.id);
    const last = ids.length < limits.compensationBatch ? undefined : ids.at(-1);
    return within(async client => {
      const added = await addCompensation(client, subscriptionId, ids);
      return {
        lookedAt: ids.length,
        count: added.length,
        shards: [subscriptionId],
        ids: added,
        position: last === undefined ? null : { ...position, id: last },
      };
    });
  }
}

type RunPart = Parameters<RunWork>[1];
type Resync = Extract<RunCriteria, { resync: unknown }>['resync'];

/** The condition, its dates as they were before they stood in the database. */
function criteriaWhere({
  updatedFrom,
  updatedTo,
  ...rest
}: VoucherCriteria): ReturnType<typeof voucherWhere> {
  const dateOf = (given: Date | null | undefined) => (given == null ? null : new Date(given));
  return voucherWhere({ ...rest, updatedFrom: dateOf(updatedFrom), updatedTo: dateOf(updatedTo) });
}

function statusesOf(criteria: SyncCriteria, allowed: readonly SyncStatus[], what: string): SyncStatus[] {
  const wanted = criteria.statuses ?? (criteria.ids == null ? ['failed'] : [...allowed]);
  const other = wanted.find(status => !allowed.includes(status));
  if (other !== undefined)
    throw badInput(
      'statuses',
      `statuses: ${other.toUpperCase()} syncs are not what ${what}; that is ${allowed.join(', ').toUpperCase()}.`,
    );
  return wanted;
}

/** The ORM's condition for the vouchers whose current version a subscription covers. */
function coverageOf(subscription: SubscriptionRow): object {
  const types = subscription.eventTypes.map(type => ({ eventType: { $like: likePattern(type) } }));
  const parts: object[] = [{ $or: types }];
  if (subscription.sourceSystems != null) parts.push({ sourceSystem: { $in: subscription.sourceSystems } });
  if (subscription.companyIds != null) parts.push({ companyId: { $in: subscription.companyIds } });
  return { $and: parts };
}
