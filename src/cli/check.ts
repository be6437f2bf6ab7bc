import { Command } from 'commander';
import { systemClock } from '../core/clock.ts';
import { HubError } from '../core/errors.ts';
import { type ClientOptions, createClient, type HubClient, withClientOptions } from './client.ts';
import type { CommandResult } from './command-result.ts';
import { printDifferences, reportFaults } from './fix-data/differences.ts';
import { bytes, followReports, stillThere } from './fix-data/follow-reports.ts';
import { graphql } from './generated/gql.ts';
import type { CheckReportFragment } from './generated/graphql.ts';
import { readId } from './id-argument.ts';
import { readDay } from './instant.ts';
import { interruptedExitCode, listenForStop } from './signals.ts';
import { note, plural, print, printJson } from './terminal.ts';

graphql(`
  fragment CheckReport on ConsistencyReport {
    id state from to autoFix checked requests bytesExchanged differenceCount repairedCount errorMessage startedAt completedAt
    subscription { id name targetSystem }
    differences(first: 1000) {
      kind sourceSystem sourceModule sourceId expectedVersion expectedDigest actualVersion actualDigest repaired
      subscription { id }
    }
  }
`);

const runCheck = graphql(`
  mutation RunCheck($input: ConsistencyCheckInput!) { runConsistencyCheck(input: $input) { ...CheckReport } }
`);

const readReport = graphql(`
  query ReadReport($id: ID!) { consistencyReport(id: $id) { ...CheckReport } }
`);

type Report = CheckReportFragment;

interface CheckOptions extends ClientOptions {
  readonly subscription?: string;
  readonly report?: string;
  readonly from?: string;
  readonly to?: string;
  readonly autoFix?: boolean;
  readonly json?: boolean;
}

const examples = `
Examples:
  hub check --subscription 7                      all that it covers
  hub check --subscription 7 --from 2025-12-01    vouchers of December and later
  hub check --subscription 7 --auto-fix           sends again what differs, unless it is too much
  hub check --report 75                           a check or repair that was begun before: waits for its end

Ctrl-C ends the watching, not the check.

Exit codes: 0 where nothing differs (any more), 1 where something does or the check FAILED, 2 for wrong usage.`;

/** `hub check`: whether a consumer holds what it should. */
export function checkCommand(result: CommandResult): Command {
  const command = new Command('check')
    .description('ask a consumer what it holds, and compare it with what it should hold')
    .option('--subscription <id>', 'whose consumer', readId)
    .option('--report <id>', 'begin nothing; show this report, of fix-data too', readId)
    .option('--from <day>', 'voucher dates from this day on, YYYY-MM-DD', readDay)
    .option('--to <day>', 'voucher dates up to this day', readDay)
    .option('--auto-fix', 'send again what differs, and verify it')
    .option('--json', 'print JSON')
    .addHelpText('after', examples);
  return withClientOptions(command).action(async (options: CheckOptions) => {
    const fault = usageFault(options);
    if (fault !== null) command.error(`error: ${fault}`);
    const client = createClient(options);
    const report = await ended(client, options);
    if (report === null) {
      result.exitCode = interruptedExitCode;
      return;
    }
    const left = report.differenceCount - report.repairedCount;
    if (report.state !== 'DONE' || report.errorMessage != null || left > 0) result.exitCode = 1;
    if (options.json) return printJson(report);
    tell(report);
  });
}

function usageFault({ subscription, report, from, to, autoFix }: CheckOptions): string | null {
  if (report === undefined) {
    if (subscription === undefined) return '--subscription or --report is needed';
    return from !== undefined && to !== undefined && from > to
      ? `--to: ${to} is before --from, ${from}`
      : null;
  }
  const others = [subscription, from, to, autoFix];
  return others.some(other => other !== undefined) ? '--report shows what was begun: it goes alone' : null;
}

/** Begins a check, or finds it, and waits for its end. Null: stopped watching. */
async function ended(client: HubClient, options: CheckOptions): Promise<Report | null> {
  using stop = listenForStop();
  const read = async (id: string) => (await client.request(readReport, { id })).consistencyReport;
  const begun = await Promise.race([begin(client, options, read), stop.asked]);
  const reports =
    begun === undefined
      ? null
      : await followReports([begun], { read, stop: stop.signal, clock: systemClock });
  if (reports === null) note(stillThere(begun === undefined ? [] : [begun.id]));
  // What was asked for is under way at the hub: an answer that is still to come is not waited for.
  if (begun === undefined) process.exit(interruptedExitCode);
  return reports?.[0] ?? null;
}

async function begin(
  client: HubClient,
  { subscription, report: id, from, to, autoFix }: CheckOptions,
  read: (id: string) => Promise<Report | null | undefined>,
): Promise<Report> {
  if (id === undefined) {
    const input = {
      subscriptionId: subscription ?? '',
      from: from ?? null,
      to: to ?? null,
      autoFix: autoFix ?? false,
    };
    return (await client.request(runCheck, { input })).runConsistencyCheck;
  }
  const report = await read(id);
  if (report == null) throw new HubError('NOT_FOUND', `There is no report ${id}.`);
  return report;
}

function tell(report: Report): void {
  const { differences, differenceCount: found } = report;
  printDifferences({ dryRun: !report.autoFix, found, differences });
  const cost = `${plural(report.checked, 'record')}, ${plural(report.requests, 'question')}, ${bytes(report.bytesExchanged)}`;
  for (const text of reportFaults([report])) note(`✗ ${text}`);
  if (report.state !== 'DONE') return;
  print(`${found === 0 ? '✓ Nothing differs' : plural(found, 'difference')} (${cost}; report ${report.id}).`);
}
