import type { Pool, PoolClient } from 'pg';
import type { JsonObject, SyncMode, VoucherStatus } from '../../core/model.ts';
import { shardsInUse } from '../delivery/sync-rows.ts';
import { hubLocks } from '../lock-numbers.ts';
import { eventAt, versionNumber } from '../version-columns.ts';

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

/** The versions of what intake keeps in memory. */
export interface CacheVersions {
  readonly subscriptions: string;
  readonly eventTypes: string;
}

/** Holds what intake keeps in memory. */
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
    shards: number;
    batchCron: string | null;
  }[];
}

const versionsSql = `select (select version from hub_state where name = 'subscriptions')::text as subscriptions,
  (select version from hub_state where name = 'event_types')::text as "eventTypes"`;

/** Holds what an intake transaction begins with. */
export interface IntakeBegun {
  /** The versions of the caches that hold in it. */
  readonly versions: CacheVersions;
  /** The known records among those asked for. */
  readonly known: LockedVoucher[];
}

/**
 * Begins an intake transaction, and locks the known records among `keys` in the order given: callers sort them, so that
 * two commits never wait for each other. One round trip, but statements of their own, so that each has a plan that is
 * kept, and a snapshot: the versions are read after the lock is held.
 */
export async function beginIntake(client: PoolClient, keys: readonly RecordKey[]): Promise<IntakeBegun> {
  const [, , { rows }, known] = await Promise.all([
    client.query('begin'),
    client.query({
      name: 'intake-routing',
      text: `select pg_advisory_xact_lock_shared(${hubLocks.routing})`,
    }),
    client.query<CacheVersions>({ name: 'intake-versions', text: versionsSql }),
    lockVouchers(client, keys),
  ]);
  const versions = rows[0];
  if (versions === undefined) throw new Error('The versions of the subscription index could not be read.');
  return { versions, known };
}

/**
 * Changes what intake keeps in memory, in a transaction that ends right after. `work` makes the change; then the routing
 * lock is taken alone and the version raised. So the change waits for the commits that still use the old index, and
 * each commit after it sees the new version. Recordings wait for the last step alone, and not for `work`.
 */
export async function changeRouting<T>(
  client: PoolClient,
  name: 'subscriptions' | 'event_types',
  work: () => Promise<T>,
): Promise<T> {
  await client.query('select pg_advisory_xact_lock($1)', [hubLocks.routingChange]);
  const result = await work();
  await client.query('select pg_advisory_xact_lock($1)', [hubLocks.routing]);
  await client.query('update hub_state set version = version + 1 where name = $1', [name]);
  return result;
}

/** All that intake keeps in memory, in one snapshot. */
export async function readRouting(client: PoolClient): Promise<RoutingRows> {
  await client.query('begin isolation level repeatable read read only');
  const rows = await readRoutingRows(client);
  await client.query('commit');
  return rows;
}

/** Works as `readRouting`, within an intake transaction: its lock keeps everything as it is until it ends. */
export async function readRoutingRows(client: PoolClient): Promise<RoutingRows> {
  const versions = await client.query<CacheVersions>(versionsSql);
  const eventTypes = await client.query<RoutingRows['eventTypes'][number]>(
    'select name, mode, schema from event_types',
  );
  const subscriptions = await client.query<RoutingRows['subscriptions'][number]>(
    `select id::text, event_types as "eventTypes", source_systems as "sourceSystems", company_ids as "companyIds", mode, batch_cron as "batchCron", ${shardsInUse} as shards
     from data_subscriptions where deleted_at is null order by data_subscriptions.id`,
  );
  const row = versions.rows[0];
  if (row === undefined) throw new Error('hub_state is empty.');
  return { versions: row, eventTypes: eventTypes.rows, subscriptions: subscriptions.rows };
}

/** One index probe a key, whatever the planner thinks of the table. */
async function lockVouchers(client: PoolClient, keys: readonly RecordKey[]): Promise<LockedVoucher[]> {
  const { rows } = await client.query<LockedVoucher>({
    name: 'intake-lock',
    text: `select v.* from unnest($1::text[], $2::text[], $3::text[]) k (source_system, source_module, source_id)
           cross join lateral (
             select v.id::text, v.voucher_no as "voucherNo", v.voucher_date::text as "voucherDate", v.source_system as "sourceSystem",
               v.source_module as "sourceModule", v.source_id as "sourceId", ${versionNumber('v')} as "sourceVersion", v.digest, v.status,
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
    `select e.voucher_id::text as "voucherId", w.version::float8 as "sourceVersion", e.voucher ->> 'voucher_date' as "voucherDate",
       e.digest, e.voucher ->> 'status' as status, e.event_type as "eventType"
     from unnest($1::bigint[], $2::bigint[]) w (voucher_id, version)
     cross join lateral (${eventAt('w.voucher_id', 'w.version')}) e`,
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
