import { type Dispatcher, errors } from 'undici';
import { textOf } from '../../core/answer-text.ts';
import type { Clock } from '../../core/clock.ts';
import { errorCodeOf } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type { AttemptResult, Verdict } from '../../core/model.ts';
import {
  AttemptTimeoutError,
  EarlyAnswerError,
  excerptOf,
  isOwnCode,
  parseRetryAfter,
  statusSentence,
  verdictOfError,
  verdictOfStatus,
} from './classify.ts';
import { receiptIn } from './receipt.ts';

/** One POST. */
export interface SendRequest {
  readonly url: string;
  /** Names in lower case. Values beyond ASCII go as UTF-8. `content-type` left out: `application/json`. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** From the call to the end, connecting included, milliseconds. */
  readonly timeoutMs: number;
  /** True when an accepted answer's body is wanted (a batch's results); it is then waited for. */
  readonly wantBody: boolean;
  /** Bytes of an answer that are read. Left out: `limits.answerBytes`. */
  readonly answerBytes?: number;
  /** Calls the attempt off: `UND_ERR_ABORTED`, where no answer has begun by then. */
  readonly signal?: AbortSignal;
}

/** Says how the answer's body ended: read whole, or left as it was too long, did not come in time, or broke off. */
export type BodyEnd = 'whole' | 'long' | 'late' | 'cut';

/** Holds what one POST came to. */
export interface SendResult extends AttemptResult {
  /** Where it was wanted and the answer accepts: its text, at most `answerBytes` of it. */
  readonly body: string | null;
  readonly bodyEnd: BodyEnd;
  /** Holds what the answer's bytes are compressed by, though that was not asked for; null: nothing. */
  readonly contentEncoding: string | null;
  /** Holds what the answer returns as `receipt`. */
  readonly receipt: string | null;
}

/** `queueMicrotask` makes a resource of each call, which takes longer. */
const turn = Promise.resolve();

/** Holds what an exchange knows of the connection that carries it. */
export interface Carrier {
  /** Bytes of the request that the system has not taken yet. */
  readonly unsent: number;
  /** True when it carried a request before this one, and nothing has come of this one's answer. */
  readonly unansweredReuse: boolean;
  /** The request goes out now. */
  begin(): void;
}

