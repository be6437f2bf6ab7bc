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
import {
  type Span,
  type SpanAttributes,
  type SpanOptions,
  type Tracer,
  traceIdOf,
} from '../../core/tracing.ts';

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
  readonly #current = new AsyncLocalStorage<HubSpan | CarriedSpan>();

  constructor(tracer: OtelApiTracer) {
    this.#tracer = tracer;
  }

  start(name: string, options: SpanOptions = {}): Span {
    const { kind = 'internal', parents = [], attributes, startedAt } = options;
    const sampled = parents.filter(isSampled);
    // Whether the trace is sampled was decided where it came in; a caller's own decision the sampler may overrule.
    if (sampled.length === 0 && kind !== 'server') {
      const carried = parents.find(parent => contextOf(parent) !== null);
      if (carried !== undefined) return new CarriedSpan(traceparentOf(carried));
    }
    const { parent, links } = relate(contextsOf(sampled.length === 0 ? parents.slice(0, 1) : sampled));
    for (const one of sampled) if (one instanceof HubSpan) one.children += 1;
    const context = parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
    const begun = {
      kind: kinds[kind],
      links: links.map(context => ({ context })),
      ...(attributes === undefined ? {} : { attributes: { ...attributes } }),
      ...(startedAt === undefined ? {} : { startTime: startedAt }),
    };
    return new HubSpan(this.#tracer.startSpan(name, begun, context));
  }

  run<T>(span: Span, work: () => T): T {
    return span instanceof HubSpan || span instanceof CarriedSpan ? this.#current.run(span, work) : work();
  }

  current(): Span | undefined {
    const span = this.#current.getStore();
    // What goes on in the background after an operation has ended is not of its trace.
    if (span === undefined || span.hasEnded) return undefined;
    return span instanceof HubSpan && span.children >= limits.spanChildren ? undefined : span;
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

/** Stands for a trace that is not sampled: only carried on, so that most of what is not recorded costs next to nothing. */
class CarriedSpan implements Span {
  hasEnded = false;
  readonly traceparent: string;

  constructor(traceparent: string) {
    this.traceparent = traceparent;
  }

  get traceId(): string {
    return traceIdOf(this.traceparent);
  }

  rename(): void {}
  set(): void {}
  link(): void {}
  fail(): void {}

  end(): void {
    this.hasEnded = true;
  }
}

/** One trace: its child, linked to the other spans of it. Several: linked to all. */
function relate([first, ...others]: readonly SpanContext[]): {
  parent: SpanContext | undefined;
  links: SpanContext[];
} {
  if (first === undefined) return { parent: undefined, links: [] };
  return others.every(({ traceId }) => traceId === first.traceId)
    ? { parent: first, links: others.slice(0, limits.spanLinks) }
    : { parent: undefined, links: [first, ...others].slice(0, limits.spanLinks) };
}

/** By the last bit of its flags. */
function isSampled(parent: Span | string): boolean {
  if (parent instanceof HubSpan) return (parent.context.traceFlags & TraceFlags.SAMPLED) !== 0;
  return /[13579bdf]$/.test(traceparentOf(parent));
}

function traceparentOf(parent: Span | string): string {
  return typeof parent === 'string' ? parent : parent.traceparent;
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
  const context = parseTraceParent(traceparentOf(parent));
  return context === null ? null : { ...context, isRemote: true };
}
