import type { Vault } from '../access/vault.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import type { TransportKind } from '../core/model.ts';
import type { Random } from '../core/random.ts';
import type { Tracer } from '../core/tracing.ts';
import type { Database } from '../db/database.ts';
import type { Breaker } from './breaker.ts';
import type { Outcome } from './judge.ts';
import type { ChangeListener } from './sync-changes.ts';

/** Who counts attempts. */
export interface AttemptMeter {
  attempted(transport: TransportKind, attempts: readonly Outcome[]): void;
}

/** What a drain works with. */
export interface DrainDeps {
  readonly db: Database;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly breaker: Breaker;
  readonly changes: ChangeListener;
  readonly meter: AttemptMeter;
  /** Null: tracing is off. */
  readonly tracer: Tracer | null;
}
