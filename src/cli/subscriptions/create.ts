import { Command } from 'commander';
import { type ClientOptions, createClient, withClientOptions } from '../client.ts';
import { graphql } from '../generated/gql.ts';
import { print, printJson } from '../terminal.ts';
import {
  noteWarnings,
  readList,
  type SettingOptions,
  settingsOf,
  withSettingOptions,
} from './setting-options.ts';

/** Makes a subscription. */
export const createSubscription = graphql(`
  mutation CreateSubscription($input: CreateDataSubscriptionInput!) {
    createDataSubscription(input: $input) { secret subscription { id name targetSystem eventTypes state webhookUrl warnings } }
  }
`);

interface CreateOptions extends ClientOptions, SettingOptions {
  readonly name: string;
  readonly targetSystem: string;
  readonly eventTypes: string[];
  readonly secret?: string;
  readonly json?: boolean;
}

/** `hub subscriptions create`: one option a field of the input. */
export function createSubscriptionCommand(): Command {
  const command = new Command('create')
    .description('make a subscription; its secret is shown once')
    .requiredOption('--name <name>', 'unique within the target system')
    .requiredOption('--target-system <system>', 'the consumer')
    .requiredOption(
      '--event-types <names>',
      'with commas: names, prefixes with a star (invoice_*), or *',
      readList,
    )
    .option('--secret <secret>', 'what signs the webhooks (left out: the hub makes one)');
  return withClientOptions(withSettingOptions(command).option('--json', 'print JSON')).action(create);
}

async function create(options: CreateOptions): Promise<void> {
  const { name, targetSystem, eventTypes, secret } = options;
  const { createDataSubscription: made } = await createClient(options).request(createSubscription, {
    input: { name, targetSystem, eventTypes, secret, ...settingsOf(options) },
  });
  const { subscription } = made;
  noteWarnings(subscription);
  if (options.json) return printJson(made);
  print(
    `✓ Subscription ${subscription.id} (${subscription.name} of ${subscription.targetSystem}): ${subscription.eventTypes.join(', ')} → ${subscription.webhookUrl ?? 'no webhook'}`,
  );
  print(`  ${made.secret}   (keep it: shown this once; it signs what the hub sends)`);
}
