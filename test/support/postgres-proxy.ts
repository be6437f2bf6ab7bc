import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Holds what went through a proxy since it was last reset, on connections of the hub's own pool (not the queue's). */
export interface PostgresProxy extends AsyncDisposable {
  /** The same database, by way of the proxy. */
  readonly url: string;
  /** Says how many statements were run. */
  statements(): number;
  /** The texts that were sent: each once where it was prepared. */
  texts(): string[];
  /** The names of prepared statements that were run, each as often as it was. */
  names(): string[];
  reset(): void;
  /** From now on the connections that there are say nothing, and stay open; new ones are as good as ever. */
  silence(): void;
}

/** Stands between a hub and PostgreSQL and counts statements, by reading the frontend's messages (protocol 3). */
export async function startPostgresProxy(databaseUrl: string): Promise<PostgresProxy> {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  const pipes = new Set<() => void>();
  let count = 0;
  let texts: string[] = [];
  let names: string[] = [];
  const server = createServer(client => {
    const upstream = connect(Number(target.port), target.hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket)).on('error', () => {});
    }
    const read = messageReader((type, body) => {
      if (type === 'Q' || type === 'B') count += 1;
      // Bind: the portal's name, then the statement's.
      if (type === 'B') names.push(zeroEndedText(body, body.indexOf(0) + 1));
      if (type === 'Q') texts.push(body.toString('utf8', 0, body.length - 1));
      if (type === 'P') texts.push(zeroEndedText(body, body.indexOf(0) + 1));
    });
    client.on('data', read);
    client.pipe(upstream);
    upstream.pipe(client);
    pipes.add(() => {
      client.unpipe(upstream).resume();
      upstream.unpipe(client).resume();
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String(address.port);
  return {
    url: url.href,
    statements: () => count,
    texts: () => texts,
    names: () => names,
    reset: () => {
      count = 0;
      texts = [];
      names = [];
    },
    silence() {
      for (const cut of pipes) cut();
      pipes.clear();
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>(resolve => server.close(() => resolve()));
    },
  };
}

/** A text that begins there and ends with a zero byte. */
function zeroEndedText(body: Buffer, start: number): string {
  return body.toString('utf8', start, body.indexOf(0, start));
}

/** Takes a frontend's bytes apart; connections that are not the hub's own (by their startup message) are let pass. */
function messageReader(onMessage: (type: string, body: Buffer) => void): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0);
  let isHub: boolean | undefined;
  return chunk => {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      // The startup message alone has no type before its length.
      const typeLength = isHub === undefined ? 0 : 1;
      if (rest.length < typeLength + 4) return;
      const end = typeLength + rest.readUInt32BE(typeLength);
      if (rest.length < end) return;
      const body = rest.subarray(typeLength + 4, end);
      if (isHub === undefined) isHub = body.includes('application_name\0voucher-hub\0');
      else if (isHub) onMessage(rest.toString('latin1', 0, 1), body);
      rest = rest.subarray(end);
    }
  };
}
