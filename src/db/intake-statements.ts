import type { Pool, PoolClient } from 'pg';
import type { JsonObject, SyncMode, VoucherStatus } from '../core/model.ts';
import { lanesInUse } from './sync-rows.ts';

/** Names one source record. */
export interface RecordKey {
  readonly sourceSystem: string;
  readonly sourceModule: string;
  readonly sourceId: string;
}

/** The current state of a record, locked until the transaction ends. */
export interface LockedVoucher extends RecordKey {
  readonly id: string;
  readonly voucherNo: string;
  readonly voucherDate: string;
  readonly sourceVersion: number;
  readonly digest: string;
  readonly status: VoucherStatus;
  readonly eventType: string;
}

/** A recorded version of a voucher, as far as a repeated call is recognised by it. */
export interface RecordedVersion {
  readonly voucherId: string;
  readonly sourceVersion: number;
  readonly voucherDate: string;
  readonly digest: string;
  readonly status: VoucherStatus;
  readonly eventType: string;
}

/** A voucher's new state: all columns, as PostgreSQL's JSON functions read them. */
export interface VoucherWrite {
  id: string;
  voucher_no: string;
  voucher_date: string;
  source_system: string;
  source_module: string;
  source_type: string;
  source_id: string;
  source_reference_no: string | null;
  source_version: number;
  event_type: string;
  company_id: string | null;
  counterparty_type: string | null;
  counterparty_id: string | null;
  counterparty_name: string | null;
  direction: string;
  amount: string;
  currency: string;
  summary: string | null;
  /** JSON text, kept to the letter. */
  business_data: string;
  status: string;
  digest: string;
  created_by: string | null;
}

/** A new event. */
export interface EventWrite {
  event_type: string;
  voucher_id: string;
  source_version: number;
  source_system: string;
  digest: string;
  /** JSON text, kept to the letter. */
  data: string;
  /** JSON text, kept to the letter. */
  voucher: string;
  /** ISO 8601; null: now. */
  occurred_at: string | null;
}

