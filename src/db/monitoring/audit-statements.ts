import type { Pool, PoolClient } from 'pg';

/** SQL: a point in time as whole microseconds since 1970, whatever the session's settings. */
const micros = (column: string) => `(extract(epoch from ${column}) * 1000000)::bigint`;

/** SQL: an attempt `a` as text, each of its fields in it, no two alike. What seals are over; never change it. */
const attemptText = `json_build_array(a.id, a.subscription_id, a.sync_id, a.number, a.transport, ${micros('a.started_at')}, a.duration_ms,
  a.status_code, a.error_code, a.error_message, a.response_excerpt, ${micros('a.logged_at')}, encode(a.body_digest, 'hex'), a.receipt, a.receipt_valid)::text`;

/** SQL: what is hashed of all attempts of a seal: the hash of each, in the order of their ids. */
const rowsHash = `sha256(string_agg(sha256(convert_to(${attemptText}, 'UTF8')), ''::bytea order by a.id))`;

/** SQL: the hash of a seal `s`, over the one before (`previous`, null for the first). */
const sealHash = (
  previous: string,
) => `sha256(coalesce(${previous}, ''::bytea) || convert_to(json_build_array(
  s.subscription_id, s.number, s.after_id, s.last_id, s.attempts, ${micros('s.first_at')}, ${micros('s.sealed_at')}, encode(s.rows_hash, 'hex'))::text, 'UTF8'))`;

/** Attempts up to an id that may be sealed once every transaction before `xid` is over. */
export interface SealPoint {
  readonly id: string;
  readonly xid: string;
}

/**
 * Tells where the attempts end now. Ids are given in no order of commits: one below may still come in. But who writes an
 * attempt has its transaction's number before it takes an id, so once all transactions that there are by now are
 * over, nothing below comes any more. The order of the two questions matters.
 */
export async function readSealPoint(pool: Pool): Promise<SealPoint> {
  const ids = await pool.query<{ id: string }>(
    'select last_value::text as id from fin_data_sync_attempts_id_seq',
  );
  const xids = await pool.query<{ xid: string }>(
    'select pg_snapshot_xmax(pg_current_snapshot())::text as xid',
  );
  return { id: ids.rows[0]?.id ?? '0', xid: xids.rows[0]?.xid ?? '0' };
}

/** Tells whether every transaction before a point is over. */
export async function isPassed(pool: Pool, { xid }: SealPoint): Promise<boolean> {
  const { rows } = await pool.query<{ passed: boolean }>(
    'select pg_snapshot_xmin(pg_current_snapshot()) >= $1::xid8 as passed',
    [xid],
  );
  return rows[0]?.passed ?? false;
}

/**
 * Seals the next attempts, `limit` at most: one seal for each subscription that has some, over its last one. In a
 * transaction of its own.
 * @param upTo a passed point's id
 * @returns how many attempts were sealed; 0: none are left, or another process is at it
 */
export async function sealNext(client: PoolClient, upTo: string, limit: number): Promise<number> {
  const progress = await client.query<{ after: string }>(
    'select sealed_to::text as after from audit_progress for update skip locked',
  );
  const after = progress.rows[0]?.after;
  if (after === undefined) return 0;
  const next = await client.query<{ last: string | null; count: number }>(
    `select max(id)::text as last, count(*)::int as count from (
       select id from fin_data_sync_attempts where id > $1 and id <= $2 order by id limit $3) n`,
    [after, upTo, limit],
  );
  const { last, count } = next.rows[0] ?? { last: null, count: 0 };
  if (last === null) return 0;
  await client.query(
    `with s as (
       select n.*, coalesce(p.number, 0) + 1 as number, p.hash as previous, $1::bigint as after_id, $2::bigint as last_id, now() as sealed_at
       from (
         select coalesce(a.subscription_id, 0) as subscription_id, count(*)::int as attempts, min(a.logged_at) as first_at, ${rowsHash} as rows_hash
         from fin_data_sync_attempts a where a.id > $1 and a.id <= $2 group by 1) n
       left join lateral (
         select number, hash from audit_seals p where p.subscription_id = n.subscription_id order by number desc limit 1) p on true)
     insert into audit_seals (subscription_id, number, after_id, last_id, attempts, first_at, sealed_at, rows_hash, hash)
     select subscription_id, number, after_id, last_id, attempts, first_at, sealed_at, rows_hash, ${sealHash('s.previous')} from s`,
    [after, last],
  );
  await client.query('update audit_progress set sealed_to = $1', [last]);
  return count;
}

