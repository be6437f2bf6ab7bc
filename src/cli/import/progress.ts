import { SingleBar } from 'cli-progress';
import type { Clock } from '../../core/clock.ts';
import { duration, note } from '../terminal.ts';

/** Between two lines of progress where there is no terminal, milliseconds. */
const plainEveryMs = 3_000;

/** Shows how far an import is: a bar on a terminal, else a line every few seconds; on standard error. */
export interface Progress extends Disposable {
  /**
   * @param bytes of the file, that are done with
   * @param lines that are done with
   */
  update(bytes: number, lines: number): void;
  /** Says something without tearing the bar. */
  say(message: string): void;
}

/** Starts showing. @param totalBytes size of the file */
export function startProgress(totalBytes: number, clock: Clock): Progress {
  const startedAt = clock.now();
  const rates = (bytes: number, lines: number) => {
    const ms = Math.max(1, clock.now() - startedAt);
    const left = bytes === 0 ? '…' : duration((ms * Math.max(0, totalBytes - bytes)) / bytes);
    return {
      lines: lines.toLocaleString('en-US'),
      perSecond: Math.round((lines * 1_000) / ms).toLocaleString('en-US'),
      left,
    };
  };
  return process.stderr.isTTY ? barProgress(totalBytes, rates) : plainProgress(totalBytes, rates, clock);
}

type Rates = (bytes: number, lines: number) => { lines: string; perSecond: string; left: string };

function barProgress(totalBytes: number, rates: Rates): Progress {
  const bar = new SingleBar({
    format: '{bar} {percentage} % · {lines} lines · {perSecond} lines/s · {left} left',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 30,
    hideCursor: true,
    // Node's own handler for signals is the command's business.
    gracefulExit: false,
    stream: process.stderr,
  });
  bar.start(totalBytes, 0, rates(0, 0));
  let last = { bytes: 0, lines: 0 };
  return {
    update(bytes, lines) {
      last = { bytes, lines };
      bar.update(bytes, rates(bytes, lines));
    },
    say(message) {
      bar.stop();
      note(message);
      bar.start(totalBytes, last.bytes, rates(last.bytes, last.lines));
    },
    [Symbol.dispose]: () => bar.stop(),
  };
}

function plainProgress(totalBytes: number, rates: Rates, clock: Clock): Progress {
  let saidAt = clock.now();
  return {
    update(bytes, lines) {
      if (clock.now() - saidAt < plainEveryMs) return;
      saidAt = clock.now();
      const { lines: count, perSecond, left } = rates(bytes, lines);
      note(
        `${Math.floor((100 * bytes) / Math.max(1, totalBytes))} % · ${count} lines · ${perSecond} lines/s · ${left} left`,
      );
    },
    say: note,
    [Symbol.dispose]: () => {},
  };
}
