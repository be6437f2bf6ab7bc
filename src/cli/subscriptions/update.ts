import { Command, Option } from 'commander';
import {
  type ClientOptions,
  createClient,
  type HubClient,
  RefusedError,
  withClientOptions,
} from '../client.ts';
import { graphql } from '../generated/gql.ts';
import type { RetryPolicyInput, UpdateDataSubscriptionInput } from '../generated/graphql.ts';
import { readId } from '../id-argument.ts';
import { plural, print, printJson } from '../terminal.ts';
import {
  noteWarnings,
  readList,
  type SettingOptions,
  settingsOf,
  withSettingOptions,
} from './setting-options.ts';

const retryQuery = graphql(`
  query RetryOfSubscription($id: ID!) {
    dataSubscription(id: $id) { retry { maxRetries baseDelayMs maxDelayMs jitter } }
  }
`);

const updateSubscription = graphql(`
  mutation UpdateSubscription($id: ID!, $input: UpdateDataSubscriptionInput!) {
    updateDataSubscription(id: $id, input: $input) {
      id name targetSystem eventTypes sourceSystems companyIds mode batchCron state webhookUrl consistencyUrl autoFix batchSize batchMaxBytes maxInFlight shards rateLimitPerSecond
      timeoutMs ackTimeoutMs payloadQuery retry { maxRetries baseDelayMs maxDelayMs jitter } backlog warnings
    }
  }
`);

interface UpdateOptions extends ClientOptions, SettingOptions {
  readonly name?: string;
  readonly eventTypes?: string[];
  readonly json?: boolean;
}

const help = `
What is not named stays as it is. It holds for what is attempted from now on, retries too; which events go to the
subscription changes for what is recorded from now on.

  hub subscriptions update 1 --webhook-url https://tax.example.com/hook --max-retries 10
  hub subscriptions update 1 --no-webhook-url
  hub subscriptions update 1 --payload-query @invoice.graphql`;

/** `hub subscriptions update`: the options of `create`, and for what may be empty one that empties it. */
export function updateSubscriptionCommand(): Command {
  const command = new Command('update')
    .description('change a subscription; what is not named stays as it is')
    .argument('<id>', 'as `subscriptions list` shows it', readId)
    .option('--name <name>', 'unique within the target system')
    .option('--event-types <names>', 'with commas: names, prefixes with a star (invoice_*), or *', readList);
  withSettingOptions(command)
    .addOption(new Option('--no-webhook-url', 'no webhook: events wait for an attached consumer'))
    .addOption(new Option('--no-consistency-url', 'the consumer answers over its socket, or not at all'))
    .addOption(new Option('--no-auto-fix', 'scheduled checks only report'))
    .addOption(new Option('--no-source-systems', 'all sources’'))
    .addOption(new Option('--no-company-ids', 'all companies’'))
    .addOption(new Option('--no-mode', 'as the event type says'))
    .addOption(new Option('--no-batch-cron', 'every night at 02:00'))
    .addOption(new Option('--no-rate-limit-per-second', 'unlimited'))
    .addOption(new Option('--no-payload-query', '`data` is the business data'))
    .option('--json', 'print JSON')
    .addHelpText('after', help);
  return withClientOptions(command).action(async (id: string, options: UpdateOptions) => {
    const { name, eventTypes } = options;
    const input = { name, eventTypes, ...settingsOf(options) };
    if (Object.values(input).every(value => value === undefined))
      command.error('error: name what to change; --help lists the options.');
    await update(id, input, options);
  });
}

async function update(id: string, input: UpdateDataSubscriptionInput, options: UpdateOptions): Promise<void> {
  const client = createClient(options);
  const retry = input.retry == null ? undefined : await wholeRetry(client, id, input.retry);
  const { updateDataSubscription: changed } = await client.request(updateSubscription, {
    id,
    input: { ...input, retry },
  });
  noteWarnings(changed);
  if (options.json) return printJson(changed);
  print(
    `✓ Subscription ${id} (${changed.name} of ${changed.targetSystem}) is changed: ${changed.eventTypes.join(', ')} → ${changed.webhookUrl ?? 'no webhook'}; ${changed.state.toLowerCase()}, ${plural(changed.backlog, 'event')} waiting.`,
  );
}

/** The hub takes a retry policy as a whole: what is not named keeps its value, and not the default. */
async function wholeRetry(client: HubClient, id: string, given: RetryPolicyInput): Promise<RetryPolicyInput> {
  const { dataSubscription: found } = await client.request(retryQuery, { id });
  if (found == null) throw new RefusedError('NOT_FOUND', `There is no subscription ${id}.`);
  const named = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...found.retry, ...Object.fromEntries(named) };
}
