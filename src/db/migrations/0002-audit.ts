import { Migration } from '@mikro-orm/migrations';

/**
 * An older hub beside this one writes attempts without a subscription: their chain is that of subscription 0. Rows
 * are kept from being changed, but inserting them calls no trigger.
 */
const attempts = `
create sequence fin_data_sync_attempts_id_seq;
alter table fin_data_sync_attempts
  add column id bigint not null default nextval('fin_data_sync_attempts_id_seq'),
  add column subscription_id bigint,
  add column body_digest bytea,
  add column receipt text,
  add column receipt_valid boolean;
create index fin_data_sync_attempts_id on fin_data_sync_attempts (id);
comment on column fin_data_sync_attempts.body_digest is 'SHA-256 of the bytes that were sent; null: nothing was, or nobody knows.';
comment on column fin_data_sync_attempts.receipt is 'What the consumer returned: the HMAC of body_digest under its secret, where receipt_valid.';

create function fin_attempts_are_append_only() returns trigger language plpgsql as $$
begin
  if tg_table_name = 'fin_kept_attempts' and tg_op = 'DELETE' then return old; end if;
  raise exception 'Attempts are append only: % of % is refused.', lower(tg_op), tg_table_name using errcode = 'restrict_violation';
end $$;
create trigger append_only before update or delete on fin_data_sync_attempts
  for each row execute function fin_attempts_are_append_only();
`;

const seals = `
create table audit_seals (
  subscription_id bigint not null,
  number bigint not null,
  after_id bigint not null,
  last_id bigint not null,
  attempts int not null,
  first_at timestamptz not null,
  sealed_at timestamptz not null,
  rows_hash bytea not null,
  hash bytea not null,
  primary key (subscription_id, number)
);
create index audit_seals_last on audit_seals (last_id);
comment on table audit_seals is 'A hash chain for each subscription over its attempts: each seal is over those with ids beyond after_id up to last_id, and over the seal before.';

create table audit_progress (sealed_to bigint not null);
insert into audit_progress values (0);
comment on table audit_progress is 'One row: attempts up to this id are sealed.';

create table dropped_months (
  name text primary key,
  dropped_at timestamptz not null default now()
);
comment on table dropped_months is 'Partitions that retention has dropped.';
`;

/** What was sent, what the consumer gave for it, and proof that neither was changed. */
export class Migration0002Audit extends Migration {
  override up(): void {
    this.addSql(attempts);
    this.addSql(seals);
  }
}
