import { Command } from 'commander';
import { compareNoted, type NotedSeal, notedForm, printCompared, readNoted } from './audit-expected.ts';
import { type ClientOptions, createClient, type HubClient, withClientOptions } from './client.ts';
import type { CommandResult } from './command-result.ts';
import { graphql } from './generated/gql.ts';
import type { AuditVerificationQuery } from './generated/graphql.ts';
import { readId } from './id-argument.ts';
import { businessTime, instantOf } from './instant.ts';
import { timeCell } from './shown-time.ts';
import { listenForStop } from './signals.ts';
import { note, plural, print, printJson } from './terminal.ts';

const auditVerification = graphql(`
  query AuditVerification($subscriptionId: ID, $from: DateTime, $to: DateTime, $after: String) {
    auditVerification(subscriptionId: $subscriptionId, from: $from, to: $to, after: $after) {
      seals attempts droppedSeals next unsealed
      firstBreak { subscriptionId seal sealedAt afterAttemptId lastAttemptId what }
      lastSeal { subscriptionId number hash }
    }
  }
`);

interface VerifyOptions extends ClientOptions {
  readonly subscription?: string;
  readonly from?: string;
  readonly to?: string;
  readonly expect?: readonly NotedSeal[];
  readonly json?: boolean;
}

type AuditFindings = Omit<AuditVerificationQuery['auditVerification'], 'next'>;

/** Seals between two lines of progress. */
const progressEvery = 1_000;

/** `hub audit`: whether the log of attempts is as it was written. */
export function auditCommand(result: CommandResult): Command {
  return new Command('audit')
    .description('whether the log of attempts is as it was written: verify')
    .addCommand(verifyCommand(result));
}

function verifyCommand(result: CommandResult): Command {
  const command = new Command('verify')
    .description('prove that no attempt was changed or removed since it was sealed, or name the first break')
    .option('--subscription <id>', "only this subscription's chain", readId)
    .option(
      '--from <date>',
      'what was sealed since: a day (YYYY-MM-DD, by HUB_TIME_ZONE) or an instant (2025-12-19T08:00:00+08:00)',
    )
    .option('--to <date>', 'what was sealed until then; a day: until it begins')
    .option(
      '--expect <subscription:number:hash>',
      'a seal that was noted before must still be there as it was; may be given several times',
      readNoted,
    )
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  hub audit verify\n  hub audit verify --expect 5:812:9f2c…\n  hub audit verify --subscription 5 --from 2026-01-01 --to 2026-02-01 --json\n\nExit code: 0 all is as it was sealed, 1 it is not, or it was not verified to the end, 2 for wrong usage.',
    );
  return withClientOptions(command).action(async (options: VerifyOptions) => {
    const client = createClient(options);
    const { found, stopped } = await verifyAll(client, options);
    const expected = await compareNoted(client, options.expect ?? []);
    const ok = found.firstBreak === null && !stopped && expected.every(seal => seal.ok);
    if (!ok) result.exitCode = 1;
    if (options.json) return printJson({ ok, stopped, ...found, expected });
    printFound(found, stopped);
    printCompared(expected);
  });
}

async function verifyAll(
  client: HubClient,
  options: VerifyOptions,
): Promise<{ found: AuditFindings; stopped: boolean }> {
  using stop = listenForStop();
  const time = businessTime();
  const given = (option: string, text: string | undefined) =>
    text === undefined ? null : new Date(instantOf(option, text, time)).toISOString();
  const range = {
    subscriptionId: options.subscription ?? null,
    from: given('--from', options.from),
    to: given('--to', options.to),
  };
  let found: AuditFindings = {
    seals: 0,
    attempts: 0,
    droppedSeals: 0,
    unsealed: 0,
    firstBreak: null,
    lastSeal: null,
  };
  for (let after: string | null = null; ; ) {
    const { auditVerification: page }: AuditVerificationQuery = await client.request(auditVerification, {
      ...range,
      after,
    });
    const told = Math.floor(found.seals / progressEvery);
    found = {
      seals: found.seals + page.seals,
      attempts: found.attempts + page.attempts,
      droppedSeals: found.droppedSeals + page.droppedSeals,
      unsealed: page.unsealed,
      firstBreak: page.firstBreak,
      lastSeal: page.lastSeal ?? found.lastSeal,
    };
    if (Math.floor(found.seals / progressEvery) > told)
      note(`… ${plural(found.seals, 'seal')}, ${plural(found.attempts, 'attempt')}`);
    if (page.next === null) return { found, stopped: false };
    if (stop.signal.aborted) return { found, stopped: true };
    after = page.next;
  }
}

function printFound(found: AuditFindings, stopped: boolean): void {
  const { firstBreak, lastSeal } = found;
  const compared = `${plural(found.attempts, 'attempt')} under ${plural(found.seals, 'seal')}`;
  if (firstBreak !== null) {
    const { subscriptionId, seal, sealedAt, afterAttemptId, lastAttemptId, what } = firstBreak;
    print(
      `✗ The first break${subscriptionId === null ? '' : ` is in the chain of subscription ${subscriptionId}`}: ${what}.`,
    );
    print(
      `  ${seal === null ? 'No seal' : `Seal ${seal} of ${timeCell(sealedAt) ?? '?'}`}; attempts with ids above ${afterAttemptId}, up to ${lastAttemptId}.`,
    );
    print(`  What comes before it, ${compared}, is as it was sealed.`);
  } else if (stopped) print(`✗ Stopped; so far ${compared} are as they were sealed.`);
  else print(`✓ ${compared} are as they were sealed.`);
  if (found.droppedSeals > 0)
    print(
      `  Of ${plural(found.droppedSeals, 'seal')} retention has dropped the attempts; their chain holds.`,
    );
  if (found.unsealed > 0) print(`  ${plural(found.unsealed, 'attempt')} not sealed yet.`);
  if (lastSeal !== null)
    print(
      `  Last seal: subscription ${lastSeal.subscriptionId}, ${lastSeal.number}, ${lastSeal.hash}\n  Note it elsewhere; later: hub audit verify --expect ${notedForm(lastSeal)}`,
    );
}
