import { badInput } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { VoucherStatus } from '../core/model.ts';
import type { Database } from '../db/database.ts';
import { type LightVoucherRow, VoucherEntity, type VoucherRow } from '../db/entities.ts';
import { checkTexts, type VoucherCriteria, voucherWhere } from '../db/reading/filters.ts';
import { vouchersSentTo, voucherVersions } from '../db/reading/read-statements.ts';
import type { RecordKey } from '../db/recording/intake-statements.ts';

/** Holds what a consumer compares its copy of a record with. */
export interface VoucherVersion extends RecordKey {
  readonly sourceVersion: number;
  readonly digest: string;
  readonly status: VoucherStatus;
  readonly updatedAt: Date;
}

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

  /**
   * The versions of records, in the order asked for; null: none, or none that may be seen. One statement.
   * @param visible the source and the target system to which the caller is bound; null: any
   * @throws HubError BAD_USER_INPUT for too many
   */
  async versions(
    keys: readonly RecordKey[],
    visible: { sourceSystem: string | null; targetSystem: string | null },
  ): Promise<(VoucherVersion | null)[]> {
    if (keys.length > limits.versionRefs)
      throw badInput('refs', `refs: at most ${limits.versionRefs} at once; these are ${keys.length}.`);
    for (const { sourceSystem, sourceModule, sourceId } of keys)
      checkTexts({ sourceSystem, sourceModule, sourceId });
    const found = new Map((await voucherVersions(this.#db.pool, keys, visible)).map(row => [row.n, row]));
    return keys.map((key, n) => {
      const row = found.get(n);
      if (row === undefined) return null;
      const { sourceVersion, digest, status, updatedAt } = row;
      return { ...key, sourceVersion, digest, status, updatedAt: new Date(updatedAt) };
    });
  }

  /** A page, the newest first, without the business data. @param sourceSystem only this system's; null: any */
  page(
    criteria: VoucherCriteria,
    sourceSystem: string | null,
    page: { limit: number; belowId: string | null },
  ): Promise<LightVoucherRow[]> {
    const below = page.belowId === null ? {} : { id: { $lt: page.belowId } };
    const where = { $and: [voucherWhere(criteria), ownOnly(sourceSystem), below] };
    const options = { orderBy: { id: 'desc' }, limit: page.limit, exclude: ['businessData'] } as const;
    return this.#db.fork().find(VoucherEntity, where, options);
  }

  /** Says how many there are. */
  count(criteria: VoucherCriteria, sourceSystem: string | null): Promise<number> {
    return this.#db.fork().count(VoucherEntity, { $and: [voucherWhere(criteria), ownOnly(sourceSystem)] });
  }

  /** Tells whether a voucher was ever sent to a system: then that system may see its current state. */
  async wasSentTo(voucherId: string, targetSystem: string): Promise<boolean> {
    return (await vouchersSentTo(this.#db.pool, [voucherId], targetSystem)).has(voucherId);
  }
}

function ownOnly(sourceSystem: string | null): { sourceSystem?: string } {
  return sourceSystem === null ? {} : { sourceSystem };
}
