import type { BusinessTime } from '../../core/business-time.ts';
import type { HubClient } from '../client.ts';
import { RefusedError } from '../client.ts';
import { graphql } from '../generated/gql.ts';
import type { ExportSyncsQuery, SyncLogFilter } from '../generated/graphql.ts';
import { type Column, rowOf, timeCell } from './columns.ts';
import type { Range } from './range.ts';
import type { ExportSubject } from './subject.ts';

/** A page of the sync log, the newest first: no more of each sync than is exported. */
const syncsPage = graphql(`
  query ExportSyncs($filter: SyncLogFilter!, $first: Int!, $after: String) {
    syncLogs(filter: $filter, first: $first, after: $after) {
      pageInfo { hasNextPage endCursor }
      edges { node {
        id mode status transport retryCount errorCode errorMessage createdAt syncStartedAt syncCompletedAt nextAttemptAt
        subscription { id name targetSystem }
        event { id eventType sourceVersion voucher {
          id voucherNo voucherDate sourceSystem sourceModule sourceType sourceId sourceReferenceNo
          companyId counterpartyType counterpartyId counterpartyName direction amount currency summary
        } }
      } }
    }
  }
`);

/** Sets how many syncs there are to export. */
const syncsCount = graphql(`
  query ExportCount($filter: SyncLogFilter!) { syncLogs(filter: $filter, first: 0) { totalCount } }
`);

/** Tells whether there is a subscription that the key may see, or was: its log outlives it. */
const subscriptionKnown = graphql(`
  query ExportSubscription($id: ID!, $filter: SyncLogFilter!) {
    dataSubscription(id: $id) { id }
    syncLogs(filter: $filter, first: 1) { edges { node { id } } }
  }
`);

type ExportedSync = ExportSyncsQuery['syncLogs']['edges'][number]['node'];

/** Named as in the database, values in lower case as there. */
const columns: readonly Column<ExportedSync>[] = [
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
  { name: 'source_version', kind: 'long', of: sync => sync.event.sourceVersion },
  { name: 'mode', kind: 'text', of: sync => sync.mode.toLowerCase() },
  { name: 'status', kind: 'text', of: sync => sync.status.toLowerCase() },
  { name: 'transport', kind: 'text', of: sync => sync.transport?.toLowerCase() ?? null },
  { name: 'retry_count', kind: 'integer', of: sync => sync.retryCount },
  { name: 'error_code', kind: 'text', of: sync => sync.errorCode ?? null },
  { name: 'error_message', kind: 'text', of: sync => sync.errorMessage ?? null },
  { name: 'created_at', kind: 'time', of: sync => timeCell(sync.createdAt) },
  { name: 'sync_started_at', kind: 'time', of: sync => timeCell(sync.syncStartedAt) },
  { name: 'sync_completed_at', kind: 'time', of: sync => timeCell(sync.syncCompletedAt) },
  { name: 'next_attempt_at', kind: 'time', of: sync => timeCell(sync.nextAttemptAt) },
  // Behind the others: whoever reads by place finds them where they were.
  { name: 'voucher_date', kind: 'date', of: sync => sync.event.voucher.voucherDate },
  { name: 'source_reference_no', kind: 'text', of: sync => sync.event.voucher.sourceReferenceNo ?? null },
  { name: 'company_id', kind: 'text', of: sync => sync.event.voucher.companyId ?? null },
  { name: 'counterparty_type', kind: 'text', of: sync => sync.event.voucher.counterpartyType ?? null },
  { name: 'counterparty_id', kind: 'text', of: sync => sync.event.voucher.counterpartyId ?? null },
  { name: 'counterparty_name', kind: 'text', of: sync => sync.event.voucher.counterpartyName ?? null },
  { name: 'direction', kind: 'text', of: sync => sync.event.voucher.direction.toLowerCase() },
  { name: 'amount', kind: 'decimal', of: sync => sync.event.voucher.amount },
  { name: 'currency', kind: 'text', of: sync => sync.event.voucher.currency },
  { name: 'summary', kind: 'text', of: sync => sync.event.voucher.summary ?? null },
];

/** The sync log of a range. */
export function syncsOf(range: Range, time: BusinessTime, subscription: string | undefined): ExportSubject {
  const filter: SyncLogFilter = {
    subscriptionId: subscription ?? null,
    createdFrom: new Date(range.from).toISOString(),
    createdTo: new Date(range.to).toISOString(),
  };
  const [from, to] = [time.isoOf(range.from), time.isoOf(range.to)];
  return {
    thing: 'sync',
    columns,
    range: { words: `recorded from ${from} until ${to}`, from, to },
    async page(client, page, stop) {
      const variables = JSON.stringify({ filter, ...page });
      const { edges, pageInfo } = (await client.requestText(syncsPage, variables, stop)).syncLogs;
      // The hub's own bound counts its last millisecond in.
      const nodes = edges.map(({ node }) => node).filter(sync => Date.parse(sync.createdAt) < range.to);
      const after = pageInfo.hasNextPage ? (pageInfo.endCursor ?? null) : null;
      return { rows: nodes.map(node => rowOf(node, columns)), after };
    },
    async count(client, stop) {
      const { syncLogs } = await client.requestText(syncsCount, JSON.stringify({ filter }), stop);
      return syncLogs.totalCount;
    },
  };
}

/** @throws RefusedError NOT_FOUND; whatever comes after `stop` is of no meaning */
export async function checkSubscription(client: HubClient, id: string, stop: AbortSignal): Promise<void> {
  const variables = JSON.stringify({ id, filter: { subscriptionId: id } });
  const { dataSubscription, syncLogs } = await client.requestText(subscriptionKnown, variables, stop);
  if (dataSubscription == null && syncLogs.edges.length === 0)
    throw new RefusedError('NOT_FOUND', `There is no subscription ${id} that the key may see.`);
}
