import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { HubError, messageOf } from '../core/errors.ts';
import { fileFault } from '../core/file-fault.ts';
import { type ClientOptions, createClient, withClientOptions } from './client.ts';
import type { CommandResult } from './command-result.ts';
import { graphql } from './generated/gql.ts';
import { plural, print, printJson } from './terminal.ts';

const listPayloadQueries = graphql(`
  query ListPayloadQueries { dataSubscriptions { id name targetSystem payloadQuery } }
`);

interface QueryCheckOptions extends ClientOptions {
  readonly schema?: string;
  readonly json?: boolean;
}

/** `hub check-queries`: whether the payload queries of a running hub fit another version's schema. For CI. */
export function checkQueriesCommand(result: CommandResult): Command {
  const command = new Command('check-queries')
    .description(
      'check every stored payloadQuery of a running hub against a schema; exits 1 when one does not fit',
    )
    .option(
      '--schema <file>',
      'the schema of the version that is to run (left out: the one this version serves)',
    )
    .option('--json', 'print JSON');
  return withClientOptions(command).action(async (options: QueryCheckOptions) => {
    const schema = options.schema ?? 'the schema of this version';
    const [queries, { dataSubscriptions: all }] = await Promise.all([
      openQueries(options.schema),
      createClient(options).request(listPayloadQueries, {}),
    ]);
    const checked = all.flatMap(({ payloadQuery, ...of }) =>
      payloadQuery == null ? [] : [{ ...of, fault: queries.faultOf(payloadQuery) }],
    );
    const broken = checked.filter(({ fault }) => fault !== null);
    if (broken.length > 0) result.exitCode = 1;
    if (options.json) return printJson({ ok: broken.length === 0, checked: checked.length, broken });
    for (const { id, name, targetSystem, fault } of broken)
      print(`✗ Subscription ${id} (${name} of ${targetSystem}): ${fault}`);
    print(
      broken.length === 0
        ? `✓ ${plural(checked.length, 'subscription')} with a payloadQuery: nothing breaks on ${schema}.`
        : `\n${broken.length} of ${plural(checked.length, 'subscription')} with a payloadQuery would break on ${schema}.`,
    );
  });
}

/** @throws HubError BAD_USER_INPUT where the file is no schema of a hub */
async function openQueries(file: string | undefined) {
  // Loaded here, so that the other commands stay quick.
  const [{ boundedQueries }, { servedSchemaText }] = await Promise.all([
    import('../hub/bounded-queries.ts'),
    import('../resolvers/served-schema.ts'),
  ]);
  if (file === undefined) return boundedQueries(servedSchemaText());
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new HubError('BAD_USER_INPUT', `--schema: ${file} can't be read: ${fileFault(error)}.`, {
      cause: error,
    });
  });
  try {
    return boundedQueries(text);
  } catch (error) {
    throw new HubError('BAD_USER_INPUT', `--schema: ${file} is no schema of a hub: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
