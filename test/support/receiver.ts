import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { until } from './wait.ts';

/** One request as the receiver got it. */
export interface ReceivedRequest {
  readonly headers: IncomingHttpHeaders;
  readonly rawBody: string;
  /** The parsed body. */
  readonly body: ReceivedBody;
  readonly at: number;
}

/** The fields of a webhook's body that tests look at. */
export interface ReceivedBody {
  event: string;
  sync_id: number;
  event_id: number;
  voucher_id: number;
  mode: string;
  data: Record<string, unknown>;
  voucher: {
    source_id: string;
    source_version: number;
    amount: string;
    digest: string;
    status: string;
    [field: string]: unknown;
  };
  items?: ReceivedBody[];
}

/** Answers a request: a status, or anything that the handler does with the response itself. */
export type Answer = (
  request: ReceivedRequest,
  response: ServerResponse,
) => number | undefined | Promise<number | undefined>;

/** A real HTTP server that records what it gets and answers as told. */
export interface Receiver extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly requests: ReceivedRequest[];
  /** Every event received, batches taken apart. */
  events(): ReceivedBody[];
  /** Says how it answers from now on; the default is 200. */
  answer(how: Answer): void;
  /** Waits until it has got so many events. */
  gotEvents(count: number, withinMs?: number): Promise<ReceivedBody[]>;
}

/** Starts a receiver. @param port left out: any free one */
export async function startReceiver(port = 0): Promise<Receiver> {
  const requests: ReceivedRequest[] = [];
  let how: Answer = () => 200;
  const server = createServer((request, response) => void handle(request, response));
  const handle = async (incoming: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const rawBody = Buffer.concat(chunks).toString('utf8');
    const request: ReceivedRequest = {
      headers: incoming.headers,
      rawBody,
      body: JSON.parse(rawBody),
      at: performance.now(),
    };
    requests.push(request);
    const status = await how(request, response);
    if (status !== undefined) response.writeHead(status).end();
  };
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve));
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const events = () => requests.flatMap(({ body }) => body.items ?? [body]);
  return {
    url: `http://127.0.0.1:${address.port}/hook`,
    port: address.port,
    requests,
    events,
    answer: next => {
      how = next;
    },
    gotEvents: (count, withinMs) =>
      until(
        `the receiver has ${count} events (it has ${events().length})`,
        () => (events().length >= count ? events() : false),
        withinMs,
      ),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>(resolve => server.close(() => resolve()));
    },
  };
}
