import type { ClientBase, Pool } from 'pg';
import { analystRole, analystViews } from './migrations/0008-analysts.ts';

/** Says how the analysts' role is. */
export type AnalystsState = 'ready' | 'no_role' | 'no_rights';

/** Looks whether the role is there and may read its views. */
export async function readAnalysts(db: Pick<ClientBase | Pool, 'query'>): Promise<AnalystsState> {
  const { rows } = await db.query<{ state: AnalystsState }>(
    `select case when to_regrole('voucher_hub_analyst') is null then 'no_role'
       when has_schema_privilege('voucher_hub_analyst', current_schema(), 'usage')
         and (select bool_and(has_table_privilege('voucher_hub_analyst', view, 'select')) from unnest($1::text[]) view)
       then 'ready' else 'no_rights' end as state`,
    [analystViews],
  );
  return rows[0]?.state ?? 'no_role';
}

/**
 * Makes the role and its rights again where they are missing: roles are the server's, so a dump that is restored on
 * another one brings none. Where the hub's user may not make roles, it stays as it is.
 */
export async function ensureAnalysts(client: ClientBase): Promise<void> {
  if ((await readAnalysts(client)) === 'ready') return;
  await client.query(analystRole);
  await client.query('select grant_to_analysts()');
}
