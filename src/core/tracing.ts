import { errorCodeOf } from './errors.ts';

/** Holds what a span stands for, as OpenTelemetry says it. */
export type SpanKind = 'internal' | 'server' | 'client' | 'producer' | 'consumer';

/** Holds what a span tells. Never a secret, a payload, a statement's parameters or an error's message. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/** Something that is done, as traces show it. */
export interface Span {
  /** Names it to others, as the W3C's `traceparent` header. */
  readonly traceparent: string;
  readonly traceId: string;
  rename(name: string): void;
  set(attributes: SpanAttributes): void;
  /** Leads from this span to one of another trace. */
  link(to: Span): void;
  /** Says that it failed. @param type a code, of few that there are */
  fail(type: string): void;
  /** Ends it; a second end is none. */
  end(): void;
}

/** Says how a span begins. */
export interface SpanOptions {
  /** Left out: internal. */
  readonly kind?: SpanKind;
  /**
   * Holds what it is done for: spans of this process, or `traceparent`s that were carried. One: it is its child. Of several
   * those count that are sampled; if that leaves more than one trace, it begins its own, linked to them. None: a trace of its own.
   */
  readonly parents?: readonly (Span | string)[];
  readonly attributes?: SpanAttributes;
  /** Milliseconds since 1970 by the machine's clock; left out: now. */
  readonly startedAt?: number;
}

/**
 * Makes spans. Whoever takes part in traces has a `Tracer | null`, and null is tracing switched off: the cost is the
 * comparison with it. Only `monitoring/tracing` knows what is behind it.
 */
export interface Tracer {
  start(name: string, options?: SpanOptions): Span;
  /** Calls `work`; in it, and in what it waits for, `current` is this span. */
  run<T>(span: Span, work: () => T): T;
  /** The span that is being worked for; undefined: none, or it has ended, or it has as many children as one may. */
  current(): Span | undefined;
}

/** Does work as a span, current while it lasts. A failure is told by its code alone. */
export async function traced<T>(
  tracer: Tracer,
  name: string,
  options: SpanOptions,
  work: (span: Span) => Promise<T>,
): Promise<T> {
  const span = tracer.start(name, options);
  try {
    return await tracer.run(span, () => work(span));
  } catch (error) {
    span.fail(errorTypeOf(error));
    throw error;
  } finally {
    span.end();
  }
}

/** Gives what a span may tell of an error: its code or its class, as messages may quote what was sent. */
export function errorTypeOf(error: unknown): string {
  return errorCodeOf(error) ?? (error instanceof Error ? error.name : 'Error');
}

/** The trace that a `traceparent` is of. */
export function traceIdOf(traceparent: string): string {
  return traceparent.slice(3, 35);
}
