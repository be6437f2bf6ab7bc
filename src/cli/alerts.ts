import { Command } from 'commander';
import { HubError } from '../core/errors.ts';
import { checkCommand } from './alerts-check.ts';
import { type ClientOptions, createClient, withClientOptions } from './client.ts';
import type { CommandResult } from './command-result.ts';
import { graphql } from './generated/gql.ts';
import { clockTime, print, printJson, printTable } from './terminal.ts';

const listAlerts = graphql(`
  query ListAlerts($state: AlertState, $first: Int) {
    alerts(state: $state, first: $first) {
      id rule severity state message value threshold cause firedAt resolvedAt acknowledgedAt acknowledgedBy
      subscription { id name targetSystem }
      notifications { channel kind status attempts sentAt error }
    }
  }
`);

const acknowledgeAlert = graphql(`
  mutation AcknowledgeAlert($id: ID!) { acknowledgeAlert(id: $id) { id rule severity message acknowledgedAt acknowledgedBy } }
`);

const silenceAlerts = graphql(`
  mutation SilenceAlerts($until: DateTime!, $reason: String!, $rule: String, $subscriptionId: ID) {
    silenceAlerts(until: $until, reason: $reason, rule: $rule, subscriptionId: $subscriptionId) {
      id rule subscriptionId until reason createdBy createdAt
    }
  }
`);

const endAlertSilence = graphql(`
  mutation EndAlertSilence($id: ID!) { endAlertSilence(id: $id) { id rule subscriptionId until } }
`);

const testAlertChannel = graphql(`
  mutation TestAlertChannel($channel: String!) { testAlertChannel(channel: $channel) { ok error latencyMs } }
`);

interface AlertsOptions extends ClientOptions {
  readonly json?: boolean;
}

const examples = `
Examples:
  hub alerts list                          what fires now
  hub alerts list --all --first 200        what fired before, too
  hub alerts ack 17 18                     they are seen to: not escalated
  hub alerts silence --subscription 3 --for 2h --reason "maintenance of the tax system"
  hub alerts check alerts.yml              whether a file fits, before the hub is restarted
  hub alerts test wecom                    sends a test message over a channel`;

/** `hub alerts`: what fires, who takes note of it, and whether people can be told. */
export function alertsCommand(result: CommandResult): Command {
  const command = new Command('alerts')
    .description('alerts: list, ack, silence, unsilence; check a file, test a channel')
    .addHelpText('after', examples);
  command.addCommand(listCommand()).addCommand(ackCommand()).addCommand(silenceCommand());
  return command.addCommand(unsilenceCommand()).addCommand(checkCommand()).addCommand(testCommand(result));
}

function listCommand(): Command {
  const command = new Command('list')
    .description('show the alerts that fire')
    .option('--all', 'resolved ones too')
    .option('--first <count>', 'at most so many, the newest', '50')
    .option('--json', 'print JSON');
  return withClientOptions(command).action(
    async (options: AlertsOptions & { all?: boolean; first: string }) => {
      const state = options.all === true ? null : ('FIRING' as const);
      const { alerts } = await createClient(options).request(listAlerts, {
        state,
        first: Number(options.first),
      });
      if (options.json) return printJson(alerts);
      if (alerts.length === 0) return print(options.all === true ? 'No alerts.' : '✓ Nothing fires.');
      const rows = alerts.map(alert => [
        alert.id,
        alert.state.toLowerCase(),
        alert.message,
        alert.value === null || alert.value === undefined ? null : Math.round(alert.value * 100) / 100,
        alert.threshold,
        clockTime(new Date(alert.firedAt)),
        alert.resolvedAt == null ? null : clockTime(new Date(alert.resolvedAt)),
        alert.acknowledgedBy,
      ]);
      printTable(['ID', 'STATE', 'ALERT', 'VALUE', 'THRESHOLD', 'SINCE', 'UNTIL', 'SEEN BY'], rows);
    },
  );
}

function ackCommand(): Command {
  const command = new Command('ack')
    .description('take note of alerts: they are not escalated, unless they get worse')
    .argument('<ids...>', 'as `alerts list` shows them')
    .option('--json', 'print JSON');
  return withClientOptions(command).action(async (ids: string[], options: AlertsOptions) => {
    const client = createClient(options);
    const noted = [];
    for (const id of ids) noted.push((await client.request(acknowledgeAlert, { id })).acknowledgeAlert);
    if (options.json) return printJson(noted);
    for (const alert of noted) print(`✓ Alert ${alert.id} is acknowledged: ${alert.message}`);
  });
}

function silenceCommand(): Command {
  const command = new Command('silence')
    .description('tell nobody of some alerts for a while; they are recorded all the same')
    .option('--rule <rule>', 'only of this rule (left out: all)')
    .option('--subscription <id>', 'only of this subscription (left out: all)')
    .requiredOption('--for <span>', 'how long: 30m, 2h, 1d')
    .requiredOption('--reason <text>', 'why, for the others')
    .option('--json', 'print JSON');
  return withClientOptions(command).action(
    async (
      options: AlertsOptions & { rule?: string; subscription?: string; for: string; reason: string },
    ) => {
      const until = new Date(Date.now() + spanMs(options.for)).toISOString();
      const { rule = null, subscription: subscriptionId = null, reason } = options;
      const { silenceAlerts: silence } = await createClient(options).request(silenceAlerts, {
        until,
        reason,
        rule,
        subscriptionId,
      });
      if (options.json) return printJson(silence);
      const what = `${rule ?? 'every rule'} of ${subscriptionId === null ? 'every subscription' : `subscription ${subscriptionId}`}`;
      print(
        `✓ Silence ${silence.id}: nobody is told of ${what} until ${clockTime(new Date(silence.until))}.`,
      );
    },
  );
}

function unsilenceCommand(): Command {
  const command = new Command('unsilence')
    .description('end a silence now')
    .argument('<id>', 'as `alerts silence` printed it')
    .option('--json', 'print JSON');
  return withClientOptions(command).action(async (id: string, options: AlertsOptions) => {
    const { endAlertSilence: silence } = await createClient(options).request(endAlertSilence, { id });
    if (options.json) return printJson(silence);
    print(`✓ Silence ${silence.id} is over.`);
  });
}

function testCommand(result: CommandResult): Command {
  const command = new Command('test')
    .description('send a test message over a channel of the running hub; exits 1 when it is not taken')
    .argument('<channel>', 'its name in the alerts file')
    .option('--json', 'print JSON');
  return withClientOptions(command).action(async (channel: string, options: AlertsOptions) => {
    const { testAlertChannel: test } = await createClient(options).request(testAlertChannel, { channel });
    if (!test.ok) result.exitCode = 1;
    if (options.json) return printJson(test);
    print(
      test.ok
        ? `✓ ${channel} took the test message (${test.latencyMs} ms).`
        : `✗ ${channel} did not take the test message: ${test.error ?? ''}`,
    );
  });
}

/** @throws HubError BAD_USER_INPUT */
function spanMs(text: string): number {
  const [, count, unit] = /^(\d{1,5})(m|h|d)$/.exec(text) ?? [];
  const unitMs = { m: 60_000, h: 3_600_000, d: 86_400_000 }[unit ?? ''];
  if (unitMs === undefined)
    throw new HubError('BAD_USER_INPUT', `--for: a time span like 30m, 2h or 1d, not "${text}".`);
  return Number(count) * unitMs;
}
