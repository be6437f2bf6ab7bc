import { limits } from '../core/limits.ts';
import { MetricWatches } from '../monitoring/metrics/metric-watches.ts';
import { type Metrics, readMetrics, windowOf } from '../monitoring/metrics/metrics.ts';
import { createContext } from '../resolvers/context.ts';
import { createLive } from '../resolvers/live.ts';
import { createResolvers, type ResolverServices, resolverClasses } from '../resolvers/resolvers.ts';
import { buildHubSchema } from '../schema/build-schema.ts';
import { countAnswers } from '../server/graphql/counted-answers.ts';
import type { GraphqlDoor } from '../server/graphql/graphql-http.ts';
import type { Start } from './start.ts';
import type { Store } from './store.ts';

/** The GraphQL door: the schema over the services, and who asks. */
export function graphqlDoor(
  { config, log, clock, tracer }: Start,
  store: Store,
  services: ResolverServices,
): GraphqlDoor {
  const resolvers = createResolvers(services);
  const schema = countAnswers(
    buildHubSchema(resolverClasses, someClass =>
      resolvers.find(resolver => resolver.constructor === someClass),
    ),
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
    return createContext({ databases, live }, { caller, keyGiven: key !== undefined }, requestId);
  };
  return { schema, log, clock, tracer, contextOf };
}
