// type-graphql's decorators ask for it as soon as a class is defined, so it comes before everything.
import 'reflect-metadata';

import { type Config, processEnvironment } from './config/config.ts';
import { proxyVariables, proxyVariablesText } from './config/proxy-variables.ts';
import { unknownSettings, unknownSettingText } from './config/unknown-settings.ts';
import { openConsistency } from './consistency/open-consistency.ts';
import { type Clock, systemClock } from './core/clock.ts';
import { limits } from './core/limits.ts';
import { createLogger, type Logger } from './core/logger.ts';
import type { Random } from './core/random.ts';
import type { Tracer } from './core/tracing.ts';
import { DatabaseTime } from './db/clock/database-time.ts';
import { readAlertTelling, readingsOf, startAlerts } from './hub/alerts.ts';
import { type DeliveryParts, openDelivery } from './hub/delivery.ts';
import { openSchedules } from './hub/schedules.ts';
import { openServers } from './hub/servers.ts';
import { createServices } from './hub/services.ts';
import type { Start } from './hub/start.ts';
import { openStore, type Store } from './hub/store.ts';
import { variablesOf } from './monitoring/channels/open-channels.ts';
import { Meters } from './monitoring/metrics/meters.ts';
import { SubscriptionMeters } from './monitoring/metrics/subscription-meters.ts';
import { openTracing } from './monitoring/tracing/open-tracing.ts';
import { tracingSettings } from './monitoring/tracing/settings.ts';

/** Holds what tests (and a demo) may put in the place of the real thing. */
export interface HubOverrides {
  readonly clock?: Clock;
  readonly random?: Random;
  readonly log?: Logger;
  /** Says where the alerts file's `${VARIABLE}` are looked up. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** A running hub. Dispose of it to stop: it takes no more, finishes what is under way, and closes everything. */
export interface Hub extends AsyncDisposable {
  readonly url: string;
  /** Says where `/metrics` and health checks have a port of their own; null: on the one port. */
  readonly metricsUrl: string | null;
  readonly databaseUrl: string;
  /** The secret of the first admin key, where this start made it; shown this once. */
  readonly adminKey: string | null;
}

/** Puts the parts together and starts those that the settings ask for. */
export async function createHub(config: Config, overrides: HubOverrides = {}): Promise<Hub> {
  const clock = overrides.clock ?? systemClock;
  const random = overrides.random ?? Math.random;
  const environment = overrides.environment ?? processEnvironment();
  let tracer: Tracer | null = null;
  const tracing = tracingSettings(environment);
  const traceId = tracing.kind === 'on' ? () => tracer?.current()?.traceId : undefined;
  const meters = new Meters();
  const log =
    overrides.log ??
    createLogger({
      level: config.logLevel,
      pretty: config.logFormat === 'pretty',
      traceId,
      onDrop: () => meters.logLineDropped(),
    });
  const parts = new AsyncDisposableStack();
  try {
    ({ tracer } = parts.use(await openTracing(tracing, { log, clock })));
    const time = new DatabaseTime({ clock, log });
    return await start({ config, clock, time, random, log, environment, parts, meters, tracer });
  } catch (error) {
    await parts.disposeAsync();
    throw error;
  }
}

async function start(context: Start): Promise<Hub> {
  const { config, clock, log, parts } = context;
  if (config.targetAllowIsDefault)
    log.info('webhooks may reach this machine (HUB_TARGET_ALLOW sets what they may reach)');
  const telling = await readAlertTelling(context);
  for (const unknown of unknownSettings(context.environment, variablesOf(telling.settings.channels)))
    log.warn(unknown, unknownSettingText(unknown));
  const proxies = proxyVariables(context.environment);
  if (proxies.length > 0) log.warn({ variables: proxies }, proxyVariablesText(proxies));
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
  const alerts = startAlerts(context, telling, { ...store, ...delivery });
  const services = { ...createServices(context, store, delivery), ...consistency, alerts };
  openSchedules(context, store, delivery, services);
  const subscriptionMeters = new SubscriptionMeters(
    { db: store.db, clock, log, readings: readingsOf(store) },
    context.meters,
  );
  let stopping = false;
  const { url, metricsUrl } = await openServers(context, services, {
    store,
    metrics: () => subscriptionMeters.text(),
    readiness: async () => {
      const { database, queue } = await checkHomes(context.clock, store, delivery);
      return { checks: { database, running: !stopping }, optional: { queue } };
    },
  });
  const adminKey = config.adminKey === undefined ? await store.keys.makeFirstAdmin() : null;
  log.info(
    { url, metrics_url: metricsUrl ?? undefined, roles: config.roles, ...homesOf(config) },
    'hub is up',
  );
  return {
    url,
    metricsUrl,
    databaseUrl: store.databaseUrl,
    adminKey,
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

/**
 * Asks the database and the queue. No role needs the queue: vouchers are recorded without it, workers then look for due
 * work in the database, and what runs at its times rests on the database alone.
 */
async function checkHomes(
  clock: Clock,
  { db }: Store,
  { queue }: DeliveryParts,
): Promise<{ database: boolean; queue: boolean }> {
  // One that only reads (a standby, or set so) can take nothing.
  const answers = db.pool
    .query<{ writes: boolean }>(`select current_setting('transaction_read_only') = 'off' as writes`)
    .then(
      ({ rows }) => rows[0]?.writes === true,
      () => false,
    );
  const late = clock.sleep(limits.readyMs).then(() => false);
  const [database, isReady] = await Promise.all([Promise.race([answers, late]), queue.isReady()]);
  return { database, queue: isReady };
}

function homesOf(config: Config): { database: string; queue: string } {
  return {
    database: config.databaseUrl === undefined ? 'embedded' : 'external',
    queue: config.redisUrl === undefined ? 'postgres' : 'redis',
  };
}
