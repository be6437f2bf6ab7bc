import { Vault } from '../../src/access/vault.ts';
import { systemClock } from '../../src/core/clock.ts';
import { Database } from '../../src/db/database.ts';
import { AwayWatches } from '../../src/delivery/drain/away-watch.ts';
import { BacklogWork } from '../../src/delivery/drain/backlog-work.ts';
import type { DrainDeps } from '../../src/delivery/drain/drain-deps.ts';
import { FittingSizes } from '../../src/delivery/drain/fitting-sizes.ts';
import { ShardClaims } from '../../src/delivery/drain/shard-claims.ts';
import { Breaker } from '../../src/delivery/outcome/breaker.ts';
import { OutcomeWriter } from '../../src/delivery/outcome/outcome-writer.ts';
import { encryptionKey } from './hub.ts';
import { keptLog } from './sockets.ts';

/** Holds what drains and probes work with, on a hub's database, apart from that hub. */
export interface ProbeDeps extends AsyncDisposable {
  readonly deps: DrainDeps;
  /** Gives what was logged. */
  lines(): Record<string, unknown>[];
}

/** Opens a second process's view of a hub's database, so that a test may probe and drain with a transport of its own. */
export async function openProbing(databaseUrl: string): Promise<ProbeDeps> {
  const { log, lines } = keptLog();
  const db = await Database.connect({ url: databaseUrl, poolSize: 4, log });
  const changes = { note: () => {}, isWatched: false };
  const deps = { db, log, clock: systemClock, changes, tracer: null };
  const backlog = new BacklogWork({ db, changes, reopen: () => {}, nextBatch: () => new Date() });
  const outcomes = new OutcomeWriter({ ...deps, meter: { attempted: () => {} } });
  return {
    deps: {
      ...deps,
      outcomes,
      vault: new Vault(encryptionKey),
      random: () => 0,
      breaker: new Breaker({ db, log, backlog }),
      claims: new ShardClaims(db),
      watches: new AwayWatches(),
      sizes: new FittingSizes(systemClock),
    },
    lines,
    async [Symbol.asyncDispose]() {
      await db[Symbol.asyncDispose]();
    },
  };
}
