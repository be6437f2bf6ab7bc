import type { BackoffOptions } from '../backoff.ts';
import type { ConsistencySource } from '../consistency.ts';
import type { HubEvent, SyncMode } from '../event.ts';
import type { HubAddress } from '../hub-request.ts';

/** Holds what a handler is told about a delivery beside the event. */
export interface DeliveryContext {
  readonly syncId: string;
  /** 1 at the first. */
  readonly attempt: number;
  readonly mode: SyncMode;
  /** Handled later than this, the event counts as failed and comes again. */
  readonly ackDeadline: Date;
  /** Aborts when the consumer's closing waits no longer. */
  readonly signal: AbortSignal;
}

/** Takes one event. When it resolves, the event is acknowledged; when it throws, rejected: see `Reject`. */
export type Handler<Event> = (event: Event, context: DeliveryContext) => unknown;

/** Holds what a Consumer works with. */
export type ConsumerOptions<Selected = unknown> = CommonOptions &
  (
    | { readonly selection?: undefined; readonly handle: Handler<HubEvent> }
    /** A GraphQL selection on VoucherEvent; the handler gets the event as selected. */
    | { readonly selection: string; readonly handle: Handler<Selected> }
  );

/** Holds what a Consumer works with beside its handler. */
export interface CommonOptions extends HubAddress {
  readonly subscriptionId: string;
  /** Events of different source records that are handled at once. Default: 10. */
  readonly concurrency?: number;
  /** Events that may be here unacknowledged. Default: 100. */
  readonly prefetch?: number;
  /** Says how long an acknowledgement waits for company, milliseconds. Default: 5. */
  readonly ackLingerMs?: number;
  /** The subscription's secret, where acknowledgements are to carry receipts: proof for the hub of who took the event. */
  readonly receiptSecret?: string;
  /** Says how long to wait before connecting again. Default: 250 ms, doubling up to 30 s. */
  readonly reconnect?: BackoffOptions;
  /** Closes the consumer, as `close()` does. */
  readonly signal?: AbortSignal;
  /** Answers the hub's consistency checks over the same socket: a `VersionedCache`, or `pgConsistency` of an `Inbox`. */
  readonly consistency?: ConsistencySource;
  /** Told of every lost connection, rejected event and refused acknowledgement. Nothing is lost by any of them. */
  readonly onError?: (error: Error) => unknown;
}

/** Holds what a consumer has done since it was made. */
export interface ConsumerStats {
  readonly connected: boolean;
  /** Events whose handler resolved. */
  readonly handled: number;
  /** Events whose handler threw. */
  readonly rejected: number;
  /** Acknowledgements that the hub was waiting for. */
  readonly acknowledged: number;
}
