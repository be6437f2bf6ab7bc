import { badInput } from '../../core/errors.ts';
import type { Database } from '../../db/database.ts';
import { SubscriptionEntity, SyncLogEntity, type SyncLogRow, VoucherEntity } from '../../db/entities.ts';
import { checkTexts, type SyncCriteria, syncWhere } from '../../db/reading/filters.ts';

/** Which syncs a caller means; a source record is looked up by its id first. */
export interface SyncQuestion extends SyncCriteria {
  sourceId?: string | null;
}

/** Records that one `sourceId` may stand for (it is unique only within a system and module). */
const recordsOfSourceId = 1_000;

/** Reads the sync log. */
export class SyncReader {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** @param own only these subscriptions'; null: any */
  byId(id: string, own: readonly string[] | null): Promise<SyncLogRow | null> {
    return this.#db.fork().findOne(SyncLogEntity, { $and: [{ id }, ownOnly(own)] });
  }

  /** Gives those of some syncs that a question covers, in the order of their ids. */
  byIds(
    ids: readonly string[],
    criteria: SyncCriteria,
    own: readonly string[] | null,
  ): Promise<SyncLogRow[]> {
    const where = { $and: [{ id: { $in: [...ids] } }, syncWhere(criteria), ownOnly(own)] };
    return this.#db.fork().find(SyncLogEntity, where, { orderBy: { id: 'asc' } });
  }

  /** A page, the newest first. */
  async page(
    question: SyncQuestion,
    own: readonly string[] | null,
    page: { limit: number; belowId: string | null },
  ): Promise<SyncLogRow[]> {
    const below = page.belowId === null ? {} : { id: { $lt: page.belowId } };
    const where = { $and: [syncWhere(await this.criteriaOf(question)), ownOnly(own), below] };
    return this.#db.fork().find(SyncLogEntity, where, { orderBy: { id: 'desc' }, limit: page.limit });
  }

  /** Says how many there are. */
  async count(question: SyncQuestion, own: readonly string[] | null): Promise<number> {
    const where = { $and: [syncWhere(await this.criteriaOf(question)), ownOnly(own)] };
    return this.#db.fork().count(SyncLogEntity, where);
  }

  /**
   * The ids of a system's subscriptions, deleted ones too: their log stays theirs. Null: of all, as of no system in
   * particular.
   */
  async subscriptionIdsOf(targetSystem: string | null): Promise<string[] | null> {
    if (targetSystem === null) return null;
    const rows = await this.#db.fork().find(SubscriptionEntity, { targetSystem }, { fields: ['id'] });
    return rows.map(row => row.id);
  }

  /** The question with its source record looked up. @throws HubError BAD_USER_INPUT when it stands for too many */
  async criteriaOf(question: SyncQuestion): Promise<SyncCriteria> {
    checkTexts(question);
    const { sourceId, ...criteria } = question;
    if (sourceId == null) return criteria;
    const system = criteria.sourceSystem == null ? {} : { sourceSystem: criteria.sourceSystem };
    const options = { fields: ['id'] as const, limit: recordsOfSourceId + 1 };
    const vouchers = await this.#db.fork().find(VoucherEntity, { sourceId, ...system }, options);
    if (vouchers.length > recordsOfSourceId)
      throw badInput('sourceId', 'sourceId: too many records have it; name the sourceSystem too.');
    return { ...criteria, voucherIds: vouchers.map(voucher => voucher.id) };
  }
}

function ownOnly(own: readonly string[] | null): { subscriptionId?: { $in: string[] } } {
  return own === null ? {} : { subscriptionId: { $in: [...own] } };
}
