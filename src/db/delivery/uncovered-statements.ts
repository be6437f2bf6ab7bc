import type { Pool } from 'pg';
import { limits } from '../../core/limits.ts';
import { type Coverage, coverageValues } from '../reading/coverage.ts';

/** Holds what waits for a subscription that does not cover it, among the first that wait. */
export interface UncoveredSyncs {
  /** True when more waits than was looked at. */
  readonly isPart: boolean;
  /** Syncs whose type, source system or company is not covered, and which types and systems these are (some). */
  readonly ofType: number;
  readonly types: readonly string[];
  readonly ofSource: number;
  readonly sources: readonly string[];
  readonly ofCompany: number;
}

/** Names in one text: past it, it is no longer read. */
const namesTold = 10;

/** Looks at the first waiting syncs of a subscription for those that it does not cover. */
export async function uncoveredSyncs(pool: Pool, id: string, coverage: Coverage): Promise<UncoveredSyncs> {
  const distinct = (what: string, column: string) =>
    `array(select distinct ${column} from waiting where ${what} order by 1 limit ${namesTold})`;
  const isOther = {
    type: 'not coalesce(event_type like any($1), false)',
    source: 'not source_system = any($2)',
  };
  const { rows } = await pool.query<UncoveredSyncs>(
    `with waiting as materialized (
       select o.event_type, o.source_system, o.voucher_id from fin_open_syncs o
       where o.subscription_id = $4 order by o.subscription_id, o.voucher_id, o.id limit ${limits.uncoveredLooked + 1})
     select count(*) > ${limits.uncoveredLooked} as "isPart",
       (count(*) filter (where ${isOther.type}))::int as "ofType", ${distinct(isOther.type, 'event_type')} as types,
       (count(*) filter (where ${isOther.source}))::int as "ofSource", ${distinct(isOther.source, 'source_system')} as sources,
       (case when $3::text[] is null then 0 else (
         select count(*) from waiting w join fin_business_vouchers v on v.id = w.voucher_id
         where not coalesce(v.company_id = any($3), false)) end)::int as "ofCompany"
     from waiting`,
    [...coverageValues(coverage), id],
  );
  const [found] = rows;
  if (found === undefined) throw new Error('A count gave nothing back.');
  return found;
}
