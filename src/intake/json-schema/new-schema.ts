import { badInput } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type { JsonObject, JsonValue } from '../../core/model.ts';
import { JsonSchema } from './json-schema.ts';
import { WorkExceededError } from './work-meter.ts';

/**
 * Sees to it that a schema which is to be stored can be compiled and evaluated, and that compiling it takes no long time:
 * each hub does so again. Bounds are for new schemas alone; what is stored already is used as it is.
 * @throws HubError BAD_USER_INPUT
 */
export function checkNewSchema(schema: JsonObject): void {
  const bytes = Buffer.byteLength(JSON.stringify(schema));
  if (bytes > limits.schemaBytes)
    throw badInput('schema', `schema: ${bytes} bytes; at most ${limits.schemaBytes}.`);
  const patterns = patternsIn(schema);
  if (patterns.length > limits.schemaPatterns)
    throw badInput('schema', `schema: ${patterns.length} patterns; at most ${limits.schemaPatterns}.`);
  const repeats = patterns.reduce((sum, pattern) => sum + repeatsOf(pattern), 0);
  const length = patterns.reduce((sum, pattern) => sum + pattern.length, 0);
  if (repeats + length > limits.schemaPatternStates)
    throw badInput(
      'schema',
      `schema: its patterns are too large together; characters and counted repeats ({n,m}) may add up to ${limits.schemaPatternStates}.`,
    );
  try {
    // The code that a schema becomes is read by the engine when it first runs; nested too deep, it can't be.
    new JsonSchema(schema).run({}, { left: limits.schemaSteps });
  } catch (error) {
    if (!(error instanceof WorkExceededError)) throw error;
    throw badInput(
      'schema',
      'schema: it is nested too deep, refers to itself without end, or has too many properties in one place; it could check nothing.',
    );
  }
}

/** All that may be a pattern, wherever it stands: more than there are is no harm. */
function patternsIn(value: JsonValue | undefined): string[] {
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(patternsIn);
  const own = typeof value.pattern === 'string' ? [value.pattern] : [];
  const { patternProperties } = value;
  const keys =
    typeof patternProperties === 'object' && patternProperties !== null ? Object.keys(patternProperties) : [];
  return [...own, ...keys, ...Object.values(value).flatMap(patternsIn)];
}

/** The sum of the counts in `{n}` and `{n,m}`: a pattern is compiled to so many copies. */
function repeatsOf(pattern: string): number {
  const counts = pattern.matchAll(/\{(\d{1,6})(?:,(\d{0,6}))?\}/g);
  return [...counts].reduce((sum, [, from, to]) => sum + Math.max(Number(from), Number(to ?? 0)), 0);
}
