import type { AttemptResult } from '../core/model.ts';
import type { Random } from '../core/random.ts';
import { type ClaimedSync, pushesBeforeWebhook } from '../db/lane-statements.ts';
import type { OutcomeWrite } from '../db/outcome-statements.ts';
import type { Lane } from './lane.ts';
import { type Decision, decide } from './policy.ts';

/** What is to be written of an attempt, and how urgently a person must know. */
export interface Outcome extends OutcomeWrite {
  /** Null: nobody must. */
  readonly alert: 'critical' | 'warning' | null;
  /** Of the mutation that recorded the event; null: tracing was off. */
  readonly traceparent: string | null;
}

/** Asks the policy about one attempt and says what is to be written of it. */
export function judge(
  attempt: {
    lane: Pick<Lane, 'state' | 'retry'>;
    sync: Pick<ClaimedSync, 'id' | 'token' | 'retryCount' | 'failedPushes' | 'closedSockets' | 'traceparent'>;
    result: AttemptResult;
    laneSucceededSince: boolean;
  },
  random: Random,
): { decision: Decision; write: Outcome } {
  const { lane, sync, result, laneSucceededSince } = attempt;
  const probing = lane.state === 'suspended';
  const decision = decide(
    result,
    {
      retry: lane.retry,
      retryCount: sync.retryCount,
      closedSockets: sync.closedSockets,
      probing,
      laneSucceededSince,
    },
    random,
  );
  const status = decision.next === 'success' ? 'success' : decision.next === 'retry' ? 'retrying' : 'failed';
  const write: Outcome = {
    alert: decision.next === 'fail' ? decision.severity : null,
    traceparent: sync.traceparent,
    id: sync.id,
    token: sync.token,
    status,
    retryCount: decision.next === 'success' ? sync.retryCount : decision.retryCount,
    delayMs: decision.next === 'retry' ? decision.delayMs : null,
    failedPushes: sync.failedPushes + (result.verdict === 'unacknowledged' ? 1 : 0),
    // In a row: any other end of an attempt begins the count anew.
    closedSockets: result.verdict === 'closed' ? sync.closedSockets + 1 : 0,
    failedByConnection: decision.next === 'fail' && decision.byConnection,
    refused: result.verdict === 'data',
    startedAt: new Date(result.startedAt),
    durationMs: result.durationMs,
    statusCode: result.statusCode,
    errorCode: result.errorCode,
    errorMessage: result.errorMessage,
    responseExcerpt: result.responseExcerpt,
    evidence: result.evidence ?? null,
  };
  return { decision, write };
}

/** Whether an event is the webhook's from now on, where there is one. */
export function goesToWebhook({ status, failedPushes }: OutcomeWrite): boolean {
  return status === 'retrying' && failedPushes >= pushesBeforeWebhook;
}
