import type { Pool } from 'pg';

/**
 * SQL: since when no consumer is attached to a subscription `s`; since it was made, where none ever was; null: one is.
 * A node that died leaves its attachments behind, whose leases have run out.
 */
export const unattachedSince = `(
  select case when bool_or(a.lease_until > now()) then null else greatest(
    s.created_at, max(a.lease_until), (select left_at from attachment_ends where subscription_id = s.id)) end
  from attachments a where a.subscription_id = s.id)`;

/** Says how a subscription stands, beyond its settings. */
export interface SubscriptionStanding {
  readonly id: string;
  /** FAILED syncs, which wait for a person, by what they failed with; the most first. */
  readonly failed: readonly { readonly errorCode: string; readonly count: number }[];
  /** Holds what failed last and is not over: of what is retried, else of what FAILED. */
  readonly lastErrorCode: string | null;
  readonly lastErrorMessage: string | null;
  /** Since when nothing has succeeded while something was due; null: that is not so, or not for long. */
  readonly troubledSince: Date | null;
  /** Of a subscription without a webhook alone; null: a consumer is attached. */
  readonly unattachedSince: Date | null;
  readonly stateSince: Date | null;
  /** Of the last quarter of an hour, by the rollups. */
  readonly recent: { readonly succeeded: number; readonly failed: number };
}

/** Syncs that are looked at for a subscription's oldest and newest: those that are the longest due. */
const lookedAt = 1_000;

/**
 * Says how some subscriptions stand.
 * @param options.troubledAfterMs waiting for less is no trouble @param options.most FAILED syncs that are counted
 */
export async function standings(
  pool: Pool,
  ids: readonly string[],
  { troubledAfterMs, most }: { troubledAfterMs: number; most: number },
): Promise<Map<string, SubscriptionStanding>> {
  const { rows } = await pool.query<StandingRow>({
    name: 'standings',
    text: standingsSql,
    values: [ids, troubledAfterMs, most],
  });
  return new Map(
    rows.map(({ succeededRecently, failedRecently, ...row }) => [
      row.id,
      {
        ...row,
        troubledSince: instant(row.troubledSince),
        unattachedSince: instant(row.unattachedSince),
        stateSince: instant(row.stateSince),
        recent: { succeeded: succeededRecently, failed: failedRecently },
      },
    ]),
  );
}

interface StandingRow
  extends Pick<SubscriptionStanding, 'id' | 'failed' | 'lastErrorCode' | 'lastErrorMessage'>,
    Record<'troubledSince' | 'unattachedSince' | 'stateSince', number | null> {
  readonly succeededRecently: number;
  readonly failedRecently: number;
}

function instant(ms: number | null): Date | null {
  return ms === null ? null : new Date(ms);
}

const ms = (column: string) => `(extract(epoch from ${column}) * 1000)::float8`;

const standingsSql = `
  select s.id::text, f.counts as failed, coalesce(o.code, l.code) as "lastErrorCode",
    case when o.code is null then l.message else o.message end as "lastErrorMessage",
    case when t.since <= now() - $2 * interval '1 millisecond' then ${ms('t.since')} end as "troubledSince",
    case when s.webhook_url is null then ${ms(unattachedSince)} end as "unattachedSince", ${ms('s.state_since')} as "stateSince",
    r.succeeded as "succeededRecently", x.failed as "failedRecently"
  from data_subscriptions s
  cross join lateral (
    select coalesce(json_agg(json_build_object('errorCode', code, 'count', count) order by count desc, code), '[]') as counts,
      min(oldest) as oldest
    from (
      select coalesce(error_code, 'UNKNOWN') as code, count(*) as count,
        min(coalesce(sync_started_at, created_at)) filter (where sync_completed_at > coalesce(s.last_success_at, '-infinity')) as oldest
      from (select * from fin_failed_syncs where subscription_id = s.id limit $3) d group by 1) c) f
  left join lateral (
    select error_code as code, error_message as message from fin_failed_syncs where subscription_id = s.id
    order by id desc limit 1) l on true
  cross join lateral (
    select min(case when w.mode <> 'batch' then w.created_at when w.attempt_count = 0 then w.next_attempt_at else w.sync_started_at end)
        filter (where w.attempt_count > 0 or w.next_attempt_at <= now()) as oldest,
      (array_agg(w.error_code order by w.id desc) filter (where w.attempt_count > 0 and w.error_code is not null))[1] as code,
      (array_agg(w.error_message order by w.id desc) filter (where w.attempt_count > 0 and w.error_code is not null))[1] as message
    from (
      (select * from fin_open_syncs where subscription_id = s.id and mode <> 'batch' order by next_attempt_at, id limit ${lookedAt})
      union all
      (select * from fin_open_syncs where subscription_id = s.id and mode = 'batch' order by next_attempt_at, id limit ${lookedAt})) w) o
  cross join lateral (
    select case when least(o.oldest, f.oldest) is not null then greatest(s.last_success_at, least(o.oldest, f.oldest)) end as since) t
  cross join lateral (
    select coalesce(sum(succeeded), 0)::int as succeeded from sync_rollups
    where minutes = 1 and subscription_id = s.id and starts_at > now() - interval '15 minutes') r
  cross join lateral (
    select coalesce(sum(failed), 0)::int as failed from failure_rollups
    where minutes = 1 and subscription_id = s.id and starts_at > now() - interval '15 minutes') x
  where s.id = any($1::bigint[])`;
