import Fastify, { type FastifyInstance } from 'fastify';
import { limits } from '../../core/limits.ts';
import { checkHosts, HostNames } from '../guards/host-check.ts';
import { createHttpServer } from './http-server.ts';

/** Holds what `/readyz` tells, each part by its name. */
export interface Readiness {
  /** The process can't do its work unless all of these hold. */
  readonly checks: Readonly<Record<string, boolean>>;
  /** The process does its work without these, only later. */
  readonly optional: Readonly<Record<string, boolean>>;
}

/** Holds what health checks and Prometheus are told. */
export interface HealthSources {
  readonly readiness: () => Promise<Readiness>;
  /** The text of `/metrics`, in Prometheus' format. */
  readonly metrics: () => Promise<string>;
}

/** A port of its own for `/metrics` and health checks. Dispose of it to stop listening. */
export interface MetricsServer extends AsyncDisposable {
  readonly url: string;
}

/** Answers health checks. */
export function registerHealth(app: FastifyInstance, readiness: HealthSources['readiness']): void {
  const checkOnce = joined(readiness);
  app.get('/healthz', async () => ({ status: 'alive' }));
  app.get('/readyz', async (_request, reply) => {
    const { checks, optional } = await checkOnce();
    const ready = Object.values(checks).every(Boolean);
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not ready', checks, optional });
  });
}

/** Answers Prometheus. */
export async function registerMetrics(
  app: FastifyInstance,
  metrics: HealthSources['metrics'],
  hosts: HostNames,
): Promise<void> {
  const readOnce = joined(metrics);
  // A scope of its own keeps the check off other routes: a balancer asks for health by any name.
  await app.register(async scope => {
    checkHosts(scope, hosts);
    scope.get('/metrics', async (_request, reply) =>
      reply.type('text/plain; version=0.0.4; charset=utf-8').send(await readOnce()),
    );
  });
}

/** Starts to listen on a port where nobody else calls. @throws what `listen` throws, EADDRINUSE for one */
export async function startMetricsServer(
  { hostNames, ...where }: { host: string; port: number; hostNames: readonly string[] },
  { readiness, metrics }: HealthSources,
): Promise<MetricsServer> {
  const app = Fastify({
    serverFactory: handler => {
      const server = createHttpServer(handler);
      server.maxConnections = limits.metricsConnections;
      return server;
    },
    forceCloseConnections: 'idle',
  });
  registerHealth(app, readiness);
  await registerMetrics(app, metrics, new HostNames(hostNames));
  const url = await app.listen(where);
  return { url, [Symbol.asyncDispose]: () => app.close() };
}

/** Callers that come while an answer is on its way get that one: a flood of them costs one. */
function joined<T>(read: () => Promise<T>): () => Promise<T> {
  let underWay: Promise<T> | undefined;
  return () => {
    underWay ??= read().finally(() => {
      underWay = undefined;
    });
    return underWay;
  };
}
