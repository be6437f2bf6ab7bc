import type { Command } from 'commander';
import { readClientEnvironment } from '../config/client-environment.ts';
import { processEnvironment } from '../config/config.ts';
import { errorCodeOf, messageOf } from '../core/errors.ts';
import type { TypedDocumentString } from './generated/graphql.ts';
import { UsageError } from './usage-error.ts';

const defaultUrl = 'http://127.0.0.1:4000';

/** Sets how long an answer is waited for, milliseconds: longer than the hub itself waits for anything. */
const answerMs = 90_000;

/** Says where the hub is and who asks. */
export interface ClientOptions {
  readonly url?: string | undefined;
  readonly key?: string | undefined;
}

/** The hub could not be asked: nothing answers there, or something that is no hub does. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
  /** True: something answered, or broke off in the middle. It may be a hub that stops or starts. */
  readonly wasThere: boolean;

  constructor(message: string, options: { cause?: unknown; wasThere?: boolean } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.wasThere = options.wasThere ?? false;
  }
}

/** The hub answered, and refused. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  /** One of the hub's codes (see `errorCatalogue`), or NOT_A_HUB. */
  readonly code: string;
  readonly field: string | undefined;

  constructor(code: string, message: string, field?: string) {
    super(message);
    this.code = code;
    this.field = field;
  }
}

/** Asks a running hub. */
export interface HubClient {
  /** Without a slash at the end. */
  readonly url: string;
  /** Undefined: none was given. */
  readonly key: string | undefined;
  /** @throws UnreachableError, RefusedError */
  request<Result, Variables>(
    document: TypedDocumentString<Result, Variables>,
    variables: Variables,
  ): Promise<Result>;
  /**
   * Works as `request`, with variables that are JSON text already: what stands in a file goes out as it stands there.
   * @param signal ends the waiting
   */
  requestText<Result, Variables>(
    document: TypedDocumentString<Result, Variables>,
    variables: string,
    signal?: AbortSignal,
  ): Promise<Result>;
}

/** Adds the options of every command that talks to a running hub. */
export function withClientOptions(command: Command): Command {
  return command
    .option(
      '--url <url>',
      `address of the hub (HUB_URL; left out: HUB_HOST and HUB_PORT, else ${defaultUrl})`,
    )
    .option('--key <key>', 'API key (HUB_KEY)');
}

/** A client for the hub that the options or the environment name. @throws UsageError for a URL that is none */
export function createClient(options: ClientOptions): HubClient {
  const environment = readClientEnvironment(processEnvironment());
  const url = plainUrl(options.url ?? environment.url ?? defaultUrl);
  const key = plainKey(options.key ?? environment.key);
  const requestText: HubClient['requestText'] = (document, variables, signal) =>
    ask({ url, key, document: document.toString(), variables, signal });
  return {
    url,
    key,
    requestText,
    request: (document, variables) => requestText(document, JSON.stringify(variables)),
  };
}

/** Tells whether the options or the environment give a key. */
export function hasKey(options: ClientOptions): boolean {
  return (options.key ?? readClientEnvironment(processEnvironment()).key) !== undefined;
}

/** The address in its plain form. */
function plainUrl(given: string): string {
  const url = URL.parse(given);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new UsageError(`--url (HUB_URL, HUB_HOST): "${given}" is no address; e.g. ${defaultUrl}`);
  }
  return `${url.origin}${url.pathname}`.replace(/(\/graphql|\/graphiql)?\/*$/, '');
}

/** HTTP's headers can't hold other characters, and no key has them (RFC 6750, section 2.1). */
function plainKey(given: string | undefined): string | undefined {
  if (given === undefined || /^[\x21-\x7e]+$/.test(given)) return given;
  throw new UsageError('--key (HUB_KEY): holds a space, a letter or a sign that no API key has.');
}

interface HubQuestion {
  readonly url: string;
  readonly key: string | undefined;
  readonly document: string;
  readonly variables: string;
  readonly signal: AbortSignal | undefined;
}

async function ask<Result>(question: HubQuestion): Promise<Result> {
  const { url, key, document, variables, signal } = question;
  const late = AbortSignal.timeout(answerMs);
  try {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      },
      body: `{"query":${JSON.stringify(document)},"variables":${variables}}`,
      signal: signal === undefined ? late : AbortSignal.any([signal, late]),
    });
    const answer: Answer<Result> | null = parseJson(await response.text());
    return resultOf(answer, { url, key, status: response.status });
  } catch (error) {
    if (error instanceof RefusedError || error instanceof UnreachableError) throw error;
    throw new UnreachableError(unreachable(url, error), { cause: error, wasThere: brokeOff(error) });
  }
}

function resultOf<Result>(
  answer: Answer<Result> | null,
  { url, key, status }: { url: string; key: string | undefined; status: number },
): Result {
  const fault = answer?.errors?.[0];
  if (fault !== undefined) {
    const code = fault.extensions?.code ?? 'INTERNAL_SERVER_ERROR';
    throw new RefusedError(
      code,
      code === 'UNAUTHENTICATED' ? keyAdvice(key) : fault.message,
      fault.extensions?.field,
    );
  }
  if (answer?.data != null) return answer.data;
  if (status === 413) throw new RefusedError('LIMIT_EXCEEDED', 'The request is larger than the hub takes.');
  if (status === 429 || status >= 500)
    throw new UnreachableError(`The hub at ${url} is not ready (HTTP ${status}).`, { wasThere: true });
  throw new RefusedError(
    'NOT_A_HUB',
    `What answers at ${url}/graphql is no hub (HTTP ${status}). Check --url.`,
  );
}

interface Answer<Result> {
  data?: Result | null;
  errors?: { message: string; extensions?: { code?: string; field?: string } }[];
}

/** Null: no JSON. */
function parseJson(text: string) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function keyAdvice(key: string | undefined): string {
  return key === undefined
    ? 'The hub asks for an API key: give --key or set HUB_KEY. (`hub start` printed the first one at its first start.)'
    : 'The hub does not take this API key (--key or HUB_KEY): it is unknown or revoked.';
}

function brokeOff(error: unknown): boolean {
  const code = errorCodeOf(error instanceof Error ? error.cause : error);
  return code === 'ECONNRESET' || code === 'EPIPE' || code === 'UND_ERR_SOCKET';
}

function unreachable(url: string, error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const code = errorCodeOf(cause);
  if (code === 'ECONNREFUSED')
    return `No hub answers at ${url}. Start one with \`hub start\`, or say where it is with --url or HUB_URL.`;
  if (error instanceof DOMException && error.name === 'TimeoutError')
    return `The hub at ${url} did not answer within ${answerMs / 1_000} s.`;
  return `No hub answers at ${url} (${code ?? messageOf(cause)}). Say where it is with --url or HUB_URL.`;
}