/**
 * One request and its answer, as undici reports them; tells once what it came to. Where the answer did not end `whole`,
 * its connection must be closed.
 *
 * A connection that was kept may be closed by the target just as the next request goes out. Where it breaks off before a
 * byte of the answer, the request goes out once more, at once and over a new one: that says nothing of the target, and
 * consumers know an event that comes twice by its `webhook-id`.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly #request: SendRequest;
  readonly #clock: Clock;
  readonly #time: Pick<Clock, 'now'>;
  readonly #again: () => void;
  readonly #resolve: (result: SendResult) => void;
  readonly #startedAt: number;
  #carrier: Carrier | null = null;
  /** True when a connection carries the request. */
  #carried = false;
  #repeated = false;
  #status: number | null = null;
  #verdict: Verdict = 'response';
  #retryAfterMs: number | null = null;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #over = false;
  #stopTotal: (() => void) | null = null;
  #stopGrace: (() => void) | null = null;
  #contentEncoding: string | null = null;
  #contentType: string | null = null;

  /**
   * @param clocks.time what dates in answers are held against
   * @param again sends the request over a new connection; it is called once at most
   */
  constructor(
    request: SendRequest,
    { clock, time }: { readonly clock: Clock; readonly time: Pick<Clock, 'now'> },
    again: () => void,
    resolve: (result: SendResult) => void,
  ) {
    this.#request = request;
    this.#clock = clock;
    this.#time = time;
    this.#again = again;
    this.#resolve = resolve;
    this.#startedAt = clock.now();
  }

  /** Starts the total time-out and heeds the signal. */
  watch(): void {
    const { timeoutMs, signal } = this.#request;
    this.#stopTotal = this.#clock.after(timeoutMs, () =>
      this.#breakOff(new AttemptTimeoutError(timeoutMs, this.#carried)),
    );
    signal?.addEventListener('abort', this.callOff, { once: true });
  }

  readonly callOff = (): void =>
    this.#breakOff(new errors.RequestAbortedError('The hub called the attempt off.'));

  /** Tells what will carry the request. */
  goOver(carrier: Carrier): void {
    this.#carrier = carrier;
    this.#carried = false;
  }

  onRequestStart(): void {
    this.#carried = true;
    this.#carrier?.begin();
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    // 1xx only announces; any number of them may come.
    if (this.#over || status < 200) return;
    const verdict = verdictOfStatus(status);
    if (verdict === 'accepted' && (this.#carrier?.unsent ?? 0) > 0)
      return this.fail(new EarlyAnswerError(status));
    this.#status = status;
    this.#verdict = verdict;
    this.#contentEncoding = encodingOf(headers['content-encoding']);
    this.#contentType = [headers['content-type']].flat()[0] ?? null;
    if (this.#verdict !== 'accepted')
      this.#retryAfterMs = parseRetryAfter(headers['retry-after'], this.#time.now());
    // As a rule the rest is read in the same turn, and there is nothing to wait for.
    if (!this.#bodyMatters()) void turn.then(this.#awaitEnd);
  }

  readonly #awaitEnd = (): void => {
    if (!this.#over) this.#stopGrace = this.#clock.after(limits.answerGraceMs, () => this.#finish('late'));
  };

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#over) return;
    const room = (this.#request.answerBytes ?? limits.answerBytes) - this.#bytes;
    this.#chunks.push(chunk.length > room ? chunk.subarray(0, room) : chunk);
    this.#bytes += chunk.length;
    if (chunk.length > room) this.#finish('long');
  }

  onResponseEnd(): void {
    this.#finish('whole');
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    const lost = !this.#over && this.#carried && this.#carrier?.unansweredReuse === true;
    if (!lost || this.#repeated || isOwnCode(errorCodeOf(error))) return this.#breakOff(error);
    this.#repeated = true;
    this.#again();
  }

  /** Ends it without an answer. */
  fail(error: unknown): void {
    const { verdict, errorCode, errorMessage } = verdictOfError(error, this.#carried);
    this.#settle(verdict, errorCode, errorMessage, 'cut');
  }

  #bodyMatters(): boolean {
    return this.#request.wantBody && this.#verdict === 'accepted';
  }

  /** What breaks off a body does not take back the status. */
  #breakOff(error: unknown): void {
    if (this.#status === null) this.fail(error);
    else this.#finish(error instanceof AttemptTimeoutError ? 'late' : 'cut');
  }

  #finish(bodyEnd: BodyEnd): void {
    const accepted = this.#verdict === 'accepted';
    const status = this.#status ?? 0;
    this.#settle(
      this.#verdict,
      accepted ? null : `HTTP_${status}`,
      accepted ? null : statusSentence(status),
      bodyEnd,
    );
  }

  #settle(verdict: Verdict, errorCode: string | null, errorMessage: string | null, bodyEnd: BodyEnd): void {
    if (this.#over) return;
    this.#over = true;
    this.#stopTotal?.();
    this.#stopGrace?.();
    this.#request.signal?.removeEventListener('abort', this.callOff);
    this.#resolve(this.#result(verdict, errorCode, errorMessage, bodyEnd));
  }

  #result(
    verdict: Verdict,
    errorCode: string | null,
    errorMessage: string | null,
    bodyEnd: BodyEnd,
  ): SendResult {
    const text = this.#text();
    return {
      verdict,
      statusCode: this.#status,
      errorCode,
      errorMessage,
      retryAfterMs: this.#retryAfterMs,
      responseExcerpt: excerptOf(text),
      startedAt: this.#startedAt,
      durationMs: Math.max(0, this.#clock.now() - this.#startedAt),
      body: this.#bodyMatters() ? text : null,
      bodyEnd,
      contentEncoding: this.#contentEncoding,
      receipt: receiptIn(text),
    };
  }

  #text(): string {
    const [first, ...others] = this.#chunks;
    if (first === undefined) return '';
    return textOf({
      bytes: others.length === 0 ? first : Buffer.concat(this.#chunks),
      contentType: this.#contentType,
      contentEncoding: this.#contentEncoding,
    });
  }
}

function encodingOf(header: string | string[] | undefined): string | null {
  if (header === undefined) return null;
  const encoding = [header].flat().join(', ').trim();
  return encoding === '' || encoding.toLowerCase() === 'identity' ? null : encoding;
}
