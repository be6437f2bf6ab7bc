// type-graphql's decorators ask for it as soon as a class is defined, so it comes before everything.
import 'reflect-metadata';

import { ApiKeys } from './access/keys.ts';
import { localVaultKey } from './access/local-key.ts';
import { Vault } from './access/vault.ts';
import { type Config, processEnvironment } from './config.ts';
import { type OpenConsistency, openConsistency } from './consistency/open-consistency.ts';
import { BusinessTime } from './core/business-time.ts';
import { type Clock, systemClock } from './core/clock.ts';
import { limits } from './core/limits.ts';
import { createLogger, type Logger } from './core/logger.ts';
import type { Random } from './core/random.ts';
import { lastDifferences } from './db/consistency-reports.ts';
import { Database, queueSchema } from './db/database.ts';
import { startEmbeddedPostgres } from './db/embedded.ts';
import { Replica } from './db/replica.ts';
import { BatchDates } from './delivery/batch-dates.ts';
import { Breaker } from './delivery/breaker.ts';
import { Compensation } from './delivery/compensation.ts';
import { DeliveryTester } from './delivery/delivery-test.ts';
import { PayloadQueries } from './delivery/payload/payload-queries.ts';
import { checkStoredQueries } from './delivery/payload/stored-queries.ts';
import { Attachments } from './delivery/push/attachments.ts';
import { Subscriptions } from './delivery/subscriptions.ts';
import { SyncChanges } from './delivery/sync-changes.ts';
import { SyncReader } from './delivery/sync-reader.ts';
import { parseTargetAllow } from './delivery/webhook/guard.ts';
import { WebhookSender } from './delivery/webhook/send.ts';
import { WebhookTransport } from './delivery/webhook/webhook-transport.ts';
import { EventTypes } from './intake/event-types.ts';
import { Intake } from './intake/record-vouchers.ts';
import { RoutingCache } from './intake/routing.ts';
import { VoucherReader } from './intake/voucher-reader.ts';
import { AlertRounds } from './jobs/alert-rounds.ts';
import { compensationSchedules } from './jobs/compensation-schedules.ts';
import { consistencySchedules } from './jobs/consistency-schedules.ts';
import { Lanes } from './jobs/lanes.ts';
import { PostgresMessages, RedisMessages } from './jobs/messages.ts';
import { Nodes } from './jobs/nodes.ts';
import { openLaneQueue, type QueueHome } from './jobs/queues.ts';
import { Reconciler } from './jobs/reconciler.ts';
import { Schedules } from './jobs/schedules.ts';
import type { Alerts } from './monitoring/alerts.ts';
import { Audit } from './monitoring/audit.ts';
import { referencesIn } from './monitoring/channels/open-channels.ts';
import { LaneMeters } from './monitoring/lane-meters.ts';
import { Meters } from './monitoring/meters.ts';
import { MetricWatches } from './monitoring/metric-watches.ts';
import { type Metrics, readMetrics, windowOf } from './monitoring/metrics.ts';
import { openAlerting } from './monitoring/open-alerting.ts';
import type { MetricReadings } from './monitoring/readings.ts';
import { Retention } from './monitoring/retention.ts';
import { Rollups } from './monitoring/rollups.ts';
import { SqlReadings } from './monitoring/sql-readings.ts';
import { createContext } from './resolvers/context.ts';
import { createLive } from './resolvers/live.ts';
import { createResolvers, type ResolverServices, resolverClasses } from './resolvers/resolvers.ts';
import { servedSchemaText } from './resolvers/served-schema.ts';
import { buildHubSchema } from './schema/build-schema.ts';
import type { GraphqlDoor } from './server/graphql-http.ts';
import { checkOperationSize } from './server/operation-limits.ts';
import { startServer } from './server/server.ts';

/** What tests (and a demo) may put in the place of the real thing. */
export interface HubOverrides {
  readonly clock?: Clock;
  readonly random?: Random;
  readonly log?: Logger;
  /** Where the alerts file's `${VARIABLE}` are looked up. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
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
    const environment = overrides.environment ?? processEnvironment();
    return await start({ config, clock, random, log, environment, parts, meters: new Meters() });
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
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Everything that must be closed, in the order of its making; closed the other way round. */
  readonly parts: AsyncDisposableStack;
  readonly meters: Meters;
}

