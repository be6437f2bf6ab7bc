import { answerConsistency, type ConsistencySource, isConsistencyQuestion } from '../consistency.ts';
import { type HubEvent, isHubEvent, isObject } from '../event.ts';
import { checkFunction } from '../given.ts';
import { guarded } from '../guarded.ts';
import { OrderedRunner } from '../ordered-runner.ts';
import { bodyDigest, receiptOf } from '../receipt.ts';
import { Reject } from '../reject.ts';
import { type RequestHeaders, secretsOf, VerificationError, type VerifyOptions, verify } from './verify.ts';

/** Holds what a receiver works with. */
export interface ReceiverOptions extends Omit<VerifyOptions, 'nowMs'> {
  /** The subscription's secret; while a rotation overlaps, the old and the new one. */
  readonly secrets: string | readonly string[];
  /** Takes one event. When it resolves, the event is accepted; throw `Reject` to say how it is refused. */
  readonly handle: (event: HubEvent) => unknown;
  /** Answers the hub's consistency checks, where the subscription's `consistencyUrl` points here. */
  readonly consistency?: ConsistencySource;
  /**
   * Returns a receipt for what was accepted: proof for the hub that who holds the secret got these bytes. Default:
   * false.
   */
  readonly receipts?: boolean;
  /**
   * Told of every event that is rejected (the message names it, `cause` is what the handler threw), and with null of
   * another signed request that could not be answered. The hub hears of it anyway, by the answer.
   */
  readonly onError?: (error: Error, event: HubEvent | null) => unknown;
  /** Bytes of a body that are taken. Default: 10 MiB. */
  readonly maxBodyBytes?: number;
  /** Events of a batch that are handled at once, of different source records. Default: 10. */
  readonly concurrency?: number;
}

/** Holds what goes back to the hub. */
export interface WebhookAnswer {
  readonly status: number;
  /** JSON; null: no body. */
  readonly body: string | null;
}

/** Verifies a request, hands its events over and says what to answer. It knows nothing of HTTP servers. */
export class WebhookReceiver {
  readonly #options: ReceiverOptions;
  /** Bytes of a body that are taken. */
  readonly maxBodyBytes: number;

  /** @throws {TypeError} where a secret or the handler is missing */
  constructor(options: ReceiverOptions) {
    secretsOf(options.secrets);
    checkFunction('handle', options.handle);
    this.#options = options;
    this.maxBodyBytes = options.maxBodyBytes ?? 10 * 1_048_576;
  }

  /** Answers one request. Never rejects: what goes wrong is an answer. */
  async receive(rawBody: Uint8Array, headers: RequestHeaders): Promise<WebhookAnswer> {
    try {
      verify(rawBody, headers, this.#options.secrets, this.#options);
      return await this.#answer(parse(rawBody), rawBody);
    } catch (error) {
      if (error instanceof VerificationError) return refusal(401, error.code, error.message);
      guarded(() => this.#options.onError?.(error instanceof Error ? error : new Error(String(error)), null));
      return refusalOf(Reject.from(error));
    }
  }

  /** Under the first secret: the hub takes the old and the new one while a rotation overlaps. */
  #withReceipt(answer: WebhookAnswer, rawBody: Uint8Array): WebhookAnswer {
    const { secrets, receipts } = this.#options;
    const [secret] = secretsOf(secrets);
    if (receipts !== true || secret === undefined) return answer;
    const receipt = receiptOf(bodyDigest(rawBody), secret);
    const results = answer.body === null ? {} : JSON.parse(answer.body);
    return {
      status: answer.status === 204 ? 200 : answer.status,
      body: JSON.stringify({ receipt, ...results }),
    };
  }

  async #answer(body: Record<string, unknown>, rawBody: Uint8Array): Promise<WebhookAnswer> {
    if (body.event === 'hub.test') return { status: 204, body: null };
    if (isConsistencyQuestion(body)) {
      const { consistency } = this.#options;
      if (consistency === undefined)
        throw new Reject('NO_CONSISTENCY', 'Consistency is not answered here.', { status: 404 });
      return { status: 200, body: JSON.stringify(await answerConsistency(body, consistency)) };
    }
    if (body.event === 'batch' && Array.isArray(body.items))
      return this.#withReceipt(await this.#answerBatch(body.items), rawBody);
    const end = await this.#handle(eventOf(body));
    return end === null ? this.#withReceipt({ status: 204, body: null }, rawBody) : refusalOf(end);
  }

  /** In order within a source record; once one of it must be tried again, those behind it are not handled before it. */
  async #answerBatch(items: readonly unknown[]): Promise<WebhookAnswer> {
    const events = items.map(eventOf);
    const ends: (Reject | null)[] = events.map(() => null);
    const held = new Set<string>();
    const runner = new OrderedRunner(this.#options.concurrency ?? 10);
    for (const [index, event] of events.entries()) {
      const { source_system, source_module, source_id } = event.voucher;
      const record = JSON.stringify([source_system, source_module, source_id]);
      runner.add(record, async () => {
        const end = held.has(record) ? behindAnother : await this.#handle(event);
        if (end?.retryable === true) held.add(record);
        ends[index] = end;
      });
    }
    await runner.idle();
    return batchAnswer(events, ends);
  }

  async #handle(event: HubEvent): Promise<Reject | null> {
    try {
      await this.#options.handle(event);
      return null;
    } catch (error) {
      const end = Reject.from(error);
      const told = new Error(`Event ${event.sync_id} was rejected: ${end.code}: ${end.message}`, {
        cause: error,
      });
      guarded(() => this.#options.onError?.(told, event));
      return end;
    }
  }
}

/** Bytes of all messages in a batch's answer: the hub reads 16 KiB of an answer, and one cut off is as good as none. */
const messageBytes = 8_192;

const behindAnother = new Reject(
  'BEHIND_ANOTHER',
  'An earlier event of this record must be tried again first.',
  {
    retryable: true,
  },
);

/** An answer that refuses a request. Its body is for the hub's log. */
export function refusal(status: number, code: string, message: string): WebhookAnswer {
  return { status, body: JSON.stringify({ code, message: message.slice(0, 400) }) };
}

function refusalOf({ status, code, message }: Reject): WebhookAnswer {
  return refusal(status, code, message);
}

/** A 207 where an item is refused, with a result for each. */
function batchAnswer(events: readonly HubEvent[], ends: readonly (Reject | null)[]): WebhookAnswer {
  const refused = ends.filter(end => end !== null).length;
  const chars = Math.min(400, Math.floor(messageBytes / 3 / refused));
  const results = events.map(({ sync_id }, index) => {
    const end = ends[index];
    if (end == null) return { sync_id, code: 0, message: '' };
    return { sync_id, code: end.status, message: `${end.code}: ${end.message}`.slice(0, chars) };
  });
  return { status: refused === 0 ? 200 : 207, body: JSON.stringify({ results }) };
}

function parse(rawBody: Uint8Array): Record<string, unknown> {
  try {
    const body: unknown = JSON.parse(Buffer.from(rawBody).toString('utf8'));
    if (isObject(body)) return body;
  } catch {
    // Falls through: the hub signed it, but it is no JSON.
  }
  throw new Reject('BAD_BODY', 'The body is no JSON object.', { status: 400 });
}

function eventOf(body: unknown): HubEvent {
  if (isHubEvent(body)) return body;
  throw new Reject('UNKNOWN_EVENT', 'The body is no event of a voucher.', { status: 400 });
}
