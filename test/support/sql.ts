import { Client, type QueryResultRow } from 'pg';

/** A connection of the test's own to a hub's database. */
export interface Sql extends AsyncDisposable {
  rows<R extends QueryResultRow>(text: string, values?: unknown[]): Promise<R[]>;
  /** The one number that a query gives. */
  count(text: string, values?: unknown[]): Promise<number>;
}

/** Connects to a database. */
export async function connectSql(url: string): Promise<Sql> {
  const client = new Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  const rows = async <R extends QueryResultRow>(text: string, values: unknown[] = []) =>
    (await client.query<R>(text, values)).rows;
  return {
    rows,
    count: async (text, values) => Number(Object.values((await rows(text, values))[0] ?? {})[0]),
    [Symbol.asyncDispose]: () => client.end(),
  };
}

/** Every text that stands anywhere in a database, all schemas but PostgreSQL's own, a row a line. */
export async function dumpOf(sql: Sql): Promise<string> {
  const tables = await sql.rows<{ schema: string; name: string }>(
    `select table_schema as schema, table_name as name from information_schema.tables
     where table_schema not in ('pg_catalog', 'information_schema') and table_type = 'BASE TABLE'`,
  );
  const parts: string[] = [];
  for (const { schema, name } of tables) {
    const rows = await sql.rows<{ line: string }>(`select t::text as line from "${schema}"."${name}" t`);
    parts.push(`-- ${schema}.${name}`, ...rows.map(row => row.line));
  }
  return parts.join('\n');
}
