import type { CacheVoucherQuery } from './generated/operations.ts';
import type { JsonObject } from './python-json.ts';

/** Names one source record (one contract, one invoice …) of one system. */
export interface RecordRef {
  readonly source_system: string;
  readonly source_module: string;
  readonly source_id: string;
}

/** A voucher as the hub delivers it, frozen with its event. Snake case, as in the webhook's body. */
export interface HubVoucher extends RecordRef {
  readonly voucher_no: string;
  /** YYYY-MM-DD */
  readonly voucher_date: string;
  readonly source_type: string;
  readonly source_reference_no: string | null;
  readonly source_version: number;
  readonly company_id: string | null;
  readonly counterparty_type: string | null;
  readonly counterparty_id: string | null;
  readonly counterparty_name: string | null;
  readonly direction: 'debit' | 'credit';
  /** An exact decimal. */
  readonly amount: string;
  /** ISO 4217. */
  readonly currency: string;
  readonly summary: string | null;
  readonly status: 'draft' | 'approved' | 'voided';
  /** Hex SHA-256 of what a consumer must hold. */
  readonly digest: string;
}

/** Says how an event came to be sent. */
export type SyncMode = 'realtime' | 'batch' | 'compensation';

/** One event, in the form of the webhook's body. The Consumer gives its events this form too, so one handler serves both. */
export interface HubEvent {
  /** The event type, e.g. `invoice_recorded`. */
  readonly event: string;
  readonly event_id: number;
  /** The same on every attempt: deduplicate by it. */
  readonly sync_id: number;
  readonly voucher_id: number;
  readonly mode: SyncMode;
  /** ISO 8601. */
  readonly occurred_at: string;
  readonly data: JsonObject;
  readonly voucher: HubVoucher;
}

/** A voucher as GraphQL gives it, without the business data. */
export type GraphqlVoucher = Omit<NonNullable<CacheVoucherQuery['voucherBySource']>, 'businessData'>;

/** GraphQL's camel case and capitals, in the form of the webhook's body. */
export function voucherOfGraphql(voucher: GraphqlVoucher): HubVoucher {
  return {
    voucher_no: voucher.voucherNo,
    voucher_date: voucher.voucherDate,
    source_system: voucher.sourceSystem,
    source_module: voucher.sourceModule,
    source_type: voucher.sourceType,
    source_id: voucher.sourceId,
    source_reference_no: voucher.sourceReferenceNo ?? null,
    source_version: voucher.sourceVersion,
    company_id: voucher.companyId ?? null,
    counterparty_type: voucher.counterpartyType ?? null,
    counterparty_id: voucher.counterpartyId ?? null,
    counterparty_name: voucher.counterpartyName ?? null,
    direction: voucher.direction === 'DEBIT' ? 'debit' : 'credit',
    amount: voucher.amount,
    currency: voucher.currency,
    summary: voucher.summary ?? null,
    status: statuses[voucher.status],
    digest: voucher.digest,
  };
}

const statuses = { DRAFT: 'draft', APPROVED: 'approved', VOIDED: 'voided' } as const;

/** Tells whether a value read from JSON has what every event must have to be deduplicated and put in order. */
export function isHubEvent(value: unknown): value is HubEvent {
  if (!isObject(value) || !isObject(value.voucher) || !isObject(value.data)) return false;
  const { voucher } = value;
  return (
    typeof value.event === 'string' &&
    Number.isSafeInteger(value.sync_id) &&
    Number.isSafeInteger(voucher.source_version) &&
    [voucher.source_system, voucher.source_module, voucher.source_id].every(part => typeof part === 'string')
  );
}

/** Tells whether a value is an object that is no list. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
