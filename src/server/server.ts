import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { type ErrorCode, errorCatalogue, HubError, isDatabaseAway, messageOf } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { Logger } from '../core/logger.ts';
import { DoorGuards, type GuardsDeps } from './door-guards.ts';
import { registerGraphiql } from './graphiql.ts';
import { type GraphqlDoor, registerGraphqlHttp } from './graphql-http.ts';
import { serveGraphqlSocket } from './graphql-socket.ts';
import { type HealthSources, registerHealth, registerMetrics } from './health.ts';
import { createHttpServer } from './http-server.ts';
import { readJsonBodies } from './json-body.ts';
import { registerStartPage } from './start-page.ts';

/** Where the built pages are, from here and from dist/. */
const consoleFolder = fileURLToPath(new URL('../../dist/console', import.meta.url));

/** What the server needs. */
export interface ServerOptions extends HealthSources, GuardsDeps {
  readonly host: string;
  readonly port: number;
  readonly log: Logger;
  /** Undefined: this process has no api role; it answers health checks and /metrics only. */
  readonly graphql: GraphqlDoor | undefined;
  /** True: `/metrics` has a port of its own, and is not answered here. */
  readonly metricsElsewhere: boolean;
}

/** The front door: GraphQL over HTTP and WebSocket, GraphiQL, health, metrics. Dispose of it to stop listening. */
export interface HubServer extends AsyncDisposable {
  /** Where it listens, e.g. http://127.0.0.1:4000 */
  readonly url: string;
}

/** Starts to listen. @throws what `listen` throws, EADDRINUSE for one */
export async function startServer(options: ServerOptions): Promise<HubServer> {
  const guards = new DoorGuards(options);
  const app = Fastify({
    bodyLimit: limits.requestBytes,
    genReqId: () => randomUUID(),
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
  app.setErrorHandler((error, request, reply) => answerRequestFault(error, request.id, reply, options.log));
  refuseBodiesElsewhere(app);
  registerHealth(app, options.readiness);
  if (!options.metricsElsewhere) registerMetrics(app, options.metrics);
  registerStartPage(app, options.graphql !== undefined);
  if (options.graphql !== undefined) {
    closers.use(await registerGraphqlHttp(app, options.graphql, guards));
    await registerGraphiql(app, consoleFolder);
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

/** A request that never became an operation (too large, no JSON, no database to check its key) is answered in GraphQL's form like any other error. */
function answerRequestFault(
  error: unknown,
  requestId: string,
  reply: FastifyReply,
  log: Logger,
): FastifyReply {
  const { status, code } = requestFault(error);
  if (code === 'INTERNAL_SERVER_ERROR') log.error({ request: requestId, err: error }, 'fault');
  if (code === 'UNAVAILABLE' && !(error instanceof HubError))
    log.warn({ request: requestId, error: messageOf(error) }, 'the database does not answer');
  const isCallers = code === 'LIMIT_EXCEEDED' || code === 'BAD_USER_INPUT';
  const message =
    status === 413
      ? `The request is larger than ${limits.requestBytes} bytes.`
      : isCallers || error instanceof HubError
        ? messageOf(error)
        : errorCatalogue[code];
  const field = error instanceof HubError && error.field !== undefined ? { field: error.field } : {};
  return reply.code(status).send({ errors: [{ message, extensions: { code, ...field } }] });
}

function requestFault(error: unknown): { status: number; code: ErrorCode } {
  const given =
    typeof error === 'object' && error !== null && 'statusCode' in error ? Number(error.statusCode) : 500;
  if (given === 413) return { status: 413, code: 'LIMIT_EXCEEDED' };
  if (given >= 400 && given < 500) return { status: given, code: 'BAD_USER_INPUT' };
  return isDatabaseAway(error) || given === 503
    ? { status: 503, code: 'UNAVAILABLE' }
    : { status: 500, code: 'INTERNAL_SERVER_ERROR' };
}

/** Nobody is asked for a key where there is nothing to be had, so what is sent there is not read. */
function refuseBodiesElsewhere(app: FastifyInstance): void {
  app.addHook('onRequest', async ({ is404, method, url }, reply) => {
    if (!is404 || method === 'GET' || method === 'HEAD') return undefined;
    const message = `There is no ${method} ${url.split('?', 1)[0]}.`;
    return reply
      .code(404)
      .header('connection', 'close')
      .send({ statusCode: 404, error: 'Not Found', message });
  });
}
