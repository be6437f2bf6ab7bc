import { isUtf8 } from 'node:buffer';
import type { FastifyInstance, FastifyRequest, preParsingAsyncHookHandler } from 'fastify';
import { badInput, HubError, messageOf } from '../../core/errors.ts';
import { exactly } from '../../core/exact-json.ts';
import { limits } from '../../core/limits.ts';
import { inexactRequest } from '../graphql/exact-request.ts';
import type { BodyRoom } from './body-room.ts';
import { shapeFault } from './json-shape.ts';

/**
 * Reads JSON bodies, as UTF-8 and nothing else (RFC 8259, section 8.1). Decoded loosely, whatever is none would become
 * U+FFFD: two records with Chinese ids in GBK would be one.
 */
export function readJsonBodies(app: FastifyInstance): void {
  // Business data may have any keys; nothing here copies one object's keys into another's by assignment.
  const parse = app.getDefaultJsonParser('ignore', 'ignore');
  app.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    const encoding = request.headers['content-encoding'] ?? 'identity';
    if (encoding.toLowerCase() !== 'identity') {
      const fault = badInput('body', 'The body is compressed (Content-Encoding); send it as it is.');
      done(Object.assign(fault, { statusCode: 415 }));
    } else if (isUtf8(body)) {
      // A small body costs little, whatever its shape.
      const shape = body.length > limits.bodySmallBytes ? shapeFault(body) : null;
      if (shape !== null) return done(Object.assign(shape, { statusCode: 400 }));
      const text = body.toString('utf8');
      void parse(request, text, (error, value) => {
        if (error !== null) done(notJson(error));
        else finish(text, value, done);
      });
    } else {
      const fault = badInput(
        'body',
        'The body is no valid UTF-8; encode it so (GBK and others are not taken).',
      );
      done(Object.assign(fault, { statusCode: 400 }));
    }
  });
}

function finish(text: string, parsed: unknown, done: (error: Error | null, body?: unknown) => void): void {
  try {
    const { value, faults } = exactly(text, parsed);
    const fault = inexactRequest(faults);
    if (fault === null) done(null, value);
    else done(Object.assign(fault, { statusCode: 400 }));
  } catch (error) {
    // A number of millions of digits exhausts the stack of the pattern that finds its end.
    const message = error instanceof RangeError ? 'A number is too long.' : messageOf(error);
    done(Object.assign(badInput('body', message), { statusCode: 400 }));
  }
}

/** Lets a body come in once there is room for it. @param keyIdOf the key that the request came with */
export function holdBodies(
  room: BodyRoom,
  keyIdOf: (request: FastifyRequest) => string,
): preParsingAsyncHookHandler {
  return async (request, reply, payload) => {
    const bytes = announcedBytes(request);
    // One that is too large is refused by what reads it, before its first byte.
    if (bytes <= limits.bodySmallBytes || bytes > limits.requestBytes) return payload;
    const giveBack = await room.take(keyIdOf(request), bytes);
    if (giveBack === null) {
      reply.header('connection', 'close').header('retry-after', '1');
      const fault = new HubError(
        'UNAVAILABLE',
        'The hub is reading as many large requests as it can hold. Send it again in a moment.',
      );
      throw Object.assign(fault, { statusCode: 503 });
    }
    if (reply.raw.destroyed) giveBack();
    else reply.raw.once('close', giveBack);
    return payload;
  };
}

/** The length of a body as its head says it; the most that is taken, where it does not say. */
function announcedBytes({ headers }: FastifyRequest): number {
  if (headers['transfer-encoding'] !== undefined) return limits.requestBytes;
  return Number(headers['content-length'] ?? 0);
}

/** The parser quotes what stands around the fault. */
function notJson(error: Error): Error {
  const at = / at position \d+/.exec(error.message)?.[0] ?? '';
  return Object.assign(badInput('body', `The body is no valid JSON${at}.`), { statusCode: 400 });
}
