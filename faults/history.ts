/** A subscription of the lab, as the checker must know it. */
export interface Subscribed {
  readonly id: string;
  readonly name: string;
  /** Null: all source systems. */
  readonly sourceSystems: readonly string[] | null;
  readonly maxRetries: number;
}

/** One version of a source record, as its publisher knows it. */
export interface Published {
  readonly sourceSystem: string;
  readonly sourceId: string;
  readonly version: number;
  /** Stands in the business data; no other version has it. */
  readonly mark: string;
  /** Milliseconds since the lab's start; null: no call that had it was ever answered. */
  acknowledgedAt: number | null;
  /** Every outcome that the hub answered for it, in order. */
  readonly outcomes: string[];
  /** Says how many subscriptions the hub said that it goes to; null: it only said that it knows it. */
  deliveries: number | null;
}

/** Says how an event reached a consumer. */
export type Way = 'webhook' | 'socket';

/** One arrival of an event at a consumer, in the order of arrival. */
export interface Received {
  readonly subscriptionId: string;
  readonly way: Way;
  readonly syncId: string;
  readonly sourceSystem: string;
  readonly sourceId: string;
  readonly version: number;
  readonly mark: string;
  /** Milliseconds since the lab's start. */
  readonly at: number;
  /** Says how far its signature's timestamp was from the lab's own clock, milliseconds; null: it is not signed. */
  readonly datedOffMs: number | null;
  /** The signature of the request that carried it: the hub signs each attempt anew. Null: it is not signed. */
  readonly signature: string | null;
  /** True when the consumer said that it has it, before the hub could know. */
  accepted: boolean;
}

/** A sync as the hub's log has it in the end. */
export interface LoggedSync {
  readonly id: string;
  readonly subscriptionId: string;
  readonly sourceSystem: string;
  readonly sourceId: string;
  readonly version: number;
  readonly status: string;
  /** The error code of each attempt; null: it succeeded. */
  readonly attempts: readonly (string | null)[];
}

/** All that was seen of a run from outside, and the hub's own log at its end. */
export interface History {
  readonly subscriptions: readonly Subscribed[];
  readonly published: readonly Published[];
  readonly received: readonly Received[];
  readonly syncs: readonly LoggedSync[];
  /** When PostgreSQL crashed, milliseconds since the lab's start: what it was told shortly before may be gone. */
  readonly databaseCrashes: readonly number[];
  /** Holds what must never be: processes that ended by themselves, signatures that do not verify, stops that took too long. */
  readonly faultsOfHub: readonly string[];
}

/** Holds what publishers and consumers write down while the lab runs. */
export class Recorder {
  readonly published: Published[] = [];
  readonly received: Received[] = [];
  readonly databaseCrashes: number[] = [];
  readonly faultsOfHub: string[] = [];
  /** Codes of calls that were not acknowledged, and how often each came; `no answer` where none came. */
  readonly refusals = new Map<string, number>();
  readonly #startedAt = performance.now();

  /** Milliseconds since the lab's start. */
  now(): number {
    return performance.now() - this.#startedAt;
  }

  /** Counts a call that was not acknowledged. */
  refused(code: string): void {
    this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1);
  }

  /** Notes an arrival; the consumer marks it as accepted when it says so. */
  arrived(event: Omit<Received, 'at' | 'accepted'>): Received {
    const arrival = { ...event, at: this.now(), accepted: false };
    this.received.push(arrival);
    return arrival;
  }
}
