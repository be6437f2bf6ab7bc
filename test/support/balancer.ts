import { connect, createServer, type Socket } from 'node:net';

/** A load balancer of TCP connections: in turn to each hub that says that it is ready. */
export interface Balancer extends AsyncDisposable {
  readonly url: string;
}

/** @param backends the hubs' addresses as they are at the time of a connection */
export async function startBalancer(backends: () => readonly string[]): Promise<Balancer> {
  let turn = 0;
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy()).once('close', () => sockets.delete(socket));
    return socket;
  };
  const ready = async (): Promise<URL | undefined> => {
    const urls = backends();
    for (let tries = 0; tries < urls.length; tries += 1) {
      const url = urls[turn++ % urls.length] ?? '';
      const isReady = await fetch(`${url}/readyz`).then(
        answer => answer.body?.cancel().then(() => answer.ok),
        () => false,
      );
      if (isReady === true) return new URL(url);
    }
    return undefined;
  };
  const server = createServer({ pauseOnConnect: true }, client => {
    keep(client);
    void ready().then(url => {
      if (url === undefined) return client.destroy();
      const hub = keep(connect(Number(url.port), url.hostname));
      client.once('close', () => hub.destroy());
      hub.once('close', () => client.destroy());
      client.pipe(hub).pipe(client);
      return client.resume();
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>(resolve => server.close(() => resolve()));
    },
  };
}
