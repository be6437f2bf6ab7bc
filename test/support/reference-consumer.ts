import { createServer, type Server } from 'node:http';
import { DatabaseSync } from 'node:sqlite';
import {
  type HubEvent,
  nodeHandler,
  sqliteCache,
  VersionedCache,
  WebhookReceiver,
} from '../../clients/typescript/src/index.ts';
import { adminKey, type TestHub } from './hub.ts';
import { subscribe } from './vouchers.ts';

/** The client package's cache on SQLite, and the tables behind its back. */
export interface ReferenceCache {
  readonly cache: VersionedCache;
  readonly db: DatabaseSync;
  /** Every event that it took. */
  readonly events: HubEvent[];
  take(event: HubEvent): Promise<void>;
}

/** A cache with its tables. */
export async function openReferenceCache(hub: Pick<TestHub, 'url'>): Promise<ReferenceCache> {
  const db = new DatabaseSync(':memory:');
  const cache = new VersionedCache({ store: sqliteCache(db), hub: { url: hub.url, key: adminKey } });
  await cache.createTables();
  const events: HubEvent[] = [];
  const take = async (event: HubEvent) => {
    await cache.apply(event);
    events.push(event);
  };
  return { cache, db, events, take };
}

/** A subscription whose webhook and consistency questions go to a reference cache. */
export async function startReferenceConsumer(
  hub: TestHub,
  input: Record<string, unknown>,
): Promise<ReferenceCache & { readonly id: string } & AsyncDisposable> {
  const reference = await openReferenceCache(hub);
  const secrets = ['whsec_unknown-until-it-has-subscribed'];
  const receiver = new WebhookReceiver({
    secrets,
    handle: event => reference.take(event),
    consistency: reference.cache,
    // A hub whose time a test moves signs with that time.
    toleranceSeconds: 10 ** 9,
  });
  const server = createServer(nodeHandler(receiver));
  const url = await listen(server);
  const { id, secret } = await subscribe(hub, { webhookUrl: url, consistencyUrl: url, ...input });
  secrets[0] = secret;
  return {
    ...reference,
    id,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>(resolve => server.close(() => resolve()));
    },
  };
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://127.0.0.1:${address.port}/hook`;
}
