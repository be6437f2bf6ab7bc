import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Tracer as OtelApiTracer,
  type Span as OtelSpan,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import { parseTraceParent } from '@opentelemetry/core';
import { limits } from '../../core/limits.ts';
import type { Span, SpanAttributes, SpanOptions, Tracer } from '../../core/tracing.ts';

const kinds = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
};

/** The hub's spans by OpenTelemetry's SDK. What is current is the hub's own to say: no global of OpenTelemetry's is set. */
export class OtelTracer implements Tracer {
  readonly #tracer: OtelApiTracer;
  readonly #current = new AsyncLocalStorage<HubSpan>();

  constructor(tracer: OtelApiTracer) {
    this.#tracer = tracer;
  }

  start(name: string, { kind = 'internal', parents = [], attributes, startedAt }: SpanOptions = {}): Span {
    for (const parent of parents) if (parent instanceof HubSpan) parent.children += 1;
    const { parent, links } = relate(parents);
    const options = {
      kind: kinds[kind],
      links: links.map(context => ({ context })),
      ...(attributes === undefined ? {} : { attributes: { ...attributes } }),
      ...(startedAt === undefined ? {} : { startTime: startedAt }),
    };
    const context = parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
    return new HubSpan(this.#tracer.startSpan(name, options, context));
  }

  run<T>(span: Span, work: () => T): T {
    return span instanceof HubSpan ? this.#current.run(span, work) : work();
  }

  current(): Span | undefined {
    const span = this.#current.getStore();
    // What goes on in the background after an operation has ended is not of its trace.
    return span === undefined || span.hasEnded || span.children >= limits.spanChildren ? undefined : span;
  }
}

class HubSpan implements Span {
  hasEnded = false;
  children = 0;
  readonly #span: OtelSpan;

  constructor(span: OtelSpan) {
    this.#span = span;
  }

  get context(): SpanContext {
    return this.#span.spanContext();
  }

  get traceId(): string {
    return this.context.traceId;
  }

  get traceparent(): string {
    const { traceId, spanId, traceFlags } = this.context;
    return `00-${traceId}-${spanId}-${(traceFlags & 0xff).toString(16).padStart(2, '0')}`;
  }

  rename(name: string): void {
    this.#span.updateName(name);
  }

  set(attributes: SpanAttributes): void {
    this.#span.setAttributes({ ...attributes });
  }

  link(to: Span): void {
    if (to instanceof HubSpan) this.#span.addLink({ context: to.context });
  }

  fail(type: string): void {
    this.#span.setAttribute('error.type', type);
    this.#span.setStatus({ code: SpanStatusCode.ERROR });
  }

  end(): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.#span.end();
  }
}

/**
 * One trace: its child, linked to the other spans of it. Several: linked to all. What is not sampled counts only where nothing
 * is; it is not even read, as most of a claim's hundreds are like that where little is sampled.
 */
function relate(parents: readonly (Span | string)[]): {
  parent: SpanContext | undefined;
  links: SpanContext[];
} {
  const sampled = contextsOf(parents.filter(isSampled));
  const [first, ...others] = sampled.length > 0 ? sampled : contextsOf(parents.slice(0, 1));
  if (first === undefined) return { parent: undefined, links: [] };
  return others.every(({ traceId }) => traceId === first.traceId)
    ? { parent: first, links: others.slice(0, limits.spanLinks) }
    : { parent: undefined, links: [first, ...others].slice(0, limits.spanLinks) };
}

/** By the last bit of its flags. */
function isSampled(parent: Span | string): boolean {
  const traceparent = typeof parent === 'string' ? parent : parent.traceparent;
  return /[13579bdf]$/.test(traceparent);
}

/** Each once; what is no context is passed over. */
function contextsOf(parents: readonly (Span | string)[]): SpanContext[] {
  const contexts = new Map<string, SpanContext>();
  for (const parent of new Set(parents)) {
    const context = contextOf(parent);
    if (context !== null) contexts.set(context.spanId, context);
  }
  return [...contexts.values()];
}

function contextOf(parent: Span | string): SpanContext | null {
  if (parent instanceof HubSpan) return parent.context;
  const context = typeof parent === 'string' ? parseTraceParent(parent) : null;
  return context === null ? null : { ...context, isRemote: true };
}
