import { Command, InvalidArgumentError } from 'commander';
import { limits } from '../core/limits.ts';
import { withClientOptions } from './client.ts';
import type { SyncStatus } from './generated/graphql.ts';
import { readId } from './id-argument.ts';
import type { TailOptions } from './tail/options.ts';

const statuses: Record<string, SyncStatus> = {
  pending: 'PENDING',
  processing: 'PROCESSING',
  retrying: 'RETRYING',
  success: 'SUCCESS',
  failed: 'FAILED',
  cancelled: 'CANCELLED',
};

/** `hub tail`: the sync log, live. */
export function tailCommand(): Command {
  const names = Object.keys(statuses).join(', ');
  const command = new Command('tail')
    .description('show the sync log, live: the last syncs, then each change')
    .option('--subscription <id>', 'only what goes to this subscription', readId)
    .option('--status <statuses>', `only in these, with commas: ${names}`, readStatuses)
    .option('--error <code>', 'only with this error: HTTP_422, ECONNREFUSED …')
    .option('--last <count>', `syncs to begin with, 0 to ${limits.pageSize}`, readCount, 10)
    .option('--verbose', 'below what failed, what the target answered last')
    .option('--json', 'print one JSON line a change')
    .addHelpText('after', help);
  return withClientOptions(command).action(async (options: TailOptions) => {
    // Imported here, so that the other commands stay quick.
    const { tail } = await import('./tail/run.ts');
    await tail(options);
  });
}

const help = `
A line: time, sync, subscription, source record, version, status, attempt or error. What happens to one sync within
a moment is one line. When the connection is lost it comes back by itself, shows what it missed as far as the log
tells, and says where there may be a gap. Ctrl-C ends it.

  hub tail
  hub tail --subscription 1 --status failed,retrying
  hub tail --error HTTP_422 --last 100 --verbose
  hub tail --json | jq -r 'select(.status == "FAILED") | .errorMessage'`;

function readStatuses(text: string): SyncStatus[] {
  return text.split(',').map(part => {
    const status = statuses[part.trim().toLowerCase()];
    if (status === undefined)
      throw new InvalidArgumentError(`Allowed choices are ${Object.keys(statuses).join(', ')}.`);
    return status;
  });
}

function readCount(text: string): number {
  const count = Number(text);
  if (text.trim() === '' || !Number.isInteger(count) || count < 0 || count > limits.pageSize)
    throw new InvalidArgumentError(`0 to ${limits.pageSize} is expected.`);
  return count;
}