/** A seal against what is there now. */
export interface SealCheck {
  readonly subscriptionId: string;
  /** From 1, without gaps; null: attempts of the time that no seal is over. */
  readonly number: string | null;
  readonly afterId: string;
  readonly lastId: string;
  readonly sealedAt: Date | null;
  /** Attempts when it was sealed, and now. */
  readonly sealed: number;
  readonly found: number;
  readonly hash: string | null;
  /** The seal is as it was written, and over the one before, which is there. */
  readonly chained: boolean;
  readonly intact: boolean;
  /** Retention has dropped its attempts' month: there is nothing to compare. */
  readonly dropped: boolean;
}

/** Which seals are meant. Null: no bound. */
export interface SealRange {
  readonly subscriptionId: string | null;
  readonly from: Date | null;
  readonly to: Date | null;
}

/**
 * Compares the seals of the next `turns` turns of sealing with the attempts.
 * @param afterId turns up to this id were compared; '0': from the start
 */
export async function compareSeals(
  pool: Pool,
  range: SealRange,
  page: { afterId: string; turns: number },
): Promise<SealCheck[]> {
  const { rows } = await pool.query<SealCheck & { sealedMs: number | null }>(
    `with turns as materialized (
       select distinct after_id, last_id from audit_seals
       where last_id > $1 and ($2::bigint is null or subscription_id = $2)
         and ($3::timestamptz is null or sealed_at >= $3) and ($4::timestamptz is null or sealed_at <= $4)
       order by last_id limit $5),
     found as materialized (
       select t.last_id, t.after_id, f.* from turns t cross join lateral (
         select coalesce(a.subscription_id, 0) as subscription_id, count(*)::int as attempts, ${rowsHash} as rows_hash
         from fin_data_sync_attempts a
         where a.id > t.after_id and a.id <= t.last_id and a.logged_at > '-infinity' and ($2::bigint is null or coalesce(a.subscription_id, 0) = $2)
         group by 1) f),
     sealed as materialized (
       select s.*, p.hash as previous, exists (
           select 1 from dropped_months d
           where d.name = 'fin_data_sync_attempts_' || to_char(s.first_at at time zone 'utc', 'YYYY_MM')) as dropped
       from turns t join audit_seals s on s.last_id = t.last_id and ($2::bigint is null or s.subscription_id = $2)
       left join audit_seals p on p.subscription_id = s.subscription_id and p.number = s.number - 1)
     select coalesce(s.subscription_id, f.subscription_id)::text as "subscriptionId", s.number::text as number, coalesce(s.after_id, f.after_id)::text as "afterId",
       coalesce(s.last_id, f.last_id)::text as "lastId", (extract(epoch from s.sealed_at) * 1000)::float8 as "sealedMs", coalesce(s.attempts, 0) as sealed,
       coalesce(f.attempts, 0) as found, encode(s.hash, 'hex') as hash, coalesce(s.dropped, false) as dropped,
       coalesce(s.hash = ${sealHash('s.previous')} and (s.number = 1 or s.previous is not null), false) as chained,
       coalesce(s.rows_hash = f.rows_hash, false) as intact
     from sealed s full join found f on f.last_id = s.last_id and f.subscription_id = s.subscription_id
     order by coalesce(s.last_id, f.last_id), 1`,
    [page.afterId, range.subscriptionId, range.from, range.to, page.turns],
  );
  return rows.map(({ sealedMs, ...row }) => ({
    ...row,
    sealedAt: sealedMs === null ? null : new Date(sealedMs),
  }));
}

