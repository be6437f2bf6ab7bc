import { BlockList } from 'node:net';
import { z } from 'zod';
import { limits } from '../core/limits.ts';
import {
  addressRanges,
  adminKey,
  currencies,
  encryptionKey,
  hostNames,
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

/** The one table of settings: reading, `hub start --help` and docs/reference.md all come from it. */
export const table = {
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
  metricsPort: {
    variable: 'HUB_METRICS_PORT',
    type: port.optional(),
    meaning: 'a port of its own for `/metrics`, and for health checks beside HUB_PORT',
    leftOut: '`/metrics` is on HUB_PORT',
  },
  trustedProxies: {
    variable: 'HUB_TRUSTED_PROXIES',
    type: addressRanges.default(() => new BlockList()),
    meaning: 'addresses and CIDR ranges of proxies, with commas, whose X-Forwarded-For says who called',
    leftOut: 'none: who called is who connected',
  },
  allowedHosts: {
    variable: 'HUB_ALLOWED_HOSTS',
    type: hostNames.default(() => []),
    meaning:
      'further host names, with commas, under which `/metrics` and `/graphiql` are served (`*.example.com`: all below it; `*`: any), e.g. the service name that Prometheus asks',
    leftOut: 'localhost, any IP address, and the hosts of HUB_HOST and HUB_PUBLIC_URL',
  },
  subscriptionsPerSystem: {
    variable: 'HUB_SUBSCRIPTIONS_PER_SYSTEM',
    type: wholeNumber(1, limits.subscriptions).default(200),
    meaning: 'most subscriptions of one target system that are not deleted, 1 to 10,000',
    leftOut: '200',
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
    meaning: 'the first admin key, 24 to 200 printable characters that nobody guesses (openssl rand -hex 32)',
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
  currencies: {
    variable: 'HUB_CURRENCIES',
    type: currencies.default([]),
    meaning: 'codes that a voucher may have as its currency besides those of ISO 4217, with commas',
    leftOut: 'none',
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
