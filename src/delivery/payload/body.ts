import { pythonString } from '@voucher-hub/client/wire';
import type { ClaimedSync } from '../../db/delivery/shard-statements.ts';

/**
 * The body of one event, in Python's JSON form with sorted keys (contract, "The webhook"). Data and voucher were
 * written once at intake; only what differs by sync is put around them.
 * @param dataJson what stands under `data`: the business data, or what a payload query made of the event
 */
export function eventBody(sync: ClaimedSync, dataJson: string = sync.dataJson): string {
  return (
    `{"data": ${dataJson}, "event": ${pythonString(sync.eventType)}, "event_id": ${sync.eventId}, ` +
    `"mode": "${sync.mode}", "occurred_at": "${new Date(sync.occurredAtMs).toISOString()}", "sync_id": ${sync.id}, ` +
    `"voucher": ${sync.voucherJson}, "voucher_id": ${sync.voucherId}}`
  );
}

/** The body of a request that carries several events, from theirs. */
export function batchBody(bodies: readonly string[]): string {
  return `{"event": "batch", "items": [${bodies.join(', ')}]}`;
}
