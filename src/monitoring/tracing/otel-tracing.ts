import { DiagLogLevel, diag } from '@opentelemetry/api';
import { setGlobalErrorHandler } from '@opentelemetry/core';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
} from '@opentelemetry/resources';
import { BatchSpanProcessor, type SpanExporter, TracerProvider } from '@opentelemetry/sdk-trace';
import type { Clock } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type { Logger } from '../../core/logger.ts';
import { OtelTracer } from './otel-tracer.ts';
import { samplerOf } from './sampler.ts';
import type { TracingSettings } from './settings.ts';
import type { Tracing } from './tracing.ts';

/** The settings that switch tracing on. */
type OnSettings = Extract<TracingSettings, { kind: 'on' }>;

/** Starts to record and export spans. */
export function startTracing(settings: OnSettings, { log, clock }: { log: Logger; clock: Clock }): Tracing {
  const exporter = exporterOf(settings);
  listenForFaults(log, clock);
  const own = resourceFromAttributes({ 'service.name': 'voucher-hub' });
  const provider = new TracerProvider({
    resource: own.merge(
      detectResources({ detectors: [resourceAttributesEnvDetector, serviceNameEnvDetector] }),
    ),
    sampler: samplerOf(settings.sampler),
    spanLimits: { linkCountLimit: limits.spanLinks, attributeValueLengthLimit: limits.spanTextChars },
    spanProcessors: [new BatchSpanProcessor({ exporter, ...settings.batch })],
  });
  return {
    tracer: new OtelTracer(provider.getTracer('voucher-hub')),
    async [Symbol.asyncDispose]() {
      const flushed = provider.shutdown().catch(() => {});
      await Promise.race([flushed, clock.sleep(limits.spanFlushMs)]);
    },
  };
}

/** Gives what it exports to, with which headers and certificates, it reads from the environment by itself. */
function exporterOf({ protocol, timeoutIsSet }: OnSettings): SpanExporter {
  // The standard's ten seconds are as long as a process that stops would wait for a collector that is away.
  const options = timeoutIsSet ? {} : { timeoutMillis: limits.spanFlushMs };
  return protocol === 'http/json' ? new JsonExporter(options) : new ProtobufExporter(options);
}

/** A collector that is away is told of once a minute: spans are then dropped, and nothing else suffers. */
function listenForFaults(log: Logger, clock: Clock): void {
  let toldAt = Number.NEGATIVE_INFINITY;
  const tell = (fault: string) => {
    if (clock.steady() - toldAt < limits.spanFaultEveryMs) return;
    toldAt = clock.steady();
    log.warn(
      { error: fault.slice(0, limits.spanTextChars) },
      'traces could not be exported; spans are dropped',
    );
  };
  setGlobalErrorHandler(error => tell(messageOf(error)));
  const nothing = () => {};
  diag.setLogger(
    { error: tell, warn: tell, info: nothing, debug: nothing, verbose: nothing },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
}
