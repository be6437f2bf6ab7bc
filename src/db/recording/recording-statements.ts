import type { Pool, PoolClient } from 'pg';
import type { SyncMode, VoucherDirection, VoucherStatus } from '../../core/model.ts';
import { narrowVersion, wideVersion } from '../version-columns.ts';
import { binaryRows, type RowColumn } from './binary-rows.ts';
import type { CacheVersions } from './intake-statements.ts';

/** Holds what a voucher's row has from its caller. Null and undefined both mean left out. */
interface VoucherFields {
  readonly eventType: string;
  readonly sourceSystem: string;
  readonly sourceModule: string;
  readonly sourceType: string;
  readonly sourceId: string;
  readonly sourceReferenceNo?: string | null;
  readonly companyId?: string | null;
  readonly counterpartyType?: string | null;
  readonly counterpartyId?: string | null;
  readonly counterpartyName?: string | null;
  readonly direction: VoucherDirection;
  readonly amount: string;
  readonly currency: string;
  readonly summary?: string | null;
  readonly status: VoucherStatus;
  readonly occurredAt?: Date | null;
  readonly createdBy?: string | null;
}

/** A new event, and the voucher as it is by it. */
export interface EventWrite {
  /** Its place among those that are written with it, from 1. */
  readonly place: number;
  /** Names the source record: rows are written in its order, so that commits wait for each other in one order. */
  readonly key: string;
  readonly fields: VoucherFields;
  readonly voucherId: string;
  readonly voucherNo: string;
  /** YYYY-MM-DD */
  readonly voucherDate: string;
  readonly sourceVersion: number;
  readonly digest: string;
  /** JSON texts, kept to the letter: the business data, and the voucher as bodies have it. */
  readonly dataJson: string;
  readonly voucherJson: string;
  /** Holds what becomes of the voucher's own row: nothing, where this is not its newest version. */
  row: 'insert' | 'update' | 'none';
}

/** A new sync log row. */
export interface SyncWrite {
  /** Its event's place. */
  readonly event: number;
  readonly voucherId: string;
  readonly subscriptionId: string;
  readonly eventType: string;
  readonly sourceSystem: string;
  readonly mode: SyncMode;
  /** Null: at once. */
  readonly dueAt: Date | null;
  /** Of the mutation; null: tracing is off. */
  readonly traceparent: string | null;
}

/** Ids of what was written. */
export interface WrittenIds {
  /** By the events' places. */
  readonly events: string[];
  /** In any order; empty where they are not wanted. */
  readonly syncs: string[];
}

/** The columns that vouchers have of their own name. */
const voucherColumns: readonly RowColumn<EventWrite>[] = [
  { name: 'voucher_no', type: 'text', of: e => e.voucherNo },
  { name: 'voucher_date', type: 'text', of: e => e.voucherDate },
  { name: 'source_system', type: 'text', of: e => e.fields.sourceSystem },
  { name: 'source_module', type: 'text', of: e => e.fields.sourceModule },
  { name: 'source_type', type: 'text', of: e => e.fields.sourceType },
  { name: 'source_id', type: 'text', of: e => e.fields.sourceId },
  { name: 'source_reference_no', type: 'text', of: e => e.fields.sourceReferenceNo ?? null },
  { name: 'source_version', type: 'int', of: e => narrowVersion(e.sourceVersion) },
  { name: 'source_version_wide', type: 'bigint', of: e => wideVersion(e.sourceVersion) },
  { name: 'event_type', type: 'text', of: e => e.fields.eventType },
  { name: 'company_id', type: 'text', of: e => e.fields.companyId ?? null },
  { name: 'counterparty_type', type: 'text', of: e => e.fields.counterpartyType ?? null },
  { name: 'counterparty_id', type: 'text', of: e => e.fields.counterpartyId ?? null },
  { name: 'counterparty_name', type: 'text', of: e => e.fields.counterpartyName ?? null },
  { name: 'direction', type: 'text', of: e => e.fields.direction },
  { name: 'amount', type: 'text', of: e => e.fields.amount },
  { name: 'currency', type: 'text', of: e => e.fields.currency },
  { name: 'summary', type: 'text', of: e => e.fields.summary ?? null },
  { name: 'business_data', type: 'json', of: e => e.dataJson },
  { name: 'status', type: 'text', of: e => e.fields.status },
  { name: 'digest', type: 'text', of: e => e.digest },
  { name: 'created_by', type: 'text', of: e => e.fields.createdBy ?? null },
];

/** Holds those of the type `hub_recorded_wide_event`, in its order. */
export const eventColumns: readonly RowColumn<EventWrite>[] = [
  { name: 'voucher', type: 'json', of: e => e.voucherJson },
  { name: 'place', type: 'int', of: e => e.place },
  { name: 'change', type: 'text', of: e => e.row },
  { name: 'id', type: 'bigint', of: e => e.voucherId },
  ...voucherColumns,
  { name: 'occurred_at', type: 'text', of: e => e.fields.occurredAt?.toISOString() ?? null },
];

/** Holds those of the type `hub_recorded_sync`, in its order. */
export const syncColumns: readonly RowColumn<SyncWrite>[] = [
  { name: 'event', type: 'int', of: s => s.event },
  { name: 'voucher_id', type: 'bigint', of: s => s.voucherId },
  { name: 'subscription_id', type: 'bigint', of: s => s.subscriptionId },
  { name: 'event_type', type: 'text', of: s => s.eventType },
  { name: 'source_system', type: 'text', of: s => s.sourceSystem },
  { name: 'mode', type: 'text', of: s => s.mode },
  { name: 'due_at', type: 'text', of: s => s.dueAt?.toISOString() ?? null },
  { name: 'traceparent', type: 'text', of: s => s.traceparent },
];

