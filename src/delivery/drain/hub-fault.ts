import type { Clock } from '../../core/clock.ts';
import type { HubCode } from '../../core/delivery-codes.ts';
import type { Logger } from '../../core/logger.ts';
import type { AttemptResult } from '../../core/model.ts';
import type { Tracer } from '../../core/tracing.ts';
import type { ClaimedSync } from '../../db/delivery/shard-statements.ts';
import type { DeliverySettings, Transport } from './delivery-settings.ts';
import { deliverTraced } from './traced-delivery.ts';

/** Delivers. A transport never rejects; should it all the same, its syncs go by the policy and the shard goes on. */
export async function deliverSafely(
  transport: Transport,
  settings: DeliverySettings,
  syncs: readonly ClaimedSync[],
  { clock, log, tracer }: { clock: Clock; log: Logger; tracer: Tracer | null },
): Promise<readonly AttemptResult[]> {
  try {
    return await deliverTraced(tracer, transport, settings, syncs);
  } catch (error) {
    log.error({ shard: settings.id, err: error }, 'fault of a transport');
    return syncs.map(() => hubFault(clock.now()));
  }
}

/** The result of an attempt that a fault of the hub itself kept from being made; the policy tries it again. */
function hubFault(startedAt: number): AttemptResult {
  return {
    verdict: 'answer',
    statusCode: null,
    errorCode: 'HUB_FAULT' satisfies HubCode,
    errorMessage: 'A fault of the hub; its log has the cause.',
    retryAfterMs: null,
    responseExcerpt: null,
    startedAt,
    durationMs: 0,
  };
}
