import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { limits } from '../../src/core/limits.ts';
import { traced } from '../../src/core/tracing.ts';
import { OtelTracer } from '../../src/monitoring/tracing/otel-tracer.ts';
import { samplerOf } from '../../src/monitoring/tracing/sampler.ts';
import { type SamplerSettings, tracingSettings } from '../../src/monitoring/tracing/settings.ts';

const everything: SamplerSettings = { kind: 'on', ratio: 1, parentBased: true };

/** A tracer, and the spans that have ended. */
function tracing(sampler = everything) {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({
    sampler: samplerOf(sampler),
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
  });
  return { tracer: new OtelTracer(provider.getTracer('test')), spans: () => exporter.getFinishedSpans() };
}

/** The trace context of a made-up caller. */
function caller(trace: string, flags = '01'): string {
  return `00-${trace.repeat(32)}-${trace.repeat(16)}-${flags}`;
}

test('tracing is off unless an exporter or an endpoint is set, and OTEL_SDK_DISABLED switches it off again', () => {
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };
  const off: Record<string, string>[] = [
    {},
    { OTEL_SERVICE_NAME: 'books', OTEL_TRACES_SAMPLER: 'always_on' },
    { OTEL_TRACES_EXPORTER: 'none', ...endpoint },
    { OTEL_SDK_DISABLED: 'TRUE', ...endpoint },
    { OTEL_EXPORTER_OTLP_ENDPOINT: ' ' },
  ];
  for (const environment of off) assert.deepEqual(tracingSettings(environment), { kind: 'off' });
  const on: Record<string, string>[] = [
    endpoint,
    { OTEL_TRACES_EXPORTER: 'otlp' },
    { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://user:secret@collector/v1/traces' },
  ];
  const collectors = on.map(environment => {
    const settings = tracingSettings(environment);
    return settings.kind === 'on' && settings.collector;
  });
  assert.deepEqual(collectors, ['http://collector:4318', 'http://localhost:4318', 'https://collector']);
});

test('a setting that does not fit leaves tracing off, and is named without its value', () => {
  const wrong: [string, string][] = [
    ['OTEL_TRACES_EXPORTER', 'zipkin'],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:secret'],
    ['OTEL_TRACES_SAMPLER', 'jaeger_remote'],
    ['OTEL_BSP_MAX_QUEUE_SIZE', '-1'],
  ];
  for (const [name, value] of wrong) {
    const settings = tracingSettings({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c', [name]: value });
    assert.ok(settings.kind === 'unfit' && settings.problem.startsWith(`${name}:`), name);
    assert.ok(!settings.problem.includes('secret'));
  }
  const share = { OTEL_TRACES_EXPORTER: 'otlp', OTEL_TRACES_SAMPLER: 'traceidratio' };
  assert.equal(tracingSettings({ ...share, OTEL_TRACES_SAMPLER_ARG: '2' }).kind, 'unfit');
  const settings = tracingSettings({ ...share, OTEL_TRACES_SAMPLER_ARG: '0.01' });
  assert.deepEqual(settings.kind === 'on' && settings.sampler, {
    kind: 'ratio',
    ratio: 0.01,
    parentBased: false,
  });
});

test('what is done for one trace is its child; what is done for several is a trace of its own, linked to them', () => {
  const { tracer, spans } = tracing();
  tracer.start('one', { parents: [caller('a'), caller('a')] }).end();
  tracer.start('several', { parents: [caller('a'), caller('b')] }).end();
  tracer.start('none', { parents: ['no context', `${caller('a')}-`, '00-1'] }).end();
  const [one, several, none] = spans();
  assert.equal(one?.parentSpanContext?.traceId, 'a'.repeat(32));
  assert.deepEqual(one?.links, []);
  assert.equal(several?.parentSpanContext, undefined);
  assert.deepEqual(
    several?.links.map(({ context }) => context.traceId),
    ['a', 'b'].map(trace => trace.repeat(32)),
  );
  assert.deepEqual([none?.parentSpanContext, none?.links], [undefined, []]);
});

test('of several traces those count that are sampled; and what they lead to is sampled, however few are', () => {
  const { tracer, spans } = tracing({ kind: 'ratio', ratio: 0, parentBased: true });
  const unsampled = caller('c', '00');
  tracer.start('one of them', { parents: [unsampled, caller('a')] }).end();
  tracer.start('two of them', { parents: [caller('a'), unsampled, caller('b')] }).end();
  const dark = tracer.start('none of them', { parents: [unsampled, caller('d', '00')] });
  dark.end();
  tracer.start('nobody', {}).end();
  assert.deepEqual(
    spans().map(({ name, links, parentSpanContext }) => [name, links.length, parentSpanContext?.traceId]),
    [
      ['one of them', 0, 'a'.repeat(32)],
      ['two of them', 2, undefined],
    ],
  );
  // Still carried on, so that nobody after decides otherwise.
  assert.match(dark.traceparent, /^00-c{32}-[0-9a-f]{16}-00$/);
});

test('a span is current while it lasts, and until it has as many children as one may', async () => {
  const { tracer } = tracing();
  assert.equal(tracer.current(), undefined);
  const { promise: later, resolve } = Promise.withResolvers<void>();
  const seen: unknown[] = [];
  await traced(tracer, 'operation', {}, async span => {
    assert.equal(tracer.current(), span);
    await pause(1);
    assert.equal(tracer.current(), span);
    void later.then(() => seen.push(tracer.current()));
  });
  resolve();
  await pause(1);
  assert.deepEqual(seen, [undefined], 'what goes on after its end is not of it');
  await traced(tracer, 'many', {}, async span => {
    for (let n = 0; n < limits.spanChildren; n += 1) tracer.start('child', { parents: [span] }).end();
    assert.equal(tracer.current(), undefined);
  });
});

test('a failure is told by its code or class, never by its message', async () => {
  const { tracer, spans } = tracing();
  const faults = [
    Object.assign(new Error('key (secret) exists'), { code: '23505' }),
    new RangeError('secret'),
  ];
  for (const fault of faults)
    await assert.rejects(
      traced(tracer, 'fails', {}, () => Promise.reject(fault)),
      fault,
    );
  assert.deepEqual(
    spans().map(({ attributes }) => attributes),
    [{ 'error.type': '23505' }, { 'error.type': 'RangeError' }],
  );
  assert.ok(!JSON.stringify(spans().map(({ status, events }) => [status, events])).includes('secret'));
});
