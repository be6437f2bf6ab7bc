import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { type ErrorCode, errorCatalogue, isDatabaseAway, messageOf } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { Logger } from '../core/logger.ts';
import { registerGraphiql } from './graphiql.ts';
import { type GraphqlDoor, registerGraphqlHttp } from './graphql-http.ts';
import { serveGraphqlSocket } from './graphql-socket.ts';
import { readJsonBodies } from './json-body.ts';
import { registerStartPage } from './start-page.ts';

/** Where the built pages are, from here and from dist/. */
const consoleFolder = fileURLToPath(new URL('../../dist/console', import.meta.url));

/** What the server needs. */
export interface ServerOptions {
  readonly host: string;
  readonly port: number;
  readonly log: Logger;
  /** Undefined: this process has no api role; it answers health checks and /metrics only. */
  readonly graphql: GraphqlDoor | undefined;
  /** The checks of `/readyz` by name; all must hold. */
  readonly readiness: () => Promise<Record<string, boolean>>;
  /** The text of `/metrics`, in Prometheus' format. */
  readonly metrics: () => Promise<string>;
}

/** The front door: GraphQL over HTTP and WebSocket, GraphiQL, health, metrics. Dispose of it to stop listening. */
export interface HubServer extends AsyncDisposable {
  /** Where it listens, e.g. http://127.0.0.1:4000 */
  readonly url: string;
}

/** Starts to listen. @throws what `listen` throws, EADDRINUSE for one */
export async function startServer(options: ServerOptions): Promise<HubServer> {
  const app = Fastify({
    bodyLimit: limits.requestBytes,
    genReqId: () => randomUUID(),
    requestTimeout: limits.requestArrivalMs,
    keepAliveTimeout: 65_000,
    forceCloseConnections: 'idle',
  });
  readJsonBodies(app);
  app.server.maxConnections = limits.connections;
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
  registerHealth(app, options);
  registerStartPage(app, options.graphql !== undefined);
  if (options.graphql !== undefined) {
    closers.use(await registerGraphqlHttp(app, options.graphql));
    await registerGraphiql(app, consoleFolder);
    closers.use(serveGraphqlSocket(app.server, options.graphql));
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
  if (code === 'UNAVAILABLE')
    log.warn({ request: requestId, error: messageOf(error) }, 'the database does not answer');
  const isCallers = code === 'LIMIT_EXCEEDED' || code === 'BAD_USER_INPUT';
  const message =
    status === 413
      ? `The request is larger than ${limits.requestBytes} bytes.`
      : isCallers
        ? messageOf(error)
        : errorCatalogue[code];
  return reply.code(status).send({ errors: [{ message, extensions: { code } }] });
}

function requestFault(error: unknown): { status: number; code: ErrorCode } {
  const given =
    typeof error === 'object' && error !== null && 'statusCode' in error ? Number(error.statusCode) : 500;
  if (given === 413) return { status: 413, code: 'LIMIT_EXCEEDED' };
  if (given >= 400 && given < 500) return { status: given, code: 'BAD_USER_INPUT' };
  return isDatabaseAway(error)
    ? { status: 503, code: 'UNAVAILABLE' }
    : { status: 500, code: 'INTERNAL_SERVER_ERROR' };
}

function registerHealth(
  app: FastifyInstance,
  { readiness, metrics }: Pick<ServerOptions, 'readiness' | 'metrics'>,
): void {
  app.get('/healthz', async () => ({ status: 'alive' }));
  app.get('/readyz', async (_request, reply) => {
    const checks = await readiness();
    const ready = Object.values(checks).every(Boolean);
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not ready', checks });
  });
  app.get('/metrics', async (_request, reply) =>
    reply.type('text/plain; version=0.0.4; charset=utf-8').send(await metrics()),
  );
}
