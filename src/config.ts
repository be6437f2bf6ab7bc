import { z } from 'zod';
import { HubError, messageOf } from './core/errors.ts';
import { parseTargetAllow } from './delivery/webhook/guard.ts';
import { parseRedisUrl } from './jobs/redis-url.ts';

/** The parts of the hub that a process may play. */
const roleNames = ['api', 'worker', 'scheduler'] as const;

/** One setting: an environment variable, what it means, and what holds where it is left out. */
export interface Setting {
  readonly variable: string;
  readonly meaning: string;
  readonly leftOut: string;
}

const port = z
  .string()
  .regex(/^\d{1,5}$/, 'must be a port, 0 to 65535')
  .transform(Number)
  .refine(value => value <= 65_535, 'must be a port, 0 to 65535');
const postgresUrl = z.string().regex(/^postgres(ql)?:\/\//, 'must begin with postgres:// or postgresql://');
const redisUrl = z.string().superRefine((text, context) => {
  const fault = redisUrlFault(text);
  if (fault !== null) context.addIssue({ code: 'custom', message: fault });
});
const adminKey = z
  .string()
  .regex(/^[\x21-\x7e]{24,200}$/, 'must be 24 to 200 printable characters without spaces');
const encryptionKey = z
  .string()
  .regex(/^[A-Za-z0-9+/_-]{43}=?$/, 'must be 32 bytes in base64 (openssl rand -base64 32)');
const timeZone = z.string().refine(isTimeZone, 'must be an IANA time zone, e.g. Asia/Shanghai');
const roles = z
  .string()
  .transform(splitList)
  .pipe(z.array(z.enum(roleNames)).min(1));
const targetAllow = z.string().superRefine((text, context) => {
  const fault = targetAllowFault(text);
  if (fault !== null) context.addIssue({ code: 'custom', message: fault });
});
const logLevel = z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']);

/** The one table of settings: reading, `hub start --help` and docs/operations.md all come from it. */
const table = {
  port: {
    variable: 'HUB_PORT',
    type: port.default(4000),
    meaning: 'port it listens on; 0: any free one',
    leftOut: '4000',
  },
  host: {
    variable: 'HUB_HOST',
    type: z.string().default('127.0.0.1'),
    meaning: 'address it listens on',
    leftOut: '127.0.0.1',
  },
  databaseUrl: {
    variable: 'DATABASE_URL',
    type: postgresUrl.optional(),
    meaning: 'PostgreSQL 15 or later',
    leftOut: 'an embedded PostgreSQL under HUB_DATA_DIR',
  },
  redisUrl: {
    variable: 'REDIS_URL',
    type: redisUrl.optional(),
    meaning:
      'Redis for the queue: redis://[user:password@]host:6379[/database], redis+sentinel://host,host/mymaster, redis+cluster://host,host; rediss…: by TLS',
    leftOut: 'the queue is on PostgreSQL',
  },
  dataDir: {
    variable: 'HUB_DATA_DIR',
    type: z.string().min(1).default('.hub'),
    meaning: 'folder of the embedded default',
    leftOut: '.hub',
  },
  adminKey: {
    variable: 'HUB_ADMIN_KEY',
    type: adminKey.optional(),
    meaning: 'the first admin key',
    leftOut: 'made at the first start, printed once',
  },
  encryptionKey: {
    variable: 'HUB_ENCRYPTION_KEY',
    type: encryptionKey.optional(),
    meaning: "32 bytes, base64: encrypts subscriptions' secrets at rest",
    leftOut: 'the embedded default makes and keeps one; otherwise required',
  },
  previousEncryptionKey: {
    variable: 'HUB_ENCRYPTION_KEY_PREVIOUS',
    type: encryptionKey.optional(),
    meaning: 'the key before, while `hub keys reencrypt` moves secrets to the new one',
    leftOut: 'none',
  },
  roles: {
    variable: 'HUB_ROLES',
    type: roles.default([...roleNames]),
    meaning: 'any of api, worker, scheduler, with commas',
    leftOut: 'all three',
  },
  drainDelayMs: {
    variable: 'HUB_DRAIN_DELAY_MS',
    type: z.coerce.number().int().min(0).max(120_000).default(0),
    meaning:
      'at a stop, how long it says `not ready` and goes on, so that load balancers notice, milliseconds',
    leftOut: '0',
  },
  targetAllow: {
    variable: 'HUB_TARGET_ALLOW',
    type: targetAllow.optional(),
    meaning: 'host names and CIDR ranges that webhooks may reach though private, with commas; none: none',
    leftOut: 'on the embedded database localhost,127.0.0.0/8,::1/128; otherwise none',
  },
  timeZone: {
    variable: 'HUB_TIME_ZONE',
    type: timeZone.default('Asia/Shanghai'),
    meaning: 'business time zone',
    leftOut: 'Asia/Shanghai',
  },
  retentionDays: {
    variable: 'HUB_RETENTION_DAYS',
    type: z.coerce.number().int().min(1).max(36_500).default(400),
    meaning: 'days that sync logs and attempts are kept, 1 to 36,500; what is not over is kept longer',
    leftOut: '400',
  },
  databasePool: {
    variable: 'HUB_DATABASE_POOL',
    type: z.coerce.number().int().min(4).max(500).default(20),
    meaning: 'most database connections of this process, 4 to 500, the queue’s few not counted',
    leftOut: '20',
  },
  logLevel: {
    variable: 'HUB_LOG_LEVEL',
    type: logLevel.default('info'),
    meaning: 'trace, debug, info, warn, error, fatal or silent',
    leftOut: 'info',
  },
  logFormat: {
    variable: 'HUB_LOG_FORMAT',
    type: z.enum(['json', 'pretty']).optional(),
    meaning: 'json or pretty',
    leftOut: 'pretty on a terminal, else json',
  },
} as const;

/** Every setting, in the order of the table, for help and documentation. */
export const settings: readonly Setting[] = Object.values(table);

const schema = z.object({
  port: table.port.type,
  host: table.host.type,
  databaseUrl: table.databaseUrl.type,
  redisUrl: table.redisUrl.type,
  dataDir: table.dataDir.type,
  adminKey: table.adminKey.type,
  encryptionKey: table.encryptionKey.type,
  previousEncryptionKey: table.previousEncryptionKey.type,
  roles: table.roles.type,
  drainDelayMs: table.drainDelayMs.type,
  targetAllow: table.targetAllow.type,
  timeZone: table.timeZone.type,
  retentionDays: table.retentionDays.type,
  databasePool: table.databasePool.type,
  logLevel: table.logLevel.type,
  logFormat: table.logFormat.type,
});

/** The settings that a hub runs with; frozen. */
export interface Config extends Readonly<Omit<z.infer<typeof schema>, 'targetAllow' | 'logFormat'>> {
  /** Host names and CIDR ranges with commas, or `none`; the guard of webhooks reads it. */
  readonly targetAllow: string;
  /** True where `targetAllow` came from the embedded default rather than from the operator. */
  readonly targetAllowIsDefault: boolean;
  readonly logFormat: 'json' | 'pretty';
}

/**
 * Reads the settings from an environment. An empty variable counts as left out.
 * @throws HubError BAD_USER_INPUT that names every variable at fault; its text never holds a value.
 */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const given = Object.fromEntries(
    Object.entries(table).map(([name, { variable }]) => [name, env[variable]?.trim() || undefined]),
  );
  const parsed = schema.safeParse(given);
  if (!parsed.success) {
    const faults = parsed.error.issues.map(issue => `${variableOf(issue.path[0])}: ${issue.message}`);
    throw new HubError('BAD_USER_INPUT', `These settings do not fit.\n  ${faults.join('\n  ')}`);
  }
  const { targetAllow, logFormat, ...rest } = parsed.data;
  if (rest.databaseUrl !== undefined && rest.encryptionKey === undefined) {
    throw new HubError(
      'BAD_USER_INPUT',
      'HUB_ENCRYPTION_KEY: required with DATABASE_URL; make one with: openssl rand -base64 32',
    );
  }
  const defaultAllow = rest.databaseUrl === undefined ? 'localhost,127.0.0.0/8,::1/128' : 'none';
  return Object.freeze({
    ...rest,
    targetAllow: targetAllow ?? defaultAllow,
    targetAllowIsDefault: targetAllow === undefined && rest.databaseUrl === undefined,
    logFormat: logFormat ?? (process.stderr.isTTY ? 'pretty' : 'json'),
  });
}

