import type { Clock } from '../../core/clock.ts';
import { limits } from '../../core/limits.ts';
import type { HubClient } from '../client.ts';
import { isPassing } from '../import/sender.ts';
import type { Row } from './columns.ts';
import type { ExportSubject, RowPage } from './subject.ts';

/** Sets how long a hub that does not answer is waited for, and the pauses meanwhile, milliseconds. */
const patienceMs = 60_000;
const pauseMs = 1_000;

/** Holds what pages are read with. */
export interface PageSource {
  readonly client: HubClient;
  readonly clock: Clock;
  readonly subject: ExportSubject;
  /** Ends the reading: the request under way too. */
  readonly stop: AbortSignal;
  /** Told when the hub is lost. */
  readonly say: (message: string) => void;
}

/**
 * The rows of a subject, the newest first, page by page; the next page is asked for while this one is used.
 * What is recorded meanwhile is in none of them.
 * @throws UnreachableError, RefusedError; whatever comes after `stop` is of no meaning
 */
export async function* readPages(source: PageSource): AsyncGenerator<readonly Row[]> {
  let asked = readPage(source, null);
  for (;;) {
    const { rows, after } = await asked;
    if (after !== null) {
      asked = readPage(source, after);
      // Its fault is met when it is awaited; if the reader has left by then, nobody has to know.
      asked.catch(() => {});
    }
    yield rows;
    if (after === null) return;
  }
}

async function readPage(source: PageSource, after: string | null): Promise<RowPage> {
  const { client, clock, subject, stop, say } = source;
  const giveUpAt = clock.steady() + patienceMs;
  for (let lost = false; ; lost = true) {
    try {
      return await subject.page(client, { first: limits.pageSize, after }, stop);
    } catch (error) {
      // Before the first page there is nothing to lose by giving up.
      if (after === null || !isPassing(error) || stop.aborted || clock.steady() > giveUpAt) throw error;
      if (!lost) say(`${error.message} Trying again for up to ${patienceMs / 1_000} s.`);
      await clock.sleep(pauseMs, stop);
    }
  }
}
