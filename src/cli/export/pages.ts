import type { Clock } from '../../core/clock.ts';
import { limits } from '../../core/limits.ts';
import type { HubClient } from '../client.ts';
import type { ExportSyncsQuery, SyncLogFilter } from '../generated/graphql.ts';
import { isPassing } from '../import/sender.ts';
import { type ExportedSync, syncsPage } from './columns.ts';

/** How long a hub that does not answer is waited for, and the pauses meanwhile, milliseconds. */
const patienceMs = 60_000;
const pauseMs = 1_000;

/** What pages are read with. */
export interface PageSource {
  readonly client: HubClient;
  readonly clock: Clock;
  readonly filter: SyncLogFilter;
  /** Ends the reading: the request under way too. */
  readonly stop: AbortSignal;
  /** Told when the hub is lost. */
  readonly say: (message: string) => void;
}

/**
 * The syncs that a filter covers, the newest first, page by page; the next page is asked for while this one is used.
 * What is recorded meanwhile is in none of them.
 * @throws UnreachableError, RefusedError; whatever comes after `stop` is of no meaning
 */
export async function* readPages(source: PageSource): AsyncGenerator<ExportedSync[]> {
  let asked = readPage(source, null);
  for (;;) {
    const { edges, pageInfo } = await asked;
    const after = pageInfo.hasNextPage ? (pageInfo.endCursor ?? null) : null;
    if (after !== null) {
      asked = readPage(source, after);
      // Its fault is met when it is awaited; if the reader has left by then, nobody has to know.
      asked.catch(() => {});
    }
    yield edges.map(edge => edge.node);
    if (after === null) return;
  }
}

async function readPage(source: PageSource, after: string | null): Promise<ExportSyncsQuery['syncLogs']> {
  const { client, clock, filter, stop, say } = source;
  const variables = JSON.stringify({ filter, first: limits.pageSize, after });
  const giveUpAt = clock.steady() + patienceMs;
  for (let lost = false; ; lost = true) {
    try {
      return (await client.requestText(syncsPage, variables, stop)).syncLogs;
    } catch (error) {
      // Before the first page there is nothing to lose by giving up.
      if (after === null || !isPassing(error) || stop.aborted || clock.steady() > giveUpAt) throw error;
      if (!lost) say(`${error.message} Trying again for up to ${patienceMs / 1_000} s.`);
      await clock.sleep(pauseMs, stop);
    }
  }
}
