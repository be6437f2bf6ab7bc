import { z } from 'zod';
import { HubError } from './core/errors.ts';
import { faultWords } from './core/fault-words.ts';
import {
  adminKey,
  encryptionKey,
  logLevel,
  numberFrom,
  port,
  postgresUrl,
  publicUrl,
  redisUrl,
  roleNames,
  roles,
  targetAllow,
  timeZone,
  wholeNumber,
} from './setting-types.ts';

/** One setting: an environment variable, what it means, and what holds where it is left out. */
export interface Setting {
  readonly variable: string;
  readonly meaning: string;
  readonly leftOut: string;
}

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
  databaseDirectUrl: {
    variable: 'DATABASE_DIRECT_URL',
    type: postgresUrl.optional(),
    meaning: 'the same database past a pooler (PgBouncer), for migrations, the queue and LISTEN',
    leftOut: 'DATABASE_URL',
  },
  databaseReplicaUrl: {
    variable: 'DATABASE_REPLICA_URL',
    type: postgresUrl.optional(),
    meaning: "a streaming replica: ANALYST keys' lists are read there while it is less than 10 s behind",
    leftOut: 'DATABASE_URL',
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
    type: wholeNumber(0, 120_000).default(0),
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
    type: wholeNumber(1, 36_500).default(400),
    meaning: 'days that sync logs and attempts are kept, 1 to 36,500; what is not over is kept longer',
    leftOut: '400',
  },
  alertsFile: {
    variable: 'HUB_ALERTS_FILE',
    type: z.string().min(1).optional(),
    meaning: 'YAML file of alert rules, channels and routes (docs/operations.md, Alerts)',
    leftOut: 'the default rules, told to nobody: only recorded and logged',
  },
  language: {
    variable: 'HUB_LANG',
    type: z.enum(['zh', 'en']).default('zh'),
    meaning: 'language of alert messages: zh or en',
    leftOut: 'zh',
  },
  publicUrl: {
    variable: 'HUB_PUBLIC_URL',
    type: publicUrl.optional(),
    meaning:
      'address at which people reach the hub; alert messages link to its GraphiQL, with a query for what fires',
    leftOut: 'messages have no link',
  },
  repairMaxPercent: {
    variable: 'HUB_REPAIR_MAX_PERCENT',
    type: numberFrom(0, 100).default(5),
    meaning:
      'share of a consumer’s records, 0 to 100, above which a consistency check repairs nothing by itself',
    leftOut: '5',
  },
  databasePool: {
    variable: 'HUB_DATABASE_POOL',
    type: wholeNumber(4, 500).default(20),
    meaning: 'most database connections of this process, 4 to 500, the queue’s few not counted',
    leftOut: '20',
  },
  databaseTimeout: {
    variable: 'HUB_DATABASE_TIMEOUT',
    type: wholeNumber(4, 600).default(60),
    meaning: 'seconds that a statement may take, 4 to 600; a lock is waited for a sixth of it',
    leftOut: '60',
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
  databaseDirectUrl: table.databaseDirectUrl.type,
  databaseReplicaUrl: table.databaseReplicaUrl.type,
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
  alertsFile: table.alertsFile.type,
  language: table.language.type,
  publicUrl: table.publicUrl.type,
  repairMaxPercent: table.repairMaxPercent.type,
  databasePool: table.databasePool.type,
  databaseTimeout: table.databaseTimeout.type,
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
  const parsed = schema.safeParse(given, { error: faultWords });
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
  if (rest.databaseUrl === undefined && (rest.databaseDirectUrl ?? rest.databaseReplicaUrl) !== undefined) {
    throw new HubError(
      'BAD_USER_INPUT',
      'DATABASE_DIRECT_URL, DATABASE_REPLICA_URL: they go with a DATABASE_URL; the embedded database has neither.',
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

/** This process's environment: the only place that reads it. */
export function processEnvironment(): NodeJS.ProcessEnv {
  return process.env;
}

function variableOf(name: PropertyKey | undefined): string {
  const entry = Object.entries(table).find(([key]) => key === name);
  return entry ? entry[1].variable : String(name);
}
