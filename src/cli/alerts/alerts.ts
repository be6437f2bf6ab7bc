import { Command } from 'commander';
import { createClient, withClientOptions } from '../client.ts';
import type { CommandResult } from '../command-result.ts';
import { graphql } from '../generated/gql.ts';
import type { ListAlertsQuery } from '../generated/graphql.ts';
import { shownTime, timeCell } from '../shown-time.ts';
import { print, printJson, printTable } from '../terminal.ts';
import { checkCommand } from './check-file.ts';
import { type AlertsOptions, silenceCommand, silencesCommand, unsilenceCommand } from './silences.ts';

const listAlerts = graphql(`
  query ListAlerts($state: AlertState, $first: Int) {
    alerts(state: $state, first: $first) {
      id rule severity state message value threshold cause vouchers { sourceId voucherNo } firedAt resolvedAt acknowledgedAt acknowledgedBy
      subscription { id name targetSystem }
      notifications { channel kind status attempts sentAt error }
    }
  }
`);

const acknowledgeAlert = graphql(`
  mutation AcknowledgeAlert($id: ID!) { acknowledgeAlert(id: $id) { id rule severity message acknowledgedAt acknowledgedBy } }
`);

const testAlertChannel = graphql(`
  mutation TestAlertChannel($channel: String!) { testAlertChannel(channel: $channel) { ok error latencyMs } }
`);

const examples = `
Examples:
  hub alerts list                          what fires now
  hub alerts list --all --first 200        what fired before, too
  hub alerts ack 17 18                     they are seen to: not escalated
  hub alerts silence --subscription 3 --for 2h --reason "maintenance of the tax system"
  hub alerts silences                      which hold, and their ids
  hub alerts unsilence 4                   ends one now
  hub alerts check alerts.yml              whether a file fits, before the hub is restarted
  hub alerts test wecom                    sends a test message over a channel`;

/** `hub alerts`: what fires, who takes note of it, and whether people can be told. */
export function alertsCommand(result: CommandResult): Command {
  const command = new Command('alerts')
    .description('alerts: list, ack, silence, silences, unsilence; check a file, test a channel')
    .addHelpText('after', examples);
  command.addCommand(listCommand()).addCommand(ackCommand()).addCommand(silenceCommand());
  command.addCommand(silencesCommand()).addCommand(unsilenceCommand());
  return command.addCommand(checkCommand(result)).addCommand(testCommand(result));
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
        shownTime(alert.firedAt),
        timeCell(alert.resolvedAt),
        alert.acknowledgedBy,
        whyOf(alert),
      ]);
      printTable(['ID', 'STATE', 'ALERT', 'VALUE', 'THRESHOLD', 'SINCE', 'UNTIL', 'SEEN BY', 'WHY'], rows);
    },
  );
}

function ackCommand(): Command {
  const command = new Command('ack')
    .description('take note of alerts: they are not escalated, unless they get worse; who did so first stays')
    .argument('<ids...>', 'as `alerts list` shows them')
    .option('--json', 'print JSON');
  return withClientOptions(command).action(async (ids: string[], options: AlertsOptions) => {
    const client = createClient(options);
    const noted = [];
    for (const id of ids) noted.push((await client.request(acknowledgeAlert, { id })).acknowledgeAlert);
    if (options.json) return printJson(noted);
    for (const alert of noted) print(`✓ Alert ${alert.id} is acknowledged${byWhom(alert)}: ${alert.message}`);
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

/** Its cause, and some of the vouchers that it is about. */
function whyOf({ cause, vouchers }: ListAlertsQuery['alerts'][number]): string | null {
  const named = vouchers.map(({ sourceId, voucherNo }) => `${sourceId} (${voucherNo})`).join(', ');
  const parts = [cause ?? '', named].filter(part => part !== '');
  return parts.length === 0 ? null : parts.join(': ');
}

/** Somebody else may have been first. */
function byWhom({
  acknowledgedBy,
  acknowledgedAt,
}: {
  acknowledgedBy?: string | null;
  acknowledgedAt?: string | null;
}): string {
  if (acknowledgedBy == null || acknowledgedAt == null) return '';
  return ` by ${acknowledgedBy}, ${shownTime(acknowledgedAt)}`;
}
