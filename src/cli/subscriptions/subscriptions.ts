import { Command } from 'commander';
import { type ClientOptions, createClient, withClientOptions } from '../client.ts';
import type { CommandResult } from '../command-result.ts';
import { graphql } from '../generated/gql.ts';
import type { DataSubscriptionState, ListSubscriptionsQuery } from '../generated/graphql.ts';
import { readId } from '../id-argument.ts';
import { shownTime, timeCell } from '../shown-time.ts';
import { plural, print, printJson, printTable } from '../terminal.ts';
import { createSubscriptionCommand } from './create.ts';
import { deleteSubscriptionCommand } from './delete.ts';
import { rotateSecretCommand } from './rotate.ts';
import { updateSubscriptionCommand } from './update.ts';

const listSubscriptions = graphql(`
  query ListSubscriptions($targetSystem: String) {
    dataSubscriptions(targetSystem: $targetSystem) {
      id name targetSystem eventTypes sourceSystems companyIds mode batchCron state webhookUrl consistencyUrl autoFix batchSize batchMaxBytes maxInFlight shards rateLimitPerSecond timeoutMs ackTimeoutMs payloadQuery
      retry { maxRetries baseDelayMs maxDelayMs jitter } backlog connected unattachedSince stateSince failedCount lastErrorCode troubledSince lastSuccessAt heldUntil createdAt updatedAt
    }
  }
`);

const pauseSubscription = graphql(`
  mutation PauseSubscription($id: ID!) { pauseDataSubscription(id: $id) { id name targetSystem state backlog } }
`);

/** Delivers again, first what was kept. */
export const resumeSubscription = graphql(`
  mutation ResumeSubscription($id: ID!) { resumeDataSubscription(id: $id) { id name targetSystem state backlog } }
`);

const testSubscription = graphql(`
  mutation TestSubscription($id: ID!) { testDataSubscription(id: $id) { ok statusCode latencyMs errorCode errorMessage } }
`);

type ListedSubscription = ListSubscriptionsQuery['dataSubscriptions'][number];

interface SubscriptionOptions extends ClientOptions {
  readonly json?: boolean;
}

/** `hub subscriptions`: who gets which events, and where. */
export function subscriptionsCommand(result: CommandResult): Command {
  const command = new Command('subscriptions').description(
    'who gets which events: list, create, update, delete, pause, resume, test, rotate',
  );
  const commands = [
    listCommand(),
    createSubscriptionCommand(),
    updateSubscriptionCommand(),
    deleteSubscriptionCommand(),
    pauseCommand(),
    resumeCommand(),
    testCommand(result),
    rotateSecretCommand(),
  ];
  for (const one of commands) command.addCommand(one);
  return command;
}

function listCommand(): Command {
  const command = new Command('list')
    .description('show all subscriptions, and how each stands')
    .option('--target-system <system>', 'only this system’s')
    .option('--json', 'print JSON')
    .addHelpText('after', listHelp);
  return withClientOptions(command).action(
    async (options: SubscriptionOptions & { targetSystem?: string }) => {
      const { dataSubscriptions: all } = await createClient(options).request(listSubscriptions, {
        targetSystem: options.targetSystem ?? null,
      });
      if (options.json) return printJson(all);
      const rows = all.map(one => [
        one.id,
        one.name,
        one.targetSystem,
        one.eventTypes.join(', '),
        one.heldUntil == null ? one.state.toLowerCase() : `held until ${shownTime(one.heldUntil)}`,
        attachedCell(one),
        one.backlog,
        one.failedCount,
        one.lastErrorCode,
        timeCell(one.troubledSince),
        timeCell(one.lastSuccessAt),
        one.webhookUrl,
      ]);
      printTable(listHead, rows);
    },
  );
}

const listHelp = `
ATTACHED: whether a consumer is attached over a socket; FAILED: what waits for a person; LAST ERROR: what failed last and is
not over; TROUBLE SINCE: since when nothing has succeeded while something was due.`;

const listHead = [
  'ID',
  'NAME',
  'TARGET',
  'EVENTS',
  'STATE',
  'ATTACHED',
  'BACKLOG',
  'FAILED',
  'LAST ERROR',
  'TROUBLE SINCE',
  'LAST SUCCESS',
  'WEBHOOK',
];

/** Only where it has no webhook is it a fault that nobody is attached. */
function attachedCell({ connected, unattachedSince }: ListedSubscription): string {
  if (connected) return 'yes';
  return unattachedSince == null ? 'no' : `nobody since ${shownTime(unattachedSince)}`;
}

function pauseCommand(): Command {
  return changeCommand('pause', 'attempt nothing more; everything is kept', async (id, options) => {
    return (await createClient(options).request(pauseSubscription, { id })).pauseDataSubscription;
  });
}

function resumeCommand(): Command {
  return changeCommand(
    'resume',
    'deliver again, first what was kept; also closes the breaker',
    async (id, options) => {
      return (await createClient(options).request(resumeSubscription, { id })).resumeDataSubscription;
    },
  );
}

interface Changed {
  readonly id: string;
  readonly name: string;
  readonly targetSystem: string;
  readonly state: DataSubscriptionState;
  readonly backlog: number;
}

function changeCommand(
  name: string,
  description: string,
  change: (id: string, options: SubscriptionOptions) => Promise<Changed>,
): Command {
  const command = new Command(name)
    .description(description)
    .argument('<id>', 'as `subscriptions list` shows it', readId)
    .option('--json', 'print JSON');
  return withClientOptions(command).action(async (id: string, options: SubscriptionOptions) => {
    const changed = await change(id, options);
    if (options.json) return printJson(changed);
    print(
      `✓ Subscription ${changed.id} (${changed.name} of ${changed.targetSystem}) is ${changed.state.toLowerCase()}; ${plural(changed.backlog, 'event')} waiting.`,
    );
  });
}

function testCommand(result: CommandResult): Command {
  const command = new Command('test')
    .description('post a signed test event to the webhook; exits 1 when it is not accepted')
    .argument('<id>', 'as `subscriptions list` shows it', readId)
    .option('--json', 'print JSON');
  return withClientOptions(command).action(async (id: string, options: SubscriptionOptions) => {
    const { testDataSubscription: test } = await createClient(options).request(testSubscription, { id });
    if (!test.ok) result.exitCode = 1;
    if (options.json) return printJson(test);
    const answer = test.statusCode == null ? '' : `HTTP ${test.statusCode}, `;
    if (test.ok) print(`✓ The webhook took the test event (${answer}${test.latencyMs} ms).`);
    else
      print(
        `✗ The webhook did not take the test event (${answer}${test.latencyMs} ms): ${test.errorCode ?? ''} ${test.errorMessage ?? ''}`.trimEnd(),
      );
  });
}
