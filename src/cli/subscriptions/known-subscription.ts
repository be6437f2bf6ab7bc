import type { HubClient } from '../client.ts';
import { graphql } from '../generated/gql.ts';

const query = graphql(`query KnownSubscription($id: ID!) { dataSubscription(id: $id) { id } }`);

/** Tells whether there is a subscription that the key may see. */
export async function knowsSubscription(
  client: HubClient,
  id: string,
  signal?: AbortSignal,
): Promise<boolean> {
  const { dataSubscription } = await client.requestText(query, JSON.stringify({ id }), signal);
  return dataSubscription != null;
}
