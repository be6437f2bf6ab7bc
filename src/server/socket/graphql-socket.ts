import type { IncomingMessage, Server } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { handleProtocols, makeServer } from 'graphql-ws';
import { WebSocketServer } from 'ws';
import { limits } from '../../core/limits.ts';
import type { GraphqlDoor } from '../graphql/graphql-http.ts';
import type { DoorGuards } from '../guards/door-guards.ts';
import { SocketKeeper } from './socket-keeper.ts';
import { socketOptions } from './socket-operations.ts';
import type { SocketLook } from './socket-peer.ts';

/**
 * Serves GraphQL over WebSocket at `/graphql` (graphql-transport-ws). The same limits hold as over HTTP, which
 * Apollo's plugins know nothing of here. A bad key closes with 4403; browsers of other origins are refused.
 *
 * graphql-ws speaks the protocol; its own adapter for ws is not used, since that keeps whatever a client does not
 * read, waits for clients that do not answer a close, and writes what clients do wrong to the console.
 */
export function serveGraphqlSocket(server: Server, door: GraphqlDoor, guards: DoorGuards): AsyncDisposable {
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    handleProtocols,
    maxPayload: limits.socketMessageBytes,
    maxFragments: limits.socketFragments,
    maxBufferedChunks: limits.socketChunks,
    perMessageDeflate: false,
  });
  const keeper = new SocketKeeper(door);
  const graphql = makeServer(socketOptions(door, keeper));
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const refusal = refusalOf(request, keeper);
    if (refusal !== undefined) return refuse(socket, refusal);
    if (!(socket instanceof Socket)) return socket.destroy();
    const address = guards.locate(request, socket);
    const look: SocketLook = context => guards.look(context, socket, () => address);
    return sockets.handleUpgrade(request, socket, head, ws => keeper.take(ws, graphql, look));
  });
  return { [Symbol.asyncDispose]: () => keeper.close() };
}

/** Why an upgrade is not taken; undefined: it is. */
function refusalOf(request: IncomingMessage, keeper: SocketKeeper): string | undefined {
  // Not `new URL`, which throws on paths that anybody may send (`//`).
  if (request.url?.split('?', 1)[0] !== '/graphql') return '404 Not Found';
  if (!isOwnOrigin(request)) return '403 Forbidden';
  return keeper.isStopping ? '503 Service Unavailable' : undefined;
}

function refuse(socket: Duplex, answer: string): void {
  // The HTTP server has let go of the connection: without this, a client that resets it would end the process.
  socket.on('error', () => socket.destroy());
  // Nor does it stay open until the client closes its half.
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${answer}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

/** A browser sends its page's origin, and a page of another site must not use a socket here. Programs send none. */
function isOwnOrigin(request: IncomingMessage): boolean {
  const { origin, host } = request.headers;
  if (origin === undefined) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}
