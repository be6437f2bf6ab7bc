import type { Pool } from 'pg';
import { HubError } from '../../core/errors.ts';
import { storedPayloadQueries } from '../../db/reading/read-statements.ts';
import type { PayloadQueries } from './payload-queries.ts';

/** Subscriptions that an error names; how many more there are, it counts. */
const namedAtMost = 10;

/**
 * Checks the payload queries of all subscriptions that are not deleted.
 * @throws HubError BAD_USER_INPUT naming the subscriptions whose query does not fit
 */
export async function checkStoredQueries(
  pool: Pool,
  queries: Pick<PayloadQueries, 'faultOf'>,
): Promise<void> {
  const broken = (await storedPayloadQueries(pool)).flatMap(({ id, name, targetSystem, payloadQuery }) => {
    const fault = queries.faultOf(payloadQuery);
    return fault === null ? [] : [`  subscription ${id} (${name} of ${targetSystem}): ${fault}`];
  });
  if (broken.length === 0) return;
  const named = broken.slice(0, namedAtMost);
  if (broken.length > named.length) named.push(`  and ${broken.length - named.length} more`);
  throw new HubError(
    'BAD_USER_INPUT',
    [
      'A payloadQuery that is stored does not fit the schema of this version, so its events could not be delivered:',
      ...named,
      'Correct it by the version that ran before (updateDataSubscription), or in data_subscriptions.payload_query. ' +
        '`hub check-queries` tells this before a hub is replaced.',
    ].join('\n'),
    { field: 'payloadQuery' },
  );
}
