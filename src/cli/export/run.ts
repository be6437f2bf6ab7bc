import { BusinessTime } from '../../core/business-time.ts';
import { systemClock } from '../../core/clock.ts';
import { createClient, type HubClient, RefusedError } from '../client.ts';
import type { SyncLogFilter } from '../generated/graphql.ts';
import { type Progress, startProgress } from '../progress.ts';
import { listenForStop } from '../signals.ts';
import { duration, note, plural, print, printJson } from '../terminal.ts';
import { rowOf, subscriptionKnown, syncsCount } from './columns.ts';
import type { Format } from './format.ts';
import { openFormat } from './formats.ts';
import type { ExportOptions } from './options.ts';
import { type PageSource, readPages } from './pages.ts';
import { placeOf } from './place.ts';
import { type Range, rangeOf } from './range.ts';
import { openFileTarget, standardOutput, type Target } from './target.ts';

/** Exit code after Ctrl-C: 128 + SIGINT. */
const stoppedExitCode = 130;

/** How long the count for the progress is waited for, milliseconds: over a long history it takes as long as the export. */
const countMs = 5_000;

/** Writes the sync log of a range. @returns the exit code */
export async function exportSyncs(options: ExportOptions): Promise<number> {
  using stop = listenForStop();
  const time = new BusinessTime(options.timeZone);
  const range = rangeOf(options, time, systemClock.now());
  // Before the hub is asked: what can't be written need not be read.
  const place = options.output === undefined ? null : await placeOf(options.output);
  const client = createClient(options);
  await checkSubscription(client, options.subscription, stop.signal).catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
  });
  if (range.from > systemClock.now())
    note(`--from ${options.from} is ahead of now: nothing has been recorded there yet.`);
  const filter = filterOf(options, range);
  const format = await openFormat(options.format, time);
  const total = await countOf(client, filter, stop.signal);
  const startedAt = systemClock.steady();
  using progress = startProgress({ total, things: 'syncs' }, systemClock);
  const say = (message: string) => progress.say(message);
  const source = { client, clock: systemClock, filter, stop: stop.signal, say };
  await using target = place === null ? standardOutput : await openFileTarget(place);
  const end = await copy({ source, range, format, target, progress }).catch((error: unknown) => {
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
  report(options, { rows: end.rows, ms: systemClock.steady() - startedAt, range, time });
  return 0;
}

interface Copying {
  readonly source: PageSource;
  readonly range: Range;
  readonly format: Format;
  readonly target: Target;
  readonly progress: Progress;
}

/** Copies all pages. `isRead`: whether it was read to the end. */
async function copy({
  source,
  range,
  format,
  target,
  progress,
}: Copying): Promise<{ rows: number; isRead: boolean }> {
  let count = 0;
  if (!(await target.write(format.begin()))) return { rows: 0, isRead: false };
  for await (const page of readPages(source)) {
    // The hub's own bound counts its last millisecond in.
    const rows = page.filter(sync => Date.parse(sync.createdAt) < range.to).map(rowOf);
    if (!(await target.write(format.rows(rows)))) return { rows: count, isRead: false };
    count += rows.length;
    progress.update(count, count);
    if (source.stop.aborted) break;
  }
  return { rows: count, isRead: await target.write(format.end()) };
}

function filterOf(options: ExportOptions, range: Range): SyncLogFilter {
  return {
    subscriptionId: options.subscription ?? null,
    createdFrom: new Date(range.from).toISOString(),
    createdTo: new Date(range.to).toISOString(),
  };
}

/** @throws RefusedError NOT_FOUND; whatever comes after `stop` is of no meaning */
async function checkSubscription(
  client: HubClient,
  id: string | undefined,
  stop: AbortSignal,
): Promise<void> {
  if (id === undefined) return;
  const variables = JSON.stringify({ id, filter: { subscriptionId: id } });
  const { dataSubscription, syncLogs } = await client.requestText(subscriptionKnown, variables, stop);
  if (dataSubscription == null && syncLogs.edges.length === 0)
    throw new RefusedError('NOT_FOUND', `There is no subscription ${id} that the key may see.`);
}

/** Null where it takes long; also asks whether the hub is there and takes the key, before a file is touched. */
async function countOf(client: HubClient, filter: SyncLogFilter, stop: AbortSignal): Promise<number | null> {
  const late = AbortSignal.timeout(countMs);
  const enough = AbortSignal.any([late, stop]);
  try {
    const { syncLogs } = await client.requestText(syncsCount, JSON.stringify({ filter }), enough);
    return syncLogs.totalCount;
  } catch (error) {
    if (enough.aborted) return null;
    throw error;
  }
}

function report(
  { output, format, json }: ExportOptions,
  { rows, ms, range, time }: { rows: number; ms: number; range: Range; time: BusinessTime },
): void {
  const [from, to] = [time.isoOf(range.from), time.isoOf(range.to)];
  const rowsPerSecond = Math.round((rows * 1_000) / Math.max(1, ms));
  if (json) return printJson({ file: output, format, rows, from, to, seconds: ms / 1_000, rowsPerSecond });
  const what = `${plural(rows, 'sync')} recorded from ${from} until ${to}, in ${duration(ms)} (${rowsPerSecond.toLocaleString('en-US')}/s)`;
  if (output === undefined) note(`✓ ${what}`);
  else print(`✓ ${output}: ${what}`);
}
