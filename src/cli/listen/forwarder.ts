import type { Clock } from '../../core/clock.ts';
import type { AttemptResult } from '../../core/model.ts';
import type { DeliverySettings } from '../../delivery/drain/delivery-settings.ts';
import { parseTargetAllow } from '../../delivery/webhook/guard.ts';
import { WebhookSender } from '../../delivery/webhook/send.ts';
import { WebhookTransport } from '../../delivery/webhook/webhook-transport.ts';
import { note, printed } from '../terminal.ts';
import type { Listened, PushedDelivery } from './documents.ts';
import { frozenSync } from './frozen-sync.ts';
import type { Handler, HandlerOutcome } from './handler.ts';
import { eventLine, resultText } from './lines.ts';
import { jsonLine } from './printer.ts';
import { waitForReceiver } from './receiver-watch.ts';
import { WebhookBodies } from './webhook-body.ts';

/** The guard is there for hubs, which post where others say. Here, who says it is who runs it. */
const everywhere = parseTargetAllow('0.0.0.0/0,::/0');

/** Share of the acknowledgement's deadline that an answer is waited for, so that the hub hears of it in time. */
const ofAckTimeout = 0.9;

/** Holds what a forwarder works with. */
export interface ForwarderOptions {
  readonly clock: Clock;
  /** Says where events are posted to. */
  readonly url: string;
  readonly secret: string;
  /** Requests under way at once. */
  readonly atOnce: number;
  readonly json: boolean;
}

/** Posts each event as the hub's own webhook would, by the hub's own code, and prints what came of it. */
export class Forwarder implements Handler, AsyncDisposable {
  readonly #options: ForwarderOptions;
  readonly #sender: WebhookSender;
  readonly #transport: WebhookTransport;
  readonly #bodies = new WebhookBodies();
  #settings: DeliverySettings | undefined;
  #webhookUrl: string | null = null;

  constructor(options: ForwarderOptions) {
    this.#options = options;
    this.#sender = new WebhookSender({ allow: everywhere, clock: options.clock });
    this.#transport = new WebhookTransport(this.#sender, options.clock, this.#bodies.queries, null);
  }

  get batchSize(): number {
    return this.#settings?.batchSize ?? 1;
  }

  use(subscription: Listened): void {
    const { url, secret, atOnce } = this.#options;
    const { id, batchSize, batchMaxBytes, timeoutMs, ackTimeoutMs, retry, payloadQuery } = subscription;
    this.#webhookUrl = subscription.webhookUrl ?? null;
    this.#settings = {
      id,
      state: 'active',
      webhookUrl: url,
      batchSize,
      batchMaxBytes,
      maxInFlight: atOnce,
      shards: 1,
      rateLimitPerSecond: null,
      timeoutMs: Math.min(timeoutMs, Math.floor(ackTimeoutMs * ofAckTimeout)),
      ackTimeoutMs,
      attached: true,
      retry,
      payloadQuery: payloadQuery ?? null,
      secrets: { current: secret, next: null },
    };
  }

  /** Events that come while nothing listens would use up their retries within seconds: so none are taken until then. */
  ready(halt: AbortSignal): Promise<boolean> {
    const { url, clock } = this.#options;
    const meanwhile =
      this.#webhookUrl === null
        ? 'the hub keeps the events'
        : `the hub posts the events to its webhook (${this.#webhookUrl})`;
    const onWait = (code: string) =>
      note(
        `! Nothing takes connections at ${url} (${code}): start your receiver. This attaches as soon as one is there; until then ${meanwhile}.`,
      );
    return waitForReceiver(url, { clock, halt, onWait });
  }

  async handle(deliveries: readonly PushedDelivery[]): Promise<readonly HandlerOutcome[]> {
    const settings = this.#settings;
    if (settings === undefined) return deliveries.map(() => ({ kind: 'unseen' }));
    const results = await this.#transport.deliver(settings, deliveries.map(frozenSync));
    return Promise.all(
      deliveries.map(async (delivery, index) => {
        const result = results[index];
        if (result === undefined) return { kind: 'unseen' };
        const outcome = outcomeOf(result);
        if (outcome.kind === 'away') return outcome;
        // Whether anybody reads the line or not, the receiver has answered.
        await printed(this.#line(settings, delivery, result, outcome));
        return outcome;
      }),
    );
  }

  /** Cuts what is under way. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#sender[Symbol.asyncDispose]();
  }

  #line(
    settings: DeliverySettings,
    delivery: PushedDelivery,
    result: AttemptResult,
    outcome: HandlerOutcome,
  ): string {
    const at = new Date(result.startedAt);
    if (!this.#options.json) {
      const isFinal = outcome.kind === 'rejected' && !outcome.retryable;
      return `${eventLine(delivery, at)}  ${resultText(result, isFinal)}`;
    }
    const { statusCode, errorCode, errorMessage, durationMs } = result;
    const forward = { statusCode, errorCode, errorMessage, durationMs };
    return jsonLine(delivery, at, this.#bodies.of(delivery, settings), { forward });
  }
}

/** Codes that say that nobody listens there: an answer of the receiver, even a refusal, is another thing. */
const away = new Set<string | null>([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

/** Verdicts after which the same request would fare no better. */
const final = new Set<string>(['data', 'unshaped']);

function outcomeOf(result: AttemptResult): HandlerOutcome {
  if (result.verdict === 'accepted') return { kind: 'accepted' };
  if (away.has(result.errorCode)) return { kind: 'away' };
  const { errorCode, errorMessage, responseExcerpt } = result;
  return {
    kind: 'rejected',
    // The hub takes no other characters, and keeps its own codes (HTTP_422 …) for what it finds itself.
    code: `FORWARD_${errorCode ?? 'UNKNOWN'}`.replace(/[^\w.:-]/g, '_').slice(0, 64),
    message: [errorMessage, responseExcerpt].filter(Boolean).join(' '),
    retryable: !final.has(result.verdict),
  };
}
