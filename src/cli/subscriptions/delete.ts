import { Command } from 'commander';
import { limits } from '../../core/limits.ts';
import { type ClientOptions, createClient, RefusedError, withClientOptions } from '../client.ts';
import { graphql } from '../generated/gql.ts';
import { readId } from '../id-argument.ts';
import { plural, print, printJson } from '../terminal.ts';

const toDelete = graphql(`
  query SubscriptionToDelete($id: ID!) { dataSubscription(id: $id) { id name targetSystem backlog connected } }
`);

const deleteSubscription = graphql(`
  mutation DeleteSubscription($id: ID!) { deleteDataSubscription(id: $id) }
`);

/** `hub subscriptions delete`: says what becomes of the events that waited. */
export function deleteSubscriptionCommand(): Command {
  const command = new Command('delete')
    .description('delete a subscription: what waits is cancelled, its log stays')
    .argument('<id>', 'as `subscriptions list` shows it', readId)
    .option('--json', 'print JSON');
  return withClientOptions(command).action(
    async (id: string, options: ClientOptions & { json?: boolean }) => {
      const client = createClient(options);
      const { dataSubscription: found } = await client.request(toDelete, { id });
      if (found == null) throw new RefusedError('NOT_FOUND', `There is no subscription ${id}.`);
      await client.request(deleteSubscription, { id });
      const { name, targetSystem, backlog, connected } = found;
      const isLong = backlog > limits.backlogPart;
      if (options.json)
        return printJson({ id, name, targetSystem, deleted: true, waiting: backlog, connected });
      const waited =
        backlog === 0
          ? 'nothing waited'
          : `${plural(backlog, 'event')} that waited: CANCELLED${isLong ? ' in the background' : ''}`;
      print(`✓ Subscription ${id} (${name} of ${targetSystem}) is deleted; ${waited}. Its log stays.`);
      if (connected) print('  The consumer that was attached is told by the end of its stream.');
    },
  );
}
