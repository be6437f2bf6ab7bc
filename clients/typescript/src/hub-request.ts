import { checkGiven } from './given.ts';

/** Says where the hub is, and who asks. */
export interface HubAddress {
  /** The hub's address, with or without `/graphql`, e.g. `https://hub.example.com`. */
  readonly url: string;
  /** The API key, or what gives it: asked before every request, so a key may change while the program runs. */
  readonly key: string | (() => string | Promise<string>);
}

/** Says how long a request may take. */
export interface RequestBounds {
  readonly timeoutMs: number;
  /** Ends it at once. */
  readonly signal?: AbortSignal;
}

/** The hub was not reached, or it refused the whole request. */
export class HubRequestError extends Error {
  override readonly name = 'HubRequestError';
  /** One of the hub's codes (UNAUTHENTICATED, FORBIDDEN, UNAVAILABLE …), or UNREACHABLE, TIMEOUT, ABORTED, NOT_A_HUB. */
  readonly code: string;
  /** The HTTP status; null: there was no answer. */
  readonly status: number | null;

  constructor(code: string, message: string, options: { status?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.status = options.status ?? null;
  }
}

/** Checks both parts. @throws {TypeError} naming the one that is missing, or no address */
export function checkAddress({ url, key }: HubAddress): void {
  graphqlUrl(url);
  checkGiven('key', key, 'give an API key of the hub, or a function that does.');
}

/** The address of the hub's GraphQL. @throws {TypeError} for a URL that is none, or neither http nor https */
export function graphqlUrl(url: string): string {
  const parsed = parsedUrl(url);
  if (!/^https?:$/.test(parsed.protocol))
    throw new TypeError(`url: ${parsed.protocol} is neither http nor https; ${expected}`);
  parsed.pathname = `${parsed.pathname.replace(/\/+$/, '').replace(/\/graphql$/, '')}/graphql`;
  return parsed.href;
}

const expected = "give the hub's address, e.g. http://127.0.0.1:4000";

function parsedUrl(url: string): URL {
  checkGiven('url', url, expected);
  try {
    return new URL(url);
  } catch (cause) {
    throw new TypeError(`url: "${url}" is no address; ${expected}`, { cause });
  }
}

/** The key as it is now. */
export async function keyOf({ key }: HubAddress): Promise<string> {
  return typeof key === 'string' ? key : key();
}

/**
 * Asks the hub over HTTP.
 * @param body the request's JSON: `query` and `variables`
 * @throws {HubRequestError} where there is no answer, or one that has errors
 */
export async function askHub<T>(hub: HubAddress, body: string, bounds: RequestBounds): Promise<T> {
  const { status, text } = await bounded(bounds, signal => post(hub, body, signal));
  const answer = parse<T>(text);
  const [error] = answer?.errors ?? [];
  if (error !== undefined)
    throw new HubRequestError(error.extensions?.code ?? 'INTERNAL_SERVER_ERROR', error.message, { status });
  if (answer?.data == null)
    throw new HubRequestError('NOT_A_HUB', `${hub.url} answered ${status} with what is no GraphQL.`, {
      status,
    });
  return answer.data;
}

/** `AbortSignal.any` would do it, but holds on to long-lived signals in Node 20. */
async function bounded<T>(
  { timeoutMs, signal }: RequestBounds,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const timeout = new HubRequestError('TIMEOUT', `No answer within ${timeoutMs} ms.`);
  const timer = setTimeout(() => controller.abort(timeout), timeoutMs);
  const onAbort = () => controller.abort(new HubRequestError('ABORTED', 'Called off.'));
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted) onAbort();
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}

async function post(
  hub: HubAddress,
  body: string,
  signal: AbortSignal,
): Promise<{ status: number; text: string }> {
  try {
    const response = await fetch(graphqlUrl(hub.url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${await keyOf(hub)}` },
      body,
      signal,
      redirect: 'error',
    });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    if (error instanceof HubRequestError) throw error;
    throw new HubRequestError('UNREACHABLE', `${hub.url}: ${reasonOf(error)}`, { cause: error });
  }
}

interface GraphqlAnswer<T> {
  readonly data?: T | null;
  readonly errors?: readonly { readonly message: string; readonly extensions?: { readonly code?: string } }[];
}

function parse<T>(text: string): GraphqlAnswer<T> | null {
  try {
    // The document and T come from one generated type; the hub's schema holds the two together.
    const answer: GraphqlAnswer<T> | null = JSON.parse(text);
    return typeof answer === 'object' ? answer : null;
  } catch {
    return null;
  }
}

/** fetch says only "fetch failed" and has the reason as its cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof AggregateError) return reasonOf(error.cause.errors[0]);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
