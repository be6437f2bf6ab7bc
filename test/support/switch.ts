import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** An address that stays while what stands behind it changes, as a database's does over a failover. */
export interface Switch extends AsyncDisposable {
  /** The database's url by way of the switch. */
  urlOf(databaseUrl: string): string;
  /** Cuts all connections; new ones lead there. Null: they are refused. */
  lead(databaseUrl: string | null): void;
}

/** Starts a switch that leads nowhere yet. */
export async function startSwitch(): Promise<Switch> {
  const sockets = new Set<Socket>();
  let target: URL | null = null;
  const server = createServer(client => {
    if (target === null) return void client.destroy();
    const upstream = connect(Number(target.port), target.hostname);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket
        .on('error', () => {})
        .on('close', () => {
          sockets.delete(socket);
          other.destroy();
        });
      socket.pipe(other);
    }
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    urlOf(databaseUrl) {
      const url = new URL(databaseUrl);
      url.host = `127.0.0.1:${address.port}`;
      return url.href;
    },
    lead(databaseUrl) {
      target = databaseUrl === null ? null : new URL(databaseUrl);
      cut();
    },
    async [Symbol.asyncDispose]() {
      cut();
      await new Promise<void>(resolve => server.close(() => resolve()));
    },
  };
}
