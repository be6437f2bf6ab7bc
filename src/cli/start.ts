import path from 'node:path';
import { Command } from 'commander';
import { type Config, processEnvironment, readConfig } from '../config/config.ts';
import { settings } from '../config/settings.ts';
import { systemClock } from '../core/clock.ts';
import { errorCodeOf, HubError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { Hub, HubOverrides } from '../hub.ts';
import { parseRedisUrl } from '../jobs/redis-url.ts';
import { endWithin, listenForStop } from './signals.ts';
import { endUnread, outliveStandardOutput } from './standard-output.ts';
import { print } from './terminal.ts';

/** `hub start`: runs the hub until it is told to stop. */
export function startCommand(): Command {
  return new Command('start')
    .description('run the hub; its settings are environment variables')
    .addHelpText('after', settingsHelp)
    .action(start);
}

async function start(): Promise<void> {
  outliveStandardOutput();
  await run();
  await endUnread([process.stdout, process.stderr], () => process.exit());
}

async function run(): Promise<void> {
  using stop = listenForStop();
  const config = readConfig(processEnvironment());
  await using hub = await openHub(config);
  print(`The hub is up: ${hub.url}`);
  if (config.roles.includes('api')) print(`GraphiQL:      ${hub.url}/graphiql`);
  print(
    config.databaseUrl === undefined
      ? `Data folder:   ${path.resolve(config.dataDir)}`
      : `Database:      ${withoutPassword(config.databaseUrl)}`,
  );
  if (hub.adminKey !== null) print(`Admin key:     ${hub.adminKey}   (keep it: shown this once)`);
  await stop.asked;
  print('Stopping: what is under way is finished first. Ctrl-C again stops at once.');
  endWithin(config.drainDelayMs + limits.exitMs, systemClock, code => process.exit(code));
}

/** Starts a hub; says which port is taken where that is why it can't. */
export async function openHub(config: Config, overrides?: HubOverrides): Promise<Hub> {
  // Imported here, so that the commands which only ask a hub don't load one.
  const { createHub } = await import('../hub.ts');
  try {
    return await createHub(config, overrides);
  } catch (error) {
    throw openingFault(config, error);
  }
}

function openingFault(config: Config, error: unknown): unknown {
  const where = `port ${config.port} of ${config.host}`;
  switch (errorCodeOf(error)) {
    case 'EADDRINUSE':
      return new HubError(
        'UNAVAILABLE',
        `Another program listens on ${where}. Stop it, or set HUB_PORT to another port (0: any free one).`,
        { cause: error },
      );
    case 'EACCES':
      return new HubError(
        'UNAVAILABLE',
        `This user may not listen on ${where}. Set HUB_PORT to a port above 1023.`,
        { cause: error },
      );
    case 'EADDRNOTAVAIL':
      return new HubError('UNAVAILABLE', `${config.host} is no address of this machine. Set HUB_HOST.`, {
        cause: error,
      });
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      if (hostOf(error) !== config.host) return databaseFault(config, error);
      return new HubError('UNAVAILABLE', `HUB_HOST: ${config.host} is no address that can be found.`, {
        cause: error,
      });
    default:
      return databaseFault(config, error);
  }
}

/** The name that a lookup could not find. */
function hostOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'hostname' in error ? error.hostname : undefined;
}

/** SQLSTATEs by which PostgreSQL refuses a hub that starts, and what they mean to who reads it. */
const refusals: readonly (readonly [code: RegExp, what: string])[] = [
  [/^28/, 'refuses the user or password: correct them'],
  [/^3D000/, 'has no database of this name: make it (createdb), or correct the name'],
  [/^53300/, 'has no connection free: raise its max_connections, or lower HUB_DATABASE_POOL'],
  [/^25006/, 'only reads: it is a standby, or set so'],
  [/^42501/, 'does not let this user make tables: grant create on schema public to it, or make it the owner'],
  [/^57P03/, 'is starting or stopping: try again in a moment'],
];

/** Gives what a driver says of a database or queue that can't be reached, in terms of the settings. */
function databaseFault(config: Config, error: unknown): unknown {
  const code = errorCodeOf(error) ?? '';
  const database =
    config.databaseUrl === undefined
      ? 'the embedded database'
      : `DATABASE_URL (${withoutPassword(config.databaseUrl)})`;
  const refusal = refusals.find(([pattern]) => pattern.test(code))?.[1];
  if (refusal !== undefined)
    return new HubError('UNAVAILABLE', `The hub can't start: ${database} ${refusal} (${code}).`, {
      cause: error,
    });
  if (!/^(ECONN|ENOTFOUND|ETIMEDOUT|EAI_AGAIN|EHOSTUNREACH)/.test(code)) return error;
  const queue =
    config.redisUrl === undefined ? '' : ` or REDIS_URL (${parseRedisUrl(config.redisUrl).shown})`;
  const message = `The hub can't start: ${database}${queue} can't be reached (${code}). \`hub doctor\` says which and why.`;
  return new HubError('UNAVAILABLE', message, { cause: error });
}

/** A connection string that may be shown. */
export function withoutPassword(connection: string): string {
  const url = URL.parse(connection);
  if (url === null) return '(not a URL)';
  return `${url.protocol}//${url.username === '' ? '' : `${url.username}@`}${url.host}${url.pathname}`;
}

function settingsHelp(): string {
  const width = Math.max(...settings.map(({ variable }) => variable.length));
  const lines = settings.map(
    ({ variable, meaning, leftOut }) =>
      `  ${variable.padEnd(width)}  ${meaning}\n  ${' '.repeat(width)}  left out: ${leftOut}`,
  );
  return `\nSettings (environment variables):\n${lines.join('\n')}\n\nOpenTelemetry's own OTEL_… variables switch traces on (docs/operations.md, Traces).`;
}
