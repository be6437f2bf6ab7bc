import { createServer, type IncomingMessage } from 'node:http';

/** A span as a collector gets it over OTLP/HTTP in JSON. */
export interface CollectedSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  attributes: { key: string; value: Record<string, unknown> }[];
  links?: { traceId: string; spanId: string }[];
  status?: { code?: number; message?: string };
  startTimeUnixNano: string;
  endTimeUnixNano: string;
}

interface ExportRequest {
  resourceSpans: {
    resource: { attributes: CollectedSpan['attributes'] };
    scopeSpans: { spans: CollectedSpan[] }[];
  }[];
}

/** A real OTLP/HTTP receiver. */
export interface Collector extends AsyncDisposable {
  readonly url: string;
  /** Holds what it got as it came, headers' values too. */
  readonly requests: { path: string; headers: string; body: Buffer }[];
  /** The spans of all JSON requests. */
  spans(): CollectedSpan[];
  /** Gives what the spans say of the process that they come from. */
  resource(): Record<string, unknown>;
}

/** Starts a collector. @param options.answers false: it takes connections and never answers */
export async function startCollector(options: { answers?: boolean } = {}): Promise<Collector> {
  const requests: Collector['requests'] = [];
  const server = createServer((request, response) => {
    void bodyOf(request).then(body => {
      requests.push({ path: request.url ?? '', headers: JSON.stringify(request.headers), body });
      if (options.answers !== false)
        response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const parsed = () =>
    requests.flatMap(({ body }): ExportRequest['resourceSpans'] => JSON.parse(body.toString()).resourceSpans);
  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    spans: () => parsed().flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
    resource: () => attributesOf(parsed()[0]?.resource.attributes ?? []),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>(resolve => server.close(() => resolve()));
    },
  };
}

/** Attributes by name; their values without OTLP's types. */
export function attributesOf(attributes: CollectedSpan['attributes']): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}
