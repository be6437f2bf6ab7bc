import { _, Ajv2020, type KeywordCxt } from 'ajv/dist/2020.js';
import ajvFormats, { type FormatName } from 'ajv-formats';
import { RE2JS } from 're2js';
import type { JsonObject, JsonValue } from '../../core/model.ts';
import { exactKeywords } from './keywords.ts';
import type { WorkMeter } from './work-meter.ts';

/** Keywords that look at each item, key or character of the value, besides what their subschemas do. */
const wide = new Set([
  'items',
  'prefixItems',
  'contains',
  'unevaluatedItems',
  'propertyNames',
  'patternProperties',
  'additionalProperties',
  'unevaluatedProperties',
  'minProperties',
  'maxProperties',
  'minLength',
  'maxLength',
  'format',
]);

/**
 * JSON Schema's own formats, as far as there is code for them; `format` with any other name says nothing, as the draft
 * has it.
 */
const formats: FormatName[] = [
  'date',
  'time',
  'date-time',
  'duration',
  'email',
  'hostname',
  'ipv4',
  'ipv6',
  'uri',
  'uri-reference',
  'uri-template',
  'uuid',
  'json-pointer',
  'relative-json-pointer',
  'regex',
];

/** Names that a key is compared with in one step. */
const namesPerStep = 4;

/** States of a pattern's automaton, times characters of a text, that are as much work as one step. */
const statesPerStep = 4;

/**
 * An ajv whose compiled schemas count their work: each keyword spends what it costs before it is evaluated, wherever it
 * stands. So what refers to itself, or branches at each level, ends by the meter and not by the patience of the caller.
 */
export function createMeteredAjv(schema: JsonObject, meter: WorkMeter): Ajv2020 {
  const ajv = new Ajv2020({
    strict: false,
    allErrors: false,
    // Schemas are validated before, by an instance that is made once.
    validateSchema: false,
    // A schema that is referred to a thousand times would be compiled as often.
    inlineRefs: false,
    logger: false,
    // Ajv's own optimizer takes a time that grows with the square of the schema.
    code: { regExp: meteredPatterns(meter), optimize: false },
  });
  ajvFormats.default(ajv, { mode: 'full', formats });
  const own = exactKeywords(meter);
  for (const definition of own) {
    if (typeof definition.keyword === 'string') ajv.removeKeyword(definition.keyword);
    ajv.addKeyword(definition);
  }
  const names = countNames(schema);
  for (const name of Object.keys(ajv.RULES.all)) meterKeyword(ajv, name, { meter, names });
  return ajv;
}

/** Makes the code of a keyword begin with spending what it costs. @param names of properties in the whole schema */
function meterKeyword(
  ajv: Ajv2020,
  name: string,
  { meter, names }: { meter: WorkMeter; names: number },
): void {
  const definition = ajv.getKeyword(name);
  if (typeof definition !== 'object' || !('code' in definition)) return;
  const generate = definition.code;
  definition.code = (cxt: KeywordCxt, type?: string) => {
    const spend = cxt.gen.scopeValue('obj', { ref: meter, key: meter });
    const fixed = 1 + lengthOf(cxt.schema);
    // Each key is compared with the names that any part of the schema may have evaluated.
    const each = name === 'unevaluatedProperties' ? 1 + Math.ceil(names / namesPerStep) : 1;
    cxt.gen.code(
      wide.has(name) ? _`${spend}.spendOn(${cxt.data}, ${each}, ${fixed})` : _`${spend}.spend(${fixed})`,
    );
    generate(cxt, type);
  };
}

/** Says how many names of properties a schema has, wherever. */
function countNames(value: JsonValue | undefined): number {
  if (typeof value !== 'object' || value === null) return 0;
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + countNames(item), 0);
  return Object.values(value).reduce<number>((sum, item) => sum + 1 + countNames(item), 0);
}

/** Says how many entries a keyword's value has: each may be compared. */
function lengthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return Array.isArray(value) ? value.length : Object.keys(value).length;
}

/** Patterns that are matched in a time that grows with the text, whatever the pattern (JavaScript's own may take for ever). */
function meteredPatterns(meter: WorkMeter) {
  const compile = (pattern: string) => {
    const compiled = RE2JS.compile(pattern);
    const states = compiled.programSize();
    return {
      test(text: string): boolean {
        meter.spend(1 + (text.length * states) / statesPerStep);
        return compiled.test(text);
      },
      // Ajv tells patterns apart by it.
      toString: () => pattern,
    };
  };
  return Object.assign(compile, { code: 'unused' });
}
