import type { Pool, PoolClient } from 'pg';
import type { SyncStatus } from '../../core/model.ts';
import { cancelFrom, openStatusOf, reopenFrom } from '../delivery/sync-rows.ts';
import type { SyncCriteria } from '../reading/filters.ts';
import { eventAt, versionOf } from '../version-columns.ts';

/** Says how far a run through the syncs is: behind which row of which table it goes on. */
export interface SyncPosition {
  /** Among the tables that it goes through. */
  readonly table: number;
  readonly subscriptionId: string;
  readonly voucherId: string;
  readonly id: string;
}

/** Before the first row of a table. */
export function beginOf(table: number): SyncPosition {
  return { table, subscriptionId: '0', voucherId: '0', id: '0' };
}

/** Which syncs a run goes through, and what is done to those that fit. */
export interface SyncWalk {
  readonly action: 'retry' | 'cancel';
  readonly criteria: SyncCriteria;
  readonly statuses: readonly SyncStatus[];
  /** Only the subscriptions of this system; null: any. */
  readonly targetSystem: string | null;
}

/** Holds what one statement of a run came to. */
export interface WalkStep {
  /** Rows that were looked at, and of them those to which it was done. */
  readonly lookedAt: number;
  readonly count: number;
  readonly shards: readonly string[];
  /** Empty where they were not wanted. */
  readonly ids: readonly string[];
  /** Null: this table is done with. */
  readonly position: SyncPosition | null;
}

type WalkedTable = 'failed' | 'done' | 'open';

/** The tables that hold what may be meant, each in the order of an index that is there. */
export function tablesOf(statuses: readonly SyncStatus[]): WalkedTable[] {
  const walked: WalkedTable[] = [];
  // First: what is taken out of another table comes here, and must not be met again.
  if (statuses.includes('pending') || statuses.includes('retrying')) walked.push('open');
  if (statuses.includes('cancelled')) walked.push('done');
  else if (statuses.includes('failed')) walked.push('failed');
  return walked;
}

const tables: Record<WalkedTable, string> = {
  failed: 'fin_failed_syncs',
  done: 'fin_done_syncs',
  open: 'fin_open_syncs',
};
const orders: Record<WalkedTable, string> = {
  failed: 'l.subscription_id, l.id',
  done: 'l.subscription_id, l.id',
  open: 'l.subscription_id, l.voucher_id, l.id',
};
const behind: Record<WalkedTable, string> = {
  failed: '($10::bigint, $12::bigint)',
  done: '($10::bigint, $12::bigint)',
  open: '($10::bigint, $11::bigint, $12::bigint)',
};

/** SQL: what an index finds. What is null falls away when the statement is planned, which it is each time. */
const found = `($1::bigint[] is null or l.id = any($1)) and ($2::bigint is null or l.subscription_id = $2)
  and ($3::bigint[] is null or l.voucher_id = any($3))`;

/** SQL: what is looked at row by row. */
const fits = `($4::text[] is null or x.mode = any($4)) and ($5::text[] is null or x.transport = any($5))
  and ($6::text[] is null or x.event_type = any($6)) and ($7::text[] is null or x.error_code = any($7))
  and ($8::text is null or x.source_system = $8)
  and ($9::timestamptz[] is null or x.created_at between coalesce($9[1], '-infinity') and coalesce($9[2], 'infinity'))`;

function valuesOf({ criteria: c }: SyncWalk): unknown[] {
  const vouchers = c.voucherIds ?? null;
  const voucherIds =
    c.voucherId == null ? vouchers : [c.voucherId].filter(id => vouchers?.includes(id) ?? true);
  const { createdFrom, createdTo } = c;
  return [
    c.ids ?? null,
    c.subscriptionId ?? null,
    voucherIds,
    c.modes ?? null,
    c.transports ?? null,
    c.eventTypes ?? null,
    c.errorCodes ?? null,
    c.sourceSystem ?? null,
    createdFrom == null && createdTo == null ? null : [createdFrom ?? null, createdTo ?? null],
  ];
}

/** Says how many rows a run will look at. */
export async function countWalk(pool: Pool, walk: SyncWalk): Promise<number> {
  let total = 0;
  for (const table of tablesOf(walk.statuses)) {
    const { rows } = await pool.query<{ count: number }>(
      `select count(*)::int as count from ${tables[table]} l where ${found}`,
      valuesOf(walk).slice(0, 3),
    );
    total += rows[0]?.count ?? 0;
  }
  return total;
}

/**
 * SQL: whether a row is of the page. As an array it is a look into the index for each, whatever the planner thinks of
 * the tables.
 */
function inPage(alias: string): string {
  return `${alias}.id = any(array(select id from page))`;
}

/** SQL: whether a row's subscription is one of those meant, and where `alive` not deleted. */
function isMeant(alive: boolean): string {
  const isThere = alive ? 's.deleted_at is null' : 'true';
  return `exists (select 1 from data_subscriptions s
    where s.id = x.subscription_id and ${isThere} and ($14::text is null or s.target_system = $14))`;
}

/** SQL: what is done to the rows `page` of a table. Ends with `changed`, what was. */
function actionOf(action: SyncWalk['action'], table: WalkedTable): string {
  const status = table === 'open' ? `x.claim_token is null and ${openStatusOf('x')}` : 'x.status';
  const condition = `${inPage('x')} and ${status} = any($13) and ${fits} and ${isMeant(action === 'retry')}`;
  if (action === 'retry' && table === 'open')
    return `changed as (update fin_open_syncs x set retry_count = 0, compensations = 0, next_attempt_at = now()
      where ${condition} returning x.id, x.subscription_id)`;
  const moved = action === 'retry' ? reopenFrom('taken', '0') : cancelFrom('taken');
  return `taken as (delete from ${tables[table]} x where ${condition} returning x.*),
    changed as (${moved} returning id, subscription_id)`;
}

