import { Migration } from '@mikro-orm/migrations';

/**
 * A claim looks at each due sync of its lane in turn, also at those that an earlier sync of their record holds back. A
 * parked one is due at infinity, so that no claim meets it; `parked_due_at` keeps when it was due. This works beside
 * hubs of the version before: to them it is a sync that is not due yet.
 *
 * Parked syncs go back when a sync of their record ends. That is a trigger, because hubs of the version before end
 * syncs too, and because its statements see what was committed while the deletion waited for a lock: whoever parks locks
 * an earlier sync of the record, so a deletion of that one comes after the parking or prevents it.
 */
const parking = `
alter table fin_open_syncs add column parked_due_at timestamptz;
comment on column fin_open_syncs.parked_due_at is 'When a parked sync was due: next_attempt_at is infinity while earlier syncs of its record are open.';
create index fin_open_syncs_parked on fin_open_syncs (subscription_id, voucher_id, id) where next_attempt_at = 'infinity';

create function hub_unpark_next() returns trigger language plpgsql as $$
begin
  with records as materialized (
    select subscription_id, voucher_id, min(id) as id from gone group by 1, 2),
  ended as materialized (
    select r.* from records r
    where exists (
      select from fin_open_syncs p
      where p.subscription_id = r.subscription_id and p.voucher_id = r.voucher_id and p.next_attempt_at = 'infinity' offset 0)),
  following as materialized (
    select n.ctid from ended e cross join lateral (
      select o.ctid from fin_open_syncs o
      where o.subscription_id = e.subscription_id and o.voucher_id = e.voucher_id and o.id > e.id
      order by o.id limit 1 for no key update skip locked) n)
  update fin_open_syncs o set next_attempt_at = coalesce(o.parked_due_at, now()), parked_due_at = null
  from following f where o.ctid = f.ctid and o.next_attempt_at = 'infinity';
  return null;
end $$;

create trigger hub_unpark_next after delete on fin_open_syncs
  referencing old table as gone for each statement execute function hub_unpark_next();
`;

/** What analysts and users read: when a parked sync was due, not infinity. */
const view = `
create or replace view fin_data_sync_logs as
  select id, event_id, voucher_id, subscription_id, event_type, source_system, mode,
    case when claim_token is not null then 'processing' when attempt_count > 0 then 'retrying' else 'pending' end as status,
    transport, retry_count, attempt_count,
    case when next_attempt_at = 'infinity' then coalesce(parked_due_at, created_at) else next_attempt_at end as next_attempt_at,
    error_code, error_message, created_at, sync_started_at,
    null::timestamptz as sync_completed_at,
    case when traceparent ~ '[13579bdf]$' then substr(traceparent, 4, 32) end as trace_id
  from fin_open_syncs
  union all
  select id, event_id, voucher_id, subscription_id, event_type, source_system, mode, status,
    transport, retry_count, attempt_count, null::timestamptz, error_code, error_message, created_at, sync_started_at, sync_completed_at,
    case when traceparent ~ '[13579bdf]$' then substr(traceparent, 4, 32) end
  from fin_done_syncs;
`;

/** Syncs that wait behind an earlier one of their record are out of the way of claims. */
export class Migration0017ParkedSyncs extends Migration {
  override up(): void {
    this.addSql(parking);
    this.addSql(view);
  }
}
