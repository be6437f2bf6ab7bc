import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import { ApolloServerPluginCacheControlDisabled } from '@apollo/server/plugin/disabled';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { GraphQLError, type GraphQLSchema, OperationTypeNode } from 'graphql';
import type { Clock } from '../../core/clock.ts';
import { badInput, HubError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type { Logger } from '../../core/logger.ts';
import { type Tracer, traced } from '../../core/tracing.ts';
import { callerOf, type OperationContext } from '../../resolvers/context.ts';
import type { DoorGuards } from '../guards/door-guards.ts';
import { holdBodies } from '../http/json-body.ts';
import { sendFault } from '../http/request-faults.ts';
import { formatError, reportFault } from './error-format.ts';
import { checkDocumentLength, checkOperationSize } from './operation-limits.ts';
import { nameOperation, noteErrors, operationSpan } from './traced-operation.ts';

/** Holds what the GraphQL doors need. */
export interface GraphqlDoor {
  readonly schema: GraphQLSchema;
  readonly log: Logger;
  readonly clock: Clock;
  /** Null: tracing is off. */
  readonly tracer: Tracer | null;
  /** The context of one operation of whoever has this `Authorization`. */
  readonly contextOf: (authorization: string | undefined, requestId: string) => Promise<OperationContext>;
}

/** Serves GraphQL over HTTP at `/graphql`. Dispose of what it gives back after the server has closed. */
export async function registerGraphqlHttp(
  app: FastifyInstance,
  door: GraphqlDoor,
  guards: DoorGuards,
): Promise<AsyncDisposable> {
  const apollo = createApollo(door);
  await apollo.start();
  const contextOf = (request: FastifyRequest) => door.contextOf(request.headers.authorization, request.id);
  const contexts = new WeakMap<FastifyRequest, OperationContext>();
  const answer = fastifyApolloHandler(apollo, {
    context: async request => contexts.get(request) ?? contextOf(request),
  });
  const { tracer } = door;
  app.route({
    url: '/graphql',
    method: ['GET', 'POST'],
    // The key is looked at before the body: nobody without one makes the hub hold megabytes.
    onRequest: async (request, reply) => {
      const context = await contextOf(request);
      contexts.set(request, context);
      const { raw } = request;
      if (!(await guards.look(context, raw.socket, () => guards.locate(raw)))) {
        raw.socket.destroy();
        return reply.hijack();
      }
      if (request.method === 'POST' && context.caller === null)
        await refuseUnauthenticated(context, request, reply);
    },
    preParsing: holdBodies(guards.bodies, request => contexts.get(request)?.caller?.keyId ?? ''),
    // Before anything reads it: Apollo would hash and parse it.
    preHandler: async (request, reply) => {
      const fault = textFault(request.body);
      if (fault !== undefined) await sendFault(request, reply, 400, fault);
    },
    handler:
      tracer === null
        ? answer
        : async function (request, reply) {
            const options = operationSpan(request.headers.traceparent);
            return traced(tracer, 'graphql', options, async () => answer.call(this, request, reply));
          },
  });
  return { [Symbol.asyncDispose]: () => apollo.stop() };
}

function createApollo(door: GraphqlDoor): ApolloServer<OperationContext> {
  return new ApolloServer<OperationContext>({
    schema: door.schema,
    introspection: true,
    // No page of another site can send an Authorization header without being asked first, so a key is enough.
    csrfPrevention: {
      requestHeaders: ['authorization', 'apollo-require-preflight', 'x-apollo-operation-name'],
    },
    allowBatchedHttpRequests: false,
    includeStacktraceInErrorResponses: false,
    hideSchemaDetailsFromClientErrors: false,
    stopOnTerminationSignals: false,
    parseOptions: { maxTokens: limits.tokens },
    persistedQueries: false,
    plugins: [
      guardPlugin(door.schema),
      landingOff,
      // It would wrap every field of every answer for a header that nobody sets here.
      ApolloServerPluginCacheControlDisabled(),
      logPlugin(door.log),
      answerPlugin,
      ...(door.tracer === null ? [] : [tracePlugin(door.tracer)]),
    ],
    logger: apolloLogger(door.log),
    formatError: (formatted, error) =>
      error instanceof GraphQLError ? formatError(error, door.schema) : formatted,
  });
}

/** Why the text of an operation is not even looked at; undefined: it is. */
function textFault(body: unknown): HubError | undefined {
  if (typeof body !== 'object' || body === null || !('query' in body)) return undefined;
  if (typeof body.query !== 'string') return undefined;
  try {
    checkDocumentLength(body.query);
    return undefined;
  } catch (error) {
    if (error instanceof HubError) return error;
    throw error;
  }
}

async function refuseUnauthenticated(
  context: OperationContext,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  try {
    callerOf(context);
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    // The connection goes with it, so that the rest of the body is not read either.
    await sendFault(request, reply.header('connection', 'close'), 401, error);
  }
}

const landingOff: ApolloServerPlugin = {
  serverWillStart: async () => ({
    renderLandingPage: async () => ({ html: '<meta http-equiv="refresh" content="0; url=/graphiql">' }),
  }),
};

/** Refuses operations without a key (introspection too) and ones that are too large, before anything runs. */
function guardPlugin(schema: GraphQLSchema): ApolloServerPlugin<OperationContext> {
  return {
    requestDidStart: async () => ({
      didResolveOperation: async ({ contextValue, document, operation, request, response }) => {
        try {
          callerOf(contextValue);
          if (operation?.operation === OperationTypeNode.SUBSCRIPTION)
            throw badInput(
              'query',
              'Subscriptions go over WebSocket (graphql-transport-ws) at this same address.',
            );
          if (operation !== undefined)
            checkOperationSize(schema, document, operation, request.variables ?? {});
        } catch (error) {
          response.http.status = contextValue.caller === null ? 401 : 400;
          throw error;
        }
      },
    }),
  };
}

/** Tells no more errors than help, and beside the data what the caller should know of it. */
const answerPlugin: ApolloServerPlugin<OperationContext> = {
  requestDidStart: async () => ({
    willSendResponse: async ({ contextValue, response }) => {
      if (response.body.kind !== 'single') return;
      const { singleResult } = response.body;
      if (singleResult.errors !== undefined)
        singleResult.errors = singleResult.errors.slice(0, limits.toldErrors);
      const warnings = contextValue.endAnswer();
      if (warnings.length > 0) singleResult.extensions = { ...singleResult.extensions, warnings };
    },
  }),
};

/** One line an operation: at `debug` where all went well, at `info` with the codes where it did not. */
function logPlugin(log: Logger): ApolloServerPlugin<OperationContext> {
  return {
    requestDidStart: async () => {
      const startedAt = performance.now();
      return {
        didEncounterErrors: async ({ contextValue, errors }) => {
          for (const error of errors) reportFault(error, contextValue.requestId, log);
        },
        willSendResponse: async ({ contextValue, operationName, operation, response, errors }) => {
          const line = {
            request: contextValue.requestId,
            key_id: contextValue.caller?.keyId,
            operation: operation?.operation,
            name: operationName,
            duration_ms: Math.round(performance.now() - startedAt),
          };
          if (errors === undefined) return log.debug(line, 'operation');
          const body = response.body.kind === 'single' ? response.body.singleResult.errors : [];
          log.info({ ...line, errors: body?.map(error => error.extensions?.code) }, 'operation refused');
        },
      };
    },
  };
}

/** Names the operation's span, and says what came of it. */
function tracePlugin(tracer: Tracer): ApolloServerPlugin<OperationContext> {
  return {
    requestDidStart: async () => ({
      didResolveOperation: async ({ operation }) => nameOperation(tracer.current(), operation),
      willSendResponse: async ({ response }) => {
        const errors = response.body.kind === 'single' ? (response.body.singleResult.errors ?? []) : [];
        noteErrors(
          tracer.current(),
          errors.map(({ extensions }) => extensions?.code),
        );
      },
    }),
  };
}

/** Apollo's own log lines: what it says at info is of no interest here. */
function apolloLogger(log: Logger): {
  debug: (text: string) => void;
  info: (text: string) => void;
  warn: (text: string) => void;
  error: (text: string) => void;
} {
  return {
    debug: text => log.trace(text),
    info: text => log.debug(text),
    warn: text => log.warn(text),
    error: text => log.error(text),
  };
}