async function start(context: Start): Promise<Hub> {
  const { config, clock, log, parts } = context;
  if (config.targetAllowIsDefault)
    log.info('webhooks may reach this machine (HUB_TARGET_ALLOW sets what they may reach)');
  const store = await openStore(context);
  const delivery = await openDelivery(context, store);
  const consistency = parts.use(
    openConsistency({
      ...store,
      ...delivery,
      clock,
      log,
      repairMaxPercent: config.repairMaxPercent,
    }),
  );
  const alerts = await startAlerts(context, store, delivery);
  const services = { ...createServices(context, store, delivery), ...consistency, alerts };
  openSchedules(context, store, delivery, services);
  const laneMeters = new LaneMeters(
    { db: store.db, clock, log, readings: readingsOf(store) },
    context.meters,
  );
  let stopping = false;
  const server = parts.use(
    await startServer({
      host: config.host,
      port: config.port,
      log,
      graphql: config.roles.includes('api') ? graphqlDoor(context, store, services) : undefined,
      metrics: () => laneMeters.text(),
      readiness: async () => ({
        ...(await checkReadiness(context.clock, store, delivery)),
        running: !stopping,
      }),
    }),
  );
  log.info({ url: server.url, roles: config.roles, ...homesOf(config) }, 'hub is up');
  return {
    url: server.url,
    databaseUrl: store.databaseUrl,
    adminKey: store.adminKey,
    async [Symbol.asyncDispose]() {
      stopping = true;
      log.info('hub is stopping');
      await clock.sleep(config.drainDelayMs);
      await delivery.attachments.quiet();
      await services.compensation.stop();
      await parts.disposeAsync();
      log.info('hub has stopped');
    },
  };
}

type Store = Awaited<ReturnType<typeof openStore>>;
type Delivery = Awaited<ReturnType<typeof openDelivery>>;

/** The database, migrated, and what opens its secrets and its doors. */
async function openStore({ config, clock, log, parts }: Start) {
  const databaseUrl =
    config.databaseUrl ?? parts.use(await startEmbeddedPostgres({ dataDir: config.dataDir, log, clock })).url;
  const vaultKey = config.encryptionKey ?? (await localVaultKey(config.dataDir));
  const vault = new Vault(vaultKey, config.previousEncryptionKey);
  const directUrl = config.databaseDirectUrl ?? databaseUrl;
  const newer = await Database.migrate({ url: directUrl, log });
  if (newer.length > 0)
    log.info({ migrations: newer }, 'the database is of a newer version, which only added');
  const pool = { poolSize: config.databasePool, timeoutMs: config.databaseTimeout * 1_000, log };
  const db = parts.use(await Database.connect({ url: databaseUrl, ...pool }));
  const payloadQueries = new PayloadQueries(servedSchemaText(), (schema, document, operation) =>
    checkOperationSize(schema, document, operation, {}),
  );
  await checkStoredQueries(db.pool, payloadQueries);
  const keys = new ApiKeys(db, clock);
  const adminKey = await keys.ensureAdmin(config.adminKey);
  const replica =
    config.databaseReplicaUrl === undefined || !config.roles.includes('api')
      ? undefined
      : parts.use(new Replica({ url: config.databaseReplicaUrl, ...pool }, { primary: db, clock }));
  await replica?.start();
  return { databaseUrl, directUrl, vault, db, replica, payloadQueries, keys, adminKey };
}

/** The queue and the lanes; those of this process's roles are started. */
async function openDelivery(
  { config, clock, random, log, parts, meters }: Start,
  { directUrl, db, vault, payloadQueries }: Store,
) {
  const home: QueueHome =
    config.redisUrl === undefined
      ? { kind: 'postgres', url: directUrl, schema: queueSchema }
      : { kind: 'redis', url: config.redisUrl, prefix: `{voucher-hub-${await db.installationId()}}` };
  const queue = parts.use(await openLaneQueue(home, { log, clock }));
  const sender = parts.use(new WebhookSender({ allow: parseTargetAllow(config.targetAllow), clock }));
  const transport = new WebhookTransport(sender, clock, payloadQueries);
  const messages = parts.use(
    home.kind === 'postgres'
      ? new PostgresMessages({ url: home.url, pool: db.pool }, { log, clock })
      : new RedisMessages(home, { log, clock }),
  );
  const nodes = new Nodes(messages, clock);
  parts.defer(() => nodes.stop());
  const syncs = new SyncReader(db);
  const changes = new SyncChanges({ clock, reader: syncs, nodes });
  const breaker = new Breaker({ db, log, changes });
  const drain = { db, vault, clock, random, log, changes, breaker, meter: meters };
  const lanes = new Lanes(queue, { ...drain, transport, nodes });
  parts.defer(() => lanes.stop());
  if (config.roles.includes('worker')) await lanes.start();
  const attachments = new Attachments({
    ...drain,
    tellSettled: syncIds => nodes.tell('settled', syncIds),
    onPresence: present => nodes.want('lanes', present || config.roles.includes('worker')),
    onWebhooksTurn: subscriptionId => lanes.reopen(subscriptionId),
  });
  nodes.on('settled', syncIds => attachments.forget(syncIds));
  lanes.serve(attachments);
  attachments.start();
  parts.defer(() => attachments.stop());
  nodes.start();
  return { queue, nodes, transport, lanes, attachments, syncs, changes };
}