/**
 * Does a run's next part, in a transaction of its own: looks at `limit` rows behind a position and does it to those of them that fit. However few fit,
 * no statement looks at more.
 */
export async function walkSyncs(
  client: PoolClient,
  walk: SyncWalk,
  position: SyncPosition,
  options: { limit: number; wantIds: boolean },
): Promise<WalkStep> {
  const table = tablesOf(walk.statuses)[position.table];
  if (table === undefined) return { lookedAt: 0, count: 0, shards: [], ids: [], position: null };
  // With statistics from when a table was small, the planner reads and sorts all of it for each part.
  await client.query('set local enable_bitmapscan = off; set local enable_seqscan = off');
  const { rows } = await client.query<WalkRow>(
    `with page as materialized (
       select l.id, l.voucher_id, l.subscription_id from ${tables[table]} l where (${orders[table]}) > ${behind[table]} and ${found}
       order by ${orders[table]} limit ${options.limit}),
     ${actionOf(walk.action, table)}
     select (select count(*)::int from page) as "lookedAt", (select count(*)::int from changed) as count,
       array(select distinct subscription_id::text from changed) as shards,
       case when $15 then array(select id::text from changed) else '{}' end as ids,
       p.subscription_id::text as "subscriptionId", p.voucher_id::text as "voucherId", p.id::text
     from (values (1)) one left join (select * from page l order by ${orders[table].replaceAll(',', ' desc,')} desc limit 1) p on true
     where ($11::bigint is not null)`,
    [
      ...valuesOf(walk),
      position.subscriptionId,
      position.voucherId,
      position.id,
      walk.statuses,
      walk.targetSystem,
      options.wantIds,
    ],
  );
  const row = rows[0];
  if (row === undefined) throw new Error('A statement of a compensation gave nothing back.');
  const { lookedAt, count, shards, ids, subscriptionId, voucherId, id } = row;
  const last = subscriptionId === null || voucherId === null || id === null || lookedAt < options.limit;
  return {
    lookedAt,
    count,
    shards,
    ids,
    position: last ? null : { table: position.table, subscriptionId, voucherId, id },
  };
}

interface WalkRow {
  readonly lookedAt: number;
  readonly count: number;
  readonly shards: string[];
  readonly ids: string[];
  readonly subscriptionId: string | null;
  readonly voucherId: string | null;
  readonly id: string | null;
}

/**
 * Adds a compensation sync of the current version of each voucher, unless one of that version is on its way. @returns
 * their ids
 */
export async function addCompensation(
  client: Pool | PoolClient,
  subscriptionId: string,
  voucherIds: readonly string[],
): Promise<string[]> {
  const { rows } = await client.query<{ id: string }>(
    // The vouchers are locked like at intake, so that a newer version can't slip in between with a lower sync id.
    `with current as materialized (
       select v.id, ${versionOf('v')} as version from fin_business_vouchers v where v.id = any($2) order by v.id for update)
     insert into fin_open_syncs (event_id, voucher_id, subscription_id, event_type, source_system, mode)
     select e.id, e.voucher_id, $1, e.event_type, e.source_system, 'compensation'
     from current c cross join lateral (${eventAt('c.id', 'c.version')}) e
     where not exists (
       select 1 from fin_open_syncs o where o.subscription_id = $1 and o.voucher_id = e.voucher_id and o.event_id = e.id offset 0)
     order by e.id
     returning id::text`,
    [subscriptionId, voucherIds],
  );
  return rows.map(row => row.id);
}

/**
 * Tries again what FAILED because of the connection where the shard has delivered something since, a part a call.
 * @param options.rounds how often at most one sync is tried again so
 */
export async function compensateFailed(
  pool: Pool,
  after: { subscriptionId: string; id: string },
  options: { limit: number; rounds: number },
): Promise<{
  count: number;
  shards: string[];
  ids: string[];
  last: { subscriptionId: string; id: string } | null;
}> {
  const { rows } = await pool.query<{
    count: number;
    shards: string[];
    ids: string[];
    subscriptionId: string | null;
    id: string | null;
  }>(
    `with page as materialized (
       select d.id, d.subscription_id from fin_failed_syncs d
       where d.failed_by_connection and (d.subscription_id, d.id) > ($1::bigint, $2::bigint)
       order by d.subscription_id, d.id limit $3),
     again as (
       delete from fin_failed_syncs d using data_subscriptions s
       where ${inPage('d')} and d.failed_by_connection and d.compensations < $4 and s.id = d.subscription_id
         and s.state = 'active' and s.deleted_at is null and s.last_success_at > d.sync_completed_at
       returning d.*),
     changed as (${reopenFrom('again', 'compensations + 1')} returning id, subscription_id)
     select (select count(*)::int from changed) as count, array(select distinct subscription_id::text from changed) as shards, array(select id::text from changed) as ids,
       p.subscription_id::text as "subscriptionId", p.id::text
     from (values (1)) one left join (select * from page order by subscription_id desc, id desc limit 1) p on true`,
    [after.subscriptionId, after.id, options.limit, options.rounds],
  );
  const row = rows[0];
  const last =
    row?.subscriptionId == null || row.id == null ? null : { subscriptionId: row.subscriptionId, id: row.id };
  return { count: row?.count ?? 0, shards: row?.shards ?? [], ids: row?.ids ?? [], last };
}
