import { Migration } from '@mikro-orm/migrations';

/**
 * Views run with their owner's rights, so analysts need none on the tables: what is no column of a view can't be read.
 * Of a webhook's address only the host is shown, as paths and queries often carry a token. (`\x3f` is a question mark,
 * which the ORM would take for a parameter.)
 */
const views = `
create view analyst_subscriptions as
  select id, name, target_system, event_types, source_systems, company_ids, mode, state,
    substring(split_part(webhook_url, '/', 3) from '^[^\\x3f#]+') as webhook_host,
    batch_size, max_in_flight, lanes, rate_limit_per_second, max_retries, last_success_at, created_at, updated_at, deleted_at
  from data_subscriptions;

create view analyst_attempts as
  select id, sync_id, number, subscription_id, transport, started_at, duration_ms, status_code, error_code, error_message,
    response_excerpt, encode(body_digest, 'hex') as body_digest, receipt_valid, logged_at
  from fin_data_sync_attempts;

create view analyst_vouchers as
  select id, voucher_no, voucher_date, source_system, source_module, source_type, source_id, source_reference_no,
    source_version, event_type, company_id, counterparty_type, counterparty_id, counterparty_name, direction, amount, currency,
    summary, business_data, status, digest, created_by, created_at, updated_at
  from fin_business_vouchers;

create view analyst_events as
  select id, event_type, voucher_id, source_version, source_system, digest, data, voucher, occurred_at, recorded_at
  from fin_voucher_events;
`;

const subscriptionId = 'The subscription: analyst_subscriptions.id.';
const voucherId = 'The voucher: analyst_vouchers.id.';
const sourceSystem = 'The system that the voucher came from.';

/** What analysts may read, and what each column means. */
const meanings: Record<string, { about: string; columns: Record<string, string> }> = {
  fin_data_sync_logs: {
    about: 'One event on its way to one subscription, from recorded to done.',
    columns: {
      id: 'The sync: sync_id in what the consumer gets. Later ones are greater.',
      event_id: 'The event: analyst_events.id.',
      voucher_id: voucherId,
      subscription_id: subscriptionId,
      event_type: 'What happened: invoice_recorded, l1_confirmed …',
      source_system: sourceSystem,
      mode: 'realtime; batch (waits for 02:00); compensation (sent once more by hand).',
      status:
        'pending (not tried yet), processing (under way), retrying (tried, to be tried again), success, failed (waits for a person), cancelled.',
      transport: 'The last attempt went by webhook or websocket; null: none yet.',
      retry_count: 'Retries used up.',
      attempt_count: 'Attempts made, those included that use up no retry.',
      next_attempt_at: 'When it is due (again); null: it is over.',
      error_code:
        'What the last failed attempt came to: HTTP_422, ECONNREFUSED, ETIMEDOUT …; null: none failed.',
      error_message: 'The same in words.',
      created_at: 'When the event was recorded for this subscription.',
      sync_started_at: 'When the first attempt began; null: none yet.',
      sync_completed_at: 'When it was over (success, failed, cancelled); null: it is not.',
    },
  },
  analyst_subscriptions: {
    about: 'Subscriptions, deleted ones too, without their secrets.',
    columns: {
      id: 'The subscription.',
      name: 'Its name, unique within the target system while it is not deleted.',
      target_system: 'The system that gets the events.',
      event_types: 'Names of event types, a prefix with a star (invoice_*), or *.',
      source_systems: 'Events of these systems only; null: all.',
      company_ids: 'Events of these companies only; null: all.',
      mode: 'realtime, batch or compensation; null: as the event type says.',
      state:
        'active; paused (by a person, or a 410 of the target); suspended (the target cannot be reached).',
      webhook_host: 'Host and port of the webhook; null: delivered over sockets only.',
      batch_size: 'Most events in one request.',
      max_in_flight: 'Most requests under way at once.',
      lanes: 'How many drains its events are spread over.',
      rate_limit_per_second: 'Most requests a second; null: no limit.',
      max_retries: 'Retries before a sync is failed.',
      last_success_at: 'When it last took an event.',
      created_at: 'When it was made.',
      updated_at: 'When its settings or state last changed.',
      deleted_at: 'When it was deleted; null: it is there.',
    },
  },
  analyst_attempts: {
    about: 'Each attempt of each sync, as it was logged.',
    columns: {
      id: 'The attempt, in the order of logging.',
      sync_id: 'The sync: fin_data_sync_logs.id.',
      number: 'The attempt of the sync, from 1.',
      subscription_id: `${subscriptionId} Null: logged by a hub of an older version.`,
      transport: 'webhook or websocket.',
      started_at: 'When it began, by the clock of the hub.',
      duration_ms: 'How long it took, milliseconds.',
      status_code: 'HTTP status; null: there was no answer, or it went over a socket.',
      error_code: 'Null: it succeeded.',
      error_message: 'The same in words.',
      response_excerpt: 'The first 500 characters of the answer.',
      body_digest: 'SHA-256 of the bytes that were sent, hex; null: nothing was, or nobody knows.',
      receipt_valid: 'Whether the consumer proved what it got; null: it returned no receipt.',
      logged_at:
        'When it was logged, by the clock of the database: bounds on it leave out whole months. -infinity: kept beyond its month, as its sync was not over.',
    },
  },
  analyst_vouchers: {
    about: 'The current state of each source record (one contract, one invoice …).',
    columns: {
      id: 'The voucher.',
      voucher_no: 'Its number, made by the hub.',
      voucher_date: 'Its date in the business time zone.',
      source_system: sourceSystem,
      source_module: 'The module of that system.',
      source_type: 'What kind of record it is there.',
      source_id: 'Its id there; unique with system and module.',
      source_reference_no: 'A number that people know it by there.',
      source_version: 'The newest version recorded.',
      event_type: 'What happened last.',
      company_id: 'The company of one’s own.',
      counterparty_type: 'customer, supplier …',
      counterparty_id: 'The other party.',
      counterparty_name: 'Its name.',
      direction: 'debit or credit.',
      amount: 'Exact decimal.',
      currency: 'ISO 4217.',
      summary: 'In words.',
      business_data: 'What the source system sent, JSON.',
      status: 'draft, approved or voided.',
      digest: 'SHA-256 of the content that a consumer must hold, hex.',
      created_by: 'Who made it, as the source system says.',
      created_at: 'When the hub first saw it.',
      updated_at: 'When it last changed.',
    },
  },
  analyst_events: {
    about: 'Each version of each voucher, immutable: what is delivered.',
    columns: {
      id: 'The event: event_id in what the consumer gets.',
      event_type: 'What happened.',
      voucher_id: voucherId,
      source_version: 'The version of the voucher.',
      source_system: sourceSystem,
      digest: 'SHA-256 of the content of this version, hex.',
      data: 'The business data of this version, JSON.',
      voucher: 'The voucher as it was in this version, JSON: amount, currency, counterparty_name …',
      occurred_at: 'When it happened, as the source system says.',
      recorded_at: 'When the hub recorded it.',
    },
  },
};

