import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import type { TracingSettings } from './settings.ts';
import type { Tracing } from './tracing.ts';

const off: Tracing = { tracer: null, [Symbol.asyncDispose]: async () => {} };

/** Switches tracing on where the OTEL_… variables ask for it. Only then is OpenTelemetry's SDK loaded. */
export async function openTracing(
  settings: TracingSettings,
  deps: { log: Logger; clock: Clock },
): Promise<Tracing> {
  if (settings.kind === 'unfit')
    deps.log.warn({ problem: settings.problem }, 'traces are off: an OTEL_ setting does not fit');
  if (settings.kind !== 'on') return off;
  const { startTracing } = await import('./otel-tracing.ts');
  const tracing = startTracing(settings, deps);
  deps.log.info({ collector: settings.collector }, 'traces are on');
  return tracing;
}
