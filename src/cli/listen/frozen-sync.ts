import { pythonJson, voucherOfGraphql } from '@voucher-hub/client/wire';
import type { JsonObject } from '../../core/model.ts';
import type { ClaimedSync } from '../../db/delivery/shard-statements.ts';
import type { PushedDelivery } from './documents.ts';

const modes = { REALTIME: 'realtime', BATCH: 'batch', COMPENSATION: 'compensation' } as const;

/** A delivery as the hub's own webhook takes it, so that the same code makes the request. The claim stays the hub's. */
export function frozenSync(delivery: PushedDelivery): ClaimedSync {
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
    voucherJson: pythonJson({ ...voucherOfGraphql(event.voucher) }),
  };
}
