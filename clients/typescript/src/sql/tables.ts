import { recordHash, recordKey, signedHash } from '../digest.ts';
import type { HubEvent, HubVoucher } from '../event.ts';

/** The names of the client's tables. */
export interface TableNames {
  /** sync ids that took effect. */
  readonly inbox: string;
  /** The highest version of each source record that took effect. */
  readonly records: string;
  /** Copies of vouchers. */
  readonly cache: string;
}

/** Names with a prefix (default `hub_`). @throws {TypeError} for a prefix that is no plain lower-case name */
export function tableNames(prefix = 'hub_'): TableNames {
  if (!/^[a-z_][a-z0-9_]{0,40}$/.test(prefix))
    throw new TypeError(`prefix: ${prefix} is no lower-case name.`);
  return { inbox: `${prefix}inbox`, records: `${prefix}records`, cache: `${prefix}cache` };
}

/** The columns by which a record is found, compared, and counted in the consistency protocol. */
export interface RecordRow {
  /** See `recordKey`. */
  readonly k: string;
  readonly source_system: string;
  readonly source_module: string;
  readonly source_id: string;
  readonly source_version: number;
  readonly digest: string;
  /** YYYY-MM-DD */
  readonly voucher_date: string;
  /** See `recordHash`; its 64 bits, signed. */
  readonly h: bigint;
}

/** The row of a voucher. */
export function recordRow(voucher: HubVoucher): RecordRow {
  const { source_system, source_module, source_id, source_version, digest, voucher_date } = voucher;
  const k = recordKey(voucher);
  const h = signedHash(recordHash(k, source_version, digest));
  return { k, source_system, source_module, source_id, source_version, digest, voucher_date, h };
}

/** The columns of `RecordRow`, in the order of `recordValues`. */
export const recordColumns =
  'k, source_system, source_module, source_id, source_version, digest, voucher_date, h';

/** A row's values, in the order of `recordColumns`. */
export function recordValues(
  row: RecordRow,
): [string, string, string, string, number, string, string, bigint] {
  return [
    row.k,
    row.source_system,
    row.source_module,
    row.source_id,
    row.source_version,
    row.digest,
    row.voucher_date,
    row.h,
  ];
}

/** Holds what an event comes to, given what is held. */
export type Effect = 'applied' | 'duplicate' | 'stale';

/** Tells whether the hub sent an event once more to mend what a consumer holds. */
export function isRepair(event: HubEvent): boolean {
  return event.mode === 'compensation';
}