/** What runs once over all schedulers; started where this process is one. */
function openSchedules(
  { config, clock, log, parts }: Start,
  { db }: Store,
  { lanes, changes }: Delivery,
  services: OpenConsistency & ResolverServices,
): void {
  const reconciler = new Reconciler({ db, log, lanes, changes });
  const schedules = new Schedules({ db, clock, log, timeZone: config.timeZone });
  schedules.add(reconciler.schedule);
  for (const schedule of compensationSchedules(services.compensation)) schedules.add(schedule);
  const retention = new Retention({ db, clock, log }, config.retentionDays);
  schedules.add({
    name: 'retention',
    when: { everyMs: limits.retentionMs },
    run: async () => void (await retention.run()),
  });
  schedules.add({
    name: 'seal',
    when: { everyMs: limits.sealMs },
    run: async ({ signal }) => void (await services.audit.seal(signal)),
  });
  const { retentionDays } = config;
  for (const schedule of consistencySchedules({ ...services, retentionDays })) schedules.add(schedule);
  const rollups = new Rollups({ db, clock, timeZone: config.timeZone });
  schedules.add({
    name: 'metrics',
    when: { everyMs: limits.rollupMs },
    run: async ({ signal }) => void (await rollups.rollUp(signal)),
  });
  schedules.add({
    name: 'metrics-forgotten',
    when: { everyMs: limits.retentionMs },
    run: () => rollups.forget(),
  });
  parts.defer(() => schedules.stop());
  if (!config.roles.includes('scheduler')) return;
  // Besides its turns: after a restart nobody should wait for the next one.
  const first = reconciler.runNow();
  parts.defer(() => first);
  schedules.start();
}

/** The services that the GraphQL door calls. */
function createServices(
  { config, clock, log, parts, meters }: Start,
  { db, vault, keys, payloadQueries }: Store,
  { nodes, lanes, transport, attachments, syncs, changes }: Delivery,
): Omit<ResolverServices, keyof OpenConsistency | 'alerts'> {
  const time = new BusinessTime(config.timeZone);
  const routing = new RoutingCache(db, clock);
  const intake = new Intake({ db, clock, time, routing, waker: lanes, changes, meter: meters, log });
  parts.defer(() => intake.close());
  nodes.on('routing', () => routing.refresh());
  const onChange = (cache: string) => () => {
    routing.refresh();
    nodes.tell('routing', [cache]);
  };
  return {
    intake,
    keys,
    subscriptions: new Subscriptions({
      db,
      vault,
      lanes,
      changes,
      payloadQueries,
      onChange: onChange('subscriptions'),
      batches: new BatchDates({ db, time, clock }),
    }),
    vouchers: new VoucherReader(db),
    eventTypes: new EventTypes(db, onChange('event_types')),
    tester: new DeliveryTester({ db, vault, clock, transport }),
    syncs,
    compensation: new Compensation({ db, lanes, changes, log }),
    attachments,
    changes,
    audit: new Audit({ db, clock, log }),
    timeZone: config.timeZone,
  };
}

/** What alerts read, and /metrics. */
function readingsOf({ db }: Pick<Store, 'db'>): MetricReadings {
  return new SqlReadings(db.pool, () => lastDifferences(db.pool));
}

/** Alerts; they are evaluated and told by schedulers. */
async function startAlerts(context: Start, { db }: Store, { nodes }: Delivery): Promise<Alerts> {
  const { config, clock, log, parts } = context;
  const readings = readingsOf({ db });
  const { alertsFile: file, language, timeZone, publicUrl } = config;
  const open = referencesIn(context.environment);
  const options = { file, language, timeZone, publicUrl, open };
  const opened = parts.use(await openAlerting(options, { db, clock, log, nodes, readings }));
  const rounds = new AlertRounds(clock, opened.alerting);
  parts.defer(() => rounds.stop());
  if (config.roles.includes('scheduler')) rounds.start();
  return opened.alerts;
}

function graphqlDoor({ config, log, clock }: Start, store: Store, services: ResolverServices): GraphqlDoor {
  const resolvers = createResolvers(services);
  const schema = buildHubSchema(resolverClasses, someClass =>
    resolvers.find(resolver => resolver.constructor === someClass),
  );
  const day = windowOf(limits.metricMinuteWindow, config.timeZone);
  const live = createLive({
    ...services,
    metrics: new MetricWatches<Metrics>(clock),
    readMetrics: own => readMetrics(store.db, own, day),
  });
  const databases = { primary: store.db, replica: store.replica };
  const contextOf = async (authorization: string | undefined, requestId: string) => {
    const key = /^Bearer\s+(\S+)$/i.exec(authorization ?? '')?.[1];
    const caller = key === undefined ? null : await store.keys.authenticate(key);
    return createContext({ databases, live, clock }, { caller, keyGiven: key !== undefined }, requestId);
  };
  return { schema, log, clock, contextOf };
}

async function checkReadiness(
  clock: Clock,
  { db }: Store,
  { queue }: Delivery,
): Promise<Record<string, boolean>> {
  const answers = db.pool.query('select 1').then(
    () => true,
    () => false,
  );
  const database = Promise.race([answers, clock.sleep(limits.readyMs).then(() => false)]);
  return { database: await database, queue: await queue.isReady() };
}

function homesOf(config: Config): { database: string; queue: string } {
  return {
    database: config.databaseUrl === undefined ? 'embedded' : 'external',
    queue: config.redisUrl === undefined ? 'postgres' : 'redis',
  };
}
