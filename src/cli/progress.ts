import { SingleBar } from 'cli-progress';
import type { Clock } from '../core/clock.ts';
import { duration, note } from './terminal.ts';

/** Between two lines of progress where there is no terminal, milliseconds. */
const plainEveryMs = 3_000;

/** Holds what is counted. */
export interface Measure {
  /** Says how much there is to do, in whatever unit; null: nobody knows. */
  readonly total: number | null;
  /** Holds what is counted beside it: lines, syncs. */
  readonly things: string;
}

/** Shows how far a long command is: a bar on a terminal, else a line every few seconds; on standard error. */
export interface Progress extends Disposable {
  /**
   * @param done of the total
   * @param count of the things that are done with
   */
  update(done: number, count: number): void;
  /** Says something without tearing the bar. */
  say(message: string): void;
}

/** Starts showing. */
export function startProgress(measure: Measure, clock: Clock): Progress {
  const { total, things } = measure;
  const startedAt = clock.steady();
  const rates = (done: number, count: number) => {
    const ms = Math.max(1, clock.steady() - startedAt);
    const left = total === null || done === 0 ? '…' : duration((ms * Math.max(0, total - done)) / done);
    return {
      things,
      count: count.toLocaleString('en-US'),
      perSecond: Math.round((count * 1_000) / ms).toLocaleString('en-US'),
      left,
    };
  };
  return process.stderr.isTTY && total !== null
    ? barProgress(total, rates)
    : plainProgress(total, rates, clock);
}

type Rates = (
  done: number,
  count: number,
) => { things: string; count: string; perSecond: string; left: string };

/** A bar on standard error; not started. */
export function newBar(format: string): SingleBar {
  return new SingleBar({
    format,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 30,
    hideCursor: true,
    // Node's own handler for signals is the command's business.
    gracefulExit: false,
    stream: process.stderr,
  });
}

function barProgress(total: number, rates: Rates): Progress {
  const bar = newBar('{bar} {percentage} % · {count} {things} · {perSecond} {things}/s · {left} left');
  bar.start(total, 0, rates(0, 0));
  let last = { done: 0, count: 0 };
  return {
    update(done, count) {
      last = { done, count };
      bar.update(done, rates(done, count));
    },
    say(message) {
      bar.stop();
      note(message);
      bar.start(total, last.done, rates(last.done, last.count));
    },
    [Symbol.dispose]: () => bar.stop(),
  };
}

function plainProgress(total: number | null, rates: Rates, clock: Clock): Progress {
  let saidAt = clock.steady();
  return {
    update(done, count) {
      if (clock.steady() - saidAt < plainEveryMs) return;
      saidAt = clock.steady();
      const { things, count: counted, perSecond, left } = rates(done, count);
      const percent = total === null ? '' : `${Math.floor((100 * done) / Math.max(1, total))} % · `;
      note(`${percent}${counted} ${things} · ${perSecond} ${things}/s · ${left} left`);
    },
    say: note,
    [Symbol.dispose]: () => {},
  };
}
