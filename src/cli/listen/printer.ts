import type { Clock } from '../../core/clock.ts';
import { eventBody } from '../../delivery/body.ts';
import { printed } from '../terminal.ts';
import type { Delivery } from './documents.ts';
import { frozenSync } from './frozen-sync.ts';
import type { Handler, Outcome } from './handler.ts';
import { eventLine } from './lines.ts';

/** Prints each event; one that is printed is accepted. */
export class Printer implements Handler {
  readonly batchSize = 1;
  readonly #clock: Clock;
  readonly #json: boolean;

  constructor(clock: Clock, json: boolean) {
    this.#clock = clock;
    this.#json = json;
  }

  use(): void {}

  async ready(): Promise<boolean> {
    return false;
  }

  handle(deliveries: readonly Delivery[]): Promise<Outcome[]> {
    return Promise.all(deliveries.map(delivery => this.#print(delivery)));
  }

  async #print(delivery: Delivery): Promise<Outcome> {
    const at = new Date(this.#clock.now());
    const line = this.#json
      ? jsonLine(delivery, at, eventBody(frozenSync(delivery)), {})
      : eventLine(delivery, at);
    return { kind: (await printed(line)) ? 'accepted' : 'unseen' };
  }
}

/** An event in one line for programs. @param body the webhook's body; it is JSON, and goes out letter by letter */
export function jsonLine(delivery: Delivery, at: Date, body: string, more: object): string {
  const head = JSON.stringify({ receivedAt: at.toISOString(), attempt: delivery.attempt, ...more });
  return `${head.slice(0, -1)},"body":${body}}`;
}