/** The views that analysts may read. */
export const analystViews: readonly string[] = Object.keys(meanings);

const readable = analystViews.join(', ');

/**
 * Roles are the server's, not the database's: another database's migration may have made it, or be making it now. Where
 * the hub's user may not make roles, an administrator does (docs/analytics.md), and nothing else lacks it.
 */
export const analystRole = `
do $$ begin
  create role voucher_hub_analyst nologin;
exception when duplicate_object or unique_violation or insufficient_privilege then null;
end $$;
`;

const rights = `
create function grant_to_analysts() returns boolean language plpgsql as $$
begin
  if to_regrole('voucher_hub_analyst') is null then return false; end if;
  if not has_schema_privilege('voucher_hub_analyst', current_schema, 'usage') then
    execute format('grant usage on schema %I to voucher_hub_analyst', current_schema);
  end if;
  grant select on ${readable} to voucher_hub_analyst;
  return true;
end $$;
comment on function grant_to_analysts is 'Lets voucher_hub_analyst read what is for analysts; false: there is no such role.';
select grant_to_analysts();
`;

/** What analysts may read by SQL, described column by column. */
export class Migration0008Analysts extends Migration {
  override up(): void {
    this.addSql(views);
    this.addSql(
      Object.entries(meanings)
        .flatMap(([view, meaning]) => commentsOn(view, meaning))
        .join('\n'),
    );
    this.addSql(analystRole);
    this.addSql(rights);
  }
}

function commentsOn(view: string, { about, columns }: { about: string; columns: Record<string, string> }) {
  const text = (comment: string) => `'${comment.replaceAll("'", "''")}'`;
  return [
    `comment on view ${view} is ${text(about)};`,
    ...Object.entries(columns).map(
      ([name, meaning]) => `comment on column ${view}.${name} is ${text(meaning)};`,
    ),
  ];
}
