import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import Fastify from 'fastify';
import { limits } from '../core/limits.ts';
import type { Logger } from '../core/logger.ts';
import { registerGraphiql } from './graphql/graphiql.ts';
import { type GraphqlDoor, registerGraphqlHttp } from './graphql/graphql-http.ts';
import { DoorGuards, type GuardsDeps } from './guards/door-guards.ts';
import { HostNames } from './guards/host-check.ts';
import { type HealthSources, registerHealth, registerMetrics } from './http/health.ts';
import { createHttpServer } from './http/http-server.ts';
import { readJsonBodies } from './http/json-body.ts';
import { answerBadAddress, answerBadHead, answerRequestFaults } from './http/request-faults.ts';
import { registerStartPage } from './http/start-page.ts';
import { serveGraphqlSocket } from './socket/graphql-socket.ts';

/** Says where the built pages are, from here and from dist/. */
const consoleFolder = fileURLToPath(new URL('../../dist/console', import.meta.url));

/** Holds what the server needs. */
export interface ServerOptions extends HealthSources, GuardsDeps {
  readonly host: string;
  readonly port: number;
  readonly log: Logger;
  /** Names under which pages without a key are served, beside localhost and addresses. */
  readonly hostNames: readonly string[];
  /** Undefined: this process has no api role; it answers health checks and /metrics only. */
  readonly graphql: GraphqlDoor | undefined;
  /** True: `/metrics` has a port of its own, and is not answered here. */
  readonly metricsElsewhere: boolean;
}

/** The front door: GraphQL over HTTP and WebSocket, GraphiQL, health, metrics. Dispose of it to stop listening. */
export interface HubServer extends AsyncDisposable {
  /** Says where it listens, e.g. http://127.0.0.1:4000 */
  readonly url: string;
}

/** Starts to listen. @throws what `listen` throws, EADDRINUSE for one */
export async function startServer(options: ServerOptions): Promise<HubServer> {
  const guards = new DoorGuards(options);
  const hosts = new HostNames(options.hostNames);
  const app = Fastify({
    bodyLimit: limits.requestBytes,
    genReqId: () => randomUUID(),
    clientErrorHandler: answerBadHead,
    frameworkErrors: answerBadAddress,
    // For a name with several addresses Fastify makes a server for each.
    serverFactory: handler =>
      createHttpServer(handler).on('connection', socket => guards.connections.take(socket)),
    forceCloseConnections: 'idle',
  });
  readJsonBodies(app);
  let closing = false;
  app.addHook('preClose', async () => {
    closing = true;
  });
  const closers = new AsyncDisposableStack();
  closers.defer(() => app.close());
  app.addHook('onSend', async (request, reply) => {
    reply.header('x-request-id', request.id);
    // A connection that was busy when closing began would stay open until its keep-alive runs out.
    if (closing) reply.header('connection', 'close');
  });
  answerRequestFaults(app, options.log);
  registerHealth(app, options.readiness);
  if (!options.metricsElsewhere) await registerMetrics(app, options.metrics, hosts);
  registerStartPage(app, options.graphql !== undefined);
  if (options.graphql !== undefined) {
    closers.use(await registerGraphqlHttp(app, options.graphql, guards));
    await registerGraphiql(app, consoleFolder, hosts);
    closers.use(serveGraphqlSocket(app.server, options.graphql, guards));
  }
  try {
    const url = await app.listen({ host: options.host, port: options.port });
    return { url, [Symbol.asyncDispose]: () => closers.disposeAsync() };
  } catch (error) {
    await closers.disposeAsync();
    throw error;
  }
}
