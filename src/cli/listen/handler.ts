import type { Listened, PushedDelivery } from './documents.ts';

/** Holds what became of one event here, and what the hub is told of it. */
export type HandlerOutcome =
  | { readonly kind: 'accepted' }
  | {
      readonly kind: 'rejected';
      readonly code: string;
      readonly message: string;
      readonly retryable: boolean;
    }
  /** Nobody saw it: the hub is told nothing, and delivers it again. */
  | { readonly kind: 'unseen' }
  /** Its receiver is away: the hub is told nothing, and keeps it until there is one. */
  | { readonly kind: 'away' };

/** An outcome that the hub is told. */
export type ToldOutcome = Extract<HandlerOutcome, { kind: 'accepted' | 'rejected' }>;

/** Holds what is done with events. */
export interface Handler {
  /** Sets the subscription as it stands; called before the events of each connection. */
  use(subscription: Listened): void;
  /** Resolves once events can be handled, or `halt` aborts. @returns whether it had to wait */
  ready(halt: AbortSignal): Promise<boolean>;
  /** Events that `handle` takes at once. */
  readonly batchSize: number;
  /** Never rejects; one outcome an event, in their order. */
  handle(deliveries: readonly PushedDelivery[]): Promise<readonly HandlerOutcome[]>;
}
