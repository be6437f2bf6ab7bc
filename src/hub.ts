// type-graphql's decorators ask for it as soon as a class is defined, so it comes before everything.
import 'reflect-metadata';

import { ApiKeys } from './access/keys.ts';
import { localVaultKey } from './access/local-key.ts';
import { Vault } from './access/vault.ts';
import type { Config } from './config.ts';
import { BusinessTime } from './core/business-time.ts';
import { type Clock, systemClock } from './core/clock.ts';
import { HubError, messageOf } from './core/errors.ts';
import { createLogger, type Logger } from './core/logger.ts';
import type { Random } from './core/random.ts';
import { Database, queueSchema } from './db/database.ts';
import { startEmbeddedPostgres } from './db/embedded.ts';
import { Breaker } from './delivery/breaker.ts';
import { Compensation } from './delivery/compensation.ts';
import { DeliveryTester } from './delivery/delivery-test.ts';
import { Subscriptions } from './delivery/subscriptions.ts';
import { SyncReader } from './delivery/sync-reader.ts';
import { parseTargetAllow, type TargetAllow } from './delivery/webhook/guard.ts';
import { WebhookSender } from './delivery/webhook/send.ts';
import { WebhookTransport } from './delivery/webhook/webhook-transport.ts';
import { EventTypes } from './intake/event-types.ts';
import { Intake } from './intake/record-vouchers.ts';
import { RoutingCache } from './intake/routing.ts';
import { VoucherReader } from './intake/voucher-reader.ts';
import { Lanes } from './jobs/lanes.ts';
import { openLaneQueue } from './jobs/queues.ts';
import { Reconciler } from './jobs/reconciler.ts';
import { createContext } from './resolvers/context.ts';
import { createResolvers, resolverClasses } from './resolvers/resolvers.ts';
import { buildHubSchema } from './schema/build-schema.ts';
import { startServer } from './server/server.ts';

/** What tests (and a demo) may put in the place of the real thing. */
export interface HubOverrides {
  readonly clock?: Clock;
  readonly random?: Random;
  readonly log?: Logger;
}

/** A running hub. Dispose of it to stop: it takes no more, finishes what is under way, and closes everything. */
export interface Hub extends AsyncDisposable {
  readonly url: string;
  readonly databaseUrl: string;
  /** The secret of the first admin key, where this start made it; shown this once. */
  readonly adminKey: string | null;
}

/** Puts the parts together and starts those that the settings ask for. */
export async function createHub(config: Config, overrides: HubOverrides = {}): Promise<Hub> {
  const clock = overrides.clock ?? systemClock;
  const random = overrides.random ?? Math.random;
  const log =
    overrides.log ?? createLogger({ level: config.logLevel, pretty: config.logFormat === 'pretty' });
  const parts = new AsyncDisposableStack();
  try {
    return await start({ config, clock, random, log, parts });
  } catch (error) {
    await parts.disposeAsync();
    throw error;
  }
}

interface Start {
  readonly config: Config;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Everything that must be closed, in the order of its making; closed the other way round. */
  readonly parts: AsyncDisposableStack;
}

async function start({ config, clock, random, log, parts }: Start): Promise<Hub> {
  const allow = targetAllowOf(config);
  if (config.targetAllowIsDefault)
    log.info('webhooks may reach this machine (HUB_TARGET_ALLOW sets what they may reach)');
  const databaseUrl =
    config.databaseUrl ?? parts.use(await startEmbeddedPostgres({ dataDir: config.dataDir, log, clock })).url;
  const vaultKey = config.encryptionKey ?? (await localVaultKey(config.dataDir));
  const vault = new Vault(vaultKey, config.previousEncryptionKey);
  const db = parts.use(await Database.connect({ url: databaseUrl, poolSize: config.databasePool, log }));
  await db.migrate();
  const keys = new ApiKeys(db, clock);
  const adminKey = await keys.ensureAdmin(config.adminKey);

  const home =
    config.redisUrl === undefined
      ? { kind: 'postgres' as const, url: databaseUrl, schema: queueSchema }
      : { kind: 'redis' as const, url: config.redisUrl };
  const queue = parts.use(await openLaneQueue(home, { log, clock }));
  const sender = parts.use(new WebhookSender({ allow, clock }));
  const transport = new WebhookTransport(sender, clock);
  const breaker = new Breaker(db, log);
  const lanes = new Lanes(queue, { db, vault, clock, random, log, transport, breaker });
  parts.defer(() => lanes.stop());
  if (config.roles.includes('worker')) await lanes.start();
  const reconciler = new Reconciler({ db, clock, log, lanes });
  parts.defer(() => reconciler.stop());
  if (config.roles.includes('scheduler')) reconciler.start();

  const subscriptions = new Subscriptions({ db, vault, lanes });
  const intake = new Intake({
    db,
    clock,
    time: new BusinessTime(config.timeZone),
    routing: new RoutingCache(db, clock),
    waker: lanes,
    log,
  });
  parts.defer(() => intake.close());
  const resolvers = createResolvers({
    intake,
    keys,
    subscriptions,
    vouchers: new VoucherReader(db),
    eventTypes: new EventTypes(db),
    tester: new DeliveryTester({ db, vault, clock, transport }),
    syncs: new SyncReader(db),
    compensation: new Compensation(db, lanes),
  });
  const schema = buildHubSchema(resolverClasses, someClass =>
    resolvers.find(resolver => resolver.constructor === someClass),
  );
  const contextOf = async (authorization: string | undefined, requestId: string) => {
    const key = /^Bearer\s+(\S+)$/i.exec(authorization ?? '')?.[1];
    return createContext(db, key === undefined ? null : await keys.authenticate(key), requestId);
  };
  const readiness = async () => ({
    database: await db.pool.query('select 1').then(
      () => true,
      () => false,
    ),
    queue: await queue.isReady(),
    running: !stopping,
  });
  let stopping = false;
  const graphql = config.roles.includes('api') ? { schema, log, contextOf } : undefined;
  const server = parts.use(
    await startServer({ host: config.host, port: config.port, log, graphql, readiness }),
  );
  log.info(
    {
      url: server.url,
      roles: config.roles,
      queue: home.kind,
      database: config.databaseUrl === undefined ? 'embedded' : 'external',
    },
    'hub is up',
  );
  return {
    url: server.url,
    databaseUrl,
    adminKey,
    async [Symbol.asyncDispose]() {
      stopping = true;
      log.info('hub is stopping');
      await parts.disposeAsync();
      log.info('hub has stopped');
    },
  };
}

function targetAllowOf(config: Config): TargetAllow {
  try {
    return parseTargetAllow(config.targetAllow);
  } catch (error) {
    throw new HubError('BAD_USER_INPUT', `HUB_TARGET_ALLOW: ${messageOf(error)}`);
  }
}
