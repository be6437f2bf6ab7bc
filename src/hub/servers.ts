import type { ResolverServices } from '../resolvers/resolvers.ts';
import { type HealthSources, startMetricsServer } from '../server/http/health.ts';
import { startServer } from '../server/server.ts';
import { graphqlDoor } from './graphql-door.ts';
import type { Start } from './start.ts';
import type { Store } from './store.ts';

/** Says where the hub is reached. */
interface ServedAddresses {
  readonly url: string;
  /** Null: `/metrics` has no port of its own. */
  readonly metricsUrl: string | null;
}

/** Opens the front door and, where it is set, the port of `/metrics`. */
export async function openServers(
  context: Start,
  services: ResolverServices,
  { store, ...health }: HealthSources & { store: Store },
): Promise<ServedAddresses> {
  const { config, log, clock, parts, meters } = context;
  const { host, port, metricsPort, publicUrl, trustedProxies } = config;
  const publicNames = publicUrl === undefined ? [] : [new URL(publicUrl).hostname];
  const hostNames = [host, ...publicNames, ...config.allowedHosts];
  const { url } = parts.use(
    await startServer({
      ...health,
      host,
      hostNames,
      port,
      log,
      clock,
      trustedProxies,
      counts: meters,
      graphql: config.roles.includes('api') ? graphqlDoor(context, store, services) : undefined,
      metricsElsewhere: metricsPort !== undefined,
    }),
  );
  if (metricsPort === undefined) return { url, metricsUrl: null };
  const metrics = parts.use(await startMetricsServer({ host, port: metricsPort, hostNames }, health));
  return { url, metricsUrl: metrics.url };
}
