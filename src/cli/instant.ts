import { InvalidArgumentError } from 'commander';
import { HubError } from '../core/errors.ts';

/**
 * A day (from its midnight on this machine) or an instant with offset, as a command's option gives it.
 * @returns ISO 8601 in UTC @throws HubError BAD_USER_INPUT
 */
export function instantOf(option: string, text: string): string {
  const day = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  const withOffset = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/.test(text);
  const instant =
    day === null
      ? new Date(withOffset ? text : Number.NaN)
      : new Date(Number(day[1]), Number(day[2]) - 1, Number(day[3]));
  // A day that is not in the calendar (31 April) comes back as another one.
  const real =
    !Number.isNaN(instant.getTime()) &&
    (day === null || (instant.getMonth() + 1 === Number(day[2]) && instant.getDate() === Number(day[3])));
  if (!real)
    throw new HubError(
      'BAD_USER_INPUT',
      `${option}: "${text}" is neither a day (2025-12-19) nor an instant with offset (2025-12-19T08:00:00+08:00).`,
    );
  return instant.toISOString();
}

/** Reads a calendar day, which the hub takes by its own business time zone. */
export function readDay(text: string): string {
  const day = /^\d{4}-\d{2}-\d{2}$/.test(text) ? new Date(`${text}T00:00:00Z`) : null;
  if (day === null || Number.isNaN(day.getTime()) || !day.toISOString().startsWith(text))
    throw new InvalidArgumentError('A calendar day is expected, e.g. 2025-12-19.');
  return text;
}
