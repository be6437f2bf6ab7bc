import { readFile } from 'node:fs/promises';
import path from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { errorCodeOf } from '../../core/errors.ts';
import { checkHosts, type HostNames } from '../guards/host-check.ts';

/** Says where the page is; its files were built with the same address (`base` in console/vite.config.ts). */
const address = '/graphiql';

const notBuilt = 'GraphiQL is not built. Run `npm run build:console`, then start the hub again.\n';

/**
 * Holds what the page may do. Nothing is allowed but what follows, and all of it comes from the hub itself:
 * `style-src` also takes inline styles, which Monaco and React write, and `data:` is for the fonts and images
 * inside GraphiQL's style sheet. In `connect-src`, 'self' covers the page's own ws:/wss: address too (CSP 3).
 */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "font-src 'self' data:",
  "img-src 'self' data:",
  "worker-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The workers get them as well: a worker is bound by the policy of its own answer, not by the page's. */
const securityHeaders = {
  'content-security-policy': contentSecurityPolicy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};

/** The built page, or undefined when it was not built. */
async function readPage(folder: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path.join(folder, 'index.html'));
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function servePage(app: FastifyInstance, page: Buffer | undefined): void {
  for (const url of [address, `${address}/`]) {
    app.get(url, (_request, reply) => {
      // The html names the assets by their hashes, so a kept one would ask for files of an older build.
      reply.header('cache-control', 'no-cache');
      return page === undefined
        ? reply.code(404).type('text/plain; charset=utf-8').send(notBuilt)
        : reply.type('text/html; charset=utf-8').send(page);
    });
  }
}

/** Serves the GraphiQL page that was built into `folder` (dist/console) at `/graphiql`. */
export async function registerGraphiql(
  app: FastifyInstance,
  folder: string,
  hosts: HostNames,
): Promise<void> {
  const page = await readPage(folder);
  // A scope of its own keeps the headers off the hub's other routes.
  await app.register(async scope => {
    checkHosts(scope, hosts);
    scope.addHook('onRequest', async (_request, reply) => {
      reply.headers(securityHeaders);
    });
    servePage(scope, page);
    if (page === undefined) return;
    await scope.register(fastifyStatic, {
      root: path.resolve(folder, 'assets'),
      prefix: `${address}/assets/`,
      // Their names carry a hash of what is in them.
      immutable: true,
      maxAge: '365d',
      index: false,
      // The page has no need of it, and a second @fastify/static in the app could not add it again.
      decorateReply: false,
    });
  });
}
