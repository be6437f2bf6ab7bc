import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { AskError, ask } from '../ask.ts';
import type { Published, Recorder } from '../history.ts';

const mutation = `mutation ($inputs: [RecordVoucherInput!]!) { recordVouchers(inputs: $inputs) {
  result { outcome deliveries } error { code } } }`;

const answer = z.object({
  recordVouchers: z.array(
    z.object({
      result: z.object({ outcome: z.string(), deliveries: z.number() }).nullable(),
      error: z.object({ code: z.string() }).nullable(),
    }),
  ),
});

/** Sets how long a call may take before its publisher gives it up and makes it again, milliseconds. */
const callMs = 6_000;

/** Calls are made again after this, milliseconds. */
const againMs = 250;

/**
 * A publisher's pause between two calls, milliseconds. All together they make some hundred claims a second: more than what
 * the hub takes back at once of a process that was killed.
 */
const leastPauseMs = 20;
const mostPauseMs = 80;

/** Shares of calls that are made twice at once, and once more after they were acknowledged. */
const twice = 0.1;
const replayed = 0.1;

/** Holds what a publisher needs. */
export interface PublisherOptions {
  readonly sourceSystem: string;
  readonly records: number;
  /** The hubs; each call goes to any of them. */
  readonly urls: readonly string[];
  readonly key: string;
  readonly random: () => number;
  readonly recorder: Recorder;
}

/**
 * Records version after version of its own source records, never the next before the last was acknowledged, and
 * makes every call again, anywhere, until it is. Sometimes twice at once, sometimes once more later.
 */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #versions: number[];
  #isOver = false;

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#versions = Array.from({ length: options.records }, () => 0);
  }

  /** Publishes until it is told to stop, and then until all that it has begun is acknowledged, or `giveUp` aborts. */
  async run(giveUp: AbortSignal): Promise<void> {
    const { random } = this.#options;
    while (!this.#isOver && !giveUp.aborted) {
      const events = this.#next();
      const calls = random() < twice ? 2 : 1;
      await Promise.all(Array.from({ length: calls }, () => this.#untilAcknowledged(events, giveUp)));
      if (random() < replayed) await this.#untilAcknowledged(events, giveUp);
      await pause(leastPauseMs + random() * (mostPauseMs - leastPauseMs));
    }
  }

  stop(): void {
    this.#isOver = true;
  }

  /** The next versions of one to three records. */
  #next(): Published[] {
    const { random, recorder, sourceSystem, records } = this.#options;
    const first = Math.floor(random() * records);
    const count = 1 + Math.floor(random() * 3);
    const events = Array.from({ length: count }, (_, n) => {
      const record = (first + n) % records;
      const version = (this.#versions[record] ?? 0) + 1;
      this.#versions[record] = version;
      const mark = random().toString(36).slice(2);
      return {
        sourceSystem,
        sourceId: `R${record}`,
        version,
        mark,
        acknowledgedAt: null,
        outcomes: [],
        deliveries: null,
      };
    });
    recorder.published.push(...events);
    return events;
  }

  async #untilAcknowledged(events: readonly Published[], giveUp: AbortSignal): Promise<void> {
    const { recorder } = this.#options;
    while (!giveUp.aborted) {
      try {
        if (await this.#call(events)) return;
      } catch (error) {
        recorder.refused(error instanceof AskError ? error.code : String(error));
      }
      await pause(againMs);
    }
  }

  /** @returns whether every one was acknowledged */
  async #call(events: readonly Published[]): Promise<boolean> {
    const { urls, key, random, recorder } = this.#options;
    const url = urls[Math.floor(random() * urls.length)] ?? '';
    const data = await ask(url, { key, timeoutMs: callMs }, mutation, { inputs: events.map(inputOf) });
    const items = answer.parse(data).recordVouchers;
    for (const [at, event] of events.entries()) {
      const { result, error } = items[at] ?? { result: null, error: null };
      if (result === null) recorder.refused(error?.code ?? 'no item');
      else {
        event.acknowledgedAt ??= recorder.now();
        event.outcomes.push(result.outcome);
        if (result.outcome !== 'DUPLICATE') event.deliveries = result.deliveries;
      }
    }
    return items.length === events.length && items.every(({ result }) => result !== null);
  }
}

function inputOf({ sourceSystem, sourceId, version, mark }: Published): Record<string, unknown> {
  return {
    eventType: 'invoice_recorded',
    sourceSystem,
    sourceModule: 'invoice',
    sourceType: 'sales_invoice',
    sourceId,
    sourceVersion: version,
    voucherDate: '2025-12-19',
    direction: 'DEBIT',
    amount: `${version}.00`,
    currency: 'CNY',
    businessData: { mark },
  };
}
