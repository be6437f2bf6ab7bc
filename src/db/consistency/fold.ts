import type { PoolClient } from 'pg';
import { hubLocks } from '../lock-numbers.ts';
import { versionOf } from '../version-columns.ts';

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
  await client.query('select pg_advisory_xact_lock($1)', [hubLocks.routing]);
  const { rows } = await client.query<Horizon>(
    `select coalesce(max(id), 0)::text as "lastEventId", (extract(epoch from now()) * 1000)::float8 as "atMs" from fin_voucher_events`,
  );
  return rows[0] ?? { lastEventId: '0', atMs: 0 };
}

/** Holds what one step folds in. */
interface FoldStep {
  /** The last event that is folded in. */
  readonly after: string;
  readonly upTo: string;
  /** No voucher that is folded in has a higher id. */
  readonly voucherBound: string;
}

/**
 * Folds the next events up to a horizon into the tree. One at a time; call it in a transaction of its own.
 * @param batch ids of events that it goes on at most
 * @returns whether there is more
 */
export async function foldNext(client: PoolClient, lastEventId: string, batch: number): Promise<boolean> {
  const { rows } = await client.query<FoldStep>(
    `select last_event_id::text as after,
       (select least(min(id) + $2 - 1, $1) from fin_voucher_events where id > last_event_id)::text as "upTo",
       (case when bounded_event_id = last_event_id then voucher_bound else (select coalesce(max(id), 0) from fin_business_vouchers) end)::text
         as "voucherBound"
     from consistency_fold where last_event_id < $1 for update`,
    [lastEventId, batch],
  );
  const step = rows[0];
  if (step === undefined) return false;
  const { after, upTo, voucherBound } = step;
  // A crash that loses it loses the mark of how far it came, too: it is done once more.
  await client.query('set local synchronous_commit = off');
  await client.query({ name: 'consistency-fold', text: foldSql, values: [after, upTo, voucherBound] });
  return upTo !== lastEventId;
}

const selectors = 'source_system, event_type, company_id, voucher_date, k, h';
const unsigned = '-9223372036854775808';

/** SQL: the digest of a text in hex. `textsend` gives its bytes in UTF-8, as the driver asks for; `convert_to` takes longer. */
const digestOf = (text: string) => `encode(sha256(textsend(${text})), 'hex')`;
/** SQL: the first 8 bytes of a digest in hex as a signed number. */
const bits = (hex: string) => `('x' || left(${hex}, 16))::bit(64)::bigint`;

/** SQL: the digest of a record's names in `alias`. */
function keyOf(alias: string): string {
  return digestOf(
    `${alias}.source_system || E'\\n' || ${alias}.source_module || E'\\n' || ${alias}.source_id`,
  );
}

/** SQL: a record's place among others, from its names in `alias`; see the column `consistency_records.k`. */
export function placeOf(alias: string): string {
  return `(${bits(keyOf(alias))} # (${unsigned}))`;
}

/** Of a voucher `v`, what its place and hash are made of. `offset 0` behind it keeps the key from being worked out twice. */
const voucherFields = `v.id, v.source_system, v.event_type, v.company_id, v.voucher_date, ${versionOf('v')} as source_version, v.digest,
      ${keyOf('v')} as key`;

/**
 * A voucher is folded in as it stands, which may be later than its event says: folding that one in then changes
 * nothing. Folds come one after the other, so none needs an index to be kept from writing a record twice. What may be in
 * the tree is looked up, lateral by key (decision 30 in docs/decisions) and in the order of
 * recording, which halves its cost; what is new goes into its index in that one's order. What has an id above the bound
 * is not in it, and is read as one range: some of that may be of later events, since a voucher's id is taken before its
 * event's, but not more than was under way.
 */
const foldSql = `
  with touched as materialized (select voucher_id from fin_voucher_events where id > $1 and id <= $2),
  newest as materialized (select max(voucher_id) as id from touched),
  fresh as materialized (
    select id as voucher_id, source_system, event_type, company_id, voucher_date, ${bits('key')} # (${unsigned}) as k,
      ${bits(digestOf("key || ':' || source_version || ':' || digest"))} as h
    from (
      (select v.* from (select distinct voucher_id from touched where voucher_id <= $3 order by voucher_id) t
       cross join lateral (select ${voucherFields} from fin_business_vouchers v where v.id = t.voucher_id offset 0) v)
      union all
      (select ${voucherFields} from fin_business_vouchers v where v.id > $3 and v.id <= (select id from newest) offset 0)) v),
  old as materialized (
    select r.* from fresh f cross join lateral (
      select ctid as place, voucher_id, ${selectors} from consistency_records r
      where r.k = f.k and r.voucher_id = f.voucher_id offset 0) r
    where f.voucher_id <= $3),
  added as (
    insert into consistency_records (voucher_id, ${selectors})
    select voucher_id, ${selectors} from fresh where voucher_id not in (select voucher_id from old)
    order by k),
  changes as (
    update consistency_records r
    set event_type = f.event_type, company_id = f.company_id, voucher_date = f.voucher_date, h = f.h
    from fresh f
    where r.ctid = any(array(select place from old)) and f.voucher_id = r.voucher_id
      and (r.h, r.event_type, r.company_id, r.voucher_date) is distinct from (f.h, f.event_type, f.company_id, f.voucher_date)),
  mark as (
    update consistency_fold set last_event_id = $2, bounded_event_id = $2, voucher_bound = greatest($3, (select id from newest)))
  insert into consistency_leaves as l (source_system, event_type, company_id, month, leaf, records, digest)
  select source_system, event_type, company_id, date_trunc('month', voucher_date::timestamp)::date, (k >> 56) + 128, sum(n), bit_xor(h)
  from (select ${selectors}, 1 as n from fresh union all select ${selectors}, -1 from old) d
  group by 1, 2, 3, 4, 5 having sum(n) <> 0 or bit_xor(h) <> 0
  on conflict (source_system, event_type, company_id, month, leaf) do update
    set records = l.records + excluded.records, digest = l.digest # excluded.digest`;
