import { Command } from 'commander';
import { type ClientOptions, createClient, withClientOptions } from './client.ts';
import { graphql } from './generated/gql.ts';
import { businessTime, instantOf } from './instant.ts';
import { plural, print, printJson } from './terminal.ts';
import { UsageError } from './usage-error.ts';

const noteRestore = graphql(`
  mutation NoteDatabaseRestore($missingSince: DateTime) {
    noteDatabaseRestore(missingSince: $missingSince) { noticedAt missingSince reason settledAt }
  }
`);

const settleRestores = graphql(`
  mutation SettleDatabaseRestores {
    settleDatabaseRestores { noticedAt missingSince reason settledAt }
  }
`);

interface RestoredOptions extends ClientOptions {
  readonly since?: string;
  readonly done?: boolean;
  readonly json?: boolean;
}

/** `hub restored`: after a restore or failover that the hub can't see by itself. */
export function restoredCommand(): Command {
  const command = new Command('restored')
    .description(
      'say that the database is a restored backup or a promoted standby: all numbers move on, so that none is given twice',
    )
    .option(
      '--since <time>',
      'when the backup was made: a day (YYYY-MM-DD, from its beginning by HUB_TIME_ZONE) or an instant; left out: when a hub last saw the database before',
    )
    .option('--done', 'say that everything is back: the alert database_restored is over')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
A hub sees by itself that a dump was restored, a standby was promoted, or the embedded folder is a copy. It does not see
that a snapshot of the whole machine or volume was restored: say so with this command.

Examples:
  hub restored --since 2026-03-01T02:00:00+08:00
  hub restored --done`,
    );
  return withClientOptions(command).action(async (options: RestoredOptions) => {
    if (options.done === true && options.since !== undefined)
      throw new UsageError('--since and --done do not go together.');
    return options.done === true ? settle(options) : note(options);
  });
}

async function note(options: RestoredOptions): Promise<void> {
  const missingSince =
    options.since === undefined
      ? null
      : new Date(instantOf('--since', options.since, businessTime())).toISOString();
  const { noteDatabaseRestore: restore } = await createClient(options).request(noteRestore, { missingSince });
  if (options.json) return printJson(restore);
  print('✓ All numbers have moved on: none is given twice.');
  print(`  What was recorded from ${restore.missingSince} until ${restore.noticedAt} may be missing:`);
  print('  let every publisher repeat it (nothing is recorded twice), then run');
  print('  hub check --subscription ID for each subscription. Once all is back: hub restored --done');
}

async function settle(options: RestoredOptions): Promise<void> {
  const { settleDatabaseRestores: settled } = await createClient(options).request(settleRestores, {});
  if (options.json) return printJson({ settled });
  print(
    settled.length === 0
      ? '✓ There was no restore to settle.'
      : `✓ ${plural(settled.length, 'restore')} settled; the alert ends within a minute.`,
  );
}
