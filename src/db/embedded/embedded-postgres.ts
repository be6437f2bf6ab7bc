import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import { prepareCluster } from './cluster.ts';
import { FolderLock } from './folder-lock.ts';
import { EmbeddedServer } from './server.ts';

/** The hub's own database in the embedded server. */
const database = 'hub';

/** A PostgreSQL that the hub runs itself. Disposing of it stops the server. */
export interface EmbeddedPostgres extends AsyncDisposable {
  /** Connection string for database `hub`; good until disposed of, over restarts of the server too. */
  readonly url: string;
}

/**
 * Starts the PostgreSQL in the data folder, making it the first time, or adopts the one that a killed hub left
 * running. At most one hub has a folder: a second gets a `CONFLICT` that names the first.
 */
export async function startEmbeddedPostgres(options: {
  dataDir: string;
  log: Logger;
  clock: Clock;
}): Promise<EmbeddedPostgres> {
  const cluster = await prepareCluster(options);
  const server = new EmbeddedServer(cluster);
  const lock = await FolderLock.take(server, { ...options, dataDir: cluster.dataDir });
  let stopped: Promise<void> | undefined;
  const stop = () => (stopped ??= lock.release(() => server.stop()));
  try {
    await lock.ensureDatabase(database);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url: server.urlOf(database, lock.port), [Symbol.asyncDispose]: stop };
}
