import type { Clock } from '../../core/clock.ts';
import { note, plural } from '../terminal.ts';

/** Sets how often a check that takes long is asked for: soon at first, milliseconds. */
const firstPollMs = 100;
const pollMs = 1_000;

/** Holds what is told of a report while it is RUNNING. */
interface FollowedReport {
  readonly id: string;
  readonly state: string;
  readonly checked: number;
  readonly requests: number;
  readonly bytesExchanged: number;
  readonly differenceCount: number;
  readonly repairedCount: number;
}

/** Waits until reports have ended, and shows on standard error how far they are. @returns null: it was stopped */
export async function followReports<Report extends FollowedReport>(
  begun: readonly Report[],
  {
    read,
    stop,
    clock,
  }: { read: (id: string) => Promise<Report | null | undefined>; stop: AbortSignal; clock: Clock },
): Promise<Report[] | null> {
  using shown = startShowing();
  let reports = [...begun];
  for (let pauseMs = firstPollMs; ; pauseMs = Math.min(2 * pauseMs, pollMs)) {
    const running = reports.filter(({ state }) => state === 'RUNNING');
    if (running.length === 0) return reports;
    if (stop.aborted) return null;
    // What is over at once needs no word.
    if (pauseMs >= pollMs) shown.show(progressOf(reports, running));
    await clock.sleep(pauseMs, stop);
    const now = await Promise.all(
      reports.map(async report =>
        report.state === 'RUNNING' ? ((await read(report.id)) ?? report) : report,
      ),
    );
    reports = now;
  }
}

/** Gives what goes on at the hub, for those who stop watching it. */
export function stillThere(ids: readonly string[]): string {
  const [first] = ids;
  return first === undefined
    ? 'The watching has ended; what was begun at the hub goes on there (consistencyReports lists it).'
    : `The watching has ended; the hub goes on with ${ids.length === 1 ? 'report' : 'reports'} ${ids.join(', ')}. hub check --report ${first} shows it.`;
}

/** Bytes as people read them. */
export function bytes(count: number): string {
  if (count < 1_024) return `${count} B`;
  return count < 1_048_576 ? `${(count / 1_024).toFixed(1)} KiB` : `${(count / 1_048_576).toFixed(1)} MiB`;
}

function progressOf(reports: readonly FollowedReport[], running: readonly FollowedReport[]): string {
  const sum = (of: (report: FollowedReport) => number) => reports.reduce((all, one) => all + of(one), 0);
  const names = running
    .slice(0, 5)
    .map(({ id }) => id)
    .join(', ');
  const found = sum(({ differenceCount }) => differenceCount);
  const mended = sum(({ repairedCount }) => repairedCount).toLocaleString('en-US');
  const differences = found === 0 ? '' : `, ${plural(found, 'difference')}, ${mended} verified`;
  return `report ${names}: ${plural(
    sum(({ requests }) => requests),
    'question',
  )}, ${bytes(sum(({ bytesExchanged }) => bytesExchanged))}${differences} so far`;
}

/** One line in place on a terminal, else a line whenever something has changed. */
function startShowing(): Disposable & { show(text: string): void } {
  let last = '';
  return {
    show(text) {
      if (text === last) return;
      last = text;
      if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K  ${text}`);
      else note(`  ${text}`);
    },
    [Symbol.dispose]() {
      if (last !== '' && process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    },
  };
}
