import { Migration } from '@mikro-orm/migrations';

/**
 * Few rows, written by the one evaluation that runs at a time; all times are the evaluating process's. The index on
 * `sync_completed_at` is a few pages, whatever the history: outcomes are appended in about its order.
 */
const tables = `
create table alert_evaluation (
  id boolean primary key default true check (id),
  evaluated_at timestamptz not null
);
insert into alert_evaluation (evaluated_at) values ('epoch');
comment on table alert_evaluation is 'One row: when rules were last evaluated. Whoever evaluates holds its lock.';

create table alert_states (
  rule text not null,
  subject text not null,
  subscription_id bigint,
  state jsonb not null,
  primary key (rule, subject)
);
comment on table alert_states is 'What rules remember between evaluations, of subjects that have something to remember.';

create table alerts (
  id bigint generated always as identity primary key,
  rule text not null,
  subject text not null,
  subscription_id bigint,
  state text not null default 'firing' check (state in ('firing', 'resolved')),
  severity text not null check (severity in ('critical', 'warning', 'info')),
  level int not null,
  value double precision,
  threshold double precision,
  cause text,
  fired_at timestamptz not null,
  resolved_at timestamptz,
  notified_level int not null default -1,
  notified_at timestamptz,
  acknowledged_level int not null default -1,
  acknowledged_at timestamptz,
  acknowledged_by text,
  escalated_level int not null default -1,
  told text[] not null default '{}'
);
create unique index alerts_firing on alerts (rule, subject) where state = 'firing';
create index alerts_resolved on alerts (resolved_at) where state = 'resolved';
comment on table alerts is 'Each time that a rule fired for a subscription, or for all of them together.';

create table alert_notices (
  id bigint generated always as identity primary key,
  alert_id bigint not null references alerts on delete cascade,
  channel text not null,
  kind text not null check (kind in ('firing', 'escalated', 'resolved')),
  status text not null default 'waiting' check (status in ('waiting', 'sent', 'failed')),
  attempts int not null default 0,
  next_attempt_at timestamptz not null,
  tried_at timestamptz,
  sent_at timestamptz,
  error text,
  created_at timestamptz not null
);
create index alert_notices_alert on alert_notices (alert_id, id);
create index alert_notices_waiting on alert_notices (channel, next_attempt_at) where status = 'waiting';
create index alert_notices_tried on alert_notices (channel, tried_at);
comment on table alert_notices is 'Who is told of an alert by which channel, and what came of it.';

create table alert_silences (
  id bigint generated always as identity primary key,
  rule text,
  subscription_id bigint,
  until timestamptz not null,
  reason text not null,
  created_by text not null,
  created_at timestamptz not null
);
create index alert_silences_until on alert_silences (until);
comment on table alert_silences is 'What is told to nobody for a while; null: any rule, any subscription.';

alter table data_subscriptions add column paused_by_consumer boolean not null default false;
comment on column data_subscriptions.paused_by_consumer is 'Whether the last pause was a 410 from the target; means something only while the state is paused.';

create index fin_done_syncs_completed on fin_done_syncs using brin (sync_completed_at);
`;

/** Alerts: what rules remember, what fired, who was told. */
export class Migration0007Alerts extends Migration {
  override up(): void {
    this.addSql(tables);
  }
}
