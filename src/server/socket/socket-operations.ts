import { randomUUID } from 'node:crypto';
import {
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  subscribe,
} from 'graphql';
import type { ServerOptions, SubscribePayload } from 'graphql-ws';
import { HubError, isDatabaseAway, messageOf } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import { type Tracer, traced } from '../../core/tracing.ts';
import { callerOf, type OperationContext } from '../../resolvers/context.ts';
import { Documents } from '../graphql/documents.ts';
import { formatError, reportFault } from '../graphql/error-format.ts';
import { exactOperation } from '../graphql/exact-request.ts';
import type { GraphqlDoor } from '../graphql/graphql-http.ts';
import { checkOperationSize } from '../graphql/operation-limits.ts';
import { codesOf, nameOperation, noteErrors, operationSpan } from '../graphql/traced-operation.ts';
import { closings } from './socket-closings.ts';
import type { SocketKeeper } from './socket-keeper.ts';
import type { SocketPeer } from './socket-peer.ts';

type ConnectionParams = Record<string, unknown>;

/** An operation that runs on a socket. */
interface Running {
  readonly context: OperationContext;
  /** Holds what the caller gave as its trace context. */
  readonly traceparent: unknown;
}

/** Holds what graphql-ws runs. */
type Prepared = ExecutionArgs & { readonly contextValue: OperationContext };

/** Gives what graphql-ws asks of the hub: who connects, what may run, and how errors are told. */
export function socketOptions(
  door: GraphqlDoor,
  keeper: SocketKeeper,
): ServerOptions<ConnectionParams, SocketPeer> {
  const documents = new Documents(door.schema);
  const { tracer } = door;
  /** Holds what runs, by what graphql-ws knows it by. */
  const running = new WeakMap<ExecutionArgs, Running>();
  return {
    schema: door.schema,
    connectionInitWaitTimeout: limits.socketInitMs,
    execute:
      tracer === null
        ? execute
        : (args: ExecutionArgs) => executeTraced(tracer, args, running.get(args)?.traceparent),
    subscribe,
    onConnect: ({ connectionParams, extra: peer }) => connect(door, keeper, peer, connectionParams),
    onSubscribe: async ({ extra: peer }, id, payload) => {
      peer.began(id);
      // Before anything is waited for: the text is there no longer than that.
      const exact = exactOperation(peer.messageText, { id, type: 'subscribe', payload });
      if (exact instanceof HubError) return [errorOf(exact)];
      if (peer.operations >= limits.socketOperations)
        return [refusal(`At most ${limits.socketOperations} operations at once on a socket.`)];
      // Counted before anything is waited for: messages of one packet come all at once.
      peer.operations += 1;
      const prepared = await prepareOperation(door, documents, {
        authorization: peer.authorization,
        payload: exact,
      });
      // graphql-ws tells of the end of an operation only where it began.
      if (!('document' in prepared)) peer.operations -= 1;
      else
        running.set(prepared, {
          context: prepared.contextValue,
          traceparent: payload.extensions?.traceparent,
        });
      return prepared;
    },
    onComplete: ({ extra: peer }) => {
      peer.operations -= 1;
    },
    onNext: (_context, id, _payload, args, result) => {
      // With each event a subscription's answer is another one.
      const warnings = running.get(args)?.context.endAnswer() ?? [];
      const extensions = warnings.length === 0 ? {} : { extensions: { ...result.extensions, warnings } };
      if (result.errors === undefined)
        return warnings.length === 0 ? undefined : { ...result, ...extensions };
      const errors = result.errors.slice(0, limits.toldErrors);
      for (const error of errors) reportFault(error, id, door.log);
      return { ...result, ...extensions, errors: errors.map(error => toldError(error, door.schema)) };
    },
    onError: (_context, id, _payload, errors) => {
      const told = errors.slice(0, limits.toldErrors);
      for (const error of told) if (error instanceof GraphQLError) reportFault(error, id, door.log);
      return told.map(error => (error instanceof GraphQLError ? formatError(error, door.schema) : error));
    },
  };
}

/** Tells whether a socket may stay: its key is good, and has not too many. */
async function connect(
  door: GraphqlDoor,
  keeper: SocketKeeper,
  peer: SocketPeer,
  params: ConnectionParams | undefined,
): Promise<boolean> {
  const given = params?.authorization ?? params?.Authorization;
  if (typeof given !== 'string') return false;
  try {
    const context = await door.contextOf(given, 'connect');
    await peer.look(context);
    const { caller } = context;
    return caller !== null && keeper.admit(peer, caller, given);
  } catch (error) {
    const isAway = isDatabaseAway(error);
    if (isAway) door.log.warn({ error: messageOf(error) }, 'the database does not answer');
    else door.log.error({ err: error }, 'fault');
    peer.drop(isAway ? closings.unavailable : closings.fault);
    return false;
  }
}

/** Gives what graphql-ws runs, or the errors that the operation is refused with. Nothing has run yet. */
async function prepareOperation(
  door: GraphqlDoor,
  documents: Documents,
  { authorization, payload }: { authorization: string | undefined; payload: SubscribePayload },
): Promise<Prepared | readonly GraphQLError[]> {
  try {
    const contextValue = await door.contextOf(authorization, randomUUID());
    callerOf(contextValue);
    const document = documents.read(payload.query);
    if (!('kind' in document)) return document;
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
    return [errorOf(error)];
  }
}

function errorOf(error: unknown): GraphQLError {
  if (error instanceof GraphQLError) return error;
  const originalError = error instanceof Error ? error : new Error(String(error));
  return new GraphQLError(originalError.message, { originalError });
}

/** Runs a query or mutation as a span. Subscriptions are none: they last as long as their socket. */
function executeTraced(tracer: Tracer, args: ExecutionArgs, traceparent: unknown): Promise<ExecutionResult> {
  return traced(tracer, 'graphql', operationSpan(traceparent), async span => {
    nameOperation(span, getOperationAST(args.document, args.operationName) ?? undefined);
    const result = await execute(args);
    noteErrors(span, codesOf(result, args.schema));
    return result;
  });
}

function toldError(error: GraphQLError, schema: GraphQLSchema): GraphQLError {
  const told = formatError(error, schema);
  return new GraphQLError(told.message, told);
}

function refusal(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'LIMIT_EXCEEDED' } });
}
