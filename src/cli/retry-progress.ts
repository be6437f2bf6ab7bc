import type { SingleBar } from 'cli-progress';
import type { Clock } from '../core/clock.ts';
import { type HubClient, UnreachableError } from './client.ts';
import { graphql } from './generated/gql.ts';
import type { RetryRunsQuery } from './generated/graphql.ts';
import { newBar } from './progress.ts';
import { note } from './terminal.ts';

const retryRuns = graphql(`
  query RetryRuns { compensationRuns(first: 10) { id kind state total lookedAt count errorMessage } }
`);

type Run = RetryRunsQuery['compensationRuns'][number];

/** Sets how often it is asked how far the run is, and how often a line is written where there is no terminal, milliseconds. */
const askEveryMs = 1_000;
const plainEveryMs = 5_000;

/**
 * Waits for a `retrySyncs`, and shows on standard error how far it is. The run goes on in the hub where the answer does
 * not come in time; then its end is waited for.
 * @returns how many were queued
 */
export async function followRetry(client: HubClient, answer: Promise<number>, clock: Clock): Promise<number> {
  const answered = new AbortController();
  const settled = answer.finally(() => answered.abort());
  // Awaited below, after the last look at the run.
  settled.catch(() => {});
  using shown = startShowing(clock);
  let run: Run | undefined;
  while (!answered.signal.aborted) {
    await clock.sleep(askEveryMs, answered.signal);
    if (!answered.signal.aborted) run = shown.show(await findRun(client, run?.id)) ?? run;
  }
  try {
    return await settled;
  } catch (error) {
    if (!(error instanceof UnreachableError) || run === undefined) throw error;
  }
  while (run.state === 'RUNNING') {
    await clock.sleep(askEveryMs);
    run =
      shown.show((await client.request(retryRuns, {})).compensationRuns.find(one => one.id === run?.id)) ??
      run;
  }
  if (run.state === 'FAILED')
    throw new UnreachableError(`The hub gave up: ${run.errorMessage ?? 'its log has the cause'}.`);
  return run.count;
}

/** The run that is under way. Undefined also where it can't be asked now: the answer is what counts. */
async function findRun(client: HubClient, id: string | undefined): Promise<Run | undefined> {
  try {
    const { compensationRuns } = await client.request(retryRuns, {});
    return compensationRuns.find(run =>
      id === undefined ? run.kind === 'RETRY' && run.state === 'RUNNING' : run.id === id,
    );
  } catch {
    return undefined;
  }
}

/** A bar on a terminal, else a line every few seconds; nothing for what is over at once. */
function startShowing(clock: Clock): Disposable & { show(run: Run | undefined): Run | undefined } {
  let bar: SingleBar | undefined;
  let saidAt = clock.now();
  const figures = (run: Run) => ({ count: run.count.toLocaleString('en-US') });
  return {
    show(run) {
      if (run === undefined) return undefined;
      if (process.stderr.isTTY) {
        bar ??= startBar(run, figures(run));
        bar.update(run.lookedAt, figures(run));
      } else if (clock.now() - saidAt >= plainEveryMs) {
        saidAt = clock.now();
        note(
          `${Math.floor((100 * run.lookedAt) / Math.max(1, run.total))} % · ${figures(run).count} queued again`,
        );
      }
      return run;
    },
    [Symbol.dispose]: () => bar?.stop(),
  };
}

function startBar(run: Run, figures: { count: string }): SingleBar {
  const bar = newBar('{bar} {percentage} % · {count} queued again');
  bar.start(Math.max(1, run.total), 0, figures);
  return bar;
}
