import type { Pool, PoolClient } from 'pg';

/** One alert for one channel, to be told. */
export interface NewNotice {
  readonly alertId: string;
  readonly channel: string;
  readonly kind: 'firing' | 'escalated' | 'resolved';
  readonly notBefore: Date;
}

/** Queues notices. */
export async function insertNotices(
  client: PoolClient,
  notices: readonly NewNotice[],
  at: Date,
): Promise<void> {
  if (notices.length === 0) return;
  await client.query(
    `insert into alert_notices (alert_id, channel, kind, next_attempt_at, created_at)
     select "alertId", channel, kind, "notBefore", $2
     from jsonb_to_recordset($1::jsonb) as n ("alertId" bigint, channel text, kind text, "notBefore" timestamptz)`,
    [JSON.stringify(notices), at],
  );
}

/** SQL: a notice `n` is due at an instant, and no silence holds then that covers its alert. */
function isDue(at: string): string {
  return `n.status = 'waiting' and n.next_attempt_at <= ${at} and not exists (
    select from alerts a join alert_silences s on s.until > ${at}
      and (s.rule is null or s.rule = a.rule) and (s.subscription_id is null or s.subscription_id = a.subscription_id)
    where a.id = n.alert_id)`;
}

/** The channels that have notices due; what is silenced waits until its silence is over. */
export async function channelsWithNotices(pool: Pool, at: Date): Promise<string[]> {
  const { rows } = await pool.query<{ channel: string }>(
    `select distinct channel from alert_notices n where ${isDue('$1')}`,
    [at],
  );
  return rows.map(row => row.channel);
}

/** A notice that was taken to be sent. */
export interface TakenNotice {
  readonly id: string;
  readonly alertId: string;
  readonly kind: NewNotice['kind'];
  readonly attempts: number;
}

/**
 * Takes the due notices of a channel that are not silenced, unless something was tried there less than `spacingMs` ago; the oldest first.
 * They are one's own for `leaseMs`.
 */
export async function takeNotices(
  pool: Pool,
  channel: string,
  options: {
    readonly at: Date;
    readonly spacingMs: number;
    readonly leaseMs: number;
    readonly limit: number;
  },
): Promise<TakenNotice[]> {
  const { at, spacingMs, leaseMs, limit } = options;
  const { rows } = await pool.query<TakenNotice>(
    `with due as (
       select id from alert_notices n
       where channel = $1 and ${isDue('$2')} and not exists (
         select from alert_notices where channel = $1 and tried_at > $2::timestamptz - $3 * interval '1 millisecond')
       order by id limit $5 for update skip locked)
     update alert_notices n set tried_at = $2, attempts = attempts + 1, next_attempt_at = $2::timestamptz + $4 * interval '1 millisecond'
     from due where n.id = due.id returning n.id::text, n.alert_id::text as "alertId", n.kind, n.attempts`,
    [channel, at, spacingMs, leaseMs, limit],
  );
  return rows.toSorted((a, b) => Number(a.id) - Number(b.id));
}

/** Holds what came of notices. */
export interface NoticeResult {
  readonly status: 'waiting' | 'sent' | 'failed';
  readonly error: string | null;
  /** For those that wait: when they are tried again. */
  readonly nextAt: Date;
}

/** Writes what came of notices that were taken together. */
export async function writeNotices(
  pool: Pool,
  ids: readonly string[],
  { status, error, nextAt }: NoticeResult,
  at: Date,
): Promise<void> {
  await pool.query(
    `update alert_notices set status = $2, error = $3, next_attempt_at = $4, sent_at = case when $2 = 'sent' then $5::timestamptz end
     where id = any($1)`,
    [ids, status, error, nextAt, at],
  );
}

/** A notice as people see it. */
export interface NoticeRow {
  readonly alertId: string;
  readonly channel: string;
  readonly kind: NewNotice['kind'];
  readonly status: NoticeResult['status'];
  readonly attempts: number;
  /** Milliseconds since 1970. */
  readonly sentAt: number | null;
  readonly error: string | null;
}

/** The notices of some alerts, the oldest first, `perAlert` of each. */
export async function noticesOfAlerts(
  pool: Pool,
  alertIds: readonly string[],
  { perAlert, atMost }: { perAlert: number; atMost: number },
): Promise<NoticeRow[]> {
  const { rows } = await pool.query<NoticeRow>(
    `select n.* from unnest($1::bigint[]) a (id) cross join lateral (
       select alert_id::text as "alertId", channel, kind, status, attempts, (extract(epoch from sent_at) * 1000)::float8 as "sentAt", error
       from alert_notices where alert_id = a.id order by id limit $2) n limit $3`,
    [alertIds, perAlert, atMost],
  );
  return rows;
}

/** Gives up the notices of channels. */
export async function failChannels(pool: Pool, channels: readonly string[]): Promise<void> {
  await pool.query(
    `update alert_notices set status = 'failed', error = 'there is no such channel any more'
     where status = 'waiting' and channel = any($1)`,
    [channels],
  );
}
