import { limits } from '../../core/limits.ts';
import type { AttemptResult, RetryPolicy, Verdict } from '../../core/model.ts';
import type { Random } from '../../core/random.ts';

/** Holds what an attempt leads to. */
export type PolicyDecision =
  | { readonly next: 'success' }
  | { readonly next: 'retry'; readonly delayMs: number; readonly retryCount: number }
  | {
      readonly next: 'fail';
      readonly retryCount: number;
      /** True: the connection was the cause, so it is tried again once the target is back. */
      readonly byConnection: boolean;
      /** Holds what becomes of the subscription: `suspend` trips the breaker, `pause` is what a 410 asks for. */
      readonly subscription: 'keep' | 'suspend' | 'pause';
      /** Data that does not fit and a target that wants no more need a person now. */
      readonly severity: 'critical' | 'warning';
    };

/** Holds what the decision rests on, beside the attempt itself. */
export interface PolicyInput {
  readonly retry: RetryPolicy;
  /** Retries that this sync has used up. */
  readonly retryCount: number;
  /** True: the subscription is suspended and this attempt was its probe. */
  readonly probing: boolean;
  /** True: another sync of the shard succeeded since this attempt began. */
  readonly succeededSince: boolean;
  /** True: what came of the attempt is the target's doing alone (`isExcused`). */
  readonly excused: boolean;
  /** Sockets in a row that closed on this sync before this attempt. */
  readonly closedSockets: number;
}

/** The parts of an attempt's result that decisions rest on. */
export type ToDecide = Pick<AttemptResult, 'verdict' | 'retryAfterMs' | 'statusCode' | 'ofItem'>;

/**
 * Holds what an attempt says of its target, whatever it says of the event: the target is `there`; it is `away` (no connection, no
 * answer, or 408, 425 and 5xx); it is there and asks for a pause (`throttling`: 429, or 503 with `Retry-After`); or
 * `nothing`, as no request reached it.
 */
export type TargetSign = 'there' | 'away' | 'throttling' | 'nothing';

/** Reads the sign of an attempt. An item of a batch may ask for a slower pace; else its target has answered 2xx. */
export function signOf({ verdict, statusCode, retryAfterMs, ofItem }: ToDecide): TargetSign {
  switch (verdict) {
    case 'connect':
    case 'response':
    case 'unacknowledged':
      return 'away';
    case 'busy':
      if (statusCode === 429) return 'throttling';
      if (ofItem === true) return 'there';
      return statusCode === 503 && retryAfterMs !== null ? 'throttling' : 'away';
    case 'accepted':
    case 'data':
    case 'gone':
      return 'there';
    case 'answer':
      // A fault of the hub has no status.
      return statusCode === null ? 'nothing' : 'there';
    case 'forbidden':
    case 'unshaped':
    case 'closed':
      return 'nothing';
  }
}

/**
 * Tells whether an attempt uses up no retry because the target asked for a pause. While other events get through, the target
 * limits its pace, with a date or without; an event that meets a pause again and again then is itself the cause. While none
 * gets through, the target must name a date: without one, the event goes by the policy.
 */
export function isExcused(
  result: ToDecide,
  { gotThrough, pauses }: { readonly gotThrough: boolean; readonly pauses: number },
): boolean {
  if (signOf(result) !== 'throttling') return false;
  return gotThrough ? pauses < limits.freePauses : result.retryAfterMs !== null;
}

/** Sockets in a row that may close on one sync: the tenth makes it FAILED, or an event that kills its consumer loops. */
const closedSocketsMax = 10;

/**
 * Gives what to do after an attempt (contract, "What an answer means"). Pure: chance is passed in.
 *
 * Only a target that can't be reached trips the breaker here. An answer that never came (`response`) does so too,
 * unless the subscription delivered something else meanwhile: then it is this event that hangs the consumer, and the
 * others must not wait for it. A failed probe uses up no retry: it says something of the target, not the event.
 */
export function decide(result: ToDecide, input: PolicyInput, random: Random): PolicyDecision {
  const { retryCount } = input;
  const byConnection = isConnectionFault(result.verdict);
  switch (result.verdict) {
    case 'accepted':
      return { next: 'success' };
    case 'data':
    case 'forbidden':
    case 'unshaped':
      return { next: 'fail', retryCount, byConnection: false, subscription: 'keep', severity: 'critical' };
    case 'gone':
      return { next: 'fail', retryCount, byConnection: false, subscription: 'pause', severity: 'critical' };
    case 'closed':
      return input.closedSockets + 1 < closedSocketsMax
        ? { next: 'retry', delayMs: 0, retryCount }
        : { next: 'fail', retryCount, byConnection: false, subscription: 'keep', severity: 'warning' };
    case 'unacknowledged':
    case 'busy':
    case 'answer':
    case 'connect':
    case 'response':
      break;
  }
  // The date that the target named holds its subscription, not this event: it goes as soon as the subscription does.
  if (input.excused || (input.probing && signOf(result) !== 'there'))
    return { next: 'retry', delayMs: retryDelayMs(input.retry, retryCount, random), retryCount };
  if (retryCount < input.retry.maxRetries) {
    const delayMs = Math.max(retryDelayMs(input.retry, retryCount, random), result.retryAfterMs ?? 0);
    return { next: 'retry', delayMs, retryCount: retryCount + 1 };
  }
  const suspend = result.verdict === 'connect' || (result.verdict === 'response' && !input.succeededSince);
  return {
    next: 'fail',
    retryCount,
    byConnection,
    subscription: suspend ? 'suspend' : 'keep',
    severity: 'warning',
  };
}

/**
 * The delay before retry number `retriesUsed + 1`: exponential back-off with additive jitter.
 * @returns milliseconds, from min(base × 2ⁿ, max) to that times (1 + jitter)
 */
export function retryDelayMs(retry: RetryPolicy, retriesUsed: number, random: Random): number {
  const bare = Math.min(retry.baseDelayMs * 2 ** Math.min(retriesUsed, 40), retry.maxDelayMs);
  return bare * (1 + retry.jitter * random());
}

function isConnectionFault(verdict: Verdict): boolean {
  return verdict === 'connect' || verdict === 'response';
}
