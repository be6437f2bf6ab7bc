import type { BusinessTime } from '../../core/business-time.ts';
import { badInput } from '../../core/errors.ts';
import { instantOf } from '../instant.ts';

/**
 * A day (from its beginning by the business clock) or an instant with offset, as an option gives it.
 * @returns milliseconds since 1970 @throws HubError BAD_USER_INPUT
 */
export function businessInstantOf(option: string, text: string, time: BusinessTime): number {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return Date.parse(instantOf(option, text));
  const start = time.startOf(text);
  if (start === null)
    throw badInput(option, `${option}: ${text} is no day of the calendar in ${time.timeZone}.`);
  return start;
}
