import { Migration } from '@mikro-orm/migrations';

/**
 * Triggers note both times, so that hubs of the version before, and every statement there is, do so too. Attachments go
 * many at once, on several nodes: all are noted in one order, since two in two orders would wait for each other.
 */
const times = `
create table attachment_ends (
  subscription_id bigint primary key,
  left_at timestamptz not null
);
comment on table attachment_ends is 'When the last consumer that was attached to a subscription left, or its lease ran out.';

create function attachments_are_gone() returns trigger language plpgsql as $$
begin
  insert into attachment_ends as e (subscription_id, left_at)
  select subscription_id, least(max(lease_until), now()) from gone group by 1 order by 1
  on conflict (subscription_id) do update set left_at = greatest(e.left_at, excluded.left_at);
  return null;
end $$;
create trigger gone after delete on attachments referencing old table as gone
  for each statement execute function attachments_are_gone();

alter table data_subscriptions add column state_since timestamptz;
comment on column data_subscriptions.state_since is 'Since when its state is what it is; null: since before that was noted.';
create function data_subscription_state_turns() returns trigger language plpgsql as $$
begin
  new.state_since := now();
  return new;
end $$;
create trigger state_turns before update of state on data_subscriptions
  for each row when (old.state is distinct from new.state) execute function data_subscription_state_turns();
`;

const details = `
alter table alerts add column details jsonb;
comment on column alerts.details is 'Whose it is and why, and some of the vouchers; null: a hub of an older version wrote it.';
`;

/** What tells how a subscription stands and what is behind an alert. */
export class Migration0025Standing extends Migration {
  override up(): void {
    this.addSql(times);
    this.addSql(details);
  }
}
