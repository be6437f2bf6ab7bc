import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { messageOf } from '../core/errors.ts';
import { type ClientOptions, createClient, withClientOptions } from './client.ts';
import { enumOption } from './enum-option.ts';
import { graphql } from './generated/gql.ts';
import type { CreateDataSubscriptionInput, SyncMode } from './generated/graphql.ts';
import { print, printJson } from './terminal.ts';

/** Makes a subscription. */
export const createSubscription = graphql(`
  mutation CreateSubscription($input: CreateDataSubscriptionInput!) {
    createDataSubscription(input: $input) { secret subscription { id name targetSystem eventTypes state webhookUrl } }
  }
`);

const modes: Record<string, SyncMode> = {
  realtime: 'REALTIME',
  batch: 'BATCH',
  compensation: 'COMPENSATION',
};

interface CreateOptions extends ClientOptions {
  readonly name: string;
  readonly targetSystem: string;
  readonly eventTypes: string[];
  readonly sourceSystems?: string[];
  readonly companyIds?: string[];
  readonly mode?: string;
  readonly webhookUrl?: string;
  readonly secret?: string;
  readonly batchSize?: number;
  readonly maxInFlight?: number;
  readonly lanes?: number;
  readonly rateLimitPerSecond?: number;
  readonly timeoutMs?: number;
  readonly ackTimeoutMs?: number;
  readonly payloadQuery?: string;
  readonly maxRetries?: number;
  readonly baseDelayMs?: number;
  readonly maxDelayMs?: number;
  readonly jitter?: number;
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
    .option('--webhook-url <url>', 'where events are posted to')
    .option('--source-systems <names>', 'only these sources’, with commas (left out: all)', readList)
    .option('--company-ids <ids>', 'only these companies’, with commas (left out: all)', readList)
    .addOption(
      enumOption('--mode <mode>', 'how events travel (left out: as the event type says)', Object.keys(modes)),
    )
    .option('--secret <secret>', 'what signs the webhooks (left out: the hub makes one)')
    .option('--batch-size <count>', 'events in one request (1)', readNumber)
    .option('--max-in-flight <count>', 'requests under way at once (32)', readNumber)
    .option('--lanes <count>', 'drains that its events are spread over by source record (1)', readNumber)
    .option('--rate-limit-per-second <count>', 'requests a second (left out: unlimited)', readNumber)
    .option('--timeout-ms <ms>', 'how long an answer is waited for (30000)', readNumber)
    .option(
      '--ack-timeout-ms <ms>',
      'how long an attached consumer has to acknowledge an event (30000)',
      readNumber,
    )
    .option(
      '--payload-query <selection>',
      'a GraphQL selection on VoucherEvent that shapes `data`, e.g. "{ data voucher { amount } }"; @FILE reads it from a file',
      readText,
    )
    .option('--max-retries <count>', 'retries after the first attempt (3)', readNumber)
    .option('--base-delay-ms <ms>', 'delay before the first retry; doubles with each (1000)', readNumber)
    .option('--max-delay-ms <ms>', 'bound of the doubled delay (600000)', readNumber)
    .option('--jitter <share>', 'share of the delay added at random, 0 to 1 (0.1)', readNumber)
    .option('--json', 'print JSON');
  return withClientOptions(command).action(create);
}

async function create(options: CreateOptions): Promise<void> {
  const { createDataSubscription: made } = await createClient(options).request(createSubscription, {
    input: inputOf(options),
  });
  if (options.json) return printJson(made);
  const { id, name, targetSystem, eventTypes, webhookUrl } = made.subscription;
  print(
    `✓ Subscription ${id} (${name} of ${targetSystem}): ${eventTypes.join(', ')} → ${webhookUrl ?? 'no webhook'}`,
  );
  print(`  ${made.secret}   (keep it: shown this once; it signs what the hub sends)`);
}

/** What is undefined does not go out, so the hub's own defaults hold. */
function inputOf(options: CreateOptions): CreateDataSubscriptionInput {
  const { maxRetries, baseDelayMs, maxDelayMs, jitter } = options;
  const retry = { maxRetries, baseDelayMs, maxDelayMs, jitter };
  return {
    name: options.name,
    targetSystem: options.targetSystem,
    eventTypes: options.eventTypes,
    webhookUrl: options.webhookUrl,
    sourceSystems: options.sourceSystems,
    companyIds: options.companyIds,
    mode: options.mode === undefined ? undefined : modes[options.mode],
    secret: options.secret,
    batchSize: options.batchSize,
    maxInFlight: options.maxInFlight,
    lanes: options.lanes,
    rateLimitPerSecond: options.rateLimitPerSecond,
    timeoutMs: options.timeoutMs,
    ackTimeoutMs: options.ackTimeoutMs,
    payloadQuery: options.payloadQuery,
    retry: Object.values(retry).every(value => value === undefined) ? undefined : retry,
  };
}

function readList(text: string): string[] {
  return text
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== '');
}

/** The text itself, or with @ before it the file that it stands in. */
function readText(text: string): string {
  if (!text.startsWith('@')) return text;
  try {
    return readFileSync(text.slice(1), 'utf8');
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
}

function readNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('A number is expected.');
  return value;
}
