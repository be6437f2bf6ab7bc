import type { Client } from 'pg';
import { messageOf } from '../../core/errors.ts';
import { identityOf, kinshipFault } from '../../db/reading/replica.ts';
import { withoutPassword } from '../start.ts';
import { type Check, checksOf } from './check.ts';

const { ok, warn } = checksOf('replica');

/**
 * Tells whether analysts' lists can come from DATABASE_REPLICA_URL. Nothing fails without it: then the primary answers them.
 * @param connect connects to an address, for as long as `work` takes
 */
export async function checkReplica(
  url: string,
  primary: Client,
  connect: <T>(url: string, work: (client: Client) => Promise<T>) => Promise<T>,
): Promise<Check> {
  const mend =
    "Until it is mended, analysts' lists are read from the primary: correct DATABASE_REPLICA_URL, or start the replica.";
  try {
    const fault = await connect(url, async copy =>
      kinshipFault(await identityOf(copy), await identityOf(primary)),
    );
    return fault === null
      ? ok(`${withoutPassword(url)} is a replica of the database`)
      : warn(`${withoutPassword(url)} is not used: ${fault}`, mend);
  } catch (error) {
    return warn(`${withoutPassword(url)} does not answer: ${messageOf(error)}`, mend);
  }
}
