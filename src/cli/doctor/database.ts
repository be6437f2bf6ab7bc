import { access, readFile } from 'node:fs/promises';
import path from 'node:path';
import { Client } from 'pg';
import type { Config } from '../../config/config.ts';
import { type Clock, systemClock } from '../../core/clock.ts';
import { errorCodeOf, messageOf } from '../../core/errors.ts';
import { createLogger } from '../../core/logger.ts';
import { clocksOff } from '../../db/clock/clock-statements.ts';
import { withoutPassword } from '../start.ts';
import { duration } from '../terminal.ts';
import { type Check, checksOf } from './check.ts';
import { checkInstallation } from './installation.ts';
import { checkReplica } from './replica.ts';

const { ok, warn, fail } = checksOf('database');
const clock = checksOf('clock');
const queue = checksOf('queue');

const connectMs = 5_000;
const oldestVersion = 150_000;

/** Clocks apart by more than this are worth a word, and by more than that a fault, milliseconds. */
const skewWarnMs = 2_000;
const skewFailMs = 60_000;

/** The database that the settings name, the queue where it lives in it, and how far its clock is off. */
export async function checkDatabase(config: Config): Promise<Check[]> {
  return config.databaseUrl === undefined
    ? [await checkEmbedded(config.dataDir)]
    : checkServer(
        config,
        config.databaseUrl,
        config.redisUrl === undefined ? (config.databaseDirectUrl ?? config.databaseUrl) : null,
      );
}

/** Looks only: a PostgreSQL that runs there is its hub's, and none is started. */
async function checkEmbedded(dataDir: string): Promise<Check> {
  const pgData = path.resolve(dataDir, 'postgres');
  const pidFile = await readFile(path.join(pgData, 'postmaster.pid'), 'utf8').catch(() => '');
  const [pid, , , port] = pidFile.split('\n');
  const { isAlive } = await import('../../db/embedded/cluster.ts');
  if (pid !== undefined && pid !== '' && isAlive(Number(pid))) {
    return ok(
      `embedded in ${path.resolve(dataDir)}: its PostgreSQL is running (process ${pid}, port ${port}); looked at through the hub below`,
    );
  }
  const { locatePrograms } = await import('../../db/embedded/programs.ts');
  await locatePrograms();
  const made = await access(path.join(pgData, 'PG_VERSION')).then(
    () => true,
    () => false,
  );
  return ok(
    `embedded in ${path.resolve(dataDir)}: ${made ? 'not running; `hub start` starts it' : 'not made yet; the first `hub start` makes it'}`,
  );
}

/** @param queueUrl where the queue is in PostgreSQL; null: on Redis */
async function checkServer(config: Config, url: string, queueUrl: string | null): Promise<Check[]> {
  const client = clientOf(url);
  try {
    await client.connect();
  } catch (error) {
    return [unreachable(url, error)];
  }
  try {
    const [version, writable] = [await checkVersion(client, url), await checkWritable(client)];
    const tables = await checkMigrations(client, url);
    const skew = await checkSkew(client, systemClock);
    // Of tables that are not there nothing can be asked.
    const inUse = tables.status === 'ok' ? await checkInstallation(client, config) : [];
    const { databaseReplicaUrl } = config;
    const replica =
      databaseReplicaUrl === undefined ? [] : [await checkReplica(databaseReplicaUrl, client, connected)];
    const checks = [
      version,
      ...writable,
      ...(await checkTimeouts(client, url)),
      tables,
      ...inUse,
      skew,
      ...(tables.status === 'ok' ? await checkProcessClocks(client) : []),
      ...replica,
    ];
    return queueUrl === null
      ? checks
      : [...checks, await checkQueueRoute(queueUrl), await checkQueueSchema(client)];
  } catch (error) {
    return [fail(`${withoutPassword(url)} answered, then failed: ${messageOf(error)}`)];
  } finally {
    await client.end().catch(() => {});
  }
}

function clientOf(url: string): Client {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: connectMs,
    query_timeout: connectMs,
    application_name: 'hub doctor',
  });
  client.on('error', () => {});
  return client;
}

async function connected<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = clientOf(url);
  try {
    await client.connect();
    return await work(client);
  } finally {
    await client.end().catch(() => {});
  }
}

async function checkVersion(client: Client, url: string): Promise<Check> {
  const { rows } = await client.query<{ number: string; name: string }>(
    `select current_setting('server_version_num') as number, current_setting('server_version') as name`,
  );
  const { number = '0', name = '?' } = rows[0] ?? {};
  if (Number(number) < oldestVersion)
    return fail(`${withoutPassword(url)} is PostgreSQL ${name}`, 'The hub needs PostgreSQL 15 or later.');
  return ok(`${withoutPassword(url)} answers: PostgreSQL ${name}`);
}

async function checkWritable(client: Client): Promise<Check[]> {
  const { rows } = await client.query<{ writes: boolean }>(
    `select current_setting('transaction_read_only') = 'off' as writes`,
  );
  if (rows[0]?.writes === true) return [];
  return [
    fail('it only reads', 'Is it a standby? Point DATABASE_URL at the primary, or let it write again.'),
  ];
}

