import { type HubEvent, type SyncMode, voucherOfGraphql } from '../event.ts';
import type { DeliveriesSubscription } from '../generated/operations.ts';

/** Holds what a consumer selects of an event where it does not say otherwise: what makes a `HubEvent`. */
const defaultQuery = /* GraphQL */ `
  subscription Deliveries($subscriptionId: ID!, $prefetch: Int!) {
    deliveries(subscriptionId: $subscriptionId, prefetch: $prefetch) {
      syncId attempt mode ackDeadline
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

type DefaultDelivery = DeliveriesSubscription['deliveries'] & {
  /** Says where receipts are to be made of it. */
  readonly bodyDigest?: string;
};

/**
 * The subscription that attaches a consumer. The record's name is always asked for, since order is kept by it.
 * @param withDigest asks for `bodyDigest` too; a hub of an earlier version does not have it
 */
export function deliveriesQuery(selection: string | undefined, withDigest: boolean): string {
  const query = selection === undefined ? defaultQuery : selectedQuery(selection);
  return withDigest ? query.replace(' ackDeadline', ' ackDeadline bodyDigest') : query;
}

function selectedQuery(selection: string): string {
  return `subscription Deliveries($subscriptionId: ID!, $prefetch: Int!) {
    deliveries(subscriptionId: $subscriptionId, prefetch: $prefetch) {
      syncId attempt mode ackDeadline
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
