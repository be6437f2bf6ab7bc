import type { Database } from '../db/database.ts';
import { VoucherEntity, type VoucherRow } from '../db/entities.ts';
import { checkTexts, type VoucherCriteria, voucherWhere } from '../db/filters.ts';
import type { RecordKey } from '../db/intake-statements.ts';
import { vouchersSentTo } from '../db/read-statements.ts';

/** Reads vouchers. */
export class VoucherReader {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** @param id digits */
  byId(id: string): Promise<VoucherRow | null> {
    return this.#db.fork().findOne(VoucherEntity, { id });
  }

  /** The current state of a source record. */
  async bySource(key: RecordKey): Promise<VoucherRow | null> {
    checkTexts(key);
    return this.#db.fork().findOne(VoucherEntity, { ...key });
  }

  /** A page, the newest first. @param sourceSystem only this system's; null: any */
  page(
    criteria: VoucherCriteria,
    sourceSystem: string | null,
    page: { limit: number; belowId: string | null },
  ): Promise<VoucherRow[]> {
    const below = page.belowId === null ? {} : { id: { $lt: page.belowId } };
    const where = { $and: [voucherWhere(criteria), ownOnly(sourceSystem), below] };
    return this.#db.fork().find(VoucherEntity, where, { orderBy: { id: 'desc' }, limit: page.limit });
  }

  /** How many there are. */
  count(criteria: VoucherCriteria, sourceSystem: string | null): Promise<number> {
    return this.#db.fork().count(VoucherEntity, { $and: [voucherWhere(criteria), ownOnly(sourceSystem)] });
  }

  /** Whether a voucher was ever sent to a system: then that system may see its current state. */
  async wasSentTo(voucherId: string, targetSystem: string): Promise<boolean> {
    return (await vouchersSentTo(this.#db.pool, [voucherId], targetSystem)).has(voucherId);
  }
}

function ownOnly(sourceSystem: string | null): { sourceSystem?: string } {
  return sourceSystem === null ? {} : { sourceSystem };
}
