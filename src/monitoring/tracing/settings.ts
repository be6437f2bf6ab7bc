/** Which traces are recorded, where nobody before the hub has decided that. */
export interface SamplerSettings {
  readonly kind: 'on' | 'off' | 'ratio';
  /** Of `ratio`: the share, 0 to 1. */
  readonly ratio: number;
  /** True when the caller's decision, where there is one, comes first. */
  readonly parentBased: boolean;
}

/** Says how spans wait to be exported; undefined: the SDK's own default. */
export interface BatchSettings {
  readonly scheduledDelayMillis: number | undefined;
  readonly exportTimeoutMillis: number | undefined;
  readonly maxQueueSize: number | undefined;
  readonly maxExportBatchSize: number | undefined;
}

/** Holds what the OTEL_… variables ask for. */
export type TracingSettings =
  | { readonly kind: 'off' }
  /** Off, though something is set: `problem` says what does not fit, without a value that might be a secret. */
  | { readonly kind: 'unfit'; readonly problem: string }
  | {
      readonly kind: 'on';
      readonly protocol: 'http/protobuf' | 'http/json';
      /** Scheme, host and port that spans go to. */
      readonly collector: string;
      readonly sampler: SamplerSettings;
      readonly batch: BatchSettings;
      /** True when OTEL_EXPORTER_OTLP_TIMEOUT says how long one export may take. */
      readonly timeoutIsSet: boolean;
    };

type Environment = Readonly<Record<string, string | undefined>>;

const samplers: Readonly<Record<string, Omit<SamplerSettings, 'ratio'>>> = {
  always_on: { kind: 'on', parentBased: false },
  always_off: { kind: 'off', parentBased: false },
  traceidratio: { kind: 'ratio', parentBased: false },
  parentbased_always_on: { kind: 'on', parentBased: true },
  parentbased_always_off: { kind: 'off', parentBased: true },
  parentbased_traceidratio: { kind: 'ratio', parentBased: true },
};

class UnfitSetting extends Error {}

/**
 * Reads the OTEL_… variables that decide whether and what the hub traces; the exporter reads the others (headers,
 * certificates, compression, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES) by itself. Never throws: tracing is not what a hub should fail by.
 */
export function tracingSettings(environment: Environment): TracingSettings {
  const read = (...names: string[]) => names.map(name => environment[name]?.trim()).find(Boolean);
  const exporter = read('OTEL_TRACES_EXPORTER');
  const endpoint = read('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT');
  if (read('OTEL_SDK_DISABLED')?.toLowerCase() === 'true') return { kind: 'off' };
  if (exporter === 'none' || (exporter === undefined && endpoint === undefined)) return { kind: 'off' };
  try {
    if (exporter !== undefined && !exporter.split(',').some(name => name.trim() === 'otlp'))
      throw new UnfitSetting('OTEL_TRACES_EXPORTER: the hub knows otlp and none.');
    return {
      kind: 'on',
      protocol: protocolOf(read('OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL')),
      collector: collectorOf(endpoint ?? 'http://localhost:4318'),
      sampler: samplerOf(read('OTEL_TRACES_SAMPLER'), read('OTEL_TRACES_SAMPLER_ARG')),
      batch: {
        scheduledDelayMillis: countOf(read, 'OTEL_BSP_SCHEDULE_DELAY'),
        exportTimeoutMillis: countOf(read, 'OTEL_BSP_EXPORT_TIMEOUT'),
        maxQueueSize: countOf(read, 'OTEL_BSP_MAX_QUEUE_SIZE'),
        maxExportBatchSize: countOf(read, 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE'),
      },
      timeoutIsSet: read('OTEL_EXPORTER_OTLP_TRACES_TIMEOUT', 'OTEL_EXPORTER_OTLP_TIMEOUT') !== undefined,
    };
  } catch (error) {
    if (error instanceof UnfitSetting) return { kind: 'unfit', problem: error.message };
    throw error;
  }
}

function protocolOf(given = 'http/protobuf'): 'http/protobuf' | 'http/json' {
  if (given === 'http/protobuf' || given === 'http/json') return given;
  throw new UnfitSetting('OTEL_EXPORTER_OTLP_PROTOCOL: the hub speaks http/protobuf and http/json.');
}

function collectorOf(endpoint: string): string {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol)) return url.origin;
  throw new UnfitSetting('OTEL_EXPORTER_OTLP_ENDPOINT: this is no http:// or https:// address.');
}

function samplerOf(name = 'parentbased_always_on', share = '1'): SamplerSettings {
  const sampler = samplers[name];
  if (sampler === undefined)
    throw new UnfitSetting(`OTEL_TRACES_SAMPLER: one of ${Object.keys(samplers).join(', ')}.`);
  const ratio = Number(share);
  if (sampler.kind === 'ratio' && !(ratio >= 0 && ratio <= 1))
    throw new UnfitSetting('OTEL_TRACES_SAMPLER_ARG: a share from 0 to 1.');
  return { ...sampler, ratio };
}

function countOf(read: (name: string) => string | undefined, name: string): number | undefined {
  const given = read(name);
  if (given === undefined) return undefined;
  if (/^[1-9]\d{0,8}$/.test(given)) return Number(given);
  throw new UnfitSetting(`${name}: a whole number above 0.`);
}
