import type { JsonObject } from '../core/model.ts';
import { frozenVoucher } from '../delivery/payload/frozen-event.ts';
import type { Push } from '../delivery/push/session.ts';
import type { Delivery } from '../schema/delivery.types.ts';
import type { VoucherEvent } from '../schema/voucher.types.ts';

/** A push as GraphQL serves it. Event and voucher are as they were in this version, like the webhook's. */
export function toDelivery({ sync, ackDeadline, bodyDigest, traceparent }: Push): Delivery {
  const voucher = frozenVoucher(sync);
  const data: JsonObject = JSON.parse(sync.dataJson);
  const event: VoucherEvent = {
    id: sync.eventId,
    voucherId: sync.voucherId,
    eventType: sync.eventType,
    sourceVersion: voucher.sourceVersion,
    data,
    occurredAt: new Date(sync.occurredAtMs),
    recordedAt: new Date(sync.recordedAtMs),
    // Who made the record and when it was touched is not frozen: those fields are read where they are asked for.
    frozenVoucher: { id: sync.voucherId, ...voucher, businessData: data },
  };
  return {
    syncId: sync.id,
    attempt: sync.attemptCount + 1,
    mode: sync.mode,
    event,
    ackDeadline: new Date(ackDeadline),
    bodyDigest,
    traceparent,
  };
}
