import type { Pool } from 'pg';
import type { SubscriptionState } from '../../core/model.ts';
import { dueAtOf, isParked } from '../delivery/parking-statements.ts';
import { countedEventSeconds } from './rollup-statements.ts';

/** A subscription as /metrics shows it; several together where there are more than are shown. */
export interface MeterRow {
  /** `other`: the rest. */
  readonly id: string;
  readonly name: string;
  /** Says how many of them are in it. */
  readonly states: Readonly<Record<SubscriptionState, number>>;
  /** Due now, of active subscriptions with a webhook: what workers are for. */
  readonly due: number;
  readonly backlog: number;
  readonly retrying: number;
  /** Says how long the oldest that is late has waited; 0: none. */
  readonly oldestSeconds: number;
  readonly consumers: number;
  /** Of the last hour. */
  readonly succeeded: number;
  readonly failed: number;
  readonly measured: number;
  readonly latencySeconds: number;
  readonly eventLatencySeconds: number;
}

/** SQL: what is counted of an open sync `o`. A parked one waits for its record, and not for a worker. */
const waiting = `o.next_attempt_at <= now() as due, o.attempt_count > 0 as tried, o.created_at,
           o.mode <> 'batch' or o.attempt_count > 0 or ${dueAtOf('o')} <= now() - interval '1 hour' as late`;

/**
 * Reads every subscription, from its open syncs and the last hour's rollups.
 * @param shown subscriptions with a row of their own, those that were made first; the others are one row
 * @param most syncs counted of each subscription. A BATCH event waits for its hour on purpose: it counts once it is an hour late
 */
export async function readMeters(
  pool: Pool,
  { shown, most }: { shown: number; most: number },
): Promise<MeterRow[]> {
  const { rows } = await pool.query<MeterRow>(
    `select case when s.rank <= $1 then s.id::text else 'other' end as id, case when s.rank <= $1 then s.target_system || '/' || s.name else 'other' end as name,
       json_build_object('active', count(*) filter (where s.state = 'active'), 'paused', count(*) filter (where s.state = 'paused'),
         'suspended', count(*) filter (where s.state = 'suspended')) as states,
       coalesce(sum(o.due) filter (where s.state = 'active' and s.webhook_url is not null), 0)::float8 as due,
       sum(o.backlog)::float8 as backlog, sum(o.retrying)::float8 as retrying, coalesce(max(o.oldest), 0)::float8 as "oldestSeconds",
       sum(a.consumers)::float8 as consumers, sum(r.succeeded)::float8 as succeeded, sum(f.failed)::float8 as failed,
       sum(r.measured)::float8 as measured, sum(r.seconds)::float8 as "latencySeconds",
       sum(r.event_seconds)::float8 as "eventLatencySeconds"
     from (select id, target_system, name, state, webhook_url, row_number() over (order by id) as rank from data_subscriptions where deleted_at is null) s
     cross join lateral (
       select count(*) filter (where due) as due, count(*) filter (where late) as backlog, count(*) filter (where late and tried) as retrying,
         extract(epoch from now() - min(created_at) filter (where late)) as oldest
       from (
         (select ${waiting} from fin_open_syncs o where o.subscription_id = s.id and o.next_attempt_at <= now() + interval '10 minutes' limit $2)
         union all
         (select ${waiting} from fin_open_syncs o where o.subscription_id = s.id and ${isParked('o')} limit $2)
         limit $2) w) o
     cross join lateral (select count(*) as consumers from attachments where subscription_id = s.id and lease_until > now()) a
     cross join lateral (
       select coalesce(sum(succeeded), 0) as succeeded, coalesce(sum(measured), 0) as measured, coalesce(sum(latency_seconds), 0) as seconds,
         coalesce(sum(${countedEventSeconds('c')}), 0) as event_seconds
       from sync_rollups c where minutes = 1 and subscription_id = s.id and starts_at >= now() - interval '1 hour') r
     cross join lateral (
       select coalesce(sum(failed), 0) as failed from failure_rollups
       where minutes = 1 and subscription_id = s.id and starts_at >= now() - interval '1 hour') f
     group by 1, 2`,
    [shown, most],
  );
  return rows;
}
