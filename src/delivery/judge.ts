import type { AttemptResult } from '../core/model.ts';
import type { Random } from '../core/random.ts';
import type { ClaimedSync } from '../db/lane-statements.ts';
import type { OutcomeWrite } from '../db/outcome-statements.ts';
import type { Lane } from './lane.ts';
import { type Decision, decide } from './policy.ts';

/** Asks the policy about one attempt and says what is to be written of it. */
export function judge(
  attempt: { lane: Lane; sync: ClaimedSync; result: AttemptResult; laneSucceededSince: boolean },
  random: Random,
): { decision: Decision; write: OutcomeWrite } {
  const { lane, sync, result, laneSucceededSince } = attempt;
  const probing = lane.state === 'suspended';
  const decision = decide(
    result,
    { retry: lane.retry, retryCount: sync.retryCount, probing, laneSucceededSince },
    random,
  );
  const status = decision.next === 'success' ? 'success' : decision.next === 'retry' ? 'retrying' : 'failed';
  const write: OutcomeWrite = {
    id: sync.id,
    token: sync.token,
    status,
    retryCount: decision.next === 'success' ? sync.retryCount : decision.retryCount,
    delayMs: decision.next === 'retry' ? decision.delayMs : null,
    failedByConnection: decision.next === 'fail' && decision.byConnection,
    startedAt: new Date(result.startedAt),
    durationMs: result.durationMs,
    statusCode: result.statusCode,
    errorCode: result.errorCode,
    errorMessage: result.errorMessage,
    responseExcerpt: result.responseExcerpt,
  };
  return { decision, write };
}
