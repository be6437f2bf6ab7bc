import { graphql } from '../generated/gql.ts';
import type { TailSyncsQuery } from '../generated/graphql.ts';

/** Costs nothing; tells a hub that is away and a key that is not good in words that help, which a socket can't. */
export const greetingQuery = graphql(`query TailGreeting { __typename }`);

/** Tells which syncs change; how they stand is read many at a time, with what they join. */
export const changesSubscription = graphql(`
  subscription TailChanges($filter: SyncLogFilter!) { syncLogChanged(filter: $filter) { id } }
`);

/** The log, the newest first. */
export const syncsQuery = graphql(`
  query TailSyncs($filter: SyncLogFilter!, $first: Int!, $after: String) {
    syncLogs(filter: $filter, first: $first, after: $after) {
      pageInfo { hasNextPage endCursor }
      edges {
        node {
          id mode status transport retryCount nextAttemptAt errorCode errorMessage
          createdAt syncStartedAt syncCompletedAt latencyMs
          subscription { id name targetSystem }
          event { id eventType sourceVersion voucher { id sourceSystem sourceModule sourceId } }
          attempts { number startedAt durationMs statusCode errorCode responseExcerpt }
        }
      }
    }
  }
`);

/** A sync as it stands. */
export type TailedSync = TailSyncsQuery['syncLogs']['edges'][number]['node'];
