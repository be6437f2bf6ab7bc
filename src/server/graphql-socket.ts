import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import {
  type ExecutionArgs,
  execute,
  GraphQLError,
  getOperationAST,
  parse,
  specifiedRules,
  subscribe,
  validate,
} from 'graphql';
import type { ServerOptions, SubscribePayload } from 'graphql-ws';
import { type Extra, useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import { limits } from '../core/limits.ts';
import { callerOf } from '../resolvers/context.ts';
import { formatError, reportFault } from './error-format.ts';
import type { GraphqlDoor } from './graphql-http.ts';
import { checkOperationSize } from './operation-limits.ts';

/** A peer that does not answer a ping within this is gone; so a dead one is found within twice as long. Milliseconds. */
const pingEveryMs = 12_000;

/** How long a client may take to say who it is, milliseconds. */
const initTimeoutMs = 3_000;

/** What a socket remembers. A type, not an interface: graphql-ws wants an index signature. */
type SocketExtra = {
  authorization?: string | undefined;
  operations?: number;
};

type SocketOptions = ServerOptions<Record<string, unknown>, Extra & Partial<SocketExtra>>;

/**
 * Serves GraphQL over WebSocket at `/graphql` (graphql-transport-ws). The same limits hold as over HTTP, which
 * Apollo's plugins know nothing of here. A bad key closes with 4403; browsers of other origins are refused.
 */
export function serveGraphqlSocket(server: Server, door: GraphqlDoor): AsyncDisposable {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: limits.socketMessageBytes,
    perMessageDeflate: false,
  });
  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const refuse = (answer: string) =>
      void socket.end(`HTTP/1.1 ${answer}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    // Not `new URL`, which throws on paths that anybody may send (`//`).
    if (request.url?.split('?', 1)[0] !== '/graphql') return refuse('404 Not Found');
    if (!isOwnOrigin(request)) return refuse('403 Forbidden');
    return sockets.handleUpgrade(request, socket, head, ws => sockets.emit('connection', ws, request));
  };
  server.on('upgrade', onUpgrade);
  const served = useServer<Record<string, unknown>, SocketExtra>(socketOptions(door), sockets, pingEveryMs);
  // graphql-ws writes a client's bad frames to the console, with a stack. ws has closed the socket by then.
  sockets.on('connection', socket => {
    socket.removeAllListeners('error');
    socket.on('error', error => door.log.info({ error: error.message }, 'socket closed for a bad frame'));
  });
  return {
    async [Symbol.asyncDispose]() {
      server.off('upgrade', onUpgrade);
      await served.dispose();
      sockets.close();
    },
  };
}

function socketOptions(door: GraphqlDoor): SocketOptions {
  return {
    schema: door.schema,
    connectionInitWaitTimeout: initTimeoutMs,
    execute,
    subscribe,
    onConnect: async ({ connectionParams, extra }) => {
      const given = connectionParams?.authorization ?? connectionParams?.Authorization;
      extra.authorization = typeof given === 'string' ? given : undefined;
      const context = await door.contextOf(extra.authorization, 'connect');
      return context.caller !== null;
    },
    onSubscribe: async (context, _id, payload) => {
      const open = context.extra.operations ?? 0;
      if (open >= limits.socketOperations) {
        return [refusal(`At most ${limits.socketOperations} operations at once on a socket.`)];
      }
      // Counted before anything is waited for: messages of one packet come all at once.
      context.extra.operations = open + 1;
      const prepared = await prepareOperation(door, context.extra.authorization, payload);
      if (!('document' in prepared)) uncount(context.extra);
      return prepared;
    },
    onComplete: context => uncount(context.extra),
    onNext: (_context, id, _payload, _args, result) => {
      if (result.errors === undefined) return undefined;
      for (const error of result.errors) reportFault(error, id, door.log);
      return {
        ...result,
        errors: result.errors.map(
          error => new GraphQLError(formatError(error).message, { ...formatError(error) }),
        ),
      };
    },
    onError: (_context, id, _payload, errors) => {
      for (const error of errors) if (error instanceof GraphQLError) reportFault(error, id, door.log);
      return errors.map(error => (error instanceof GraphQLError ? formatError(error) : error));
    },
  };
}

/** What graphql-ws runs, or the errors that the operation is refused with. Nothing has run yet. */
async function prepareOperation(
  door: GraphqlDoor,
  authorization: string | undefined,
  payload: SubscribePayload,
): Promise<ExecutionArgs | readonly GraphQLError[]> {
  try {
    const contextValue = await door.contextOf(authorization, randomUUID());
    callerOf(contextValue);
    const document = parse(payload.query, { maxTokens: limits.tokens });
    const faults = validate(door.schema, document, specifiedRules);
    if (faults.length > 0) return faults;
    const operation = getOperationAST(document, payload.operationName);
    if (operation == null) return [new GraphQLError('Name one of the operations in the document.')];
    const variableValues = payload.variables ?? {};
    checkOperationSize(door.schema, document, operation, variableValues);
    return {
      schema: door.schema,
      document,
      operationName: payload.operationName,
      variableValues,
      contextValue,
    };
  } catch (error) {
    if (error instanceof GraphQLError) return [error];
    const originalError = error instanceof Error ? error : new Error(String(error));
    return [new GraphQLError(originalError.message, { originalError })];
  }
}

function refusal(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'LIMIT_EXCEEDED' } });
}

function uncount(extra: SocketExtra): void {
  extra.operations = Math.max(0, (extra.operations ?? 1) - 1);
}

/** A browser sends its page's origin, and a page of another site must not use a socket here. Programs send none. */
function isOwnOrigin(request: IncomingMessage): boolean {
  const { origin, host } = request.headers;
  if (origin === undefined) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}
