import { type Span, type Tracer, traced } from '../core/tracing.ts';
import type { LaneJob, LaneQueue } from './queues.ts';

const attributes = { 'messaging.system': 'bullmq', 'messaging.destination.name': 'lanes' };

/** Puts wake-ups into the queue; as a span, where they are for what is traced. */
export async function sendTraced(
  tracer: Tracer | null,
  queue: LaneQueue,
  lanes: readonly string[],
  wakers: readonly Span[],
): Promise<void> {
  if (tracer === null || wakers.length === 0) return queue.add('drain', lanes);
  const operation = { 'messaging.operation.type': 'send', 'messaging.batch.message_count': lanes.length };
  const options = { kind: 'producer', parents: wakers, attributes: { ...attributes, ...operation } } as const;
  return traced(tracer, 'send lanes', options, span => queue.add('drain', lanes, span.traceparent));
}

/**
 * Begins the span of a job; null: nobody is traced who sent it. It is to end when the lane is under way: a drain serves many
 * mutations, for minutes, and what it does for each is in that one's trace.
 */
export function startJob(tracer: Tracer | null, { lane, traceparent }: LaneJob): Span | null {
  if (tracer === null || traceparent === undefined) return null;
  return tracer.start('process lanes', {
    kind: 'consumer',
    parents: [traceparent],
    attributes: { ...attributes, 'messaging.operation.type': 'process', 'voucher_hub.subscription.id': lane },
  });
}
