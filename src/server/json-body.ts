import { isUtf8 } from 'node:buffer';
import type { FastifyInstance } from 'fastify';
import { badInput } from '../core/errors.ts';

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
    } else if (isUtf8(body)) void parse(request, body.toString('utf8'), done);
    else {
      const fault = badInput(
        'body',
        'The body is no valid UTF-8; encode it so (GBK and others are not taken).',
      );
      done(Object.assign(fault, { statusCode: 400 }));
    }
  });
}
