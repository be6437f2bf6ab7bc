import type { JsonObject, VoucherDirection, VoucherStatus } from '../core/model.ts';
import type { Push } from '../delivery/push/session.ts';
import type { Delivery } from '../schema/delivery.types.ts';
import type { Voucher, VoucherEvent } from '../schema/voucher.types.ts';

/** The voucher as it is frozen with an event (contract, "The webhook": snake case, enums in lower case). */
interface FrozenVoucher {
  voucher_no: string;
  voucher_date: string;
  source_system: string;
  source_module: string;
  source_type: string;
  source_id: string;
  source_reference_no: string | null;
  source_version: number;
  company_id: string | null;
  counterparty_type: string | null;
  counterparty_id: string | null;
  counterparty_name: string | null;
  direction: VoucherDirection;
  amount: string;
  currency: string;
  summary: string | null;
  status: VoucherStatus;
  digest: string;
}

/** A push as GraphQL serves it. Event and voucher are as they were in this version, like the webhook's. */
export function toDelivery({ sync, ackDeadline, bodyDigest }: Push): Delivery {
  const frozen: FrozenVoucher = JSON.parse(sync.voucherJson);
  const data: JsonObject = JSON.parse(sync.dataJson);
  const event: VoucherEvent = {
    id: sync.eventId,
    voucherId: sync.voucherId,
    eventType: sync.eventType,
    sourceVersion: frozen.source_version,
    data,
    occurredAt: new Date(sync.occurredAt),
    recordedAt: new Date(sync.recordedAt),
    frozenVoucher: frozenVoucher(sync.voucherId, frozen, data),
  };
  return {
    syncId: sync.id,
    attempt: sync.attemptCount + 1,
    mode: sync.mode,
    event,
    ackDeadline: new Date(ackDeadline),
    bodyDigest: bodyDigest.toString('hex'),
  };
}

/** Who made the record and when it was touched is not frozen: those fields are read where they are asked for. */
function frozenVoucher(id: string, frozen: FrozenVoucher, businessData: JsonObject): Voucher {
  return {
    id,
    voucherNo: frozen.voucher_no,
    voucherDate: frozen.voucher_date,
    sourceSystem: frozen.source_system,
    sourceModule: frozen.source_module,
    sourceType: frozen.source_type,
    sourceId: frozen.source_id,
    sourceReferenceNo: frozen.source_reference_no,
    sourceVersion: frozen.source_version,
    companyId: frozen.company_id,
    counterpartyType: frozen.counterparty_type,
    counterpartyId: frozen.counterparty_id,
    counterpartyName: frozen.counterparty_name,
    direction: frozen.direction,
    amount: frozen.amount,
    currency: frozen.currency,
    summary: frozen.summary,
    businessData,
    status: frozen.status,
    digest: frozen.digest,
  };
}
