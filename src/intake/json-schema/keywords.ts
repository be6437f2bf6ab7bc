import { pythonJson } from '@voucher-hub/client/wire';
import type { FuncKeywordDefinition } from 'ajv/dist/2020.js';
import { isMultipleOf } from '../../core/exact-number.ts';
import type { JsonValue } from '../../core/model.ts';
import type { WorkMeter } from './work-meter.ts';

/** Characters of a value's text that are as much work as one step. */
const charsPerStep = 4;

/**
 * The keywords that ajv evaluates in a time that grows with the square of the data, by comparing each pair, or in binary
 * fractions. Values are equal where their texts with sorted keys are, which is what one look-up in a set needs.
 */
export function exactKeywords(meter: WorkMeter): FuncKeywordDefinition[] {
  const textOf = (value: JsonValue): string => {
    const text = pythonJson(value);
    meter.spend(1 + text.length / charsPerStep);
    return text;
  };
  return [
    {
      keyword: 'uniqueItems',
      type: 'array',
      schemaType: 'boolean',
      error: { message: 'must NOT have duplicate items' },
      compile: (wanted: boolean) => (items: JsonValue[]) => {
        if (!wanted) return true;
        const seen = new Set<string>();
        return items.every(item => seen.size < seen.add(textOf(item)).size);
      },
    },
    {
      keyword: 'enum',
      schemaType: 'array',
      error: { message: 'must be equal to one of the allowed values' },
      compile: (allowed: JsonValue[]) => {
        const texts = new Set(allowed.map(pythonJson));
        return (value: JsonValue) => texts.has(textOf(value));
      },
    },
    {
      keyword: 'const',
      error: { message: 'must be equal to constant' },
      compile: (wanted: JsonValue) => {
        const text = pythonJson(wanted);
        return (value: JsonValue) => textOf(value) === text;
      },
    },
    {
      keyword: 'multipleOf',
      type: 'number',
      schemaType: 'number',
      error: { message: ({ schema }) => `must be multiple of ${String(schema)}` },
      compile: (divisor: number) => (value: number) => {
        meter.spend(decimalSteps);
        return isMultipleOf(value, divisor);
      },
    },
  ];
}

/** Holds what a division of decimals takes at most, where one is 1e308 and the other 1e-308. */
const decimalSteps = 200;