const casts: Record<string, string> = { amount: 'amount::numeric', voucher_date: 'voucher_date::date' };
const names = voucherColumns.map(({ name }) => name);
const voucherRows = `insert into fin_business_vouchers (id, ${names.join(', ')})
    select id, ${names.map(name => casts[name] ?? name).join(', ')} from r`;

/**
 * Each of the records that are new is inserted plainly: another hub that made it meanwhile is a unique violation. The
 * known ones are locked, so nothing comes between; `on conflict` finds them by their index, whatever the planner thinks
 * of the table. Ids of events are taken in the order of their places; rows come in that of the array. Where there is a
 * condition and it does not hold, nothing is written, and there is no row of ids.
 */
const recordingSql = ({ holds = '', condition = 'true', changed = '' }) => `
  with ${holds} r as materialized (select * from unnest($1::hub_recorded_wide_event[])),
  taken as materialized (
    select array(select nextval('fin_voucher_events_id_seq') from generate_series(1, cardinality($1::hub_recorded_wide_event[]))) as ids
    where ${condition}),
  made as (${voucherRows} where change = 'insert' and exists (select from taken)),
  ${changed}
  events as (
    insert into fin_voucher_events (id, event_type, voucher_id, source_version, source_version_wide, source_system, digest, data, voucher, occurred_at)
    overriding system value
    select (select ids from taken)[place], event_type, id,
      case when source_version_wide is null then source_version end, source_version_wide, source_system, digest, business_data, voucher,
      coalesce(occurred_at::timestamptz, now()) from r where exists (select from taken)),
  syncs as (
    insert into fin_open_syncs (event_id, voucher_id, subscription_id, event_type, source_system, mode, next_attempt_at, traceparent)
    select (select ids from taken)[event], voucher_id, subscription_id, event_type, source_system, mode,
      coalesce(due_at::timestamptz, now()), traceparent from unnest($2::hub_recorded_sync[]) where exists (select from taken)
    returning id)
  select ids::text[] as events, array(select id::text from syncs where $3) as syncs from taken`;

const changedRows = `changed as (${voucherRows} where change = 'update'
    on conflict (source_system, source_module, source_id) do update set
      ${names.map(name => `${name} = excluded.${name}`).join(', ')}, updated_at = now()),`;

/** The caches are of the versions that hold, for as long as the transaction lasts, and no record is known. */
const allNew = `(select yes from holds) and not exists (
      select from r k cross join lateral (
        select from fin_business_vouchers v
        where v.source_system = k.source_system and v.source_module = k.source_module and v.source_id = k.source_id limit 1) v)`;

const statements = {
  any: { name: 'intake-recording', text: recordingSql({ changed: changedRows }) },
  allNew: {
    name: 'intake-recording-new',
    text: recordingSql({
      holds: 'holds as materialized (select hub_routing_holds($4, $5) as yes),',
      condition: allNew,
    }),
  },
};

/** A record that was to be new is there: another hub created it meanwhile. */
const sameRecord = 'fin_business_vouchers_source_id_source_module_source_system_key';

/** Holds what one commit writes. Events' syncs are in the order of delivery within one source record. */
export interface Recording {
  readonly events: readonly EventWrite[];
  readonly syncs: readonly SyncWrite[];
  /** True when the ids of the syncs are asked for. */
  readonly wantSyncIds: boolean;
}

/**
 * Writes events, the new states of their vouchers, and their syncs, in a transaction that `beginIntake` began, and commits:
 * one round trip, as PostgreSQL makes of a commit after an error a rollback.
 */
export async function writeAndCommit(client: PoolClient, recording: Recording): Promise<WrittenIds> {
  if (recording.events.length === 0) {
    await client.query('commit');
    return { events: [], syncs: [] };
  }
  const write = { ...statements.any, values: valuesOf(recording) };
  const [{ rows }] = await Promise.all([client.query<WrittenIds>(write), client.query('commit')]);
  const written = rows[0];
  if (written === undefined) throw new Error('Nothing was said of what was written.');
  return written;
}

/**
 * A whole intake transaction in one statement, for records that are all new: takes the routing lock, and writes where
 * that holds and the caches are up to date. Not in a transaction of the caller's.
 * @returns null: one of them is known or the caches are not up to date, and nothing was written
 */
export async function writeAllNew(
  pool: Pool,
  recording: Recording,
  versions: CacheVersions,
): Promise<WrittenIds | null> {
  const values = [...valuesOf(recording), versions.subscriptions, versions.eventTypes];
  const { rows } = await pool.query<WrittenIds>({ ...statements.allNew, values });
  return rows[0] ?? null;
}

function valuesOf({ events, syncs, wantSyncIds }: Recording): (Buffer | boolean)[] {
  const sorted = events.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.place - b.place));
  return [binaryRows(sorted, eventColumns), binaryRows(syncs, syncColumns), wantSyncIds];
}

/** Tells whether an error says that another hub created one of the records meanwhile. */
export function isSameRecord(error: unknown): boolean {
  return (
    typeof error === 'object' && error !== null && 'constraint' in error && error.constraint === sameRecord
  );
}
