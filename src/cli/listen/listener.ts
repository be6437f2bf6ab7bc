import type { Clock } from '../../core/clock.ts';
import type { Acknowledger } from './acknowledger.ts';
import type { PushedDelivery } from './documents.ts';
import type { Handler, ToldOutcome } from './handler.ts';

/** Sets how long an event waits for others of its batch, milliseconds. */
const batchLingerMs = 20;

/** Outcomes that the hub may not know yet and that are kept in case it delivers again: beyond it, the oldest go. */
const untoldMax = 1_000;

/** Holds what a listener works with. */
export interface ListenerOptions {
  readonly clock: Clock;
  readonly handler: Handler;
  /** Events that are handled at once, and that the hub may have unacknowledged here. */
  readonly prefetch: number;
  /** Told when an event was shown to nobody: there is no sense in going on. */
  readonly onUnseen: () => void;
  /** Told when the receiver of events is away: they are to go back to the hub. */
  readonly onAway: () => void;
}

/**
 * Handles the events of one connection after the other, a bounded number at once, and tells the hub what became of
 * them. An event that is delivered again because a connection broke is not handled a second time meanwhile.
 */
export class ConsumerListener {
  readonly #options: ListenerOptions;
  readonly #queue: PushedDelivery[] = [];
  /** Events that wait here or are being handled, each with the connection that brought it last. */
  readonly #underWay = new Map<string, Acknowledger>();
  readonly #untold = new Map<string, ToldOutcome>();
  readonly #work = new Set<Promise<void>>();
  #requests = 0;
  #cancelPump: (() => void) | undefined;
  #isStopping = false;
  /** Events that were handled. */
  events = 0;

  constructor(options: ListenerOptions) {
    this.#options = options;
  }

  /** Requests under way: events, or batches of them. */
  get requests(): number {
    return this.#requests;
  }

  /** Takes an event from a connection. */
  take(delivery: PushedDelivery, from: Acknowledger): void {
    if (this.#isStopping) return;
    const { syncId } = delivery;
    const outcome = this.#untold.get(syncId);
    if (outcome !== undefined) {
      this.#untold.delete(syncId);
      this.#track(this.#tell(syncId, outcome, from));
      return;
    }
    const isHere = this.#underWay.has(syncId);
    this.#underWay.set(syncId, from);
    if (isHere) return;
    this.#queue.push(delivery);
    if (this.#options.handler.batchSize === 1) this.#pump();
    else this.#cancelPump ??= this.#options.clock.after(batchLingerMs, () => this.#pump());
  }

  /** Takes no more, and resolves when what is under way is done and told. What waits goes back to the hub. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#queue.length = 0;
    while (this.#work.size > 0) await Promise.all(this.#work);
  }

  #pump(): void {
    const { prefetch, handler } = this.#options;
    this.#cancelPump?.();
    this.#cancelPump = undefined;
    const atOnce = Math.max(1, Math.floor(prefetch / handler.batchSize));
    while (this.#requests < atOnce && this.#queue.length > 0)
      this.#track(this.#handle(this.#queue.splice(0, handler.batchSize)));
  }

  async #handle(deliveries: readonly PushedDelivery[]): Promise<void> {
    this.#requests += 1;
    const outcomes = await this.#options.handler.handle(deliveries);
    this.#requests -= 1;
    for (const [index, { syncId }] of deliveries.entries()) {
      const from = this.#underWay.get(syncId);
      this.#underWay.delete(syncId);
      const outcome = outcomes[index] ?? { kind: 'unseen' };
      if (outcome.kind === 'unseen') this.#options.onUnseen();
      else if (outcome.kind === 'away') this.#away();
      else if (from !== undefined) {
        this.events += 1;
        this.#track(this.#tell(syncId, outcome, from));
      }
    }
    this.#pump();
  }

  /** What waits here would meet the same. */
  #away(): void {
    for (const { syncId } of this.#queue.splice(0)) this.#underWay.delete(syncId);
    this.#options.onAway();
  }

  async #tell(syncId: string, outcome: ToldOutcome, to: Acknowledger): Promise<void> {
    if (await to.tell(syncId, outcome)) return;
    this.#untold.set(syncId, outcome);
    const [oldest] = this.#untold.keys();
    if (this.#untold.size > untoldMax && oldest !== undefined) this.#untold.delete(oldest);
  }

  #track(work: Promise<void>): void {
    this.#work.add(work);
    void work.finally(() => this.#work.delete(work));
  }
}