/** A new sync log row. */
export interface SyncWrite {
  readonly eventId: string;
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

/** The versions of what intake keeps in memory. */
export interface CacheVersions {
  readonly subscriptions: string;
  readonly eventTypes: string;
}

/** What intake keeps in memory. */
export interface RoutingRows {
  readonly versions: CacheVersions;
  readonly eventTypes: { name: string; mode: SyncMode; schema: JsonObject | null }[];
  readonly subscriptions: {
    id: string;
    eventTypes: string[];
    sourceSystems: string[] | null;
    companyIds: string[] | null;
    mode: SyncMode | null;
    /** Shards in use. */
    lanes: number;
    batchCron: string | null;
  }[];
}

/**
 * The lock between intake (shared) and changes of subscriptions or event types (alone): a change waits for the
 * commits that still use the old index, and each commit after it sees the new version.
 */
export const routingLock = 4_207_002;

const versionsSql = `select (select version from hub_state where name = 'subscriptions')::text as subscriptions,
  (select version from hub_state where name = 'event_types')::text as "eventTypes"`;

/** Begins an intake transaction and tells which versions of the caches hold in it. One round trip. */
export async function beginIntake(client: PoolClient): Promise<CacheVersions> {
  // Several statements at once each take a snapshot of their own, so the versions are read after the lock is held.
  const results: unknown = await client.query(
    `begin; select pg_advisory_xact_lock_shared(${routingLock}); ${versionsSql}`,
  );
  const last: unknown = Array.isArray(results) ? results[2] : undefined;
  if (typeof last === 'object' && last !== null && 'rows' in last && Array.isArray(last.rows)) {
    const row: CacheVersions | undefined = last.rows[0];
    if (row !== undefined) return row;
  }
  throw new Error('The versions of the subscription index could not be read.');
}

/** Takes the routing lock alone and raises a version: call it in the transaction that changes what is cached. */
export async function bumpVersion(client: PoolClient, name: 'subscriptions' | 'event_types'): Promise<void> {
  await client.query('select pg_advisory_xact_lock($1)', [routingLock]);
  await client.query('update hub_state set version = version + 1 where name = $1', [name]);
}

/** All that intake keeps in memory, in one snapshot. */
export async function readRouting(client: PoolClient): Promise<RoutingRows> {
  await client.query('begin isolation level repeatable read read only');
  const rows = await readRoutingRows(client);
  await client.query('commit');
  return rows;
}

/** As `readRouting`, within an intake transaction: its lock keeps everything as it is until it ends. */
export async function readRoutingRows(client: PoolClient): Promise<RoutingRows> {
  const versions = await client.query<CacheVersions>(versionsSql);
  const eventTypes = await client.query<RoutingRows['eventTypes'][number]>(
    'select name, mode, schema from event_types',
  );
  const subscriptions = await client.query<RoutingRows['subscriptions'][number]>(
    `select id::text, event_types as "eventTypes", source_systems as "sourceSystems", company_ids as "companyIds", mode, batch_cron as "batchCron", ${lanesInUse} as lanes
     from data_subscriptions where deleted_at is null order by id`,
  );
  const row = versions.rows[0];
  if (row === undefined) throw new Error('hub_state is empty.');
  return { versions: row, eventTypes: eventTypes.rows, subscriptions: subscriptions.rows };
}

/**
 * Locks the known records among `keys`, in the order given: callers sort them, so that two commits never wait for
 * each other. One index probe a key, whatever the planner thinks of the table.
 */
export async function lockVouchers(client: PoolClient, keys: readonly RecordKey[]): Promise<LockedVoucher[]> {
  const { rows } = await client.query<LockedVoucher>({
    name: 'intake-lock',
    text: `select v.* from unnest($1::text[], $2::text[], $3::text[]) k (source_system, source_module, source_id)
           cross join lateral (
             select v.id::text, v.voucher_no as "voucherNo", v.voucher_date::text as "voucherDate", v.source_system as "sourceSystem",
               v.source_module as "sourceModule", v.source_id as "sourceId", v.source_version as "sourceVersion", v.digest, v.status,
               v.event_type as "eventType"
             from fin_business_vouchers v
             where v.source_system = k.source_system and v.source_module = k.source_module and v.source_id = k.source_id
             limit 1 for update) v`,
    values: [keys.map(k => k.sourceSystem), keys.map(k => k.sourceModule), keys.map(k => k.sourceId)],
  });
  return rows;
}

/** The recorded versions among `wanted`, for what is not the current one. */
export async function findVersions(
  client: PoolClient,
  wanted: readonly { voucherId: string; sourceVersion: number }[],
): Promise<RecordedVersion[]> {
  const { rows } = await client.query<RecordedVersion>(
    `select e.voucher_id::text as "voucherId", e.source_version as "sourceVersion", e.voucher ->> 'voucher_date' as "voucherDate",
       e.digest, e.voucher ->> 'status' as status, e.event_type as "eventType"
     from unnest($1::bigint[], $2::int[]) w (voucher_id, source_version)
     join fin_voucher_events e using (voucher_id, source_version)`,
    [wanted.map(w => w.voucherId), wanted.map(w => w.sourceVersion)],
  );
  return rows;
}

/** Ids for new vouchers. They need no order, so a process takes many at once. */
export async function reserveVoucherIds(pool: Pool, count: number): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    `select nextval('fin_business_vouchers_id_seq')::text as id from generate_series(1, $1)`,
    [count],
  );
  return rows.map(row => row.id);
}

/**
 * Writes the new states of vouchers.
 * @returns how many were written; fewer than given: another hub created one of the records meanwhile
 */
