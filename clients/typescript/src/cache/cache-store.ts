import type { ConsistencySource } from '../consistency.ts';
import type { HubVoucher } from '../event.ts';
import type { JsonObject } from '../python-json.ts';
import type { Effect } from '../sql/tables.ts';

/** A copy of a voucher. */
export interface CachedVoucher {
  readonly voucher: HubVoucher;
  /** The business data. */
  readonly data: JsonObject;
}

/** A copy as it stands in the table: what the columns say is compared, the content is what is read. */
export interface HeldVoucher extends CachedVoucher {
  readonly k: string;
  readonly source_version: number;
  readonly digest: string;
}

/** The cache's statements in one SQL dialect. Each is atomic by itself. */
export interface CacheStore extends ConsistencySource {
  createTables(): Promise<void>;
  read(k: string): Promise<HeldVoucher | null>;
  /** Writes a newer version, or other content of the same; the same content too where `force` is set. */
  put(copy: CachedVoucher, force: boolean): Promise<Effect>;
  /** Writes over exactly what was read; false: it has changed since. */
  replace(copy: CachedVoucher, held: HeldVoucher): Promise<boolean>;
  /** Corrects the digest of what was read, where that is still there. */
  setDigest(held: HeldVoucher, digest: string): Promise<boolean>;
  /** Copies in the order of `k`, from behind `afterK`. */
  page(afterK: string, limit: number): Promise<HeldVoucher[]>;
}

/** A row whose JSON columns are text. */
export function heldOf({ k, source_version, digest, voucher, data }: Record<string, unknown>): HeldVoucher {
  return {
    k: String(k),
    source_version: Number(source_version),
    digest: String(digest),
    voucher: JSON.parse(String(voucher)),
    data: JSON.parse(String(data)),
  };
}
