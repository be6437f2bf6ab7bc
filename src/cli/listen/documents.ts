import { graphql } from '../generated/gql.ts';
import type { ListenDeliveriesSubscription, ListenSubscriptionQuery } from '../generated/graphql.ts';

/** Holds what a listener must know of its subscription. */
export const subscriptionQuery = graphql(`
  query ListenSubscription($id: ID!) {
    dataSubscription(id: $id) {
      id name targetSystem state webhookUrl batchSize batchMaxBytes timeoutMs ackTimeoutMs payloadQuery
      retry { maxRetries baseDelayMs maxDelayMs jitter }
    }
  }
`);

/** Attaches. Everything is asked for that the webhook's body holds. */
export const deliveriesSubscription = graphql(`
  subscription ListenDeliveries($subscriptionId: ID!, $prefetch: Int!) {
    deliveries(subscriptionId: $subscriptionId, prefetch: $prefetch) {
      syncId attempt mode
      event {
        id eventType data occurredAt recordedAt
        voucher {
          id voucherNo voucherDate sourceSystem sourceModule sourceType sourceId sourceReferenceNo sourceVersion
          companyId counterpartyType counterpartyId counterpartyName direction amount currency summary status digest
        }
      }
    }
  }
`);

/** Tells whether a consumer is attached. */
export const attachedQuery = graphql(`
  query ListenAttached($id: ID!) { dataSubscription(id: $id) { connected } }
`);

/** Says that events are safe. */
export const acknowledgeMutation = graphql(`
  mutation ListenAcknowledge($syncIds: [ID!]!) { acknowledge(syncIds: $syncIds) }
`);

/** Refuses an event. */
export const rejectMutation = graphql(`
  mutation ListenReject($syncId: ID!, $code: String!, $message: String!, $retryable: Boolean!) {
    reject(syncId: $syncId, code: $code, message: $message, retryable: $retryable) { id status subscription { id } }
  }
`);

/** An event as it comes over the socket. */
export type PushedDelivery = ListenDeliveriesSubscription['deliveries'];

/** The subscription that is listened to. */
export type Listened = NonNullable<ListenSubscriptionQuery['dataSubscription']>;
