import assert from 'node:assert/strict';
import { Client } from 'pg';
import type { TestHub } from './hub.ts';
import { recordVouchers, subscribe, voucherInput } from './vouchers.ts';
import { until } from './wait.ts';

/** A sync and its attempts, as tests of delivery read them. */
export interface SyncDetail {
  id: string;
  status: string;
  mode: string;
  retryCount: number;
  errorCode: string | null;
  errorMessage: string | null;
  nextAttemptAt: string | null;
  createdAt: string;
  event: { sourceVersion: number; voucher: { sourceId: string } };
  attempts: AttemptDetail[];
}

/** An attempt as tests read it. */
export interface AttemptDetail {
  number: number;
  startedAt: string;
  durationMs: number;
  statusCode: number | null;
  errorCode: string | null;
  errorMessage: string | null;
  responseExcerpt: string | null;
}

/** The statuses of a sync that is over. */
export const over = ['SUCCESS', 'FAILED', 'CANCELLED'];

const syncsQuery = `query ($filter: SyncLogFilter) { syncLogs(filter: $filter, first: 500) { edges { node {
  id status mode retryCount errorCode errorMessage nextAttemptAt createdAt event { sourceVersion voucher { sourceId } }
  attempts { number startedAt durationMs statusCode errorCode errorMessage responseExcerpt } } } } }`;

/** All syncs of a subscription with their attempts, the oldest first (500 at most). */
export async function detailsOf(hub: Pick<TestHub, 'data'>, subscriptionId: string): Promise<SyncDetail[]> {
  const { syncLogs } = await hub.data<{ syncLogs: { edges: { node: SyncDetail }[] } }>(syncsQuery, {
    filter: { subscriptionId },
  });
  return syncLogs.edges.map(edge => edge.node).reverse();
}

/** Waits until all syncs of a subscription (one at least) are over, and gives them. */
export function settled(
  hub: Pick<TestHub, 'data'>,
  subscriptionId: string,
  withinMs?: number,
): Promise<SyncDetail[]> {
  return until(
    `the syncs of subscription ${subscriptionId} are over`,
    () => allOver(hub, subscriptionId),
    withinMs,
  );
}

async function allOver(hub: Pick<TestHub, 'data'>, subscriptionId: string): Promise<SyncDetail[] | false> {
  const syncs = await detailsOf(hub, subscriptionId);
  return syncs.length > 0 && syncs.every(sync => over.includes(sync.status)) ? syncs : false;
}

/** Waits until the one sync of a subscription satisfies `is`, and gives it. */
export async function theSync(
  hub: Pick<TestHub, 'data'>,
  subscriptionId: string,
  is: (sync: SyncDetail) => boolean,
  withinMs?: number,
): Promise<SyncDetail> {
  let seen: SyncDetail[] = [];
  const check = async () => {
    seen = await detailsOf(hub, subscriptionId);
    return seen.find(is);
  };
  try {
    return await until('a sync is as it should be', check, withinMs);
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : ''} Seen: ${JSON.stringify(seen)}`);
  }
}

/** The state of a subscription: ACTIVE, PAUSED or SUSPENDED. */
export async function stateOf(hub: Pick<TestHub, 'data'>, id: string): Promise<string> {
  const { dataSubscription: found } = await hub.data<{ dataSubscription: { state: string } }>(
    'query ($id: ID!) { dataSubscription(id: $id) { state } }',
    { id },
  );
  return found.state;
}

/** Pauses or resumes by hand. */
export async function setState(
  hub: Pick<TestHub, 'data'>,
  id: string,
  how: 'pause' | 'resume',
): Promise<void> {
  await hub.data(`mutation ($id: ID!) { ${how}DataSubscription(id: $id) { state } }`, { id });
}

/** Deletes a subscription. */
export async function unsubscribe(hub: Pick<TestHub, 'data'>, id: string): Promise<void> {
  await hub.data('mutation ($id: ID!) { deleteDataSubscription(id: $id) }', { id });
}

/** Makes syncs due by hand; how many. */
export async function retrySyncs(
  hub: Pick<TestHub, 'data'>,
  filter: Record<string, unknown>,
): Promise<number> {
  const { retrySyncs: count } = await hub.data<{ retrySyncs: number }>(
    'mutation ($filter: SyncLogFilter!) { retrySyncs(filter: $filter) }',
    { filter },
  );
  return count;
}

/** Cancels syncs; how many. */
export async function cancelSyncs(
  hub: Pick<TestHub, 'data'>,
  filter: Record<string, unknown>,
): Promise<number> {
  const { cancelSyncs: count } = await hub.data<{ cancelSyncs: number }>(
    'mutation ($filter: SyncLogFilter!) { cancelSyncs(filter: $filter) }',
    { filter },
  );
  return count;
}

/** Vouchers of one source system, one a source id. */
export function vouchers(
  sourceSystem: string,
  ids: Iterable<string | number>,
  over: Record<string, unknown> = {},
): Record<string, unknown>[] {
  return [...ids].map(id => voucherInput({ sourceSystem, sourceId: `${sourceSystem}-${id}`, ...over }));
}

/** Records and sees to it that each was taken. */
export async function record(hub: Pick<TestHub, 'data'>, inputs: Record<string, unknown>[]): Promise<void> {
  for (let at = 0; at < inputs.length; at += 200) {
    for (const item of await recordVouchers(hub, inputs.slice(at, at + 200))) assert.equal(item.error, null);
  }
}

/** 0 … count−1. */
export function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n);
}

/** Runs one statement on a hub's database. */
export async function sql<Row extends object>(
  databaseUrl: string,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const client = new Client({ connectionString: databaseUrl });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query<Row>(text, values)).rows;
  } finally {
    await client.end();
  }
}

/** Says how many syncs stand in each status. */
export async function statusCounts(databaseUrl: string): Promise<Record<string, number>> {
  const rows = await sql<{ status: string; count: number }>(
    databaseUrl,
    'select status, count(*)::int as count from fin_data_sync_logs group by 1',
  );
  return Object.fromEntries(rows.map(row => [row.status, row.count]));
}

/** Empties BullMQ's tables, all but the record of its migrations; gives their names. */
export async function emptyQueue(databaseUrl: string): Promise<string[]> {
  const tables = await sql<{ name: string }>(
    databaseUrl,
    `select quote_ident(schemaname) || '.' || quote_ident(tablename) as name from pg_tables where schemaname = 'bullmq' and tablename !~ 'migration'`,
  );
  const names = tables.map(({ name }) => name);
  await sql(databaseUrl, `truncate ${names.join(', ')}`);
  return names;
}

/** Retries within a moment. */
export const quick = { maxRetries: 20, baseDelayMs: 20, maxDelayMs: 100, jitter: 0.1 };

let systems = 0;

/** A source system that no other test of this process has. */
export function freshSystem(): string {
  systems += 1;
  return `shards-${systems}`;
}

/** Makes subscriptions at a hub, each to a source system of its own; `system` is the name of both. */
export function subscriptionMaker(
  hub: TestHub,
): (
  webhookUrl: string | null,
  settings?: Record<string, unknown>,
) => Promise<{ id: string; system: string; secret: string }> {
  return async (webhookUrl, settings = {}) => {
    const system = freshSystem();
    const input = { name: system, sourceSystems: [system], webhookUrl, retry: quick, ...settings };
    return { system, ...(await subscribe(hub, input)) };
  };
}
