import type { AttemptResult } from '../core/model.ts';

/** The result of an attempt that a fault of the hub itself kept from being made; the policy tries it again. */
export function hubFault(startedAt: number): AttemptResult {
  return {
    verdict: 'answer',
    statusCode: null,
    errorCode: 'HUB_FAULT',
    errorMessage: 'A fault of the hub; its log has the cause.',
    retryAfterMs: null,
    responseExcerpt: null,
    startedAt,
    durationMs: 0,
  };
}
