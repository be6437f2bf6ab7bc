import { type DestinationStream, type Logger, pino, stdSerializers } from 'pino';
import { prettyFactory } from 'pino-pretty';
import { LogOutlet, standardError } from './log-outlet.ts';

export type { Logger } from 'pino';

/** Says how the hub logs. */
export interface LoggerOptions {
  /** A pino level: trace, debug, info, warn, error, fatal or silent. */
  readonly level: string;
  /** For people (colours, one line a thing) rather than JSON lines. */
  readonly pretty: boolean;
  /** Says where to; left out: standard error, so that a command's standard output stays its own. */
  readonly destination?: DestinationStream;
  /** Is told of each line that could not be written. */
  readonly onDrop?: () => void;
  /** The trace that a line belongs to. Left out: lines tell of none. */
  readonly traceId?: () => string | undefined;
}

/**
 * The process's logger. What could be a secret is cut out by path here as a second fence; the first is that
 * nothing hands secrets to a logger.
 */
export function createLogger(options: LoggerOptions): Logger {
  const { traceId } = options;
  const settings = {
    level: options.level,
    base: undefined,
    ...(traceId === undefined ? {} : { mixin: () => traceFields(traceId()) }),
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: stdSerializers.err },
    redact: {
      paths: ['secret', '*.secret', 'authorization', '*.authorization', 'key', '*.key'],
      censor: '[secret]',
    },
  };
  return pino(settings, options.destination ?? outletOf(options));
}

/** The way to standard error. */
function outletOf({ pretty, onDrop = () => {} }: LoggerOptions): LogOutlet {
  const format = pretty
    ? prettyFactory({ colorize: process.stderr.isTTY, singleLine: true, translateTime: 'SYS:HH:MM:ss.l' })
    : (line: string) => line;
  return new LogOutlet({ target: standardError(), format, onDrop });
}

/** A new object each time: pino writes the line's own fields into it. */
function traceFields(traceId: string | undefined): object {
  return traceId === undefined ? {} : { trace_id: traceId };
}
