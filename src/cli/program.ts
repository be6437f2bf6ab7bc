import { Command, CommanderError } from 'commander';
import { dropPostgresVariables, processEnvironment } from '../config/config.ts';
import { HubError, messageOf } from '../core/errors.ts';
import { alertsCommand } from './alerts/alerts.ts';
import { auditCommand } from './audit.ts';
import { checkCommand } from './check.ts';
import { checkQueriesCommand } from './check-queries.ts';
import { RefusedError, UnreachableError } from './client.ts';
import type { CommandResult } from './command-result.ts';
import { demoCommand } from './demo.ts';
import { doctorCommand } from './doctor.ts';
import { exportCommand } from './export.ts';
import { fixDataCommand } from './fix-data.ts';
import { importCommand } from './import.ts';
import { keysCommand } from './keys.ts';
import { listenCommand } from './listen.ts';
import { restoredCommand } from './restored.ts';
import { retryCommand } from './retry.ts';
import { startCommand } from './start.ts';
import { subscriptionsCommand } from './subscriptions/subscriptions.ts';
import { tailCommand } from './tail.ts';
import { note } from './terminal.ts';
import { UsageError } from './usage-error.ts';

const usageExitCode = 2;

/** Errors whose message alone says what to do. */
const foreseen = [UsageError, HubError, UnreachableError, RefusedError];

/**
 * Runs one command.
 * @returns the exit code: 0 where it did what was asked, 1 where it did not, 2 for wrong usage
 */
export async function runCommandLine(argv: readonly string[], version: string): Promise<number> {
  dropPostgresVariables(processEnvironment());
  const result: CommandResult = { exitCode: 0 };
  const program = new Command('hub')
    .description(
      'A GraphQL data hub: records business vouchers and delivers each event to those who subscribed.',
    )
    .version(version)
    .showHelpAfterError('(--help tells how it is used)');
  const commands = [
    startCommand,
    demoCommand,
    importCommand,
    exportCommand,
    keysCommand,
    subscriptionsCommand,
    retryCommand,
    restoredCommand,
    checkCommand,
    fixDataCommand,
    tailCommand,
    listenCommand,
    auditCommand,
    alertsCommand,
    doctorCommand,
    checkQueriesCommand,
  ];
  for (const make of commands) program.addCommand(make(result));
  throwInsteadOfExit(program);
  try {
    await program.parseAsync([...argv]);
    return result.exitCode;
  } catch (error) {
    return exitCodeOf(error);
  }
}

/** Commands that are added, not made by `command()`, don't take over their parent's settings. */
function throwInsteadOfExit(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) throwInsteadOfExit(child);
}

function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : usageExitCode;
  if (foreseen.some(kind => error instanceof kind)) {
    note(`✗ ${messageOf(error)}`);
    return error instanceof UsageError ? usageExitCode : 1;
  }
  // Not foreseen, so the stack helps whoever mends it.
  note(`✗ ${error instanceof Error ? (error.stack ?? error.message) : messageOf(error)}`);
  return 1;
}
