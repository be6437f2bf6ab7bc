import { refusal, type WebhookAnswer, type WebhookReceiver } from './receiver.ts';

/** Holds what is needed of node:http's IncomingMessage, and of Express's Request. */
export interface IncomingRequest extends AsyncIterable<unknown> {
  readonly method?: string | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** True once the body has been read by somebody. */
  readonly readableEnded: boolean;
  /** Holds what a body parser of Express has left. */
  readonly body?: unknown;
}

/** Holds what is needed of node:http's ServerResponse, and of Express's Response. */
export interface OutgoingResponse {
  writeHead(status: number, headers: Record<string, string>): unknown;
  end(body?: string): unknown;
}

/**
 * A handler for node:http and Express. In Express, mount it before `express.json()`, or behind
 * `express.raw({ type: '*' + '/*' })`: signatures are of the bytes that came, and a parsed body has lost them.
 */
export function nodeHandler(
  receiver: WebhookReceiver,
): (request: IncomingRequest, response: OutgoingResponse) => Promise<void> {
  return async (request, response) => send(response, await answerTo(receiver, request));
}

/** Sets how many times the bound is read of a body before the connection is cut. */
const discardFactor = 4;

async function answerTo(receiver: WebhookReceiver, request: IncomingRequest): Promise<WebhookAnswer> {
  if (request.method !== 'POST') return refusal(405, 'METHOD', 'POST only.');
  try {
    const body = await rawBody(request, receiver.maxBodyBytes);
    if (body === 'parsed')
      return refusal(500, 'BODY_PARSED', 'A body parser read the body first; mount this handler before it.');
    if (body === 'too-large')
      return refusal(413, 'TOO_LARGE', `At most ${receiver.maxBodyBytes} bytes are taken.`);
    return await receiver.receive(body, request.headers);
  } catch (error) {
    // The connection broke while the body came; nobody is there to read the answer.
    return refusal(400, 'BROKEN', error instanceof Error ? error.message : String(error));
  }
}

async function rawBody(request: IncomingRequest, maxBytes: number): Promise<Buffer | 'parsed' | 'too-large'> {
  if (Buffer.isBuffer(request.body)) return request.body.length > maxBytes ? 'too-large' : request.body;
  if (request.readableEnded) return 'parsed';
  const reader = request[Symbol.asyncIterator]();
  const chunks: Buffer[] = [];
  let bytes = 0;
  // What is too large is read on for a while and thrown away: a connection that closes on unread bytes is reset, and
  // the sender never sees the answer. Not `for await`, which destroys the connection where it is left early.
  while (bytes <= maxBytes * discardFactor) {
    const { done, value: chunk } = await reader.next();
    if (done === true) return bytes > maxBytes ? 'too-large' : Buffer.concat(chunks, bytes);
    if (!Buffer.isBuffer(chunk)) return 'parsed';
    bytes += chunk.length;
    if (bytes <= maxBytes) chunks.push(chunk);
    else chunks.length = 0;
  }
  return 'too-large';
}

function send(response: OutgoingResponse, { status, body }: WebhookAnswer): void {
  const headers: Record<string, string> = body === null ? {} : { 'content-type': 'application/json' };
  // What was not read of the body by now is not waited for.
  if (status === 413) headers.connection = 'close';
  if (status === 405) headers.allow = 'POST';
  response.writeHead(status, headers);
  response.end(body ?? undefined);
}
