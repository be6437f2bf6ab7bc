import { InvalidArgumentError } from 'commander';

/** Reads an id as the hub gives it: digits. */
export function readId(text: string): string {
  if (!/^\d{1,18}$/.test(text)) throw new InvalidArgumentError('A number is expected, as the lists show it.');
  return text;
}
