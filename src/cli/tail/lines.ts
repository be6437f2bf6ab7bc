import { styleText } from 'node:util';
import { legible } from '../../core/answer-text.ts';
import { printable } from '../../core/printable.ts';
import { shownTime } from '../shown-time.ts';
import { duration, plural } from '../terminal.ts';
import type { TailedSync } from './documents.ts';

/** Characters of one text from outside in a line, and of an error's message. */
const shownChars = 120;
const messageChars = 200;
const answerChars = 500;

const colours = {
  PENDING: 'dim',
  PROCESSING: 'cyan',
  RETRYING: 'yellow',
  SUCCESS: 'green',
  FAILED: 'red',
  CANCELLED: 'magenta',
} as const;

/** Says how a sync stands, in one line for people. What others wrote is cleaned of what could steer the terminal. */
export function syncLine(sync: TailedSync): string {
  const { id, subscription, event, status } = sync;
  const { sourceSystem, sourceModule, sourceId } = event.voucher;
  return [
    styleText('dim', shownTime(changedAt(sync))),
    `sync ${id}`,
    `${shown(subscription.name)} (${subscription.id})`,
    [sourceSystem, sourceModule, sourceId].map(shown).join('/'),
    `v${event.sourceVersion}`,
    styleText(colours[status], status),
    detailOf(sync),
  ]
    .filter(part => part !== '')
    .join('  ');
}

/**
 * Gives what the target answered to the last attempt, below the line of a sync that failed; null: nothing, or it did
 * not fail.
 */
export function answerLine({ status, attempts }: TailedSync): string | null {
  if (status !== 'FAILED' && status !== 'RETRYING') return null;
  const excerpt = attempts.at(-1)?.responseExcerpt ?? '';
  // Excerpts that an older hub wrote still have escapes.
  const answered = printable(legible(excerpt), answerChars);
  return answered === '' ? null : `    answered: ${answered}`;
}

/** When it came to stand like this, as far as the log knows. */
function changedAt(sync: TailedSync): Date {
  const { status, attempts, createdAt, nextAttemptAt, syncStartedAt, syncCompletedAt } = sync;
  if (syncCompletedAt != null) return new Date(syncCompletedAt);
  const last = attempts.at(-1);
  if (status === 'PROCESSING')
    return new Date((last === undefined ? syncStartedAt : nextAttemptAt) ?? createdAt);
  return last === undefined
    ? new Date(createdAt)
    : new Date(new Date(last.startedAt).getTime() + last.durationMs);
}

function detailOf(sync: TailedSync): string {
  const { status, attempts, errorCode, nextAttemptAt, latencyMs } = sync;
  const made = attempts.at(-1)?.number ?? 0;
  const error = errorCode == null ? '' : errorText(sync);
  switch (status) {
    case 'PENDING':
      return '';
    case 'PROCESSING':
      return `attempt ${made + 1}`;
    case 'RETRYING': {
      const due = nextAttemptAt == null ? '' : ` at ${shownTime(nextAttemptAt)}`;
      return `${error}  attempt ${made + 1}${due}`;
    }
    case 'SUCCESS': {
      const tries = made > 1 ? `  after ${plural(made, 'attempt')}` : '';
      return latencyMs == null ? tries.trim() : `in ${duration(latencyMs)}${tries}`;
    }
    case 'FAILED':
    case 'CANCELLED':
      return `${error}  after ${plural(made, 'attempt')}`.trim();
  }
}

function errorText({ errorCode, errorMessage }: TailedSync): string {
  return `${shown(errorCode ?? '')} ${printable(errorMessage ?? '', messageChars)}`.trim();
}

function shown(text: string): string {
  return printable(text, shownChars);
}
