import type { Pool } from 'pg';
import { isHead } from './delivery/sync-rows.ts';

/** Signs of whether the processes that an installation needs are there. */
export interface ProcessSigns {
  /** Since a scheduler last began or ended the schedule that comes round most often, milliseconds; null: none ever did. */
  readonly schedulerMs: number | null;
  /** An event is due for a webhook since more than a minute, and no process holds any of that subscription's. */
  readonly workWaits: boolean;
}

/** Reads the signs. Of a batch, a rate limit or a paused subscription nothing is said: those may wait. */
export async function readProcessSigns(db: Pick<Pool, 'query'>): Promise<ProcessSigns> {
  const { rows } = await db.query<ProcessSigns>(
    `select (select (extract(epoch from now() - greatest(begun, ended_at)) * 1000)::float8 from schedules where name = 'reconcile') as "schedulerMs",
       exists (
         select 1 from data_subscriptions s cross join lateral (
           select 1 from fin_open_syncs o
           where o.subscription_id = s.id and o.mode <> 'batch' and o.next_attempt_at < now() - interval '1 minute' and ${isHead}
             and not exists (select 1 from lane_claims c where c.token = o.claim_token and c.lease_until > now())
           order by o.next_attempt_at limit 1) o
         where s.state = 'active' and s.deleted_at is null and s.webhook_url is not null and s.rate_limit_per_second is null
           and not exists (select 1 from lane_claims c where c.subscription_id = s.id and c.lease_until > now())) as "workWaits"`,
  );
  return rows[0] ?? { schedulerMs: null, workWaits: false };
}
