import { Command } from 'commander';
import { type ClientOptions, createClient, withClientOptions } from '../client.ts';
import { graphql } from '../generated/gql.ts';
import { readId } from '../id-argument.ts';
import { plural, print, printJson } from '../terminal.ts';
import { noteWarnings, readWhole } from './setting-options.ts';

const rotateSecret = graphql(`
  mutation RotateSecret($id: ID!, $overlapHours: Int!) {
    rotateDataSubscriptionSecret(id: $id, overlapHours: $overlapHours) { secret warnings subscription { id name targetSystem } }
  }
`);

interface RotateOptions extends ClientOptions {
  readonly overlapHours: number;
  readonly json?: boolean;
}

const help = `
While both hold every webhook is signed with both: X-Signature under the old secret, X-Signature-Next under the new one,
webhook-signature under both. So the consumer may change over at any time within the overlap: it takes both
(\`secrets: [old, next]\` in the client package), and drops the old one when the overlap is over. A rotation during a rotation
puts its secret in the place of the one that was to come, and the overlap begins anew.

  hub subscriptions rotate 1
  hub subscriptions rotate 1 --overlap-hours 0    # the old one is known to others: it is out at once`;

/** `hub subscriptions rotate`: a new secret, shown once, beside the old one for a while. */
export function rotateSecretCommand(): Command {
  const command = new Command('rotate')
    .description('make a new secret, shown once; for a while the old one holds beside it')
    .argument('<id>', 'as `subscriptions list` shows it', readId)
    .option('--overlap-hours <hours>', 'how long both hold, 0 to 168', readWhole, 24)
    .option('--json', 'print JSON')
    .addHelpText('after', help);
  return withClientOptions(command).action(async (id: string, options: RotateOptions) => {
    const { overlapHours } = options;
    const { rotateDataSubscriptionSecret: made } = await createClient(options).request(rotateSecret, {
      id,
      overlapHours,
    });
    noteWarnings(made);
    if (options.json) return printJson({ ...made, overlapHours });
    const { name, targetSystem } = made.subscription;
    const hours = plural(overlapHours, 'hour');
    const [how, next] =
      overlapHours === 0
        ? ['it alone signs from now on', 'Until the consumer has it, it refuses what the hub sends.']
        : [
            `for ${hours} both sign`,
            `Have the consumer take both now (X-Signature-Next is under the new one), and drop the old one after the ${hours}.`,
          ];
    print(`✓ Subscription ${id} (${name} of ${targetSystem}) has a new secret; ${how}.`);
    print(`  ${made.secret}   (keep it: shown this once)`);
    print(`  ${next}`);
  });
}
