import { Command } from 'commander';
import { systemClock } from '../core/clock.ts';
import { type ClientOptions, createClient, type HubClient, withClientOptions } from './client.ts';
import type { CommandResult } from './command-result.ts';
import { printDifferences, reportFaults } from './fix-data/differences.ts';
import { graphql } from './generated/gql.ts';
import type { CheckReportFragment } from './generated/graphql.ts';
import { readId } from './id-argument.ts';
import { readDay } from './instant.ts';
import { listenForStop } from './signals.ts';
import { note, plural, print, printJson } from './terminal.ts';

graphql(`
  fragment CheckReport on ConsistencyReport {
    id state from to autoFix checked requests bytesExchanged differenceCount errorMessage startedAt completedAt
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

/** How often a check that takes long is asked for, milliseconds. */
const pollMs = 1_000;

type Report = CheckReportFragment;

interface CheckOptions extends ClientOptions {
  readonly subscription: string;
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

Exit codes: 0 where nothing differs (any more), 1 where something does or the check FAILED, 2 for wrong usage.`;

/** `hub check`: whether a consumer holds what it should. */
export function checkCommand(result: CommandResult): Command {
  const command = new Command('check')
    .description('ask a consumer what it holds, and compare it with what it should hold')
    .requiredOption('--subscription <id>', 'whose consumer', readId)
    .option('--from <day>', 'voucher dates from this day on, YYYY-MM-DD', readDay)
    .option('--to <day>', 'voucher dates up to this day', readDay)
    .option('--auto-fix', 'send again what differs, and verify it')
    .option('--json', 'print JSON')
    .addHelpText('after', examples);
  return withClientOptions(command).action(async (options: CheckOptions) => {
    const { subscription: subscriptionId, from, to, autoFix } = options;
    const client = createClient(options);
    const input = { subscriptionId, from: from ?? null, to: to ?? null, autoFix: autoFix ?? false };
    const { runConsistencyCheck: begun } = await client.request(runCheck, { input });
    const report = await ended(client, begun);
    const left = report.differences.filter(({ repaired }) => !repaired).length;
    if (report.state !== 'DONE' || report.errorMessage != null || left > 0) result.exitCode = 1;
    if (options.json) return printJson(report);
    tell(report);
  });
}

/** Waits for a check's end; Ctrl-C ends the waiting, not the check. */
async function ended(client: HubClient, begun: Report): Promise<Report> {
  using stop = listenForStop();
  let report = begun;
  while (report.state === 'RUNNING' && !stop.signal.aborted) {
    note(
      `  report ${report.id}: ${plural(report.requests, 'question')}, ${bytes(report.bytesExchanged)} so far`,
    );
    await systemClock.sleep(pollMs, stop.signal);
    report = (await client.request(readReport, { id: report.id })).consistencyReport ?? report;
  }
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

function bytes(count: number): string {
  if (count < 1_024) return `${count} B`;
  return count < 1_048_576 ? `${(count / 1_024).toFixed(1)} KiB` : `${(count / 1_048_576).toFixed(1)} MiB`;
}
