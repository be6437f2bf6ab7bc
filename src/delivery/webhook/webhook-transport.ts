import { createHash } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import type { HubCode } from '../../core/delivery-codes.ts';
import { limits } from '../../core/limits.ts';
import type { AttemptResult } from '../../core/model.ts';
import { tokensIn } from '../../core/shown-url.ts';
import type { Tracer } from '../../core/tracing.ts';
import type { ClaimedSync } from '../../db/delivery/shard-statements.ts';
import type { DeliverySettings, Transport } from '../drain/delivery-settings.ts';
import { batchBody, eventBody } from '../payload/body.ts';
import type { PayloadQueries } from '../payload/payload-queries.ts';
import { type ItemAnswer, parseBatchAnswer } from './batch-answer.ts';
import { verdictOfStatus } from './classify.ts';
import { bodyDigestOf, evidenceOf } from './receipt.ts';
import type { SendResult, WebhookSender } from './send.ts';
import { Signer } from './sign.ts';
import { endPost, startPost } from './traced-post.ts';

/** One POST that a shard's secrets sign. */
export interface SignedPost {
  /** Left out: the shard's webhook. */
  readonly url?: string;
  readonly body: Buffer;
  readonly webhookId: string;
  readonly sourceSystem: string;
  /** As in `SendRequest`, like the next two. */
  readonly wantBody: boolean;
  readonly answerBytes?: number;
  readonly signal?: AbortSignal;
}

interface KnownTarget {
  readonly signer: Signer;
  /** Holds what must stand in no text that the log keeps. */
  readonly hidden: readonly string[];
}

/** The webhook: one POST a sync, or one for several where the subscription's `batchSize` is above 1. */
export class WebhookTransport implements Transport {
  readonly #sender: WebhookSender;
  readonly #time: Pick<Clock, 'now'>;
  readonly #payloadQueries: PayloadQueries;
  readonly #tracer: Tracer | null;
  /** Made once for a shard, and fallen away with it. */
  readonly #shards = new WeakMap<DeliverySettings, KnownTarget>();

  /**
   * @param time what signatures are dated by
   * @param tracer null: no spans, and no `traceparent` goes out
   */
  constructor(
    sender: WebhookSender,
    time: Pick<Clock, 'now'>,
    payloadQueries: PayloadQueries,
    tracer: Tracer | null,
  ) {
    this.#sender = sender;
    this.#time = time;
    this.#payloadQueries = payloadQueries;
    this.#tracer = tracer;
  }

  /** Never rejects: what goes wrong is a result. */
  deliver(settings: DeliverySettings, syncs: readonly ClaimedSync[]): Promise<readonly AttemptResult[]> {
    if (settings.payloadQuery !== null) return this.#deliverShaped(settings, settings.payloadQuery, syncs);
    const bodies = syncs.map(sync => eventBody(sync));
    return this.#deliver(settings, syncs, bodies);
  }

  /** Bytes of an event in a batch's body, with what stands between two of them. */
  sizeOf(settings: DeliverySettings, sync: ClaimedSync): number {
    if (settings.payloadQuery === null) return eventBody(sync).length + 2;
    // Kept for the request itself.
    const shaped = this.#payloadQueries.shape(settings.payloadQuery, sync);
    return 'dataJson' in shaped ? eventBody(sync, shaped.dataJson).length + 2 : 0;
  }

  async #deliverShaped(
    settings: DeliverySettings,
    query: string,
    syncs: readonly ClaimedSync[],
  ): Promise<readonly AttemptResult[]> {
    const shaped = syncs.map(sync => ({ sync, ...this.#payloadQueries.shape(query, sync) }));
    const sent = shaped.filter(one => 'dataJson' in one);
    const results = await this.#deliver(
      settings,
      sent.map(({ sync }) => sync),
      sent.map(({ sync, dataJson }) => eventBody(sync, dataJson)),
    );
    // What can't be shaped keeps no other event of the request back.
    const now = this.#time.now();
    return shaped.flatMap(one =>
      'fault' in one ? unshaped(one.fault, now) : (results[sent.indexOf(one)] ?? []),
    );
  }

  async #deliver(
    settings: DeliverySettings,
    syncs: readonly ClaimedSync[],
    bodies: readonly string[],
  ): Promise<readonly AttemptResult[]> {
    const [first] = syncs;
    if (first === undefined) return [];
    const batch = settings.batchSize > 1;
    // Pure ASCII by construction, so latin1 is the same bytes and the fastest way to them.
    const body = Buffer.from(batch ? batchBody(bodies) : (bodies[0] ?? ''), 'latin1');
    const answer = await this.post(settings, {
      body,
      webhookId: batch ? batchId(syncs) : `sync_${first.id}`,
      sourceSystem: sourceSystems(syncs),
      wantBody: batch,
      ...(batch ? { answerBytes: limits.answerBytes + syncs.length * limits.answerItemBytes } : {}),
    });
    const evidence = evidenceOf(bodyDigestOf(body), answer.receipt, settings.secrets);
    const result = { ...answer, evidence };
    if (!batch) return [result];
    // What an answer says of its items is in the consumer's words too.
    const { hidden } = this.#knownOf(settings);
    return itemResults(result, syncs).map(one => hide(one, hidden));
  }

  /** Signs and posts one body. */
  async post(settings: DeliverySettings, request: SignedPost): Promise<SendResult> {
    const headers = this.#knownOf(settings).signer.headers({
      body: request.body,
      webhookId: request.webhookId,
      timestampSeconds: Math.floor(this.#time.now() / 1_000),
    });
    headers['content-type'] = 'application/json';
    headers['x-source-system'] = request.sourceSystem;
    const url = request.url ?? settings.webhookUrl ?? '';
    const span = this.#tracer === null ? null : startPost(this.#tracer, url);
    if (span !== null) headers.traceparent = span.traceparent;
    const result = await this.#sender.send({
      url,
      headers,
      body: request.body,
      timeoutMs: settings.timeoutMs,
      wantBody: request.wantBody,
      ...(request.answerBytes === undefined ? {} : { answerBytes: request.answerBytes }),
      ...(request.signal === undefined ? {} : { signal: request.signal }),
    });
    if (span !== null) endPost(span, result);
    const { hidden } = this.#knownOf(settings);
    return hide(result, request.url === undefined ? hidden : [...hidden, ...tokensIn(url)]);
  }

  #knownOf(settings: DeliverySettings): KnownTarget {
    const known = this.#shards.get(settings);
    if (known !== undefined) return known;
    const { secrets, webhookUrl } = settings;
    const { current, next } = secrets;
    const hidden = [current, ...(next === null ? [] : [next]), ...tokensIn(webhookUrl ?? '')];
    const made = { signer: new Signer(secrets), hidden };
    this.#shards.set(settings, made);
    return made;
  }
}

