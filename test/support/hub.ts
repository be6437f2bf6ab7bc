import { readConfig } from '../../src/config/config.ts';
import { createLogger } from '../../src/core/logger.ts';
import { createHub, type Hub, type HubOverrides } from '../../src/hub.ts';
import { createTestDatabase } from './postgres.ts';
import { within } from './wait.ts';

/** The admin key of every test hub. */
export const adminKey = 'hub_admin_key_of_the_tests_0123456789';

/** 32 bytes, base64. */
export const encryptionKey = Buffer.alloc(32, 7).toString('base64');

/** A GraphQL answer as tests read it. */
export interface GraphqlAnswer {
  status: number;
  // The tests look into answers of many shapes; each test says which one it expects by what it asserts.
  data: Record<string, never> | null;
  errors?: { message: string; path?: (string | number)[]; extensions: { code: string; field?: string } }[];
}

/** A hub in this process, on a database of its own. */
export interface TestHub extends AsyncDisposable {
  readonly hub: Hub;
  readonly url: string;
  readonly databaseUrl: string;
  /** Asks over HTTP; with the admin key unless another is given (null: none). */
  ask(query: string, variables?: Record<string, unknown>, key?: string | null): Promise<GraphqlAnswer>;
  /** Works as `ask`, and gives the data; throws when there are errors. */
  data<T>(query: string, variables?: Record<string, unknown>, key?: string | null): Promise<T>;
}

/** Settings of a test hub, as environment variables. */
export function testEnvironment(databaseUrl: string): Record<string, string> {
  return {
    DATABASE_URL: databaseUrl,
    HUB_PORT: '0',
    HUB_ADMIN_KEY: adminKey,
    HUB_ENCRYPTION_KEY: encryptionKey,
    HUB_TARGET_ALLOW: 'localhost,127.0.0.0/8,::1/128',
    HUB_LOG_LEVEL: process.env.HUB_TEST_LOG_LEVEL ?? 'silent',
    HUB_LOG_FORMAT: 'json',
    ...redisEnvironment(),
  };
}

/** All hubs of a run share one Redis: each installation keeps to itself. */
function redisEnvironment(): Record<string, string> {
  const server = process.env.HUB_TEST_REDIS_URL;
  return server === undefined ? {} : { REDIS_URL: server };
}

/** Starts a hub. @param options.databaseUrl left out: a fresh database */
export async function startTestHub(
  options: { databaseUrl?: string; env?: Record<string, string>; overrides?: HubOverrides } = {},
): Promise<TestHub> {
  const databaseUrl = options.databaseUrl ?? (await createTestDatabase());
  const env = { ...testEnvironment(databaseUrl), ...options.env };
  const log = createLogger({ level: env.HUB_LOG_LEVEL ?? 'silent', pretty: false });
  const hub = await createHub(readConfig(env), { log, ...options.overrides });
  const ask = askerOf(hub.url);
  return {
    hub,
    url: hub.url,
    databaseUrl,
    ask,
    async data<T>(query: string, variables?: Record<string, unknown>, key?: string | null): Promise<T> {
      const answer = await ask(query, variables, key);
      if (answer.errors !== undefined) throw new Error(JSON.stringify(answer.errors));
      return JSON.parse(JSON.stringify(answer.data));
    },
    [Symbol.asyncDispose]: () => hub[Symbol.asyncDispose](),
  };
}

/** Longer than the hub takes for anything: calls that change a million rows are among them. */
const askMs = 180_000;

/** Asks a hub at an address over HTTP. */
export function askerOf(url: string): TestHub['ask'] {
  return async (query, variables = {}, key = adminKey) => {
    const answer = fetch(`${url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      },
      body: JSON.stringify({ query, variables }),
    });
    const response = await within(`the hub answers ${query.slice(0, 80)}`, answer, askMs);
    const body: Omit<GraphqlAnswer, 'status'> = JSON.parse(
      await within('the answer is whole', response.text(), askMs),
    );
    return { status: response.status, ...body };
  };
}
