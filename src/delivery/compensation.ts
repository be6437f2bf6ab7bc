import { badInput } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { SyncStatus } from '../core/model.ts';
import { addCompensation, cancelSyncs, queueSyncsAgain } from '../db/compensation-statements.ts';
import { likePattern } from '../db/coverage.ts';
import type { Database } from '../db/database.ts';
import { type SubscriptionRow, SyncLogEntity, VoucherEntity } from '../db/entities.ts';
import { type SyncCriteria, syncWhere, type VoucherCriteria, voucherWhere } from '../db/filters.ts';
import type { ChangeListener } from './sync-changes.ts';

/** What compensation sets going. */
interface LaneControl {
  wake(lanes: Iterable<string>): void;
}

const retriable: readonly SyncStatus[] = ['failed', 'cancelled', 'retrying', 'pending'];
const cancellable: readonly SyncStatus[] = ['failed', 'retrying', 'pending'];

/**
 * Compensation by hand: tries syncs again, cancels them, sends current versions once more. Works through any
 * number in batches, each its own short transaction, and sends by the same lanes as everything else.
 */
export class Compensation {
  readonly #db: Database;
  readonly #lanes: LaneControl;
  readonly #changes: ChangeListener;

  constructor(deps: { db: Database; lanes: LaneControl; changes: ChangeListener }) {
    this.#db = deps.db;
    this.#lanes = deps.lanes;
    this.#changes = deps.changes;
  }

  /**
   * Makes syncs due now, with their retries given back. Without statuses (and ids): those that have FAILED.
   * @param subscriptionIds only these subscriptions'; null: any
   * @returns how many were queued again
   */
  async retry(criteria: SyncCriteria, subscriptionIds: readonly string[] | null): Promise<number> {
    const wanted = statusesOf(criteria, retriable, 'can be tried again');
    const lanes = new Set<string>();
    const count = await this.#forEachBatch(criteria, wanted, subscriptionIds, async ids => {
      const again = await queueSyncsAgain(this.#db.pool, ids, wanted);
      for (const row of again) lanes.add(row.subscriptionId);
      return again.length;
    });
    this.#lanes.wake(lanes);
    return count;
  }

  /** Gives up on syncs that are not under way. Without statuses: all that wait or failed. @returns how many */
  cancel(criteria: SyncCriteria, subscriptionIds: readonly string[] | null): Promise<number> {
    const wanted = statusesOf(
      { ...criteria, statuses: criteria.statuses ?? [...cancellable] },
      cancellable,
      'can be cancelled',
    );
    return this.#forEachBatch(criteria, wanted, subscriptionIds, ids =>
      cancelSyncs(this.#db.pool, ids, wanted),
    );
  }

  /**
   * Sends the current version of vouchers that a subscription covers once more, as compensation. What is on its
   * way already is not added again.
   * @returns how many were queued
   */
  async resync(subscription: SubscriptionRow, criteria: VoucherCriteria): Promise<number> {
    const em = this.#db.fork();
    let after = '0';
    let count = 0;
    for (;;) {
      const where = { $and: [voucherWhere(criteria), coverageOf(subscription), { id: { $gt: after } }] };
      const rows = await em.find(VoucherEntity, where, {
        fields: ['id'],
        orderBy: { id: 'asc' },
        limit: limits.compensationBatch,
        disableIdentityMap: true,
      });
      const last = rows.at(-1);
      if (last === undefined) break;
      const voucherIds = rows.map(row => row.id);
      const added = await addCompensation(this.#db.pool, subscription.id, voucherIds);
      count += added.length;
      this.#changes.note(added);
      this.#lanes.wake([subscription.id]);
      after = last.id;
    }
    return count;
  }

  async #forEachBatch(
    criteria: SyncCriteria,
    statuses: readonly SyncStatus[],
    subscriptionIds: readonly string[] | null,
    work: (ids: string[]) => Promise<number>,
  ): Promise<number> {
    const em = this.#db.fork();
    const mine = subscriptionIds === null ? {} : { subscriptionId: { $in: [...subscriptionIds] } };
    let after = '0';
    let count = 0;
    for (;;) {
      const where = {
        $and: [syncWhere({ ...criteria, statuses: [...statuses] }), mine, { id: { $gt: after } }],
      };
      const rows = await em.find(SyncLogEntity, where, {
        fields: ['id'],
        orderBy: { id: 'asc' },
        limit: limits.compensationBatch,
        disableIdentityMap: true,
      });
      const last = rows.at(-1);
      if (last === undefined) return count;
      const ids = rows.map(row => row.id);
      count += await work(ids);
      this.#changes.note(ids);
      after = last.id;
    }
  }
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
