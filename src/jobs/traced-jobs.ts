import { type Span, type Tracer, traced } from '../core/tracing.ts';
import type { WakeUp, WakeUpQueue } from './queues.ts';

const attributes = { 'messaging.system': 'bullmq', 'messaging.destination.name': 'shards' };

/** Puts wake-ups into the queue; as a span, where they are for what is traced. */
export async function sendTraced(
  tracer: Tracer | null,
  queue: WakeUpQueue,
  shards: readonly string[],
  wakers: readonly Span[],
): Promise<void> {
  if (tracer === null || wakers.length === 0) return queue.add('drain', shards);
  const operation = { 'messaging.operation.type': 'send', 'messaging.batch.message_count': shards.length };
  const options = { kind: 'producer', parents: wakers, attributes: { ...attributes, ...operation } } as const;
  return traced(tracer, 'send shards', options, span => queue.add('drain', shards, span.traceparent));
}

/**
 * Begins the span of a job; null: nobody is traced who sent it. It is to end when the shard is under way: a drain serves many
 * mutations, for minutes, and what it does for each is in that one's trace.
 */
export function startJob(tracer: Tracer | null, { shard, traceparent }: WakeUp): Span | null {
  if (tracer === null || traceparent === undefined) return null;
  return tracer.start('process shards', {
    kind: 'consumer',
    parents: [traceparent],
    attributes: {
      ...attributes,
      'messaging.operation.type': 'process',
      'voucher_hub.subscription.id': shard,
    },
  });
}
