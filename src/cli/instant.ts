import { InvalidArgumentError } from 'commander';
import { readClientEnvironment } from '../config/client-environment.ts';
import { processEnvironment } from '../config/config.ts';
import { isTimeZone } from '../config/setting-types.ts';
import { BusinessTime } from '../core/business-time.ts';
import { badInput } from '../core/errors.ts';
import { UsageError } from './usage-error.ts';

const dayForm = /^\d{4}-\d{2}-\d{2}$/;
const instantForm = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/;

/** The business clock by HUB_TIME_ZONE, by which commands mean days. @throws HubError BAD_USER_INPUT */
export function businessTime(): BusinessTime {
  const { timeZone } = readClientEnvironment(processEnvironment());
  if (!isTimeZone(timeZone))
    throw badInput('HUB_TIME_ZONE', `HUB_TIME_ZONE: "${timeZone}" is no IANA time zone, e.g. Asia/Shanghai.`);
  return new BusinessTime(timeZone);
}

/**
 * A day (from its beginning by the business clock) or an instant with offset, as a command's option gives it.
 * @returns milliseconds since 1970 @throws UsageError
 */
export function instantOf(option: string, text: string, time: BusinessTime): number {
  if (dayForm.test(text)) {
    const start = time.startOf(text);
    if (start === null)
      throw new UsageError(`${option}: ${text} is no day of the calendar in ${time.timeZone}.`);
    return start;
  }
  const instant = instantForm.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(instant))
    throw new UsageError(
      `${option}: "${text}" is neither a day (2025-12-19) nor an instant with offset (2025-12-19T08:00:00+08:00).`,
    );
  return instant;
}

/** Reads a calendar day, which the hub takes by its own business time zone. */
export function readDay(text: string): string {
  const day = dayForm.test(text) ? new Date(`${text}T00:00:00Z`) : null;
  if (day === null || Number.isNaN(day.getTime()) || !day.toISOString().startsWith(text))
    throw new InvalidArgumentError('A calendar day is expected, e.g. 2025-12-19.');
  return text;
}
