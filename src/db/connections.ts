import { Client, type ClientBase } from 'pg';

/** Sets how long to wait for a connection, a new one or one of the pool's, before the database counts as away, milliseconds. */
const connectMs = 5_000;

/**
 * Holds what a machine that vanished leaves open is found out after this long without a word, milliseconds (twice that
 * at worst).
 */
const keepAliveMs = 10_000;

/** Sets how long a statement may take where no setting says so, milliseconds. */
export const defaultTimeoutMs = 60_000;

/** Holds what stands between this process and PostgreSQL. */
export interface Route {
  /** A pooler (PgBouncer): one connection of ours is several of PostgreSQL's, and its startup parameters are refused. */
  readonly pooled: boolean;
  /** True when a statement that is prepared under a name is there at the next transaction. */
  readonly keepsNames: boolean;
}

/** Straight to PostgreSQL. */
export const direct: Route = { pooled: false, keepsNames: true };

/**
 * Looks what stands before PostgreSQL. A pooler gives a process number of its own to its clients. Those that can carry
 * prepared statements from one connection to the next (PgBouncer from 1.21 on, by `max_prepared_statements`) keep them
 * under names of their own; where ours arrives as it is, nobody carries it.
 */
export async function inspectRoute(url: string): Promise<Route> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: connectMs,
    query_timeout: connectMs,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    if (rows[0]?.pid === processNumberOf(client)) return direct;
    await client.query('begin');
    await client.query({ name: nameProbe, text: 'select 1' });
    const arrived = await client.query('select from pg_prepared_statements where name = $1', [nameProbe]);
    // Left there, it would be in the way of the next hub that gets this connection of PostgreSQL's.
    if (arrived.rowCount !== 0) await client.query(`deallocate "${nameProbe}"`);
    await client.query('commit');
    return { pooled: true, keepsNames: arrived.rowCount === 0 };
  } finally {
    await client.end().catch(() => {});
  }
}

const nameProbe = 'hub-route-probe';

/** The process that the server says it is; undefined: it does not say. */
function processNumberOf(client: Client): unknown {
  return 'processID' in client ? client.processID : undefined;
}

/** Bounds of one statement by the server's clock, as PostgreSQL's settings, milliseconds. */
export function timeoutSettings(timeoutMs: number) {
  return {
    statement_timeout: timeoutMs,
    lock_timeout: Math.floor(timeoutMs / 6),
    idle_in_transaction_session_timeout: timeoutMs,
  };
}

/**
 * Holds what the hub reads and writes is in these forms, whatever the server, the database or the role say. (Dates that are not
 * ISO's are read wrong or not at all, and patterns in statements have backslashes.)
 */
const sessionSettings = {
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  client_encoding: 'UTF8',
  bytea_output: 'hex',
  extra_float_digits: '1',
  standard_conforming_strings: 'on',
  default_transaction_isolation: 'read committed',
} as const;

/** The same as a startup parameter, for connections that do not come by `adaptClient`. */
export const sessionOptions = Object.entries(sessionSettings)
  .map(([name, value]) => `-c ${name}=${value.replaceAll(' ', '\\ ')}`)
  .join(' ');

/** The same as statements. */
export const sessionSql = Object.entries(sessionSettings)
  .map(([name, value]) => `set ${name} = '${value}'`)
  .join('; ');

/**
 * Says how each connection of the hub behaves. Behind a pooler the server's own bounds are the role's: the pooler refuses
 * them as startup parameters. `query_timeout` is this side's, for a connection whose other end has gone silent.
 */
export function connectionOptions(timeoutMs: number, route: Route) {
  return {
    application_name: 'voucher-hub',
    connectionTimeoutMillis: connectMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveMs,
    query_timeout: timeoutMs + connectMs,
    // What is asked for without waiting for the answer before goes out at once; a transaction that fails refuses the rest.
    pipeline: true,
    ...(route.pooled ? {} : timeoutSettings(timeoutMs)),
  };
}

/**
 * Makes a fresh connection of the pool wait a quarter as long for hot statements (those with a name) and for those that
 * begin and end transactions, which are over in milliseconds: so the shards are soon off a connection that has gone silent.
 * Takes the names away where nothing keeps them.
 */
export function adaptClient(client: ClientBase, timeoutMs: number, route: Route): void {
  const query: unknown = Reflect.get(client, 'query');
  if (typeof query !== 'function') return;
  // Before anything else on it. Behind a pooler too: those that differ there are the pooler's to carry. Where it fails, so
  // does what comes next.
  void Promise.resolve(Reflect.apply(query, client, [sessionSql])).catch(() => {});
  const hot = { query_timeout: Math.floor(timeoutMs / 4) };
  const adapt = (statement: unknown): unknown => {
    if (typeof statement === 'string')
      return /^(begin|commit|rollback)/.test(statement) ? { text: statement, ...hot } : statement;
    if (!isNamed(statement)) return statement;
    const { name, ...unnamed } = statement;
    return route.keepsNames ? { name, ...unnamed, ...hot } : { ...unnamed, ...hot };
  };
  const adapted = (statement: unknown, ...rest: unknown[]): unknown =>
    Reflect.apply(query, client, [adapt(statement), ...rest]);
  Object.defineProperty(client, 'query', { value: adapted, configurable: true });
}

/** A plain statement with a name; a query that submits itself (a cursor) is none. */
function isNamed(statement: unknown): statement is { name: string } {
  return (
    typeof statement === 'object' &&
    statement !== null &&
    'name' in statement &&
    typeof statement.name === 'string' &&
    !('submit' in statement)
  );
}
