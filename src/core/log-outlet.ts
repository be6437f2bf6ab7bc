import { fstatSync, writeSync } from 'node:fs';
import { limits } from './limits.ts';

/** Says where log lines go. A stream of Node's is one. */
export interface LogTarget {
  /** Holds what it was given and has not written yet, in bytes (or characters). */
  readonly writableLength: number;
  /** @param done is told when it is written, with the error where it can't be */
  write(text: string, done: (error?: Error | null) => void): unknown;
}

/** Holds what an outlet needs. */
export interface LogOutletOptions {
  readonly target: LogTarget;
  /** A line as it is shown. */
  readonly format: (line: string) => string;
  /** Is told of each line that was dropped. */
  readonly onDrop: () => void;
}

/**
 * Takes log lines to their target, and waits for nobody: where the log's reader reads nothing, or its disk is full, what
 * waits is bounded, further lines are dropped, and once there is room again a line says how many they were.
 */
export class LogOutlet {
  readonly #options: LogOutletOptions;
  #dropped = 0;

  constructor(options: LogOutletOptions) {
    this.#options = options;
  }

  /** Takes one line. It never throws, and never blocks on a pipe. */
  write(line: string): void {
    const { target, format } = this.#options;
    const text = format(line);
    if (target.writableLength > 0 && target.writableLength + text.length > limits.logWaitingBytes)
      return this.#drop();
    target.write(text, error => (error == null ? this.#told() : this.#drop()));
  }

  #drop(): void {
    this.#dropped += 1;
    this.#options.onDrop();
  }

  /** Says how many lines were dropped, once what waited before them is half written. */
  #told(): void {
    const { target, format } = this.#options;
    if (this.#dropped === 0 || target.writableLength > limits.logWaitingBytes / 2) return;
    const dropped = this.#dropped;
    this.#dropped = 0;
    const notice = {
      // Of pino's levels: warn.
      level: 40,
      time: new Date().toISOString(),
      dropped_lines: dropped,
      msg: 'log lines were dropped here, as they were not read or written fast enough',
    };
    target.write(format(`${JSON.stringify(notice)}\n`), error => {
      if (error != null) this.#dropped += dropped;
    });
  }
}

/**
 * Standard error. Node writes to pipes without blocking, and keeps what does not fit. pino's own destinations write to
 * them in a thread, or block the process: while nobody reads, neither lets the process end.
 */
export function standardError(): LogTarget {
  const kind = fstatSync(2);
  const isStream = kind.isFIFO() || kind.isSocket() || process.stderr.isTTY;
  return isStream ? process.stderr : fileTarget(2);
}

/** An open file. It is written at once: after an error, such as of a full disk, the next line is tried again. */
export function fileTarget(fd: number): LogTarget {
  return {
    writableLength: 0,
    write(text, done) {
      try {
        for (let rest = Buffer.from(text); rest.length > 0; ) rest = rest.subarray(writeSync(fd, rest));
      } catch (error) {
        return done(error instanceof Error ? error : new Error(String(error)));
      }
      return done();
    },
  };
}
