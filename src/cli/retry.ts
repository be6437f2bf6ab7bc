import { Command } from 'commander';
import { HubError } from '../core/errors.ts';
import { type ClientOptions, createClient, withClientOptions } from './client.ts';
import { graphql } from './generated/gql.ts';
import { plural, print, printJson } from './terminal.ts';

const retrySyncs = graphql(`
  mutation RetrySyncs($filter: SyncLogFilter!) { retrySyncs(filter: $filter) }
`);

interface RetryOptions extends ClientOptions {
  readonly subscription?: string;
  readonly error?: string;
  readonly since?: string;
  readonly json?: boolean;
}

/** `hub retry`: manual compensation. */
export function retryCommand(): Command {
  const command = new Command('retry')
    .description('queue again what has FAILED (manual compensation)')
    .option('--subscription <id>', 'only what goes to this subscription')
    .option('--error <code>', 'only what failed with this code: HTTP_422, ECONNREFUSED …')
    .option(
      '--since <date>',
      'only what was recorded since: a day (YYYY-MM-DD, from its midnight on this machine) or an instant (2025-12-19T08:00:00+08:00)',
    )
    .option('--json', 'print JSON');
  return withClientOptions(command).action(async (options: RetryOptions) => {
    const filter = {
      subscriptionId: options.subscription ?? null,
      errorCodes: options.error === undefined ? null : [options.error],
      createdFrom: options.since === undefined ? null : instantOf(options.since),
    };
    const { retrySyncs: queued } = await createClient(options).request(retrySyncs, { filter });
    if (options.json) return printJson({ queued });
    print(
      queued === 0
        ? '✓ Nothing that fits has FAILED; nothing was queued.'
        : `✓ ${plural(queued, 'sync')} queued again.`,
    );
  });
}

/** @returns ISO 8601 in UTC @throws HubError BAD_USER_INPUT */
function instantOf(text: string): string {
  const day = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  const withOffset = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/.test(text);
  const instant =
    day === null
      ? new Date(withOffset ? text : Number.NaN)
      : new Date(Number(day[1]), Number(day[2]) - 1, Number(day[3]));
  // A day that is not in the calendar (31 April) comes back as another one.
  const real =
    !Number.isNaN(instant.getTime()) &&
    (day === null || (instant.getMonth() + 1 === Number(day[2]) && instant.getDate() === Number(day[3])));
  if (!real)
    throw new HubError(
      'BAD_USER_INPUT',
      `--since: "${text}" is neither a day (2025-12-19) nor an instant with offset (2025-12-19T08:00:00+08:00).`,
    );
  return instant.toISOString();
}
