import type { Clock } from '../../core/clock.ts';
import type { HubCode } from '../../core/delivery-codes.ts';
import { Feed } from '../../core/feed.ts';
import type { AttemptEvidence, AttemptResult, SigningSecrets, Verdict } from '../../core/model.ts';
import type { Tracer } from '../../core/tracing.ts';
import type { ClaimedSync } from '../../db/delivery/shard-statements.ts';
import type { DeliverySettings, Transport } from '../drain/delivery-settings.ts';
import { placesOf } from '../drain/drain-mode.ts';
import { eventBody } from '../payload/body.ts';
import { bodyDigestOf, evidenceOf } from '../webhook/receipt.ts';

/** An event on its way to an attached consumer. */
export interface Push {
  readonly sync: ClaimedSync;
  /** Milliseconds since 1970: acknowledged later, it counts as failed and may be another's. */
  readonly ackDeadline: number;
  /** SHA-256 of the event in the form of the webhook's body, lower-case hex: what a receipt is for. */
  readonly bodyDigest: string;
  /** Of this push; null: tracing is off. */
  readonly traceparent: string | null;
}

interface Unacknowledged {
  readonly startedAt: number;
  readonly places: number;
  readonly bodyDigest: string;
  readonly secrets: SigningSecrets;
  settle(results: readonly AttemptResult[]): void;
}

/** Says how a push ended. */
export interface PushEnd {
  readonly verdict: Extract<Verdict, 'accepted' | 'data' | 'unacknowledged' | 'closed'>;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
}

/**
 * One attached consumer: a transport whose requests are pushes, and whose answers are acknowledgements. It holds no
 * more than its drain gives it, which is its prefetch window.
 */
export class PushSession implements Transport {
  readonly id: string;
  readonly keyId: string;
  readonly subscriptionId: string;
  /** Holds what the consumer's socket reads. */
  readonly feed: Feed<Push>;
  readonly #clock: Clock;
  readonly #tracer: Tracer | null;
  readonly #unacknowledged = new Map<string, Unacknowledged>();
  /** Pushes that ended here and whose outcome is not written yet; with who waits for that. */
  readonly #unwritten = new Map<string, (() => void) | null>();
  #closed: PushEnd | undefined;
  #places = 0;

  /** @param onLeave called once, when the consumer leaves or its feed is ended */
  constructor(
    who: { id: string; keyId: string; subscriptionId: string },
    { clock, tracer }: { clock: Clock; tracer: Tracer | null },
    onLeave: (session: PushSession) => void,
  ) {
    this.id = who.id;
    this.keyId = who.keyId;
    this.subscriptionId = who.subscriptionId;
    this.#clock = clock;
    this.#tracer = tracer;
    this.feed = new Feed(() => onLeave(this));
  }

  /** Events that are unacknowledged. */
  get held(): number {
    return this.#unacknowledged.size;
  }

  /** Places of its window that they take up. */
  get places(): number {
    return this.#places;
  }

  /** Pushes; resolves once acknowledged, refused, past its deadline, or closed. Never rejects. */
  async deliver(
    settings: DeliverySettings,
    syncs: readonly ClaimedSync[],
  ): Promise<readonly AttemptResult[]> {
    const [sync] = syncs;
    if (sync === undefined) return [];
    const startedAt = this.#clock.now();
    if (this.#closed !== undefined) return [resultOf(this.#closed, startedAt, 0)];
    const bodyDigest = bodyDigestOf(eventBody(sync));
    const traceparent = this.#tracer?.current()?.traceparent ?? null;
    return new Promise(resolve => {
      const cancel = this.#clock.after(settings.ackTimeoutMs, () => {
        const errorMessage = `Not acknowledged within ${settings.ackTimeoutMs} ms.`;
        this.settle(sync.id, {
          verdict: 'unacknowledged',
          errorCode: 'ACK_TIMEOUT' satisfies HubCode,
          errorMessage,
        });
      });
      this.#unwritten.delete(sync.id);
      const places = placesOf(sync);
      this.#places += places;
      this.#unacknowledged.set(sync.id, {
        startedAt,
        places,
        bodyDigest,
        secrets: settings.secrets,
        settle: results => {
          cancel();
          resolve(results);
        },
      });
      this.feed.push({ sync, ackDeadline: startedAt + settings.ackTimeoutMs, bodyDigest, traceparent });
    });
  }

  /** Ends a push. @param receipt what the consumer returned for it @returns false: it was not waiting (any more) */
  settle(syncId: string, end: PushEnd, receipt: string | null = null): boolean {
    const waiting = this.#take(syncId);
    if (waiting === undefined) return false;
    const { startedAt, bodyDigest, secrets } = waiting;
    const evidence = evidenceOf(bodyDigest, receipt, secrets);
    this.#unwritten.set(syncId, null);
    waiting.settle([resultOf(end, startedAt, Math.max(0, this.#clock.now() - startedAt), evidence)]);
    return true;
  }

  /** Tells whether a push has ended here and the database does not know it yet: it takes no other verdict. */
  isUnwritten(syncId: string): boolean {
    return this.#unwritten.has(syncId);
  }

  /** Resolves once the outcome of a push that has just been settled is written, or never will be. */
  written(syncId: string): Promise<void> {
    return new Promise(resolve => this.#unwritten.set(syncId, resolve));
  }

  /** The outcomes of these are written, or never will be. */
  wrote(syncIds: Iterable<string>): void {
    for (const syncId of syncIds) {
      this.#unwritten.get(syncId)?.();
      this.#unwritten.delete(syncId);
    }
  }

  /** Nothing more will be written. */
  wroteAll(): void {
    this.wrote([...this.#unwritten.keys()]);
  }

  /** Forgets a push whose outcome another node has written. */
  forget(syncId: string): void {
    this.#take(syncId)?.settle([]);
  }

  /** Nothing is acknowledged any more: what was unacknowledged goes back at once. */
  close(why: PushEnd): void {
    this.#closed ??= why;
    for (const syncId of this.#unacknowledged.keys()) this.settle(syncId, this.#closed);
  }

  #take(syncId: string): Unacknowledged | undefined {
    const waiting = this.#unacknowledged.get(syncId);
    this.#unacknowledged.delete(syncId);
    this.#places -= waiting?.places ?? 0;
    return waiting;
  }
}

/** It is safe with the consumer. */
export const acknowledged: PushEnd = { verdict: 'accepted', errorCode: null, errorMessage: null };

/** The consumer has left. */
export const socketClosed: PushEnd = {
  verdict: 'closed',
  errorCode: 'SOCKET_CLOSED' satisfies HubCode,
  errorMessage: 'The socket closed before the event was acknowledged.',
};

/** Its subscription is no more. */
export const subscriptionDeleted: PushEnd = {
  verdict: 'closed',
  errorCode: 'SUBSCRIPTION_DELETED' satisfies HubCode,
  errorMessage: 'The subscription was deleted before the event was acknowledged.',
};

/** Says how a push ended, as an attempt. */
export function resultOf(
  end: PushEnd,
  startedAt: number,
  durationMs: number,
  evidence?: AttemptEvidence,
): AttemptResult {
  const result = {
    ...end,
    statusCode: null,
    retryAfterMs: null,
    responseExcerpt: null,
    startedAt,
    durationMs,
  };
  return evidence === undefined ? result : { ...result, evidence };
}