/** A consumer's error page may show its secret or the address with its token; the log of attempts is read by others. */
function hide<Result extends AttemptResult>(result: Result, hidden: readonly string[]): Result {
  const cleaned = (text: string | null) =>
    text === null ? null : hidden.reduce((rest, one) => rest.replaceAll(one, '[secret]'), text);
  const responseExcerpt = cleaned(result.responseExcerpt);
  const errorMessage = cleaned(result.errorMessage);
  return responseExcerpt === result.responseExcerpt && errorMessage === result.errorMessage
    ? result
    : { ...result, responseExcerpt, errorMessage };
}

/** The result of an event that the subscription's payload query can't be run on: nothing was sent. */
function unshaped(fault: string, startedAt: number): AttemptResult {
  return {
    verdict: 'unshaped',
    statusCode: null,
    errorCode: 'PAYLOAD_QUERY_INVALID' satisfies HubCode,
    errorMessage: `The payloadQuery can't be run on this event: ${fault}`.slice(0, limits.excerptChars),
    retryAfterMs: null,
    responseExcerpt: null,
    startedAt,
    durationMs: 0,
  };
}

/** The same for every attempt of the same batch: made from the ids in it. */
function batchId(syncs: readonly ClaimedSync[]): string {
  const ids = syncs.map(sync => sync.id).join(',');
  return `batch_${createHash('sha256').update(ids).digest('hex').slice(0, 32)}`;
}

/** Header values are ASCII; a system's name may be Chinese, and goes percent-encoded (RFC 3986) then. */
function headerText(name: string): string {
  return /^[\x20-\x7e]+$/.test(name) ? name : encodeURIComponent(name);
}

function sourceSystems(syncs: readonly ClaimedSync[]): string {
  const [first] = syncs;
  // As a rule there is one, and nothing to join.
  if (first !== undefined && syncs.length === 1) return headerText(first.sourceSystem);
  return [...new Set(syncs.map(sync => sync.sourceSystem))].map(headerText).join(',');
}

/** Reads a batch's answer item by item; an answer without readable results stands for all. */
function itemResults(result: SendResult, syncs: readonly ClaimedSync[]): AttemptResult[] {
  if (result.verdict !== 'accepted') return syncs.map(() => result);
  const answer = parseBatchAnswer(result);
  if (answer.kind === 'whole' && result.statusCode !== 207) return syncs.map(() => result);
  if (answer.kind === 'items') return syncs.map(sync => itemResult(result, answer.items.get(sync.id)));
  const why = answer.kind === 'unreadable' ? answer.why : 'a 207 without {"results": [...]}';
  return syncs.map(() => ({
    ...result,
    ofItem: true,
    verdict: 'busy',
    errorCode: 'BATCH_ANSWER_UNREADABLE' satisfies HubCode,
    errorMessage: `The batch's answer can't be read: ${why}.`,
  }));
}

function itemResult(result: SendResult, item: ItemAnswer | undefined): AttemptResult {
  if (item === undefined) {
    return {
      ...result,
      ofItem: true,
      verdict: 'busy',
      errorCode: 'BATCH_ITEM_MISSING' satisfies HubCode,
      errorMessage: "The batch's answer does not name this sync.",
    };
  }
  if (item.code === 0) return result;
  const message =
    item.message === ''
      ? `The consumer refused it with ${item.code}.`
      : item.message.slice(0, limits.excerptChars);
  const verdict = verdictOfStatus(item.code);
  return {
    ...result,
    ofItem: true,
    // An item is accepted by code 0 alone; a 2xx here is a refusal that says nothing.
    verdict: verdict === 'accepted' ? 'answer' : verdict,
    statusCode: item.code,
    errorCode: `HTTP_${item.code}`,
    errorMessage: message,
  };
}
