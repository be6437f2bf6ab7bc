import type { Delivery, Listened } from './documents.ts';

/** What became of one event here, and what the hub is told of it. */
export type Outcome =
  | { readonly kind: 'accepted' }
  | {
      readonly kind: 'rejected';
      readonly code: string;
      readonly message: string;
      readonly retryable: boolean;
    }
  /** Nobody saw it: the hub is told nothing, and delivers it again. */
  | { readonly kind: 'unseen' };

/** What is done with events. */
export interface Handler {
  /** Sets the subscription as it stands; called before the events of each connection. */
  use(subscription: Listened): void;
  /** Events that `handle` takes at once. */
  readonly batchSize: number;
  /** Never rejects; one outcome an event, in their order. */
  handle(deliveries: readonly Delivery[]): Promise<readonly Outcome[]>;
}
