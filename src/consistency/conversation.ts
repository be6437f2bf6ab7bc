import type { Clock } from '../core/clock.ts';
import { limits } from '../core/limits.ts';
import type { DateRange, TreeNode } from '../db/consistency/tree.ts';
import { CheckFailedError, type HeldRecord, readEntries, readNodes } from './answers.ts';

/** One question of the consistency protocol (contract). */
export interface Question {
  readonly event: 'consistency.digest' | 'consistency.entries';
  readonly filter: DateRange;
  readonly prefixes: readonly string[];
}

/** Holds what came of a question: an answer, or why there is none. Bytes are those of the bodies, both ways. */
export type Reply = { readonly bytes: number } & (
  | { readonly answer: unknown }
  | {
      readonly fault: string;
      /** True when the same question may be answered a moment later. */
      readonly passing: boolean;
    }
);

/** A way to ask a consumer. Never rejects. */
export interface ConsistencyChannel {
  ask(question: Question, signal: AbortSignal): Promise<Reply>;
}

/** The bounds of a check. */
export interface ConversationBounds {
  readonly requests: number;
  readonly bytes: number;
  readonly ms: number;
}

/** All bounds as they are. */
export const defaultBounds: ConversationBounds = {
  requests: limits.consistencyRequests,
  bytes: limits.consistencyBytes,
  ms: limits.consistencyMs,
};

/** Asks one consumer for one check, within bounds, and counts what it costs. */
export class Conversation {
  requests = 0;
  bytes = 0;
  readonly #channel: ConsistencyChannel;
  readonly #clock: Clock;
  readonly #bounds: ConversationBounds;
  readonly #signal: AbortSignal;
  readonly #until: number;

  /** @param signal ends it: what is asked then fails */
  constructor(
    channel: ConsistencyChannel,
    options: { clock: Clock; signal: AbortSignal; bounds?: ConversationBounds | undefined },
  ) {
    this.#channel = channel;
    this.#clock = options.clock;
    this.#signal = options.signal;
    this.#bounds = options.bounds ?? defaultBounds;
    this.#until = options.clock.steady() + this.#bounds.ms;
  }

  /** Gives what the consumer holds under prefixes, by prefix. @throws CheckFailedError */
  async nodes(prefixes: readonly string[], filter: DateRange): Promise<Map<string, TreeNode>> {
    return readNodes(await this.#ask({ event: 'consistency.digest', filter, prefixes }), prefixes);
  }

  /** The records that it holds under prefixes. @throws CheckFailedError */
  async entries(prefixes: readonly string[], filter: DateRange): Promise<HeldRecord[]> {
    return readEntries(await this.#ask({ event: 'consistency.entries', filter, prefixes }), prefixes);
  }

  /** A moment, for what is under way to come to an end. @throws CheckFailedError when it is called off */
  async pause(ms: number): Promise<void> {
    await this.#clock.sleep(ms, this.#signal);
    this.#check();
  }

  async #ask(question: Question): Promise<unknown> {
    for (let tries = 1; ; tries += 1) {
      this.#check();
      this.requests += 1;
      const reply = await this.#channel.ask(question, this.#signal);
      this.bytes += reply.bytes;
      if ('answer' in reply) return reply.answer;
      this.#check();
      if (!reply.passing || tries >= limits.consistencyTries) throw new CheckFailedError(reply.fault);
      await this.pause(limits.consistencyPauseMs);
    }
  }

  #check(): void {
    const { requests, bytes, ms } = this.#bounds;
    if (this.#signal.aborted) throw new CheckFailedError('The hub stopped while the check ran.');
    if (this.requests >= requests)
      throw new CheckFailedError(`The check was given up after ${requests} questions.${tooMuch}`);
    if (this.bytes >= bytes)
      throw new CheckFailedError(`The check was given up after ${bytes} bytes.${tooMuch}`);
    if (this.#clock.steady() >= this.#until)
      throw new CheckFailedError(`The check was given up after ${Math.round(ms / 1_000)} s.${tooMuch}`);
  }
}

const tooMuch =
  ' Either nearly everything differs (then a resync is cheaper), or the consumer does not answer truly.';
