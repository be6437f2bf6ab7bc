import type { z } from 'zod';

const kinds: Record<string, string> = {
  string: 'a text (in quotes where it looks like a number)',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list: [one, another]',
  object: 'a map of settings',
  record: 'a map of names to settings',
};

/** Gives what is wrong with a value, in the project's words and without the value; pass it to a schema's `parse` as `error`. */
export function faultWords(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.input === undefined) return 'is missing';
      return `must be ${kinds[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `must be ${oneOf(issue.values)}`;
    case 'invalid_union':
      return Array.isArray(issue.options) ? `must be ${oneOf(issue.options)}` : 'does not fit';
    case 'too_small':
      return bound(issue.origin, `${issue.minimum} or more`);
    case 'too_big':
      return bound(issue.origin, `${issue.maximum} or less`);
    default:
      return 'does not fit';
  }
}

function oneOf(values: readonly unknown[]): string {
  const [last, ...others] = values.map(String).toReversed();
  return others.length === 0 ? `${last}` : `${others.toReversed().join(', ')} or ${last}`;
}

function bound(origin: string, amount: string): string {
  const unit = { string: 'characters', array: 'entries' }[origin];
  return unit === undefined ? `must be ${amount}` : `must have ${amount} ${unit}`;
}