/** Ids that were sealed, and that no seal is over any more. */
export interface SealGap {
  /** Of the first attempt in it; null: there is none left. */
  readonly subscriptionId: string | null;
  readonly afterId: string;
  readonly lastId: string;
  /** Counted up to `mostInGap`. */
  readonly attempts: number;
}

const mostInGap = 100_000;

/**
 * The first gap between the turns of sealing that are left: turns follow one another without any, from the first
 * attempt to where sealing has come. One subscription has no seal in a turn in which it had no attempt: between its own
 * seals there are gaps, and only one that has attempts of it is meant. So it is with a part by time.
 * @param afterId turns up to this id were compared; '0': from the start
 * @param upTo the last that were compared; null: all that were sealed
 */
export async function firstSealGap(
  pool: Pool,
  range: SealRange,
  { afterId, upTo }: { afterId: string; upTo: string | null },
): Promise<SealGap | null> {
  const { rows } = await pool.query<SealGap>(
    `with bounds as materialized (select coalesce($2::bigint, sealed_to) as up_to from audit_progress),
     turns as materialized (
       select distinct after_id, last_id from audit_seals, bounds
       where last_id > $1 and last_id <= up_to and ($3::bigint is null or subscription_id = $3)),
     gaps as materialized (
       select * from (
         select lag(last_id, 1, $1::bigint) over (order by last_id) as after_id, after_id as last_id from turns
         union all select greatest((select max(last_id) from turns), $1::bigint), up_to from bounds) g
       where last_id > after_id)
     select a.subscription_id::text as "subscriptionId", g.after_id::text as "afterId", g.last_id::text as "lastId", a.attempts
     from gaps g cross join lateral (
       select count(*)::int as attempts, (array_agg(subscription_id))[1] as subscription_id from (
         select coalesce(subscription_id, 0) as subscription_id from fin_data_sync_attempts
         where id > g.after_id and id <= g.last_id and logged_at > '-infinity' and ($3::bigint is null or coalesce(subscription_id, 0) = $3)
           and ($4::timestamptz is null or logged_at >= $4) and ($5::timestamptz is null or logged_at <= $5)
         order by id limit ${mostInGap}) n) a
     where a.attempts > 0 or ($3::bigint is null and $4::timestamptz is null and $5::timestamptz is null)
     order by g.after_id limit 1`,
    [afterId, upTo, range.subscriptionId, range.from, range.to],
  );
  return rows[0] ?? null;
}

/** Tells whether there is, or ever was, such a subscription, or a chain of its name. */
export async function isChain(pool: Pool, subscriptionId: string): Promise<boolean> {
  const { rows } = await pool.query<{ known: boolean }>(
    `select exists (select 1 from data_subscriptions where id = $1) or exists (select 1 from audit_seals where subscription_id = $1) as known`,
    [subscriptionId],
  );
  return rows[0]?.known ?? false;
}

/** Says how many attempts wait for their seal, counted up to `most`. */
export async function countUnsealed(
  pool: Pool,
  subscriptionId: string | null,
  most: number,
): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    `select count(*)::int as count from (
       select 1 from fin_data_sync_attempts a, audit_progress p
       where a.id > p.sealed_to and ($1::bigint is null or coalesce(a.subscription_id, 0) = $1) limit $2) n`,
    [subscriptionId, most],
  );
  return rows[0]?.count ?? 0;
}

/** The hash of one seal, hex; null: there is no such seal. */
export async function sealHashOf(pool: Pool, subscriptionId: string, number: string): Promise<string | null> {
  const { rows } = await pool.query<{ hash: string }>(
    `select encode(hash, 'hex') as hash from audit_seals where subscription_id = $1 and number = $2`,
    [subscriptionId, number],
  );
  return rows[0]?.hash ?? null;
}
