import type { Tracer } from '../../core/tracing.ts';

/** Tracing, on or off. Dispose of it last, because services that stop before it still make spans. */
export interface Tracing extends AsyncDisposable {
  /** Null: off. */
  readonly tracer: Tracer | null;
}
