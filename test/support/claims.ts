import { randomUUID } from 'node:crypto';
import type { ClaimRequest } from '../../src/db/delivery/claim-statements.ts';
import type { OutcomeWrite } from '../../src/db/delivery/outcome-statements.ts';

/** A claim of a webhook's drain, from the shard's beginning. */
export function claimOf(
  subscriptionId: string,
  limit: number,
  over: Partial<Pick<ClaimRequest, 'states' | 'from'>> = {},
): ClaimRequest {
  return {
    subscriptionId,
    shard: null,
    part: 'prompt',
    token: randomUUID(),
    limit,
    leaseMs: 60_000,
    states: ['active'],
    transport: 'webhook',
    attachmentId: null,
    from: null,
    ...over,
  };
}

/** Gives what is written of a claimed sync whose first attempt was accepted. */
export function acceptedOf({ id, token }: Pick<OutcomeWrite, 'id' | 'token'>): OutcomeWrite {
  return {
    id,
    token,
    status: 'success',
    retryCount: 0,
    delayMs: null,
    failedPushes: 0,
    closedSockets: 0,
    failedByConnection: false,
    refused: false,
    startedAt: new Date(),
    durationMs: 1,
    statusCode: 200,
    errorCode: null,
    errorMessage: null,
    responseExcerpt: null,
    evidence: null,
  };
}
