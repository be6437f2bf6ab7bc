import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outcomeColumns } from '../../src/db/delivery/outcome-statements.ts';
import type { RowColumn } from '../../src/db/recording/binary-rows.ts';
import { eventColumns, syncColumns } from '../../src/db/recording/recording-statements.ts';
import { startTestHub } from '../support/hub.ts';
import { connectSql } from '../support/sql.ts';

const names: Record<string, string> = {
  bool: 'boolean',
  float8: 'double precision',
  int: 'integer',
  timestamptz: 'timestamp with time zone',
};

/** Columns as `information_schema` names them. */
function described<Row>(columns: readonly RowColumn<Row>[]): string[] {
  return columns.map(({ name, type }) => `${name} ${names[type] ?? type}`);
}

test('the types that rows are sent in have the columns that are sent, in their order', async () => {
  await using hub = await startTestHub();
  await using sql = await connectSql(hub.databaseUrl);
  const sent = {
    hub_recorded_wide_event: described(eventColumns),
    hub_recorded_sync: described(syncColumns),
    hub_sync_outcome_2: described(outcomeColumns),
  };
  const rows = await sql.rows<{ type: string; columns: string[] }>(
    `select udt_name as type, array_agg(attribute_name || ' ' || data_type order by ordinal_position)::text[] as columns
     from information_schema.attributes where udt_name = any($1) group by 1`,
    [Object.keys(sent)],
  );
  assert.deepEqual(Object.fromEntries(rows.map(({ type, columns }) => [type, columns])), sent);
});
