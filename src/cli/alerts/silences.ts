import { Command } from 'commander';
import { type ClientOptions, createClient, withClientOptions } from '../client.ts';
import { graphql } from '../generated/gql.ts';
import { shownTime } from '../shown-time.ts';
import { print, printJson, printTable } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';

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

const listSilences = graphql(`
  query ListAlertSilences { alertSilences { id rule subscriptionId until reason createdBy createdAt } }
`);

/** Holds what every command on alerts takes. */
export interface AlertsOptions extends ClientOptions {
  readonly json?: boolean;
}

/** `hub alerts silence`: nobody is told of some alerts for a while. */
export function silenceCommand(): Command {
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
      print(`✓ Silence ${silence.id}: nobody is told of ${what} until ${shownTime(silence.until)}.`);
    },
  );
}

/** `hub alerts unsilence`: ends a silence. */
export function unsilenceCommand(): Command {
  const command = new Command('unsilence')
    .description('end a silence now')
    .argument('<id>', 'as `alerts silences` shows it')
    .option('--json', 'print JSON');
  return withClientOptions(command).action(async (id: string, options: AlertsOptions) => {
    const { endAlertSilence: silence } = await createClient(options).request(endAlertSilence, { id });
    if (options.json) return printJson(silence);
    print(`✓ Silence ${silence.id} is over.`);
  });
}

/** `hub alerts silences`: those that hold. */
export function silencesCommand(): Command {
  const command = new Command('silences')
    .description('show the silences that hold, the oldest first')
    .option('--json', 'print JSON');
  return withClientOptions(command).action(async (options: AlertsOptions) => {
    const { alertSilences } = await createClient(options).request(listSilences, {});
    if (options.json) return printJson(alertSilences);
    if (alertSilences.length === 0) return print('✓ Nothing is silenced.');
    const rows = alertSilences.map(({ id, rule, subscriptionId, until, reason, createdBy }) => [
      id,
      rule ?? 'all',
      subscriptionId ?? 'all',
      shownTime(until),
      reason,
      createdBy,
    ]);
    printTable(['ID', 'RULE', 'SUBSCRIPTION', 'UNTIL', 'REASON', 'BY'], rows);
  });
}

/** @throws UsageError */
function spanMs(text: string): number {
  const [, count, unit] = /^(\d{1,5})(m|h|d)$/.exec(text) ?? [];
  const unitMs = { m: 60_000, h: 3_600_000, d: 86_400_000 }[unit ?? ''];
  if (unitMs === undefined) throw new UsageError(`--for: a time span like 30m, 2h or 1d, not "${text}".`);
  return Number(count) * unitMs;
}
