import { tracingSettings } from '../../monitoring/tracing/settings.ts';
import { type Check, checksOf } from './check.ts';

const traces = checksOf('traces');

/** Tells where traces would go; nothing while they are off, as they are unless somebody asks for them. */
export function checkTracing(environment: Readonly<Record<string, string | undefined>>): Check[] {
  const settings = tracingSettings(environment);
  if (settings.kind === 'off') return [];
  if (settings.kind === 'on') return [traces.ok(`on: to ${settings.collector} by ${settings.protocol}`)];
  return [traces.warn(`off: ${settings.problem}`, 'Correct it, or unset the OTEL_ variables.')];
}
