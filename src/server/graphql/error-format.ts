import { GraphQLError, type GraphQLFormattedError, type GraphQLSchema } from 'graphql';
import {
  type ErrorCode,
  errorCatalogue,
  errorCodeOf,
  HubError,
  isDatabaseAway,
  messageOf,
} from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type { Logger } from '../../core/logger.ts';
import { inputFaultOf } from './input-faults.ts';

/** Holds what graphql-js's parser says at its bound of tokens (its own typing error included). */
const tokenLimit = /Document contains more tha[nt] \d+ tokens/;

/** Holds what graphql-js says when it gives up checking a document. */
const validationLimit = /^(Validation aborted|Too many validation errors)/;

/**
 * Gives what a caller is told of an error: a stable code, a message that helps, the field at fault. Never a stack, and
 * nothing of an error that was not meant for callers: `reportFault` logs that.
 */
export function formatError(error: GraphQLError, schema: GraphQLSchema): GraphQLFormattedError {
  const base = { locations: error.locations, path: error.path };
  const cause = rootOf(error);
  if (isTooDeep(cause)) {
    return { ...base, message: 'The operation is nested too deep.', extensions: { code: 'LIMIT_EXCEEDED' } };
  }
  if (cause instanceof HubError) {
    const field = cause.field === undefined ? {} : { field: cause.field };
    return { ...base, message: cause.message, extensions: { code: cause.code, ...field } };
  }
  if (cause instanceof GraphQLError) return { ...base, ...toldOf(error, schema) };
  if (isUnstorable(cause))
    return {
      ...base,
      // Not what the database says of it: that quotes the value.
      message:
        "An input holds what can't be stored or compared, such as a NUL or a number that is too large.",
      extensions: { code: 'BAD_USER_INPUT' },
    };
  const code: ErrorCode = isDatabaseAway(cause) ? 'UNAVAILABLE' : 'INTERNAL_SERVER_ERROR';
  return { ...base, message: errorCatalogue[code], extensions: { code } };
}

/** Logs what an error really was, under the request's id, where the caller was told only that something failed. */
export function reportFault(error: GraphQLError, requestId: string, log: Logger): void {
  const cause = rootOf(error);
  if (isTooDeep(cause)) return;
  if (cause instanceof GraphQLError || (cause instanceof HubError && cause.code !== 'INTERNAL_SERVER_ERROR'))
    return;
  if (isUnstorable(cause))
    log.warn({ request: requestId, error: messageOf(cause) }, 'the database refused an input');
  else if (isDatabaseAway(cause))
    log.warn({ request: requestId, error: messageOf(cause) }, 'the database does not answer');
  else log.error({ request: requestId, err: cause, path: error.path }, 'fault');
}

/** SQLSTATE class 22 (data exception): a NUL in a text or the like, which only what was sent can hold. */
function isUnstorable(error: unknown): boolean {
  return /^22[0-9A-Z]{3}$/.test(errorCodeOf(error) ?? '');
}

/** Nested so deep that parsing or coercing it overflowed the stack: nothing was harmed, and it is the caller's doing. */
function isTooDeep(error: unknown): boolean {
  return error instanceof RangeError && /call stack/i.test(error.message);
}

function rootOf(error: unknown): unknown {
  let at = error;
  for (let depth = 0; depth < 5 && at instanceof GraphQLError && at.originalError != null; depth += 1)
    at = at.originalError;
  return at;
}

/** Gives what graphql-js says of an operation, without the values in it, and its bounds in words of our own. */
function toldOf(
  error: GraphQLError,
  schema: GraphQLSchema,
): Pick<GraphQLFormattedError, 'message' | 'extensions'> {
  const code = codeOf(error);
  if (code === 'LIMIT_EXCEEDED') {
    const message = tokenLimit.test(error.message)
      ? `The operation is longer than ${limits.tokens} tokens; send it in parts, or its values as variables.`
      : 'The operation has too many errors, or repeats too many fields, to be checked to its end.';
    return { message, extensions: { code } };
  }
  const { message, field } = inputFaultOf(schema, error) ?? { message: error.message };
  const told = shortened(message.replaceAll(secrets, '$1…'));
  return { message: told, extensions: field === undefined ? { code } : { code, field } };
}

/** A secret may stand where a name should. */
const secrets = /\b(whsec_|hub_)[\w+/=-]{16,}/g;

/** A name may be of any length. */
function shortened(message: string): string {
  return message.length <= limits.toldChars ? message : `${message.slice(0, limits.toldChars)}…`;
}

/**
 * graphql-js gives syntax, validation and coercion errors no code of its own, and Apollo gives them codes that the
 * socket knows nothing of; all of them are the caller's input.
 */
function codeOf(error: GraphQLError): ErrorCode {
  const code = error.extensions.code;
  if (tokenLimit.test(error.message) || validationLimit.test(error.message)) return 'LIMIT_EXCEEDED';
  return typeof code === 'string' && code !== 'INTERNAL_SERVER_ERROR' && isErrorCode(code)
    ? code
    : 'BAD_USER_INPUT';
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCatalogue, code);
}
