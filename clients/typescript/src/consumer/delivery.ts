import { type HubEvent, type SyncMode, voucherOfGraphql } from '../event.ts';
import type { DeliveriesSubscription } from '../generated/operations.ts';

/** What a consumer selects of an event where it does not say otherwise: what makes a `HubEvent`. */
const defaultQuery = /* GraphQL */ `
  subscription Deliveries($subscriptionId: ID!, $prefetch: Int!, $receipts: Boolean!) {
    deliveries(subscriptionId: $subscriptionId, prefetch: $prefetch) {
      syncId attempt mode ackDeadline bodyDigest @include(if: $receipts)
      event {
        id eventType data occurredAt
        voucher {
          id voucherNo voucherDate sourceSystem sourceModule sourceType sourceId sourceReferenceNo sourceVersion companyId
          counterpartyType counterpartyId counterpartyName direction amount currency summary status digest
        }
      }
    }
  }
`;

/** One event as it comes over the socket, with what the caller selected of it. */
export type Delivery<Selected> = DefaultDelivery & {
  /** Which of the two it is, the caller's selection or the default one, the consumer's options say. */
  readonly event: Selected;
};

type DefaultDelivery = DeliveriesSubscription['deliveries'];

/** The subscription that attaches a consumer. The record's name is always asked for, since order is kept by it. */
export function deliveriesQuery(selection?: string): string {
  if (selection === undefined) return defaultQuery;
  return `subscription Deliveries($subscriptionId: ID!, $prefetch: Int!, $receipts: Boolean!) {
    deliveries(subscriptionId: $subscriptionId, prefetch: $prefetch) {
      syncId attempt mode ackDeadline bodyDigest @include(if: $receipts)
      event { voucher { sourceSystem sourceModule sourceId } ${selection} }
    }
  }`;
}

const modes = { REALTIME: 'realtime', BATCH: 'batch', COMPENSATION: 'compensation' } as const;

/** The webhook's word for a mode. */
export function modeOf({ mode }: DefaultDelivery): SyncMode {
  return modes[mode];
}

/** Tells source records apart, whatever was selected. */
export function recordOf({ event }: DefaultDelivery): string {
  const { sourceSystem, sourceModule, sourceId } = event.voucher;
  return JSON.stringify([sourceSystem, sourceModule, sourceId]);
}

/** A delivery with the default selection, in the form of the webhook's body. */
export function eventOfDelivery(delivery: DefaultDelivery): HubEvent {
  const { id, eventType, data, occurredAt, voucher } = delivery.event;
  return {
    event: eventType,
    event_id: Number(id),
    sync_id: Number(delivery.syncId),
    voucher_id: Number(voucher.id),
    mode: modeOf(delivery),
    occurred_at: occurredAt,
    data,
    voucher: voucherOfGraphql(voucher),
  };
}
