import { trace } from '@opentelemetry/api';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace';
import type { SamplerSettings } from './settings.ts';

/**
 * The sampler that is asked for. A trace that begins with links (to what it is done for; only sampled ones are given)
 * is sampled: or else one would lead from a trace that is there to work that is not.
 */
export function samplerOf({ kind, ratio, parentBased }: SamplerSettings): Sampler {
  const root =
    kind === 'on'
      ? new AlwaysOnSampler()
      : kind === 'off'
        ? new AlwaysOffSampler()
        : new TraceIdRatioBasedSampler(ratio);
  const sampler = parentBased ? new ParentBasedSampler({ root }) : root;
  return {
    shouldSample: (context, traceId, name, spanKind, attributes, links) =>
      links.length > 0 && trace.getSpanContext(context) === undefined
        ? { decision: SamplingDecision.RECORD_AND_SAMPLED }
        : sampler.shouldSample(context, traceId, name, spanKind, attributes, links),
    toString: () => sampler.toString(),
  };
}
