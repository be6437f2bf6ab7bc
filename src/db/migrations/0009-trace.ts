import { Migration } from '@mikro-orm/migrations';

/**
 * The W3C trace context of the mutation that recorded an event, carried with each of its syncs. Null costs a row nothing but
 * its bit. Readers see the trace's id alone, and only of a trace that was sampled (the last bit): the others are nowhere.
 */
const traces = `
alter table fin_open_syncs add column traceparent text;
alter table fin_done_syncs add column traceparent text;
comment on column fin_done_syncs.traceparent is 'W3C trace context of the mutation that recorded the event; null: tracing was off.';

create or replace view fin_data_sync_logs as
  select id, event_id, voucher_id, subscription_id, event_type, source_system, mode,
    case when claim_token is not null then 'processing' when attempt_count > 0 then 'retrying' else 'pending' end as status,
    transport, retry_count, attempt_count, next_attempt_at, error_code, error_message, created_at, sync_started_at,
    null::timestamptz as sync_completed_at,
    case when traceparent ~ '[13579bdf]$' then substr(traceparent, 4, 32) end as trace_id
  from fin_open_syncs
  union all
  select id, event_id, voucher_id, subscription_id, event_type, source_system, mode, status,
    transport, retry_count, attempt_count, null::timestamptz, error_code, error_message, created_at, sync_started_at, sync_completed_at,
    case when traceparent ~ '[13579bdf]$' then substr(traceparent, 4, 32) end
  from fin_done_syncs;
comment on column fin_data_sync_logs.trace_id is 'The OpenTelemetry trace of the mutation that recorded the event, hex; null: none was recorded.';
`;

/** Which trace a sync belongs to. */
export class Migration0009Trace extends Migration {
  override up(): void {
    this.addSql(traces);
  }
}
