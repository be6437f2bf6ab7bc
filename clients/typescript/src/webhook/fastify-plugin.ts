import type { WebhookReceiver } from './receiver.ts';

/** Holds what is needed of a Fastify instance. */
export interface FastifyLike {
  removeContentTypeParser(contentType: string): unknown;
  addContentTypeParser(
    contentType: string,
    options: { parseAs: 'buffer'; bodyLimit: number },
    parser: (request: unknown, body: Buffer, done: (error: null, body: Buffer) => void) => void,
  ): unknown;
  route(route: {
    method: 'POST';
    url: string;
    bodyLimit: number;
    handler: (request: FastifyRequestLike, reply: FastifyReplyLike) => Promise<unknown>;
  }): unknown;
}

/** Holds what is needed of a Fastify request. */
export interface FastifyRequestLike {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: unknown;
}

/** Holds what is needed of a Fastify reply. */
export interface FastifyReplyLike {
  code(status: number): { header(name: string, value: string): { send(body?: string): unknown } };
}

/**
 * A plugin for Fastify: `app.register(fastifyWebhook(receiver, '/hook'))`. Its parser, which leaves the body as the
 * bytes that came, holds for this route alone.
 */
export function fastifyWebhook(receiver: WebhookReceiver, url: string): (app: FastifyLike) => Promise<void> {
  return async app => {
    app.removeContentTypeParser('application/json');
    app.addContentTypeParser(
      'application/json',
      { parseAs: 'buffer', bodyLimit: receiver.maxBodyBytes },
      (_request, body, done) => done(null, body),
    );
    app.route({
      method: 'POST',
      url,
      bodyLimit: receiver.maxBodyBytes,
      handler: async (request, reply) => {
        const rawBody = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
        const { status, body } = await receiver.receive(rawBody, request.headers);
        return reply
          .code(status)
          .header('content-type', 'application/json')
          .send(body ?? undefined);
      },
    });
  };
}