/**
 * What the commands that talk to a running hub take from the environment. Without HUB_URL it is the hub that would
 * be started with this environment, so that `HUB_PORT=4711 hub doctor` finds what `HUB_PORT=4711 hub start` started.
 */
export function readClientEnvironment(env: NodeJS.ProcessEnv): {
  url: string | undefined;
  key: string | undefined;
} {
  return { url: env.HUB_URL?.trim() || addressIn(env), key: env.HUB_KEY?.trim() || undefined };
}

/** Where a hub that listens on a host and port is asked from the same machine. */
export function localAddress(host: string, listensOn: number): string {
  // A hub that listens on all addresses answers on the loopback, and not every system connects to 0.0.0.0.
  const reached = { '0.0.0.0': '127.0.0.1', '::': '::1' }[host] ?? host;
  return `http://${reached.includes(':') ? `[${reached}]` : reached}:${listensOn}`;
}

/** This process's environment: the only place that reads it. */
export function processEnvironment(): NodeJS.ProcessEnv {
  return process.env;
}

/** Undefined where neither host nor port is set. */
function addressIn(env: NodeJS.ProcessEnv): string | undefined {
  const host = env.HUB_HOST?.trim() || undefined;
  const given = port.safeParse(env.HUB_PORT?.trim());
  // 0 is "any free one", which nobody but the hub knows; a port that is none is the business of `readConfig`.
  const known = given.success && given.data !== 0 ? given.data : undefined;
  if (host === undefined && known === undefined) return undefined;
  return localAddress(host ?? '127.0.0.1', known ?? 4000);
}

function variableOf(name: PropertyKey | undefined): string {
  const entry = Object.entries(table).find(([key]) => key === name);
  return entry ? entry[1].variable : String(name);
}

function splitList(text: string): string[] {
  return text
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== '');
}

/** Tells which entry is at fault by its place, not by its text: faults hold no values. */
function targetAllowFault(text: string): string | null {
  const place = text.split(',').findIndex(entry => !isTargetAllow(entry));
  return place === -1 ? null : `entry ${place + 1} is neither a host name nor an IP address nor a CIDR range`;
}

function isTargetAllow(entry: string): boolean {
  try {
    parseTargetAllow(entry);
    return true;
  } catch {
    return false;
  }
}

/** Null where it fits. */
function redisUrlFault(text: string): string | null {
  try {
    parseRedisUrl(text);
    return null;
  } catch (error) {
    return messageOf(error);
  }
}

function isTimeZone(name: string): boolean {
  try {
    return Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
