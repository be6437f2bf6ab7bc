import type { AttemptResult } from '../../core/model.ts';
import { type Tracer, traced } from '../../core/tracing.ts';
import type { ClaimedSync } from '../../db/delivery/shard-statements.ts';
import type { DeliverySettings, Transport } from './delivery-settings.ts';

/**
 * Makes an attempt; where there is a tracer, as a span in the trace of the mutation that recorded the event. An attempt at
 * events of several mutations is a trace of its own, linked to theirs.
 */
export function deliverTraced(
  tracer: Tracer | null,
  transport: Transport,
  settings: DeliverySettings,
  syncs: readonly ClaimedSync[],
): Promise<readonly AttemptResult[]> {
  if (tracer === null) return transport.deliver(settings, syncs);
  const [first] = syncs;
  const attributes = {
    'voucher_hub.subscription.id': settings.id,
    'messaging.operation.type': 'process',
    'messaging.batch.message_count': syncs.length,
    ...(syncs.length === 1 && first !== undefined
      ? { 'voucher_hub.sync.id': first.id, 'voucher_hub.attempt': first.attemptCount + 1 }
      : {}),
  };
  const options = { kind: 'consumer', parents: traceparentsOf(syncs), attributes } as const;
  return traced(tracer, 'deliver', options, async span => {
    const results = await transport.deliver(settings, syncs);
    const failed = results.find(({ verdict }) => verdict !== 'accepted');
    if (failed !== undefined) span.fail(failed.errorCode ?? failed.verdict);
    return results;
  });
}

/** The traces of some syncs, for what is done for all of them. */
export function traceparentsOf(syncs: readonly { readonly traceparent: string | null }[]): string[] {
  return syncs.map(({ traceparent }) => traceparent).filter(traceparent => traceparent !== null);
}
