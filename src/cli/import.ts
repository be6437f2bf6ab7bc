import { styleText } from 'node:util';
import { Command, InvalidArgumentError } from 'commander';
import { systemClock } from '../core/clock.ts';
import { type ClientOptions, createClient, type HubClient, withClientOptions } from './client.ts';
import type { CommandResult } from './command-result.ts';
import { graphql } from './generated/gql.ts';
import type { RejectedLine } from './import/batches.ts';
import { type ImportCounts, Importer } from './import/importer.ts';
import { openLines } from './import/lines.ts';
import { RejectedFile, sortableBytes } from './import/rejected-file.ts';
import { isPassing, Sender } from './import/sender.ts';
import { startProgress } from './progress.ts';
import { listenForStop, type Stop } from './signals.ts';
import { duration, note, plural, print, printJson } from './terminal.ts';

/** Sets how long requests under way may still take after Ctrl-C, milliseconds. */
const finishMs = 5_000;

/** Exit code after Ctrl-C: 128 + SIGINT. */
const stoppedExitCode = 130;

/** Costs nothing; tells a hub that is away and a key that is not good before the file is touched. */
const greeting = graphql(`query ImportGreeting { __typename }`);

interface ImportOptions extends ClientOptions {
  readonly json?: boolean;
  readonly wait: number;
}

interface Summary extends ImportCounts {
  readonly file: string;
  /** Null where nothing was refused. */
  readonly rejectedFile: string | null;
  readonly firstRefused: Omit<RejectedLine, 'input'> | null;
  readonly seconds: number;
  /** False where it ended before the end of the file. */
  readonly complete: boolean;
}

/** `hub import FILE`: records every line of a JSON Lines file. */
export function importCommand(result: CommandResult): Command {
  const command = new Command('import')
    .description('record every line of a JSON Lines file of RecordVoucherInput; .gz too, and of any size')
    .argument('<file>', 'what is refused goes to <file>.rejected.jsonl with the reason')
    .option('--json', 'print the summary as JSON')
    .option('--wait <seconds>', 'how long to wait for a hub that stops answering', readSeconds, 60)
    .addHelpText(
      'after',
      `\nRun again, it records nothing twice; where lines change one record, let them say its sourceVersion.
What is refused stands in the order of its lines; beyond ${sortableBytes / 1_048_576} MiB in the order of the hub's answers.`,
    );
  return withClientOptions(command).action(async (file: string, options: ImportOptions) => {
    result.exitCode = await importFile(file, options);
  });
}

async function importFile(file: string, options: ImportOptions): Promise<number> {
  using stop = listenForStop();
  const client = createClient(options);
  await using input = await openLines(file);
  await client.request(greeting, {});
  using rejected = new RejectedFile(file);
  const startedAt = systemClock.now();
  using progress = startProgress({ total: input.size, things: 'lines' }, systemClock);
  const sender = createSender(client, options.wait * 1_000, stop, message => progress.say(message));
  const importer = new Importer({
    sender,
    stop: stop.signal,
    reject: line => rejected.add(line),
    onProgress: (bytes, lines) => progress.update(bytes, lines),
  });
  const fault = await importer.run(input.lines()).then(
    () => null,
    (error: unknown) => ({ error }),
  );
  progress[Symbol.dispose]();
  rejected.sort();
  const summary: Summary = {
    file,
    ...importer.counts,
    rejectedFile: rejected.exists ? rejected.path : null,
    firstRefused: importer.firstRefused,
    seconds: (systemClock.now() - startedAt) / 1_000,
    complete: fault === null && !stop.signal.aborted,
  };
  report(summary, importer.updatedWithoutVersion, options.json === true);
  return exitCodeAfter(summary, fault, stop);
}

function createSender(
  client: HubClient,
  patienceMs: number,
  stop: Stop,
  onOutage: (message: string) => void,
): Sender {
  const abandon = new AbortController();
  stop.signal.addEventListener('abort', () => {
    onOutage('Stopping: requests under way are finished first. Ctrl-C again stops at once.');
    systemClock.after(finishMs, () => abandon.abort());
  });
  return new Sender({
    client,
    clock: systemClock,
    patienceMs,
    stop: stop.signal,
    abandon: abandon.signal,
    onOutage,
  });
}

function exitCodeAfter(summary: Summary, fault: { error: unknown } | null, stop: Stop): number {
  if (stop.signal.aborted) {
    note('✗ Stopped before the end of the file. Run it again: what is recorded is not recorded twice.');
    return stoppedExitCode;
  }
  if (fault === null) return summary.refused > 0 ? 1 : 0;
  if (!isPassing(fault.error)) throw fault.error;
  note(
    `✗ ${fault.error.message} Given up; run it again once the hub answers: what is recorded is not recorded twice.`,
  );
  return 1;
}

function report(summary: Summary, updatedWithoutVersion: number, json: boolean): void {
  if (json) printJson(summary);
  else reportToPeople(summary);
  if (updatedWithoutVersion > 0) {
    note(
      `! ${plural(updatedWithoutVersion, 'line')} changed a record without a sourceVersion. Imported again, such lines may change it again; give them one.`,
    );
  }
}

function reportToPeople(summary: Summary): void {
  const rate = Math.round(summary.lines / Math.max(0.001, summary.seconds)).toLocaleString('en-US');
  print(
    `${headOf(summary)}: ${plural(summary.lines, 'line')} in ${duration(summary.seconds * 1_000)} (${rate} lines/s)`,
  );
  const meanings = {
    refused: summary.rejectedFile === null ? '' : `see ${summary.rejectedFile}; ${firstOf(summary)}`,
    created: 'first time that the record is seen',
    updated: 'newer version of a known record',
    duplicate: 'known already, nothing recorded',
    stale: 'older than the known version, kept in the history',
  } as const;
  for (const name of ['refused', 'created', 'updated', 'duplicate', 'stale'] as const) {
    const count = summary[name];
    if (count > 0)
      print(`  ${name.padEnd(9)} ${count.toLocaleString('en-US').padStart(11)}   ${meanings[name]}`);
  }
}

function firstOf({ firstRefused }: Summary): string {
  return firstRefused === null ? '' : `line ${firstRefused.line}: ${firstRefused.message}`;
}

/** Refused lines come first: under a ✓ nobody would look for them. */
function headOf({ file, complete, refused }: Summary): string {
  const what = refused === 0 ? file : `${plural(refused, 'line')} refused of ${file}`;
  if (!complete) return `✗ ${what}`;
  return `${refused === 0 ? '✓' : styleText('yellow', '!')} ${what}`;
}

function readSeconds(text: string): number {
  const seconds = Number(text);
  if (text.trim() === '' || !Number.isFinite(seconds) || seconds < 0)
    throw new InvalidArgumentError('A number of seconds is expected.');
  return seconds;
}
