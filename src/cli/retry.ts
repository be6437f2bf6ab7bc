import { Command } from 'commander';
import { systemClock } from '../core/clock.ts';
import { HubError } from '../core/errors.ts';
import { type ClientOptions, createClient, withClientOptions } from './client.ts';
import { graphql } from './generated/gql.ts';
import { readId } from './id-argument.ts';
import { businessTime, instantOf } from './instant.ts';
import { followRetry } from './retry-progress.ts';
import { knowsSubscription } from './subscriptions/known-subscription.ts';
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
    .option('--subscription <id>', 'only what goes to this subscription', readId)
    .option('--error <code>', 'only what failed with this code: HTTP_422, ECONNREFUSED …')
    .option(
      '--since <date>',
      'only what was recorded since: a day (YYYY-MM-DD, from its beginning by HUB_TIME_ZONE) or an instant (2025-12-19T08:00:00+08:00)',
    )
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nOnce begun, the hub goes on by itself: Ctrl-C ends the watching, not the run (compensationRuns tells of it).',
    );
  return withClientOptions(command).action(async (options: RetryOptions) => {
    const filter = {
      subscriptionId: options.subscription ?? null,
      errorCodes: options.error === undefined ? null : [options.error],
      createdFrom:
        options.since === undefined
          ? null
          : new Date(instantOf('--since', options.since, businessTime())).toISOString(),
    };
    const client = createClient(options);
    // Nothing has FAILED for a subscription that there is not, which would read as if all were well.
    if (options.subscription !== undefined && !(await knowsSubscription(client, options.subscription)))
      throw new HubError('NOT_FOUND', `There is no subscription ${options.subscription}.`);
    const answer = client.request(retrySyncs, { filter }).then(data => data.retrySyncs);
    const queued = await followRetry(client, answer, systemClock);
    if (options.json) return printJson({ queued });
    print(
      queued === 0
        ? '✓ Nothing that fits has FAILED; nothing was queued.'
        : `✓ ${plural(queued, 'sync')} queued again.`,
    );
  });
}
