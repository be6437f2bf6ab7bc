import type { Pool, PoolClient } from 'pg';
import type { Lineage } from './lineage/lineage.ts';

type Callback = (
  error: unknown,
  client: PoolClient | undefined,
  release: (error?: Error | boolean) => void,
) => void;

/**
 * Checks connections each time that they are taken, and not only when they are made: behind a pooler a connection of
 * ours leads to whatever server the pooler is connected to by then.
 */
export function checkPooled(pool: Pool, lineage: Lineage): void {
  const connect: () => Promise<PoolClient> = pool.connect.bind(pool);
  const checked = async () => {
    const client = await connect();
    try {
      await lineage.checkAgain(client);
      return client;
    } catch (error) {
      client.release(true);
      throw error;
    }
  };
  // The pool's own `query` takes its connection by a callback.
  const taken = (callback?: unknown) => {
    if (!isCallback(callback)) return checked();
    checked().then(
      client => callback(undefined, client, (error?: Error | boolean) => client.release(error)),
      (error: unknown) => callback(error, undefined, () => {}),
    );
    return undefined;
  };
  Object.defineProperty(pool, 'connect', { value: taken, configurable: true });
}

function isCallback(value: unknown): value is Callback {
  return typeof value === 'function';
}