export async function writeVouchers(client: PoolClient, vouchers: readonly VoucherWrite[]): Promise<number> {
  const { rowCount } = await client.query({
    name: 'intake-vouchers',
    text: writeVouchersSql,
    values: [JSON.stringify(vouchers)],
  });
  return rowCount ?? 0;
}

const voucherColumns = [
  'voucher_date date',
  'source_system text',
  'source_module text',
  'source_type text',
  'source_id text',
  'source_reference_no text',
  'source_version int',
  'event_type text',
  'company_id text',
  'counterparty_type text',
  'counterparty_id text',
  'counterparty_name text',
  'direction text',
  'amount text',
  'currency text',
  'summary text',
  'business_data text',
  'status text',
  'digest text',
  'created_by text',
];
const casts: Record<string, string> = { amount: 'amount::numeric', business_data: 'business_data::json' };
const columnNames = voucherColumns.map(column => column.split(' ')[0] ?? '');
const writeVouchersSql = `
  insert into fin_business_vouchers (id, voucher_no, ${columnNames.join(', ')})
  select id, voucher_no, ${columnNames.map(name => casts[name] ?? name).join(', ')}
  from json_to_recordset($1::json) as r (id bigint, voucher_no text, ${voucherColumns.join(', ')})
  order by source_system collate "C", source_module collate "C", source_id collate "C"
  on conflict (source_system, source_module, source_id) do update set
    ${columnNames.map(name => `${name} = excluded.${name}`).join(', ')}, updated_at = now()
  where fin_business_vouchers.id = excluded.id`;

/** Writes events; gives back their ids in the order given. */
export async function writeEvents(client: PoolClient, events: readonly EventWrite[]): Promise<string[]> {
  const { rows } = await client.query<{ id: string; voucher_id: string; source_version: number }>({
    name: 'intake-events',
    text: `insert into fin_voucher_events (event_type, voucher_id, source_version, source_system, digest, data, voucher, occurred_at)
           select event_type, voucher_id, source_version, source_system, digest, data::json, voucher::json, coalesce(occurred_at, now())
           from json_to_recordset($1::json) as r (n int, event_type text, voucher_id bigint, source_version int, source_system text,
             digest text, data text, voucher text, occurred_at timestamptz)
           order by n returning id::text, voucher_id::text, source_version`,
    values: [JSON.stringify(events.map((event, n) => ({ n, ...event })))],
  });
  const ids = new Map(rows.map(row => [`${row.voucher_id}/${row.source_version}`, row.id]));
  return events.map(event => {
    const id = ids.get(`${event.voucher_id}/${event.source_version}`);
    if (id === undefined) throw new Error('An event was not written.');
    return id;
  });
}

const writeSyncsSql = `
  insert into fin_open_syncs (event_id, voucher_id, subscription_id, event_type, source_system, mode, next_attempt_at, traceparent)
  select event_id, voucher_id, subscription_id, event_type, source_system, mode, coalesce(due_at, now()), traceparent
  from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::text[])
    with ordinality as r (event_id, voucher_id, subscription_id, event_type, source_system, mode, due_at, traceparent, n)
  order by n`;

/**
 * Adds syncs, in the order given (within one source record, the order of delivery).
 * @returns their ids where they are wanted
 */
export async function writeSyncs(
  client: PoolClient,
  syncs: readonly SyncWrite[],
  wantIds: boolean,
): Promise<string[]> {
  const { rows } = await client.query<{ id: string }>({
    name: wantIds ? 'intake-syncs-ids' : 'intake-syncs',
    text: wantIds ? `${writeSyncsSql} returning id::text` : writeSyncsSql,
    values: [
      syncs.map(s => s.eventId),
      syncs.map(s => s.voucherId),
      syncs.map(s => s.subscriptionId),
      syncs.map(s => s.eventType),
      syncs.map(s => s.sourceSystem),
      syncs.map(s => s.mode),
      syncs.map(s => s.dueAt),
      syncs.map(s => s.traceparent),
    ],
  });
  return rows.map(row => row.id);
}
