import type { Vault } from '../../access/vault.ts';
import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import type { Random } from '../../core/random.ts';
import type { Tracer } from '../../core/tracing.ts';
import type { Database } from '../../db/database.ts';
import type { Breaker } from '../outcome/breaker.ts';
import type { OutcomeWriter } from '../outcome/outcome-writer.ts';
import type { ChangeListener } from '../reading/sync-changes.ts';
import type { AwayWatches } from './away-watch.ts';
import type { FittingSizes } from './fitting-sizes.ts';
import type { ShardClaims } from './shard-claims.ts';

/** Holds what a drain works with. */
export interface DrainDeps {
  readonly db: Database;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly breaker: Breaker;
  readonly changes: ChangeListener;
  readonly claims: ShardClaims;
  /** Which targets are away though they answer. */
  readonly watches: AwayWatches;
  readonly sizes: FittingSizes;
  readonly outcomes: OutcomeWriter;
  /** Null: tracing is off. */
  readonly tracer: Tracer | null;
}
