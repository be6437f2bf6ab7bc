import { graphql } from '../generated/gql.ts';
import type { ExportSyncsQuery } from '../generated/graphql.ts';

/** A page of the sync log, the newest first: no more of each sync than is exported. */
export const syncsPage = graphql(`
  query ExportSyncs($filter: SyncLogFilter!, $first: Int!, $after: String) {
    syncLogs(filter: $filter, first: $first, after: $after) {
      pageInfo { hasNextPage endCursor }
      edges { node {
        id mode status transport retryCount errorCode errorMessage createdAt syncStartedAt syncCompletedAt nextAttemptAt
        subscription { id name targetSystem }
        event { id eventType sourceVersion voucher { id voucherNo sourceSystem sourceModule sourceType sourceId } }
      } }
    }
  }
`);

/** How many syncs there are to export. */
export const syncsCount = graphql(`
  query ExportCount($filter: SyncLogFilter!) { syncLogs(filter: $filter, first: 0) { totalCount } }
`);

/** Whether there is a subscription that the key may see, or was: its log outlives it. */
export const subscriptionKnown = graphql(`
  query ExportSubscription($id: ID!, $filter: SyncLogFilter!) {
    dataSubscription(id: $id) { id }
    syncLogs(filter: $filter, first: 1) { edges { node { id } } }
  }
`);

/** A sync as the hub tells it. */
export type ExportedSync = ExportSyncsQuery['syncLogs']['edges'][number]['node'];

/** Of one column: an id (digits), a whole number, a text, or a time (milliseconds since 1970). */
export type ColumnKind = 'id' | 'integer' | 'text' | 'time';

/** What stands in one column of a row; times are milliseconds since 1970. */
export type Cell = string | number | null;

/** The cells of one sync, in the order of `columns`. */
export type Row = readonly Cell[];

/** A column of an export. */
export interface Column {
  readonly name: string;
  readonly kind: ColumnKind;
  readonly of: (sync: ExportedSync) => Cell;
}

/** The columns of an export, named as in the database, values in lower case as there. */
export const columns: readonly Column[] = [
  { name: 'id', kind: 'id', of: sync => sync.id },
  { name: 'subscription_id', kind: 'id', of: sync => sync.subscription.id },
  { name: 'subscription', kind: 'text', of: sync => sync.subscription.name },
  { name: 'target_system', kind: 'text', of: sync => sync.subscription.targetSystem },
  { name: 'event_id', kind: 'id', of: sync => sync.event.id },
  { name: 'event_type', kind: 'text', of: sync => sync.event.eventType },
  { name: 'voucher_id', kind: 'id', of: sync => sync.event.voucher.id },
  { name: 'voucher_no', kind: 'text', of: sync => sync.event.voucher.voucherNo },
  { name: 'source_system', kind: 'text', of: sync => sync.event.voucher.sourceSystem },
  { name: 'source_module', kind: 'text', of: sync => sync.event.voucher.sourceModule },
  { name: 'source_type', kind: 'text', of: sync => sync.event.voucher.sourceType },
  { name: 'source_id', kind: 'text', of: sync => sync.event.voucher.sourceId },
  { name: 'source_version', kind: 'integer', of: sync => sync.event.sourceVersion },
  { name: 'mode', kind: 'text', of: sync => sync.mode.toLowerCase() },
  { name: 'status', kind: 'text', of: sync => sync.status.toLowerCase() },
  { name: 'transport', kind: 'text', of: sync => sync.transport?.toLowerCase() ?? null },
  { name: 'retry_count', kind: 'integer', of: sync => sync.retryCount },
  { name: 'error_code', kind: 'text', of: sync => sync.errorCode ?? null },
  { name: 'error_message', kind: 'text', of: sync => sync.errorMessage ?? null },
  { name: 'created_at', kind: 'time', of: sync => timeOf(sync.createdAt) },
  { name: 'sync_started_at', kind: 'time', of: sync => timeOf(sync.syncStartedAt) },
  { name: 'sync_completed_at', kind: 'time', of: sync => timeOf(sync.syncCompletedAt) },
  { name: 'next_attempt_at', kind: 'time', of: sync => timeOf(sync.nextAttemptAt) },
];

/** The row of a sync. */
export function rowOf(sync: ExportedSync): Row {
  return columns.map(column => column.of(sync));
}

function timeOf(iso: string | null | undefined): number | null {
  return iso == null ? null : Date.parse(iso);
}
