import type { Clock } from '../../core/clock.ts';
import { Feed } from '../../core/feed.ts';
import type { AttemptResult, Verdict } from '../../core/model.ts';
import type { ClaimedSync } from '../../db/lane-statements.ts';
import type { Lane, Transport } from '../lane.ts';

/** An event on its way to an attached consumer. */
export interface Push {
  readonly sync: ClaimedSync;
  /** Milliseconds since 1970: acknowledged later, it counts as failed and may be another's. */
  readonly ackDeadline: number;
}

interface Unacknowledged {
  readonly startedAt: number;
  settle(results: readonly AttemptResult[]): void;
}

/** How a push ended. */
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
  /** What the consumer's socket reads. */
  readonly feed: Feed<Push>;
  readonly #clock: Clock;
  readonly #unacknowledged = new Map<string, Unacknowledged>();
  #closed = false;

  /** @param onLeave called once, when the consumer leaves or its feed is ended */
  constructor(
    who: { id: string; keyId: string; subscriptionId: string },
    clock: Clock,
    onLeave: (session: PushSession) => void,
  ) {
    this.id = who.id;
    this.keyId = who.keyId;
    this.subscriptionId = who.subscriptionId;
    this.#clock = clock;
    this.feed = new Feed(() => onLeave(this));
  }

  /** Pushes; resolves once acknowledged, refused, past its deadline, or closed. Never rejects. */
  async deliver(lane: Lane, syncs: readonly ClaimedSync[]): Promise<readonly AttemptResult[]> {
    const [sync] = syncs;
    if (sync === undefined) return [];
    const startedAt = this.#clock.now();
    if (this.#closed) return [resultOf(socketClosed, startedAt, 0)];
    return new Promise(resolve => {
      const cancel = this.#clock.after(lane.ackTimeoutMs, () => {
        const errorMessage = `Not acknowledged within ${lane.ackTimeoutMs} ms.`;
        this.settle(sync.id, { verdict: 'unacknowledged', errorCode: 'ACK_TIMEOUT', errorMessage });
      });
      this.#unacknowledged.set(sync.id, {
        startedAt,
        settle: results => {
          cancel();
          resolve(results);
        },
      });
      this.feed.push({ sync, ackDeadline: startedAt + lane.ackTimeoutMs });
    });
  }

  /** Ends a push. @returns false: it was not waiting (any more) */
  settle(syncId: string, end: PushEnd): boolean {
    const waiting = this.#take(syncId);
    waiting?.settle([resultOf(end, waiting.startedAt, this.#clock.now() - waiting.startedAt)]);
    return waiting !== undefined;
  }

  /** Forgets a push whose outcome another node has written. */
  forget(syncId: string): void {
    this.#take(syncId)?.settle([]);
  }

  /** The socket is closed: what was unacknowledged goes back at once. */
  close(): void {
    this.#closed = true;
    for (const syncId of this.#unacknowledged.keys()) this.settle(syncId, socketClosed);
  }

  #take(syncId: string): Unacknowledged | undefined {
    const waiting = this.#unacknowledged.get(syncId);
    this.#unacknowledged.delete(syncId);
    return waiting;
  }
}

const socketClosed: PushEnd = {
  verdict: 'closed',
  errorCode: 'SOCKET_CLOSED',
  errorMessage: 'The socket closed before the event was acknowledged.',
};

/** How a push ended, as an attempt. */
export function resultOf(end: PushEnd, startedAt: number, durationMs: number): AttemptResult {
  return { ...end, statusCode: null, retryAfterMs: null, responseExcerpt: null, startedAt, durationMs };
}
