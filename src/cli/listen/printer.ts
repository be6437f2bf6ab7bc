import type { Clock } from '../../core/clock.ts';
import { printed } from '../terminal.ts';
import type { Listened, PushedDelivery } from './documents.ts';
import type { Handler, HandlerOutcome } from './handler.ts';
import { eventLine } from './lines.ts';
import { WebhookBodies } from './webhook-body.ts';

/** Prints each event; one that is printed is accepted. */
export class Printer implements Handler {
  readonly batchSize = 1;
  readonly #clock: Clock;
  /** Null: lines for people. */
  readonly #bodies: WebhookBodies | null;
  #subscription: Pick<Listened, 'payloadQuery'> = { payloadQuery: null };

  constructor(clock: Clock, json: boolean) {
    this.#clock = clock;
    this.#bodies = json ? new WebhookBodies() : null;
  }

  use(subscription: Listened): void {
    this.#subscription = subscription;
  }

  async ready(): Promise<boolean> {
    return false;
  }

  handle(deliveries: readonly PushedDelivery[]): Promise<HandlerOutcome[]> {
    return Promise.all(deliveries.map(delivery => this.#print(delivery)));
  }

  async #print(delivery: PushedDelivery): Promise<HandlerOutcome> {
    const at = new Date(this.#clock.now());
    const line =
      this.#bodies === null
        ? eventLine(delivery, at)
        : jsonLine(delivery, at, this.#bodies.of(delivery, this.#subscription), {});
    return { kind: (await printed(line)) ? 'accepted' : 'unseen' };
  }
}

/** An event in one line for programs. @param body the webhook's body; it is JSON, and goes out letter by letter */
export function jsonLine(delivery: PushedDelivery, at: Date, body: string, more: object): string {
  const head = JSON.stringify({ receivedAt: at.toISOString(), attempt: delivery.attempt, ...more });
  return `${head.slice(0, -1)},"body":${body}}`;
}