/** Straight to PostgreSQL the hub sets them itself. */
async function checkTimeouts(client: Client, url: string): Promise<Check[]> {
  const { inspectRoute } = await import('../../db/connections.ts');
  if (!(await inspectRoute(url)).pooled) return [];
  const { roleTimeoutsMissing } = await import('../../db/database.ts');
  const statements = await roleTimeoutsMissing(client);
  if (statements.length === 0) return [];
  return [
    warn(
      `${withoutPassword(url)} is a pooler, and its role has no time-outs: a statement may take for ever`,
      `Run as its owner: ${statements.join('; ')}`,
    ),
  ];
}

async function checkMigrations(client: Client, url: string): Promise<Check> {
  const { rows } = await client.query<{ there: boolean; mayCreate: boolean }>(
    `select to_regclass('hub_migrations') is not null as there, has_schema_privilege(current_schema(), 'create') as "mayCreate"`,
  );
  if (rows[0]?.mayCreate !== true)
    return fail(
      'this user may not make tables in it',
      'grant create on schema public to <user>, or make the user its owner.',
    );
  if (!rows[0].there) return warn('it has no tables of the hub yet', 'The first `hub start` makes them.');
  const { Database } = await import('../../db/database.ts');
  await using db = await Database.connect({
    url,
    poolSize: 4,
    log: createLogger({ level: 'silent', pretty: false }),
  });
  const pending = await db.orm.migrator.getPending();
  if (pending.length === 0) return ok('its tables are up to date');
  return warn(
    `${pending.length} migrations are not applied: ${pending.map(({ name }) => name).join(', ')}`,
    'The next `hub start` applies them.',
  );
}

async function checkSkew(client: Client, machine: Clock): Promise<Check> {
  const askedAt = machine.now();
  const { rows } = await client.query<{ ms: number }>(
    'select extract(epoch from clock_timestamp())::float8 * 1000 as ms',
  );
  const answeredAt = machine.now();
  return skewCheck(
    "the database's clock",
    (rows[0]?.ms ?? 0) - (askedAt + answeredAt) / 2,
    (answeredAt - askedAt) / 2,
  );
}

/** The clocks of hub processes, as each compared its own within the last minutes. */
async function checkProcessClocks(client: Client): Promise<Check[]> {
  const off = await clocksOff(client);
  return off.map(({ host, aheadMs }) =>
    skewCheck(`the clock of a hub on ${host}`, aheadMs, 0, "the database's"),
  );
}

/** Judges how far another clock is ahead of this machine's. @param errorMs how far off the measurement may be */
export function skewCheck(whose: string, aheadMs: number, errorMs: number, other = "this machine's"): Check {
  const off = Math.abs(aheadMs) - errorMs;
  const message = `${whose} is ${duration(Math.abs(aheadMs))} ${aheadMs < 0 ? 'behind' : 'ahead of'} ${other}`;
  const mend = 'Let both keep time by NTP: leases, retries and signatures go by them.';
  if (off > skewFailMs) return clock.fail(message, mend);
  return off > skewWarnMs
    ? clock.warn(message, mend)
    : clock.ok(`${whose} and ${other} agree (within ${duration(Math.max(1, Math.abs(aheadMs)))})`);
}

/** The queue needs connections of its own. */
async function checkQueueRoute(url: string): Promise<Check> {
  const { inspectRoute } = await import('../../db/connections.ts');
  const { pooled } = await inspectRoute(url);
  if (!pooled) return queue.ok(`${withoutPassword(url)} leads to PostgreSQL itself`);
  return queue.fail(
    `${withoutPassword(url)} is a pooler, and the queue on PostgreSQL needs PostgreSQL itself`,
    'Set DATABASE_DIRECT_URL to the address of PostgreSQL, or put the queue on Redis (REDIS_URL).',
  );
}

async function checkQueueSchema(client: Client): Promise<Check> {
  const { queueSchema } = await import('../../db/database.ts');
  const { rows } = await client.query<{ there: boolean }>('select to_regnamespace($1) is not null as there', [
    queueSchema,
  ]);
  if (rows[0]?.there === true) return queue.ok(`on PostgreSQL, in schema ${queueSchema}`);
  return queue.warn(
    `on PostgreSQL; schema ${queueSchema} is not there yet`,
    'The first `hub start` makes it.',
  );
}

function unreachable(url: string, error: unknown): Check {
  const where = withoutPassword(url);
  const code = errorCodeOf(error) ?? '';
  if (code === '28P01' || code === '28000')
    return fail(
      `${where} refuses the user or password (${messageOf(error)})`,
      'Correct them in DATABASE_URL.',
    );
  if (code === '3D000')
    return fail(
      `${where}: there is no such database`,
      'Make it (createdb), or correct its name in DATABASE_URL.',
    );
  return fail(
    `${where} can't be reached: ${code} ${messageOf(error)}`,
    'Is it running, is DATABASE_URL right, does a firewall stand between?',
  );
}
