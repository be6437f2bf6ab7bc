import { GraphQLError, GraphQLScalarType, Kind, type ValueNode } from 'graphql';
import { changedNumber } from '../core/exact-json.ts';
import { survivesJson } from '../core/exact-number.ts';
import type { JsonObject, JsonValue } from '../core/model.ts';

const dayPattern = /^(\d{4})-(\d{2})-(\d{2})$/;
const instantPattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/;
const decimalPattern = /^([+-]?)(\d+)(\.\d+)?$/;

/** An instant: a `Date` inside, ISO 8601 with offset outside. */
export const DateTimeScalar = new GraphQLScalarType<Date, string>({
  name: 'DateTime',
  description: 'An instant, ISO 8601 with offset, e.g. 2025-12-19T08:00:00.000Z.',
  serialize: value => {
    if (value instanceof Date) return value.toISOString();
    throw new GraphQLError('DateTime: not an instant.');
  },
  parseValue: parseInstant,
  parseLiteral: node => parseInstant(stringOf(node, 'DateTime')),
});

/** A calendar day, YYYY-MM-DD, inside and outside. */
export const DateScalar = new GraphQLScalarType<string, string>({
  name: 'Date',
  description: "A calendar day in the hub's business time zone, YYYY-MM-DD.",
  serialize: parseDay,
  parseValue: parseDay,
  parseLiteral: node => parseDay(stringOf(node, 'Date')),
});

/** An exact decimal: text inside and outside, never a float. */
export const DecimalScalar = new GraphQLScalarType<string, string>({
  name: 'Decimal',
  description: 'An exact decimal number, written as a string, e.g. "100000.00". Input also takes an Int.',
  serialize: value => String(value),
  parseValue: parseDecimal,
  parseLiteral: node => parseDecimal(node.kind === Kind.INT ? node.value : stringOf(node, 'Decimal')),
});

/** A JSON object. Arrays and plain values are refused. */
export const JSONObjectScalar = new GraphQLScalarType<JsonObject, JsonObject>({
  name: 'JSONObject',
  description: 'Any JSON object.',
  serialize: requireObject,
  parseValue: requireObject,
  parseLiteral: (node, variables) => requireObject(jsonOf(node, variables ?? {})),
});

function stringOf(node: ValueNode, name: string): string {
  if (node.kind === Kind.STRING) return node.value;
  throw new GraphQLError(`${name}: a string is expected.`, { nodes: node });
}

function parseInstant(value: unknown): Date {
  if (typeof value === 'string' && instantPattern.test(value)) {
    const instant = new Date(value);
    if (!Number.isNaN(instant.getTime()) && isDay(value.slice(0, 10))) return instant;
  }
  throw new GraphQLError('DateTime: ISO 8601 with offset is expected, e.g. 2025-12-19T08:00:00.000Z.');
}

function parseDay(value: unknown): string {
  if (typeof value === 'string' && isDay(value)) return value;
  throw new GraphQLError('Date: a calendar day is expected, YYYY-MM-DD.');
}

function isDay(text: string): boolean {
  if (!dayPattern.test(text)) return false;
  const day = new Date(`${text}T00:00:00Z`);
  // A day that is not in the calendar (31 April) comes back as another one.
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text) && !text.startsWith('0000');
}

/** Plain digits, without leading zeros or a plus; the digits after the point stay as given. */
function parseDecimal(value: unknown): string {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw new GraphQLError(
      'Decimal: a number with a fraction (or beyond 2^53) is not exact in JSON; send it as a string.',
    );
  }
  const parts =
    typeof value === 'number' || typeof value === 'string' ? decimalPattern.exec(String(value)) : null;
  if (parts === null) throw new GraphQLError('Decimal: an exact decimal is expected, e.g. "100000.00".');
  const digits = (parts[2] ?? '').replace(/^0+(?=\d)/, '') + (parts[3] ?? '');
  return parts[1] === '-' && /[1-9]/.test(digits) ? `-${digits}` : digits;
}

function requireObject(value: unknown): JsonObject {
  if (isJsonObject(value)) return value;
  throw new GraphQLError('JSONObject: a JSON object is expected.');
}

function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function jsonOf(node: ValueNode, variables: Record<string, unknown>): JsonValue {
  switch (node.kind) {
    case Kind.STRING:
    case Kind.BOOLEAN:
    case Kind.ENUM:
      return node.value;
    case Kind.INT:
    case Kind.FLOAT:
      if (!survivesJson(node.value))
        throw new GraphQLError(`JSONObject: ${changedNumber(node.value)}`, { nodes: node });
      return Number(node.value);
    case Kind.LIST:
      return node.values.map(item => jsonOf(item, variables));
    case Kind.OBJECT: {
      // fromEntries defines own properties, so a key `__proto__` is data like any other.
      return Object.fromEntries(node.fields.map(field => [field.name.value, jsonOf(field.value, variables)]));
    }
    case Kind.VARIABLE:
      return variableOf(Object.hasOwn(variables, node.name.value) ? variables[node.name.value] : null);
    case Kind.NULL:
      return null;
  }
}

function variableOf(value: unknown): JsonValue {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  if (Array.isArray(value)) return value.map(variableOf);
  if (isJsonObject(value)) return value;
  throw new GraphQLError('JSONObject: a variable in it is no JSON value.');
}
