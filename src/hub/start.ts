import type { Config } from '../config/config.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import type { Random } from '../core/random.ts';
import type { Tracer } from '../core/tracing.ts';
import type { DatabaseTime } from '../db/clock/database-time.ts';
import type { Meters } from '../monitoring/metrics/meters.ts';

/** Holds what every part is made with. */
export interface Start {
  readonly config: Config;
  readonly clock: Clock;
  /** By the database's clock once the store is open: for what others hold against their own clock. */
  readonly time: DatabaseTime;
  readonly random: Random;
  readonly log: Logger;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Everything that must be closed, in the order of its making; closed the other way round. */
  readonly parts: AsyncDisposableStack;
  readonly meters: Meters;
  /** Null: tracing is off. */
  readonly tracer: Tracer | null;
}
