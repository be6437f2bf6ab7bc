import type { FastifyInstance } from 'fastify';

/** The page has no script and no style from elsewhere, so nothing more is allowed to it. */
const securityHeaders = {
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};

const graphiql =
  '<li><a href="/graphiql">GraphiQL</a>: ask and try the API (<code>/graphql</code>) with a key</li>';

/**
 * Answers at `/`, where people look first: says what this is and where to go on.
 * @param hasApi false: this process has no api role, so it serves no GraphQL
 */
export function registerStartPage(app: FastifyInstance, hasApi: boolean): void {
  const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Voucher Hub</title>
<style>body { max-width: 40rem; margin: 3rem auto; padding: 0 1rem; font: 16px/1.6 system-ui, sans-serif }</style>
<h1>Voucher Hub</h1>
<p>${hasApi ? 'This hub is up.' : 'This process of the hub is up. It has no api role, so it serves health and metrics only.'}</p>
<ul>
${hasApi ? graphiql : ''}
<li><a href="/readyz">Readiness</a> and <a href="/healthz">health</a></li>
<li><a href="/metrics">Metrics</a> for Prometheus</li>
</ul>
<p>On the command line <code>hub doctor</code> checks everything, <code>hub alerts list</code> shows what fires,
and <code>hub subscriptions list</code> shows how each consumer is.</p>
</html>
`;
  app.get('/', (_request, reply) =>
    reply.headers(securityHeaders).type('text/html; charset=utf-8').send(page),
  );
}
