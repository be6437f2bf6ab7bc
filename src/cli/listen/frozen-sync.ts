import type { JsonObject } from '../../core/model.ts';
import { pythonJson } from '../../core/python-json.ts';
import type { ClaimedSync } from '../../db/delivery/shard-statements.ts';
import type { Delivery } from './documents.ts';

const modes = { REALTIME: 'realtime', BATCH: 'batch', COMPENSATION: 'compensation' } as const;
const directions = { DEBIT: 'debit', CREDIT: 'credit' } as const;
const statuses = { DRAFT: 'draft', APPROVED: 'approved', VOIDED: 'voided' } as const;

/** The voucher of a delivery, in the webhook's form. */
function voucherOf({ event: { voucher } }: Delivery): JsonObject {
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
    direction: directions[voucher.direction],
    amount: voucher.amount,
    currency: voucher.currency,
    summary: voucher.summary ?? null,
    status: statuses[voucher.status],
    digest: voucher.digest,
  };
}

/** A delivery as the hub's own webhook takes it, so that the same code makes the request. The claim stays the hub's. */
export function frozenSync(delivery: Delivery): ClaimedSync {
  const { syncId, attempt, mode, event } = delivery;
  const data: JsonObject = JSON.parse(JSON.stringify(event.data));
  return {
    id: syncId,
    token: '',
    eventId: event.id,
    voucherId: event.voucher.id,
    eventType: event.eventType,
    mode: modes[mode],
    retryCount: 0,
    attemptCount: attempt - 1,
    failedPushes: 0,
    closedSockets: 0,
    sourceSystem: event.voucher.sourceSystem,
    traceparent: null,
    occurredAtMs: Date.parse(event.occurredAt),
    recordedAtMs: Date.parse(event.recordedAt),
    dataJson: pythonJson(data),
    voucherJson: pythonJson(voucherOf(delivery)),
  };
}
