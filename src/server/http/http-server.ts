import { createServer, type RequestListener, type Server } from 'node:http';
import { limits } from '../../core/limits.ts';

/** An HTTP server that waits for nobody longer than it must. */
export function createHttpServer(handler: RequestListener): Server {
  return createServer(
    {
      headersTimeout: limits.requestHeadMs,
      requestTimeout: limits.requestArrivalMs,
      // By default Node looks every 30 s only, so each time-out would take up to twice as long as it says.
      connectionsCheckingInterval: limits.requestLookMs,
      // Longer than the minute after which common balancers close: who closes first must not be the hub.
      keepAliveTimeout: 65_000,
    },
    handler,
  );
}
