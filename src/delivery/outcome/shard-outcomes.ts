import type { TransportKind } from '../../core/model.ts';
import type { Outcome } from './judge.ts';

/** Says whose outcomes they are. */
export interface OutcomeOwner {
  readonly subscriptionId: string;
  readonly transport: TransportKind;
  /** Told after each statement, of what was in it. */
  onWritten(outcomes: readonly Outcome[]): void;
  /** Told of those that will not be written. */
  onDropped(outcomes: readonly Outcome[]): void;
  /** Ends the trying: leases then run out and another process delivers again. */
  readonly giveUp: AbortSignal;
}

/** Says who writes them. */
interface Writing {
  add(outcome: Outcome, shard: ShardOutcomes): void;
  /** Asks for what waits to be written at once. */
  hurry(): void;
}

/** The outcomes of one shard, on their way to the log. */
export class ShardOutcomes {
  readonly #owner: OutcomeOwner;
  readonly #writing: Writing;
  #pending = 0;
  #idle: (() => void)[] = [];

  constructor(owner: OutcomeOwner, writing: Writing) {
    this.#owner = owner;
    this.#writing = writing;
  }

  get subscriptionId(): string {
    return this.#owner.subscriptionId;
  }

  get transport(): TransportKind {
    return this.#owner.transport;
  }

  /** Outcomes that are not yet written. */
  get pending(): number {
    return this.#pending;
  }

  /** True when somebody waits until nothing is pending. */
  get isAwaited(): boolean {
    return this.#idle.length > 0;
  }

  get hasGivenUp(): boolean {
    return this.#owner.giveUp.aborted;
  }

  add(outcome: Outcome): void {
    this.#pending += 1;
    this.#writing.add(outcome, this);
  }

  /** Resolves when nothing is pending any more. */
  async flush(): Promise<void> {
    if (this.#pending === 0) return;
    const done = new Promise<void>(resolve => this.#idle.push(resolve));
    this.#writing.hurry();
    await done;
  }

  /** A statement is done that held these. */
  written(outcomes: readonly Outcome[]): void {
    this.#settle(outcomes.length);
    this.#owner.onWritten(outcomes);
  }

  /** These will not be written. */
  dropped(outcomes: readonly Outcome[]): void {
    this.#settle(outcomes.length);
    this.#owner.onDropped(outcomes);
  }

  #settle(count: number): void {
    this.#pending -= count;
    if (this.#pending === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }
}
