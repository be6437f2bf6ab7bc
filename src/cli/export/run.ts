import { BusinessTime } from '../../core/business-time.ts';
import { systemClock } from '../../core/clock.ts';
import { createClient, type HubClient } from '../client.ts';
import { type Progress, startProgress } from '../progress.ts';
import { listenForStop } from '../signals.ts';
import { duration, note, plural, print, printJson } from '../terminal.ts';
import type { Format } from './format.ts';
import { openFormat } from './formats.ts';
import type { ExportOptions } from './options.ts';
import { type PageSource, readPages } from './pages.ts';
import { placeOf } from './place.ts';
import { rangeOf } from './range.ts';
import type { ExportSubject } from './subject.ts';
import { checkSubscription, syncsOf } from './syncs.ts';
import { type ExportTarget, openFileTarget, standardOutput } from './target.ts';
import { vouchersOf } from './vouchers.ts';

/** Exit code after Ctrl-C: 128 + SIGINT. */
const stoppedExitCode = 130;

/** Sets how long the count for the progress is waited for, milliseconds: over a long history it takes as long as the export. */
const countMs = 5_000;

/** Writes syncs or vouchers of a range. @returns the exit code */
export async function runExport(options: ExportOptions): Promise<number> {
  using stop = listenForStop();
  const time = new BusinessTime(options.timeZone);
  const subject = subjectOf(options, time);
  // Before the hub is asked: what can't be written need not be read.
  const place = options.output === undefined ? null : await placeOf(options.output);
  const client = createClient(options);
  if (options.subscription !== undefined)
    await checkSubscription(client, options.subscription, stop.signal).catch((error: unknown) => {
      if (!stop.signal.aborted) throw error;
    });
  if (Date.parse(subject.range.from) > systemClock.now())
    note(`--from ${options.from} is ahead of now: nothing has been recorded there yet.`);
  const format = await openFormat(options.format, subject.columns, time);
  const total = await countOf(client, subject, stop.signal);
  const startedAt = systemClock.steady();
  using progress = startProgress({ total, things: `${subject.thing}s` }, systemClock);
  const say = (message: string) => progress.say(message);
  const source = { client, clock: systemClock, subject, stop: stop.signal, say };
  await using target = place === null ? standardOutput : await openFileTarget(place);
  const end = await copy({ source, format, target, progress }).catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
    return null;
  });
  progress[Symbol.dispose]();
  if (stop.signal.aborted || end === null) {
    note(`✗ Stopped.${options.output === undefined ? '' : ' No file was written.'}`);
    return stoppedExitCode;
  }
  // Whoever read it has seen enough, and need not be told.
  if (!end.isRead) return 1;
  await target.commit();
  report(options, { rows: end.rows, ms: systemClock.steady() - startedAt, subject });
  return 0;
}

interface Copying {
  readonly source: PageSource;
  readonly format: Format;
  readonly target: ExportTarget;
  readonly progress: Progress;
}

/** Copies all pages. `isRead`: whether it was read to the end. */
async function copy({
  source,
  format,
  target,
  progress,
}: Copying): Promise<{ rows: number; isRead: boolean }> {
  let count = 0;
  if (!(await target.write(format.begin()))) return { rows: 0, isRead: false };
  for await (const page of readPages(source)) {
    if (!(await target.write(format.rows(page)))) return { rows: count, isRead: false };
    count += page.length;
    progress.update(count, count);
    if (source.stop.aborted) break;
  }
  return { rows: count, isRead: await target.write(format.end()) };
}

function subjectOf(options: ExportOptions, time: BusinessTime): ExportSubject {
  const now = systemClock.now();
  if (options.what === 'vouchers') return vouchersOf(options, time.dayOf(now));
  return syncsOf(rangeOf(options, time, now), time, options.subscription);
}

/** Null where it takes long; also asks whether the hub is there and takes the key, before a file is touched. */
async function countOf(client: HubClient, subject: ExportSubject, stop: AbortSignal): Promise<number | null> {
  const late = AbortSignal.timeout(countMs);
  const enough = AbortSignal.any([late, stop]);
  try {
    return await subject.count(client, enough);
  } catch (error) {
    if (enough.aborted) return null;
    throw error;
  }
}

function report(
  { output, format, json }: ExportOptions,
  { rows, ms, subject }: { rows: number; ms: number; subject: ExportSubject },
): void {
  const { from, to, words } = subject.range;
  const rowsPerSecond = Math.round((rows * 1_000) / Math.max(1, ms));
  if (json) return printJson({ file: output, format, rows, from, to, seconds: ms / 1_000, rowsPerSecond });
  const what = `${plural(rows, subject.thing)} ${words}, in ${duration(ms)} (${rowsPerSecond.toLocaleString('en-US')}/s)`;
  if (output === undefined) note(`✓ ${what}`);
  else print(`✓ ${output}: ${what}`);
}
