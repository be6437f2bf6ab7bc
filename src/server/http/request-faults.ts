import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
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

/** Methods that a route here may have. */
const methods = ['GET', 'HEAD', 'POST', 'OPTIONS'] as const;

/** Holds what a caller is told of a request that never became an operation. */
interface ToldFault {
  readonly code: ErrorCode;
  readonly message: string;
  /** The input at fault. */
  readonly field?: string | undefined;
}

/** Answers requests that never become an operation, in GraphQL's form and media type like any other error. */
export function answerRequestFaults(app: FastifyInstance, log: Logger): void {
  app.setErrorHandler((error, request, reply) => {
    const { status, code } = statusOf(error);
    if (code === 'INTERNAL_SERVER_ERROR') log.error({ request: request.id, err: error }, 'fault');
    if (code === 'UNAVAILABLE' && !(error instanceof HubError))
      log.warn({ request: request.id, error: messageOf(error) }, 'the database does not answer');
    const isCallers = code === 'LIMIT_EXCEEDED' || code === 'BAD_USER_INPUT';
    const message =
      status === 413
        ? `The request is larger than ${limits.requestBytes} bytes.`
        : isCallers || error instanceof HubError
          ? messageOf(error)
          : errorCatalogue[code];
    const field = error instanceof HubError ? error.field : undefined;
    return sendFault(request, reply, status, { code, message, field });
  });
  // Before the body: nobody is asked for a key where there is nothing to be had, so what is sent there is not read.
  app.addHook('onRequest', async (request, reply) => {
    if (!request.is404) return undefined;
    const { method } = request;
    const address = request.url.split('?', 1)[0] ?? '';
    if (method !== 'GET' && method !== 'HEAD') reply.header('connection', 'close');
    const allowed = methods.filter(known => app.hasRoute({ method: known, url: address }));
    if (allowed.length === 0) {
      const message = `There is no ${method} of this address.`;
      return sendFault(request, reply, 404, { code: 'NOT_FOUND', message });
    }
    const message = `${method} is not answered here; use ${allowed.join(', ')}.`;
    reply.header('allow', allowed.join(', '));
    return sendFault(request, reply, 405, { code: 'BAD_USER_INPUT', message });
  });
}

/** Answers a request with one error. */
export function sendFault(
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  { code, message, field }: ToldFault,
): FastifyReply {
  const extensions = field === undefined ? { code } : { code, field };
  return reply
    .code(status)
    .type(errorMediaType(request.headers.accept))
    .send({ errors: [{ message, extensions }] });
}

/** For an address that is none. */
export function answerBadAddress(_error: Error, request: FastifyRequest, reply: FastifyReply): void {
  const message = 'The address of the request is not well-formed (RFC 3986).';
  sendFault(request, reply, 400, { code: 'BAD_USER_INPUT', message });
}

/** Answers what is no HTTP, or has a head that is too large or does not come. */
export function answerBadHead(error: Error, socket: Socket): void {
  const code = errorCodeOf(error);
  // The client is gone, or has been answered.
  if (code === 'ECONNRESET' || !socket.writable || socket.bytesWritten > 0) return void socket.destroy();
  const [status, told] = headFaults[code ?? ''] ?? ['400 Bad Request', noHttp];
  const body = JSON.stringify({ errors: [{ message: told.message, extensions: { code: told.code } }] });
  const head = `HTTP/1.1 ${status}\r\nContent-Type: ${json}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close`;
  socket.end(`${head}\r\n\r\n${body}`);
}

const noHttp: ToldFault = { code: 'BAD_USER_INPUT', message: 'The request is no HTTP/1.1.' };
const headFaults: Readonly<Record<string, readonly [status: string, ToldFault]>> = {
  HPE_HEADER_OVERFLOW: [
    '431 Request Header Fields Too Large',
    {
      code: 'LIMIT_EXCEEDED',
      message: 'The head of the request is larger than 16 KiB; send a long query by POST.',
    },
  ],
  ERR_HTTP_REQUEST_TIMEOUT: [
    '408 Request Timeout',
    { code: 'LIMIT_EXCEEDED', message: 'The request took too long to arrive.' },
  ],
};

const json = 'application/json; charset=utf-8';
const graphqlJson = 'application/graphql-response+json; charset=utf-8';

/** The media type of an answer, of the two that there are: the one that a client would rather have (RFC 9110, 12.5.1). */
export function errorMediaType(accept = '*/*'): string {
  const ranges = accept
    .toLowerCase()
    .split(',')
    .map(range => {
      const [type = '', ...parameters] = range.split(';').map(part => part.trim());
      const weight = parameters.find(parameter => parameter.startsWith('q='))?.slice(2);
      return { type, weight: weight === undefined ? 1 : Number(weight) };
    })
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight);
  for (const { type } of ranges) {
    if (type === 'application/graphql-response+json') return graphqlJson;
    if (type === 'application/json' || type === 'application/*' || type === '*/*') return json;
  }
  return json;
}

function statusOf(error: unknown): { status: number; code: ErrorCode } {
  const given =
    typeof error === 'object' && error !== null && 'statusCode' in error ? Number(error.statusCode) : 500;
  if (given === 413) return { status: 413, code: 'LIMIT_EXCEEDED' };
  if (given >= 400 && given < 500)
    return { status: given, code: error instanceof HubError ? error.code : 'BAD_USER_INPUT' };
  return isDatabaseAway(error) || given === 503
    ? { status: 503, code: 'UNAVAILABLE' }
    : { status: 500, code: 'INTERNAL_SERVER_ERROR' };
}
