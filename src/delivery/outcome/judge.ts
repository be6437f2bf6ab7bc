import type { AttemptResult } from '../../core/model.ts';
import type { Random } from '../../core/random.ts';
import type { OutcomeWrite } from '../../db/delivery/outcome-statements.ts';
import { type ClaimedSync, pushesBeforeWebhook } from '../../db/delivery/shard-statements.ts';
import type { DeliverySettings } from '../drain/delivery-settings.ts';
import { decide, type PolicyDecision } from './policy.ts';

/** Holds what is to be written of an attempt, and how urgently a person must know. */
export interface Outcome extends OutcomeWrite {
  /** Null: nobody must. */
  readonly alert: 'critical' | 'warning' | null;
  /** Of the mutation that recorded the event; null: tracing was off. */
  readonly traceparent: string | null;
}

/** Holds what is judged of a sync. */
type JudgedSync = Pick<
  ClaimedSync,
  'id' | 'token' | 'retryCount' | 'failedPushes' | 'closedSockets' | 'traceparent'
>;

/** Asks the policy about one attempt and says what is to be written of it. */
export function judge(
  attempt: {
    settings: Pick<DeliverySettings, 'state' | 'retry'>;
    sync: JudgedSync;
    result: AttemptResult;
    succeededSince: boolean;
    /** As `PolicyInput` has it. */
    excused: boolean;
  },
  random: Random,
): { decision: PolicyDecision; write: Outcome } {
  const { settings, sync, result, succeededSince, excused } = attempt;
  const probing = settings.state === 'suspended';
  const decision = decide(
    result,
    {
      retry: settings.retry,
      retryCount: sync.retryCount,
      closedSockets: sync.closedSockets,
      probing,
      succeededSince,
      excused,
    },
    random,
  );
  const status = decision.next === 'success' ? 'success' : decision.next === 'retry' ? 'retrying' : 'failed';
  const write: Outcome = {
    ...attemptOf(sync, result),
    alert: decision.next === 'fail' ? decision.severity : null,
    status,
    retryCount: decision.next === 'success' ? sync.retryCount : decision.retryCount,
    delayMs: decision.next === 'retry' ? decision.delayMs : null,
    failedPushes: sync.failedPushes + (result.verdict === 'unacknowledged' ? 1 : 0),
    // In a row: any other end of an attempt begins the count anew.
    closedSockets: result.verdict === 'closed' ? sync.closedSockets + 1 : 0,
    failedByConnection: decision.next === 'fail' && decision.byConnection,
    refused: result.verdict === 'data',
  };
  return { decision, write };
}

/** The outcome of an attempt at a batch that was refused as a whole: nothing is decided about the event yet. */
export function splitOutcome(sync: JudgedSync, result: AttemptResult): Outcome {
  const { retryCount, failedPushes } = sync;
  const undecided = { delayMs: null, closedSockets: 0, failedByConnection: false, refused: false };
  return { ...attemptOf(sync, result), ...undecided, alert: null, status: 'split', retryCount, failedPushes };
}

/** Gives what the log has of an attempt, whatever is decided. */
function attemptOf({ id, token, traceparent }: JudgedSync, result: AttemptResult) {
  return {
    id,
    token,
    traceparent,
    startedAt: new Date(result.startedAt),
    durationMs: result.durationMs,
    statusCode: result.statusCode,
    errorCode: result.errorCode,
    errorMessage: result.errorMessage,
    responseExcerpt: result.responseExcerpt,
    evidence: result.evidence ?? null,
  };
}

/** Tells whether an event is the webhook's from now on, where there is one. */
export function goesToWebhook({ status, failedPushes }: OutcomeWrite): boolean {
  return status === 'retrying' && failedPushes >= pushesBeforeWebhook;
}
