import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { systemClock } from '../core/clock.ts';
import { HubError } from '../core/errors.ts';
import { fileFault } from '../core/file-fault.ts';
import { limits } from '../core/limits.ts';
import { type ClientOptions, createClient, type HubClient, withClientOptions } from './client.ts';
import type { CommandResult } from './command-result.ts';
import { printDifferences, reportFaults } from './fix-data/differences.ts';
import { followReports, stillThere } from './fix-data/follow-reports.ts';
import { planOf, readPlan } from './fix-data/plan-file.ts';
import { graphql } from './generated/gql.ts';
import type { FixedFragment } from './generated/graphql.ts';
import { readId } from './id-argument.ts';
import { readDay } from './instant.ts';
import { interruptedExitCode, listenForStop } from './signals.ts';
import { note, plural, print, printJson } from './terminal.ts';

graphql(`
  fragment Fixed on FixDataResult {
    dryRun found fixed
    differences {
      kind sourceSystem sourceModule sourceId expectedVersion expectedDigest actualVersion actualDigest repaired
      subscription { id name targetSystem }
    }
    reports { ...FixReport }
    notCompared { reason subscription { id name targetSystem } }
  }
`);

graphql(`
  fragment FixReport on ConsistencyReport {
    id state checked requests bytesExchanged differenceCount repairedCount errorMessage
    subscription { id name targetSystem }
  }
`);

const readFixReport = graphql(`
  query ReadFixReport($id: ID!) { consistencyReport(id: $id) { ...FixReport } }
`);

const readFixDifferences = graphql(`
  query ReadFixDifferences($id: ID!, $first: Int!) {
    consistencyReport(id: $id) {
      differences(first: $first) {
        kind sourceSystem sourceModule sourceId expectedVersion expectedDigest actualVersion actualDigest repaired
        subscription { id name targetSystem }
      }
    }
  }
`);

const fixData = graphql(`
  mutation FixData($date: Date!, $subscriptionId: ID, $dryRun: Boolean!) {
    fixData(date: $date, subscriptionId: $subscriptionId, dryRun: $dryRun, wait: false) { ...Fixed }
  }
`);

const applyPlan = graphql(`
  mutation ApplyFixPlan($items: [FixPlanItemInput!]!) { applyFixPlan(items: $items, wait: false) { ...Fixed } }
`);

type Fixed = FixedFragment;

interface FixOptions extends ClientOptions {
  readonly date?: string;
  readonly dryRun?: boolean;
  readonly subscription?: string;
  readonly plan?: string;
  readonly apply?: string;
  readonly json?: boolean;
}

const examples = `
Examples:
  hub fix-data --date 2025-12-19 --dry-run                    what differs, and what would be sent
  hub fix-data --date 2025-12-19 --dry-run --plan plan.json   the same, kept as a plan
  hub fix-data --apply plan.json                              sends exactly that; refused where anything of it has changed
  hub fix-data --date 2025-12-19 --subscription 7             sends again what differs, and verifies it

Exit codes: 0 where all is as it should be, or was mended, and with --dry-run whatever differs (hub check exits 1 then);
1 where something is left or could not be checked; 2 for wrong usage. Records that only the consumer has are never touched,
and are not counted as left.

Once begun, the hub goes on by itself: Ctrl-C ends the watching, not the repair (hub check --report ID shows it).`;

/** `hub fix-data`: finds what consumers hold wrongly of one voucher date, and sends it again. */
export function fixDataCommand(result: CommandResult): Command {
  const command = new Command('fix-data')
    .description('find what a consumer holds wrongly of one voucher date, and send it again')
    .option('--date <day>', 'the voucher date, YYYY-MM-DD', readDay)
    .option('--dry-run', 'only show what differs and what would be sent')
    .option('--subscription <id>', 'only this subscription (left out: all whose consumers answer)', readId)
    .option(
      '--plan <file>',
      'with --dry-run: write what would be sent as a plan (10,000 differences at most)',
    )
    .option('--apply <file>', 'send exactly what a plan lists, if nothing of it has changed since')
    .option('--json', 'print JSON')
    .addHelpText('after', examples);
  return withClientOptions(command).action(async (options: FixOptions) => {
    const fault = usageFault(options);
    if (fault !== null) command.error(`error: ${fault}`);
    const fixed = await run(options, result);
    if (fixed === null) return;
    if (options.plan !== undefined) await writePlan(options.plan, fixed);
    const faults = [...reportFaults(fixed.reports), ...leftOut(fixed)];
    const left = fixed.differences.some(({ kind, repaired }) => !repaired && kind !== 'UNEXPECTED');
    // Nobody was asked: whoever runs this by the clock must not take that for a match.
    const nobody = fixed.reports.length === 0;
    if (nobody || faults.length > 0 || (left && !fixed.dryRun)) result.exitCode = 1;
    if (options.json) return printJson(fixed);
    tell(fixed, options);
    for (const text of faults) note(`✗ ${text}`);
  });
}

