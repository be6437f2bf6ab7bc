import { styleText } from 'node:util';
import type { AttemptResult } from '../../core/model.ts';
import { printable } from '../../core/printable.ts';
import { shownTime } from '../shown-time.ts';
import type { PushedDelivery } from './documents.ts';

/** Characters of one text from outside in a line. */
const shownChars = 120;

/** An event in one line for people. What others wrote is cleaned of what could steer the terminal. */
export function eventLine(delivery: PushedDelivery, at: Date): string {
  const { syncId, attempt, mode, event } = delivery;
  const { sourceSystem, sourceModule, sourceId, sourceVersion, amount, currency } = event.voucher;
  const parts = [
    styleText('dim', shownTime(at)),
    `sync ${syncId}`,
    shown(event.eventType),
    [sourceSystem, sourceModule, sourceId].map(shown).join('/'),
    `v${sourceVersion}`,
    `${amount} ${shown(currency)}`,
    mode.toLowerCase(),
  ];
  if (attempt > 1) parts.push(`attempt ${attempt}`);
  return parts.join('  ');
}

/** Gives what a forwarded event came to, to follow its line. */
export function resultText(result: AttemptResult, isFinal: boolean): string {
  const { statusCode, errorCode, durationMs } = result;
  if (errorCode === null) return styleText('green', `→ ${statusCode} in ${durationMs} ms`);
  const end = isFinal ? 'rejected for good' : 'rejected (retryable)';
  return styleText(isFinal ? 'red' : 'yellow', `→ ${shown(errorCode)} in ${durationMs} ms, ${end}`);
}

function shown(text: string): string {
  return printable(text, shownChars);
}
