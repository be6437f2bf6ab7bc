import type { PoolClient } from 'pg';
import { routingLock } from './intake-statements.ts';

/** Up to where everything that was recorded is committed. */
export interface Horizon {
  readonly lastEventId: string;
  /** By the database's clock, milliseconds since 1970. */
  readonly atMs: number;
}

/**
 * The horizon of now. Ids of events are given out before commits, so it waits for the recordings that are under way,
 * and new ones wait for it. Call it in a transaction of its own.
 * @throws PostgreSQL's lock_not_available (55P03) after `waitMs`
 */
export async function readHorizon(client: PoolClient, waitMs: number): Promise<Horizon> {
  await client.query(`set local lock_timeout = ${Math.round(waitMs)}`);
  await client.query('select pg_advisory_xact_lock($1)', [routingLock]);
  const { rows } = await client.query<Horizon>(
    `select coalesce(max(id), 0)::text as "lastEventId", (extract(epoch from now()) * 1000)::float8 as "atMs" from fin_voucher_events`,
  );
  return rows[0] ?? { lastEventId: '0', atMs: 0 };
}

/**
 * Folds the next events up to a horizon into the tree. One at a time; call it in a transaction of its own.
 * @returns whether there is more
 */
export async function foldNext(client: PoolClient, lastEventId: string, batch: number): Promise<boolean> {
  const { rows: state } = await client.query<{ after: string }>(
    'select last_event_id::text as after from consistency_fold for update',
  );
  const after = state[0]?.after ?? '0';
  const { rows } = await client.query<{ upTo: string | null; count: number }>(
    `select max(id)::text as "upTo", count(*)::int as count
     from (select id from fin_voucher_events where id > $1 and id <= $2 order by id limit $3) e`,
    [after, lastEventId, batch],
  );
  const { upTo = null, count = 0 } = rows[0] ?? {};
  if (upTo === null) return false;
  // A crash that loses it loses the mark of how far it came, too: it is done once more.
  await client.query('set local synchronous_commit = off');
  await client.query({ name: 'consistency-fold', text: foldSql, values: [after, upTo] });
  await client.query('update consistency_fold set last_event_id = $1', [upTo]);
  return count === batch;
}

const selectors = 'source_system, event_type, company_id, voucher_date, k, h';
/** The first 8 bytes of a digest as a signed number. */
const bits = (bytes: string) => `('x' || encode(substr(${bytes}, 1, 8), 'hex'))::bit(64)::bigint`;
const unsigned = '-9223372036854775808';

/** SQL: a record's place among others, from its names in `alias`; see the column `consistency_records.k`. */
export function placeOf(alias: string): string {
  return `(${bits(`sha256(convert_to(${nameOf(alias)}, 'UTF8'))`)} # (${unsigned}))`;
}

function nameOf(alias: string): string {
  return `${alias}.source_system || E'\\n' || ${alias}.source_module || E'\\n' || ${alias}.source_id`;
}

/**
 * A voucher is folded in as it stands, which may be later than its event says: folding that one in then changes
 * nothing. Folds come one after the other, so none needs an index to be kept from writing a record twice. Lookups are
 * lateral by key (docs/architecture.md, "so that the planner can't go wrong") and in the order of recording, which
 * halves their cost.
 */
const foldSql = `
  with changed as materialized (
    select distinct voucher_id from fin_voucher_events where id > $1 and id <= $2 order by voucher_id),
  fresh as materialized (
    select v.id as voucher_id, v.source_system, v.event_type, v.company_id, v.voucher_date, ${bits('v.key')} # (${unsigned}) as k,
      ${bits(`sha256(convert_to(encode(v.key, 'hex') || ':' || v.source_version || ':' || v.digest, 'UTF8'))`)} as h
    from changed c cross join lateral (
      select id, source_system, event_type, company_id, voucher_date, source_version, digest,
        sha256(convert_to(${nameOf('v')}, 'UTF8')) as key
      from fin_business_vouchers v where v.id = c.voucher_id offset 0) v),
  old as materialized (
    select r.* from fresh f cross join lateral (
      select ctid as place, voucher_id, ${selectors} from consistency_records r
      where r.k = f.k and r.voucher_id = f.voucher_id offset 0) r),
  added as (
    insert into consistency_records (voucher_id, ${selectors})
    select voucher_id, ${selectors} from fresh where voucher_id not in (select voucher_id from old)),
  changes as (
    update consistency_records r
    set event_type = f.event_type, company_id = f.company_id, voucher_date = f.voucher_date, h = f.h
    from fresh f
    where r.ctid = any(array(select place from old)) and f.voucher_id = r.voucher_id
      and (r.h, r.event_type, r.company_id, r.voucher_date) is distinct from (f.h, f.event_type, f.company_id, f.voucher_date))
  insert into consistency_leaves as l (source_system, event_type, company_id, month, leaf, records, digest)
  select source_system, event_type, company_id, date_trunc('month', voucher_date::timestamp)::date, (k >> 56) + 128, sum(n), bit_xor(h)
  from (select ${selectors}, 1 as n from fresh union all select ${selectors}, -1 from old) d
  group by 1, 2, 3, 4, 5 having sum(n) <> 0 or bit_xor(h) <> 0
  on conflict (source_system, event_type, company_id, month, leaf) do update
    set records = l.records + excluded.records, digest = l.digest # excluded.digest`;