function usageFault({ date, dryRun, plan, apply, subscription }: FixOptions): string | null {
  if (apply !== undefined)
    return date !== undefined || dryRun || plan !== undefined || subscription !== undefined
      ? '--apply takes all that it does from the plan'
      : null;
  if (date === undefined) return '--date or --apply is needed';
  return plan !== undefined && !dryRun ? '--plan goes with --dry-run' : null;
}

/** Null: stopped watching. */
async function run(options: FixOptions, result: CommandResult): Promise<Fixed | null> {
  const client = createClient(options);
  using stop = listenForStop();
  const begun = await Promise.race([begin(client, options), stop.asked]);
  const followed =
    begun === undefined
      ? null
      : await followReports(begun.reports, {
          read: async id => (await client.request(readFixReport, { id })).consistencyReport,
          stop: stop.signal,
          clock: systemClock,
        });
  if (begun !== undefined && followed !== null) return withEnds(client, begun, followed);
  note(stillThere(begun?.reports.map(({ id }) => id) ?? []));
  result.exitCode = interruptedExitCode;
  // What was asked for is under way at the hub: an answer that is still to come is not waited for.
  if (begun === undefined) process.exit(interruptedExitCode);
  return null;
}

async function begin(client: HubClient, { date, subscription, dryRun, apply }: FixOptions): Promise<Fixed> {
  if (apply !== undefined) {
    const items = await readPlan(apply);
    return (await client.request(applyPlan, { items })).applyFixPlan;
  }
  const variables = { date: date ?? '', subscriptionId: subscription ?? null, dryRun: dryRun ?? false };
  return (await client.request(fixData, variables)).fixData;
}

/** Gives what it came to, once its reports have ended. */
async function withEnds(client: HubClient, begun: Fixed, reports: Fixed['reports']): Promise<Fixed> {
  const differences: Fixed['differences'] = [];
  for (const { id, differenceCount } of reports) {
    const first = Math.min(differenceCount, limits.planItems - differences.length);
    if (first === 0) continue;
    const { consistencyReport } = await client.request(readFixDifferences, { id, first });
    differences.push(...(consistencyReport?.differences ?? []));
  }
  return {
    ...begun,
    found: reports.reduce((sum, { differenceCount }) => sum + differenceCount, 0),
    fixed: reports.reduce((sum, { repairedCount }) => sum + repairedCount, 0),
    differences,
    reports,
  };
}

/** @throws HubError where the plan would not be whole, or can't be written */
async function writePlan(file: string, fixed: Fixed): Promise<void> {
  if (fixed.found > fixed.differences.length)
    throw new HubError(
      'LIMIT_EXCEEDED',
      `--plan: ${plural(fixed.found, 'difference')} are more than a plan takes (${limits.planItems.toLocaleString('en-US')}). fix-data without --dry-run sends them all; --subscription bounds a plan to one consumer.`,
    );
  try {
    await writeFile(file, `${JSON.stringify(planOf(fixed.differences), null, 2)}\n`, { flag: 'wx' });
  } catch (error) {
    throw new HubError('BAD_USER_INPUT', `--plan: ${file} can't be written: ${fileFault(error)}.`, {
      cause: error,
    });
  }
}

function leftOut({ notCompared }: Fixed): string[] {
  return notCompared.map(
    ({ subscription: { id, name, targetSystem }, reason }) =>
      `Subscription ${id} (${name} of ${targetSystem}) was not compared: ${reason}`,
  );
}

function tell(fixed: Fixed, { plan }: FixOptions): void {
  const checked = fixed.reports.filter(({ state }) => state === 'DONE');
  const records = checked.reduce((sum, report) => sum + report.checked, 0);
  if (fixed.reports.length === 0) {
    if (fixed.notCompared.length > 0) return;
    note(
      '✗ No consumer answers consistency questions: none has a consistencyUrl, or answers over its socket.',
    );
    return;
  }
  // Where no check came to its end, what kept it from that is all there is to tell.
  if (checked.length === 0) return;
  printDifferences(fixed);
  const asked = `${plural(records, 'record')} of ${plural(checked.length, 'subscription')} compared`;
  if (fixed.found === 0) return print(`✓ ${asked}: nothing differs.`);
  const unexpected = fixed.differences.filter(({ kind }) => kind === 'UNEXPECTED').length;
  const kept =
    unexpected === 0 ? '' : ` (${plural(unexpected, 'record')} that the hub does not have: not touched)`;
  if (fixed.dryRun) {
    print(`${asked}: ${plural(fixed.found, 'difference')}; nothing was sent${kept}.`);
    if (plan !== undefined) print(`✓ The plan is in ${plan}; hub fix-data --apply ${plan} sends it.`);
    return;
  }
  const isWhole = fixed.fixed + unexpected === fixed.found;
  print(
    `${isWhole ? '✓' : '✗'} ${asked}: ${plural(fixed.found, 'difference')}, ${fixed.fixed} sent again and verified${kept}.`,
  );
}
