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

/** The texts of one setting: an environment variable, what it means, and what holds where it is left out. */
interface SettingTexts {
  readonly variable: string;
  readonly meaning: string;
  readonly leftOut: string;
}

/** One setting, by its name in `Config`. */
export interface Setting extends SettingTexts {
  readonly name: string;
}

const textsOf = new Map<z.ZodType, SettingTexts>();

/** Notes a setting's texts beside its type, which says by itself what is read and what it is then. */
function setting<Type extends z.ZodType>(type: Type, texts: SettingTexts): Type {
  textsOf.set(type, texts);
  return type;
}

/**
 * The one table of settings. A row is all that a setting needs: reading, the type of `Config`, `hub start --help` and
 * docs/reference.md come from it.
 */
export const table = z.object({
  port: setting(port.default(4000), {
    variable: 'HUB_PORT',
    meaning: 'port it listens on; 0: any free one',
    leftOut: '4000',
  }),
  host: setting(z.string().default('127.0.0.1'), {
    variable: 'HUB_HOST',
    meaning: 'address it listens on',
    leftOut: '127.0.0.1',
  }),
  metricsPort: setting(port.optional(), {
    variable: 'HUB_METRICS_PORT',
    meaning: 'a port of its own for `/metrics`, and for health checks beside HUB_PORT',
    leftOut: '`/metrics` is on HUB_PORT',
  }),
  trustedProxies: setting(
    addressRanges.default(() => new BlockList()),
    {
      variable: 'HUB_TRUSTED_PROXIES',
      meaning: 'addresses and CIDR ranges of proxies, with commas, whose X-Forwarded-For says who called',
      leftOut: 'none: who called is who connected',
    },
  ),
  allowedHosts: setting(
    hostNames.default(() => []),
    {
      variable: 'HUB_ALLOWED_HOSTS',
      meaning:
        'further host names, with commas, under which `/metrics` and `/graphiql` are served (`*.example.com`: all below it; `*`: any), e.g. the service name that Prometheus asks',
      leftOut: 'localhost, any IP address, and the hosts of HUB_HOST and HUB_PUBLIC_URL',
    },
  ),
  subscriptionsPerSystem: setting(wholeNumber(1, limits.subscriptions).default(200), {
    variable: 'HUB_SUBSCRIPTIONS_PER_SYSTEM',
    meaning: 'most subscriptions of one target system that are not deleted, 1 to 10,000',
    leftOut: '200',
  }),
  databaseUrl: setting(postgresUrl.optional(), {
    variable: 'DATABASE_URL',
    meaning: 'PostgreSQL 15 or later',
    leftOut: 'an embedded PostgreSQL under HUB_DATA_DIR',
  }),
  databaseDirectUrl: setting(postgresUrl.optional(), {
    variable: 'DATABASE_DIRECT_URL',
    meaning: 'the same database past a pooler (PgBouncer), for migrations, the queue and LISTEN',
    leftOut: 'DATABASE_URL',
  }),
  databaseReplicaUrl: setting(postgresUrl.optional(), {
    variable: 'DATABASE_REPLICA_URL',
    meaning: "a streaming replica: ANALYST keys' lists are read there while it is less than 10 s behind",
    leftOut: 'DATABASE_URL',
  }),
  redisUrl: setting(redisUrl.optional(), {
    variable: 'REDIS_URL',
    meaning:
      'Redis for the queue: redis://[user:password@]host:6379[/database], redis+sentinel://host,host/mymaster, redis+cluster://host,host; rediss…: by TLS',
    leftOut: 'the queue is on PostgreSQL',
  }),
  dataDir: setting(z.string().min(1).default('.hub'), {
    variable: 'HUB_DATA_DIR',
    meaning: 'folder of the embedded default',
    leftOut: '.hub',
  }),
  adminKey: setting(adminKey.optional(), {
    variable: 'HUB_ADMIN_KEY',
    meaning: 'the first admin key, 24 to 200 printable characters that nobody guesses (openssl rand -hex 32)',
    leftOut: 'made at the first start, printed once',
  }),
  encryptionKey: setting(encryptionKey.optional(), {
    variable: 'HUB_ENCRYPTION_KEY',
    meaning: "32 bytes, base64: encrypts subscriptions' secrets at rest",
    leftOut: 'the embedded default makes and keeps one; otherwise required',
  }),
  previousEncryptionKey: setting(encryptionKey.optional(), {
    variable: 'HUB_ENCRYPTION_KEY_PREVIOUS',
    meaning: 'the key before, while `hub keys reencrypt` moves secrets to the new one',
    leftOut: 'none',
  }),
  roles: setting(roles.default([...roleNames]), {
    variable: 'HUB_ROLES',
    meaning: 'any of api, worker, scheduler, with commas',
    leftOut: 'all three',
  }),
  drainDelayMs: setting(wholeNumber(0, 120_000).default(0), {
    variable: 'HUB_DRAIN_DELAY_MS',
    meaning:
      'at a stop, how long it says `not ready` and goes on, so that load balancers notice, milliseconds',
    leftOut: '0',
  }),
  targetAllow: setting(targetAllow.optional(), {
    variable: 'HUB_TARGET_ALLOW',
    meaning: 'host names and CIDR ranges that webhooks may reach though private, with commas; none: none',
    leftOut: 'on the embedded database localhost,127.0.0.0/8,::1/128; otherwise none',
  }),
  timeZone: setting(timeZone.default('Asia/Shanghai'), {
    variable: 'HUB_TIME_ZONE',
    meaning: 'business time zone',
    leftOut: 'Asia/Shanghai',
  }),
  currencies: setting(currencies.default([]), {
    variable: 'HUB_CURRENCIES',
    meaning: 'codes that a voucher may have as its currency besides those of ISO 4217, with commas',
    leftOut: 'none',
  }),
  retentionDays: setting(wholeNumber(1, 36_500).default(400), {
    variable: 'HUB_RETENTION_DAYS',
    meaning: 'days that sync logs and attempts are kept, 1 to 36,500; what is not over is kept longer',
    leftOut: '400',
  }),
  alertsFile: setting(z.string().min(1).optional(), {
    variable: 'HUB_ALERTS_FILE',
    meaning: 'YAML file of alert rules, channels and routes (docs/operations.md, Alerts)',
    leftOut: 'the default rules, told to nobody: only recorded and logged',
  }),
  language: setting(z.enum(['zh', 'en']).default('zh'), {
    variable: 'HUB_LANG',
    meaning: 'language of alert messages: zh or en',
    leftOut: 'zh',
  }),
  publicUrl: setting(publicUrl.optional(), {
    variable: 'HUB_PUBLIC_URL',
    meaning:
      'address at which people reach the hub; alert messages link to its GraphiQL, with a query for what fires',
    leftOut: 'messages have no link',
  }),
  repairMaxPercent: setting(numberFrom(0, 100).default(5), {
    variable: 'HUB_REPAIR_MAX_PERCENT',
    meaning:
      'share of a consumer’s records, 0 to 100, above which a consistency check repairs nothing by itself',
    leftOut: '5',
  }),
  databasePool: setting(wholeNumber(4, 500).default(20), {
    variable: 'HUB_DATABASE_POOL',
    meaning: 'most database connections of this process, 4 to 500, the queue’s few not counted',
    leftOut: '20',
  }),
  databaseTimeout: setting(wholeNumber(4, 600).default(60), {
    variable: 'HUB_DATABASE_TIMEOUT',
    meaning: 'seconds that a statement may take, 4 to 600; a lock is waited for a sixth of it',
    leftOut: '60',
  }),
  logLevel: setting(logLevel.default('info'), {
    variable: 'HUB_LOG_LEVEL',
    meaning: 'trace, debug, info, warn, error, fatal or silent',
    leftOut: 'info',
  }),
  logFormat: setting(z.enum(['json', 'pretty']).optional(), {
    variable: 'HUB_LOG_FORMAT',
    meaning: 'json or pretty',
    leftOut: 'pretty on a terminal, else json',
  }),
});

/** Every setting, in the order of the table. */
export const settings: readonly Setting[] = Object.entries(table.shape).flatMap(([name, type]) => {
  const texts = textsOf.get(type);
  return texts === undefined ? [] : [{ name, ...texts }];
});
