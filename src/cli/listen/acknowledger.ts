import { RefusedError } from '../client.ts';
import type { HubSocket } from '../live/hub-socket.ts';
import { plural } from '../terminal.ts';
import { acknowledgeMutation, rejectMutation } from './documents.ts';
import type { ToldOutcome } from './handler.ts';

/** Sync ids in one mutation; the hub takes a thousand. */
const idsAtOnce = 500;

/** Holds what the hub was told, over all connections. */
export interface Tally {
  acknowledged: number;
  rejected: number;
  /** Of those rejected, what the hub will not deliver again by itself. */
  failed: number;
}

/** Tells the hub over one connection what became of its events: acknowledgements together, as many as have gathered. */
export class Acknowledger {
  readonly #socket: HubSocket;
  readonly #tally: Tally;
  readonly #say: (message: string) => void;
  readonly #waiting = new Map<string, (told: boolean) => void>();
  #isSending = false;

  constructor(socket: HubSocket, tally: Tally, say: (message: string) => void) {
    this.#socket = socket;
    this.#tally = tally;
    this.#say = say;
  }

  /** Tells one outcome. @returns whether the hub has heard it; else it delivers the event again */
  tell(syncId: string, outcome: ToldOutcome): Promise<boolean> {
    if (outcome.kind === 'rejected') return this.#reject(syncId, outcome);
    return new Promise(resolve => {
      this.#waiting.set(syncId, resolve);
      if (!this.#isSending) void this.#acknowledgeAll();
    });
  }

  async #acknowledgeAll(): Promise<void> {
    this.#isSending = true;
    while (this.#waiting.size > 0) {
      const batch = [...this.#waiting].slice(0, idsAtOnce);
      for (const [syncId] of batch) this.#waiting.delete(syncId);
      const told = await this.#acknowledge(batch.map(([syncId]) => syncId));
      for (const [, resolve] of batch) resolve(told);
    }
    this.#isSending = false;
  }

  async #acknowledge(syncIds: string[]): Promise<boolean> {
    try {
      const { acknowledge: count } = await this.#socket.request(acknowledgeMutation, { syncIds });
      this.#tally.acknowledged += count;
      const late = syncIds.length - count;
      if (late > 0)
        this.#say(
          `${plural(late, 'acknowledgement')} came after the deadline (ackTimeoutMs): the hub delivers again.`,
        );
      return true;
    } catch (error) {
      return this.#untold(error);
    }
  }

  async #reject(syncId: string, outcome: Extract<ToldOutcome, { kind: 'rejected' }>): Promise<boolean> {
    const { code, message, retryable } = outcome;
    try {
      const { reject: sync } = await this.#socket.request(rejectMutation, {
        syncId,
        code,
        message,
        retryable,
      });
      this.#tally.rejected += 1;
      if (sync.status === 'FAILED') this.#failed(syncId, code, sync.subscription.id);
      return true;
    } catch (error) {
      if (!(error instanceof RefusedError) || error.code !== 'NOT_FOUND') return this.#untold(error);
      this.#say(
        `Sync ${syncId}: its answer came after the deadline (ackTimeoutMs); the hub delivers it again.`,
      );
      return true;
    }
  }

  #failed(syncId: string, code: string, subscriptionId: string): void {
    this.#tally.failed += 1;
    this.#say(
      `! Sync ${syncId} is FAILED (${code}) and does not come again by itself. Once its cause is gone: hub retry --subscription ${subscriptionId}`,
    );
  }

  /** A connection that is lost is told of elsewhere. */
  #untold(error: unknown): false {
    if (error instanceof RefusedError) this.#say(`The hub did not take an answer: ${error.message}`);
    return false;
  }
}
